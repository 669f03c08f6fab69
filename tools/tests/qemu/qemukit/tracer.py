# SPDX-License-Identifier: LGPL-2.1-only
"""`xl colo-trace` as a process, and what it reports.

Each one keeps a record, and what --check makes of it later has to be what was
reported at once.  Called by test_trace*.py.
"""
from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, Dict, List, Tuple

from .kept import bounded
from .machine import Folder
from .qmp import LIMIT_S

XL = os.environ.get("XL") or str(
    Path(__file__).resolve().parents[4] / "build" / "xl")
LIVE_ONLY = ("listening", "connected")
HEADER = 24    # octets of a record's header, and of each piece's
HEAD = 16
Event = Dict[str, Any]


def run(*arguments: str) -> Tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    done = subprocess.run([XL, "colo-trace", *arguments],
                          stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=LIMIT_S)
    return done.returncode, done.stdout, done.stderr


class Tracer:
    """Between @listen, where the primary is sent, and @connect."""

    def __init__(self, folder: Folder, connect: str, *options: str,
                 listen: str = "") -> None:
        self.record = folder.file("record")
        self.lines: List[str] = []
        self.events: List[Event] = []
        self.news = threading.Condition()
        self.over = False
        self.process = subprocess.Popen(
            [XL, "colo-trace", "--json", "--record", self.record, *options,
             listen or folder.uri("trace"), connect],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            preexec_fn=bounded)
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> "Tracer":
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.kill()
        self.process.wait()
        with self.news:
            self.news.wait_for(lambda: self.over, LIMIT_S)
        assert self.process.stdout
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line)
                self.events.append(json.loads(line))
                self.news.notify_all()
        with self.news:
            self.over = True
            self.news.notify_all()

    def of(self, event: str) -> List[Event]:
        with self.news:
            return [e for e in self.events if e["event"] == event]

    def wait(self, event: str, behind: str = "", **members: Any) -> Event:
        """The first of that name and with those members; @behind: behind one
        of this name."""
        def found() -> List[Event]:
            names = [e["event"] for e in self.events]
            begin = names.index(behind) + 1 if behind in names else 0
            if behind and not begin:
                return []
            return [e for e in self.events[begin:] if e["event"] == event
                    and members.items() <= e.items()]
        with self.news:
            self.news.wait_for(lambda: found() or self.over, LIMIT_S)
            assert found(), "no %s in %s" % (event, "".join(self.lines))
            return found()[0]

    def address(self) -> str:
        return self.wait("listening")["address"]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def end(self) -> int:
        """Its exit code, once both QEMUs are gone; and the record says the
        same."""
        code = self.process.wait(LIMIT_S)
        with self.news:
            self.news.wait_for(lambda: self.over, LIMIT_S)
        live = [line for line, e in zip(self.lines, self.events)
                if e["event"] not in LIVE_ONLY]
        again, out, err = run("--check", "--json", "--messages", self.record)
        told = [line for line in out.splitlines(True)
                if self.of("message") or '"event":"message"' not in line]
        assert (again, told, err) == (code, live, ""), \
            "live %d %s\ncheck %d %s%s" % (code, "".join(live), again,
                                           "".join(told), err)
        return code

    def recorded(self) -> Dict[int, bytes]:
        """Octets of the record by kind: 1 forward, 2 back."""
        data = Path(self.record).read_bytes()
        found = {1: b"", 2: b""}
        at = HEADER
        while at < len(data):
            kind = data[at + 8]
            length = int.from_bytes(data[at + 12:at + 16], "big")
            body = data[at + HEAD:at + HEAD + length]
            found[kind] = found.get(kind, b"") + body
            at += HEAD + length
        return found
