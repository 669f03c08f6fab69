# SPDX-License-Identifier: LGPL-2.1-only
"""A running `xl remus` on a host, and what its output says.

Starts the command through the host's agent and reads its lines as they come.
Never decides what is right.  Called by stage.py and the checks.
"""
from __future__ import annotations

import re
import signal
import threading
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple

from labkit import LabError

from .harness import Failure

WORD = re.compile(r'(\w+)=("[^"]*"|\S*)')


def words(line: str) -> Dict[str, str]:
    """The key=value pairs of a line."""
    return {k: v.strip('"') for k, v in WORD.findall(line)}


class Remote:
    """A command on a host that runs beside the test."""

    def __init__(self, lab: Any, host: str, argv: Sequence[str],
                 env: Optional[Dict[str, str]] = None) -> None:
        self.lab = lab
        self.host = host
        self.lines: List[Tuple[float, str]] = []
        self.errors: List[str] = []
        self.pid = 0
        self.status: Optional[int] = None
        self.lost = False
        self._rest = {"o": b"", "r": b""}
        self.done = threading.Event()
        # The command's pid, for those who want to kill it.
        self.call = lab.call(host, ["sh", "-c", 'echo "pid=$$"; exec "$@"',
                                    "sh"] + list(argv), env)
        self.call.feed(None)
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self) -> None:
        try:
            self.status = self.call.wait(
                lambda d: self._take("o", d), lambda d: self._take("r", d),
                None, self.lab.host(self.host).alive)
        except LabError:
            self.lost = True
        except (OSError, ValueError):  # closed by end()
            self.lost = True
        self.done.set()

    def _take(self, kind: str, data: bytes) -> None:
        parts = (self._rest[kind] + data).split(b"\n")
        self._rest[kind] = parts.pop()
        now = time.time()
        for part in parts:
            line = part.decode(errors="replace")
            if kind == "r":
                self.errors.append(line)
            elif not self.pid and line.startswith("pid="):
                self.pid = int(line[4:])
            else:
                self.lines.append((now, line))

    def signal(self, number: int = signal.SIGINT) -> None:
        self.call.signal(number)

    def wait_end(self, limit_s: float) -> int:
        """Its exit status."""
        if not self.done.wait(limit_s):
            raise Failure("the command on %s has not ended after %g s"
                          % (self.host, limit_s))
        if self.status is None:
            raise Failure("the command on %s was lost" % self.host)
        return self.status

    def end(self) -> None:
        """Whatever it does: it is over."""
        if not self.done.is_set():
            self.call.close()
            self.done.wait(5)

    def tail(self, count: int = 8) -> List[str]:
        text = [t for _, t in list(self.lines)
                if not t.startswith(("epoch ", "progress "))][-count:]
        return text + self.errors[-count:]


class Protection(Remote):
    """One `xl remus` of ours."""

    def states(self) -> List[Tuple[float, str]]:
        """(when, phase) of each change."""
        return [(t, words(line).get("to", "")) for t, line in
                list(self.lines) if line.startswith("state ")]

    def wait_state(self, wanted: str, limit_s: float) -> float:
        """Until it came to this phase; when that was."""
        limit = time.monotonic() + limit_s
        while True:
            over = self.done.is_set()
            for when, phase in self.states():
                if phase == wanted:
                    return when
            if over:
                raise Failure("xl remus ended (%s) before it was %s: %s" % (
                    self.status, wanted, " | ".join(self.tail(3))))
            if time.monotonic() > limit:
                raise Failure("not %s after %g s: %s" % (
                    wanted, limit_s, " | ".join(self.tail(3))))
            time.sleep(0.02)

    def epochs(self) -> List[Dict[str, float]]:
        """The figures of each epoch so far (with -v)."""
        found = []
        for _, line in list(self.lines):
            if line.startswith("epoch "):
                pairs = words(line)
                pairs.pop("domain", None)
                found.append({k: float(v) for k, v in pairs.items()})
        return found

    def wait_epochs(self, more: int, limit_s: float) -> None:
        goal = len(self.epochs()) + more
        limit = time.monotonic() + limit_s
        while len(self.epochs()) < goal:
            if self.done.is_set() or time.monotonic() > limit:
                raise Failure("no %d epochs within %g s: %s" % (
                    more, limit_s, " | ".join(self.tail(3))))
            time.sleep(0.05)

    def summary(self) -> Dict[str, str]:
        for _, line in list(self.lines):
            if line.startswith("summary "):
                return words(line)
        return {}
