# SPDX-License-Identifier: LGPL-2.1-only
"""A client that writes all the time and proves what was lost.

Sends numbered writes to ackd (guest/ackd.c), one at a time, reconnecting as
needed, and at the end asks for every write that was acknowledged.  Runs as a
process of its own in the client namespace (`lab _write`); Writer starts it
and reads its report.  Never uses the agents.
"""
from __future__ import annotations

import errno
import json
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from . import net
from .errors import LabError
from .rundir import LAB, RunDir, end_process, record

PORT = 7101
CONNECT_EVERY_S = 0.2
LIST_CHUNK = 10000
TOP_GAPS = 10


def quickest(address: Tuple[str, int], every_s: float, limit_s: float
             ) -> Optional[socket.socket]:
    """A connection by the attempt that is answered first.

    A new attempt every while, since the kernel's own repeats are a second
    apart; an old one goes on, since its answer may only be held for an epoch.
    """
    tries: List[socket.socket] = []
    found: Optional[socket.socket] = None
    started = time.monotonic()
    while not found and time.monotonic() < started + limit_s:
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setblocking(False)
        if s.connect_ex(address) not in (0, errno.EINPROGRESS):
            s.close()
            time.sleep(every_s)
            continue
        tries.append(s)
        for ready in select.select([], tries, [], every_s)[1]:
            if ready.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                tries.remove(ready)
                ready.close()
            elif not found:
                found = ready
    for s in tries:
        if s is not found:
            s.close()
    return found


class Session:
    """The writing itself; everything it saw."""

    def __init__(self, address: str, options: Dict[str, Any]) -> None:
        self.address = address
        self.options = options
        self.sock: Optional[socket.socket] = None
        self.lines: Any = None
        self.acks: List[Tuple[float, int, str]] = []
        self.events: Dict[str, int] = {"connects": 0, "resets": 0,
                                       "closes": 0, "reply_timeouts": 0,
                                       "connect_failures": 0, "resent": 0}
        self.conflicts: List[str] = []
        self.boots: List[str] = []
        self.stopping = False

    def _event(self, name: str) -> None:
        self.events[name] += 1

    def disconnect(self) -> None:
        if self.sock:
            self.lines.close()
            self.sock.close()
        self.sock = None

    def connect(self) -> bool:
        if self.sock:
            return True
        self.sock = quickest((self.address, PORT), CONNECT_EVERY_S,
                             self.options["connect_timeout"])
        if not self.sock:
            self._event("connect_failures")
            return False
        self.sock.settimeout(self.options["reply_timeout"])
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines = self.sock.makefile("r")
        self._event("connects")
        return True

    def exchange(self, line: str) -> Optional[str]:
        """One line out, one line in; None (disconnected) on any failure."""
        if not self.connect():
            return None
        assert self.sock
        try:
            self.sock.sendall(line.encode() + b"\n")
            answer = self.lines.readline()
            if answer.endswith("\n"):
                return answer.strip()
            self._event("closes")
        except socket.timeout:
            self._event("reply_timeouts")
        except ConnectionResetError:
            self._event("resets")
        except OSError:
            self._event("closes")
        self.disconnect()
        return None

    def write(self, number: int, log: Any) -> bool:
        """Until write `number` is acknowledged or we are told to stop."""
        payload = "w%d-%s" % (number, "x" * self.options["size"])
        tries = 0
        while not self.stopping:
            if tries:
                self._event("resent")
            answer = self.exchange("W %d %s" % (number, payload))
            now = time.time()
            words = (answer or "").split()
            if len(words) == 4 and words[:2] == ["A", str(number)]:
                self.acks.append((now, number, words[2]))
                if words[3] not in self.boots:
                    self.boots.append(words[3])
                log.write("%.6f %d\n" % (now, number))
                log.flush()
                return True
            if answer:
                self.conflicts.append(answer)
                return False
            tries += 1
            time.sleep(self.options["retry_pause"])
        return False

    def loop(self, log: Any) -> None:
        number = self.options["first"]
        until = time.time() + (self.options["seconds"] or 1e9)
        pace = self.options["pace_ms"] / 1000.0
        due = time.time()
        while not self.stopping and time.time() < until:
            if self.write(number, log):
                number += 1
            elif self.conflicts:
                return
            due = max(due + pace, time.time() - pace)
            time.sleep(max(0.0, due - time.time()))

    def stored(self) -> Optional[Tuple[str, Dict[int, str]]]:
        """The guest's summary and what it holds of our range."""
        summary = self.exchange("R")
        if not summary:
            return None
        held: Dict[int, str] = {}
        if not self.acks:
            return summary, held
        last = self.acks[-1][1]
        for start in range(self.acks[0][1], last + 1, LIST_CHUNK):
            line: Optional[str] = self.exchange(
                "L %d %d" % (start, min(last, start + LIST_CHUNK - 1)))
            while line is not None and line != ".":
                number, digest = line.split()
                held[int(number)] = digest
                try:
                    line = self.lines.readline().strip() or None
                except OSError:
                    line = None
            if line is None:
                self.disconnect()
                return None
        return summary, held

    def verify(self) -> Dict[str, Any]:
        limit = time.time() + self.options["verify_seconds"]
        found = None
        while found is None and time.time() < limit:
            found = self.stored()
            if found is None:
                time.sleep(0.2)
        if found is None:
            return {"verified": False}
        words = found[0].split()
        held = found[1]
        lost = [n for _, n, _ in self.acks if n not in held]
        changed = [n for _, n, d in self.acks if held.get(n, d) != d]
        return {"verified": True, "lost": len(lost), "lost_first": lost[:10],
                "changed": len(changed), "changed_first": changed[:10],
                "contiguous": int(words[1]), "stored": int(words[2]),
                "boot": words[4], "duplicates": int(words[5])}

    def report(self) -> Dict[str, Any]:
        times = [t for t, _, _ in self.acks]
        gaps = sorted(((b - a, a, b) for a, b in zip(times, times[1:])),
                      reverse=True)[:TOP_GAPS]
        value: Dict[str, Any] = {
            "address": self.address, "acknowledged": len(self.acks),
            "first_ack": times[0] if times else None,
            "last_ack": times[-1] if times else None,
            "longest_gap_s": gaps[0][0] if gaps else None,
            "gaps": [{"seconds": g, "last_before": a, "first_after": b}
                     for g, a, b in gaps],
            "boots": self.boots, "conflicts": self.conflicts}
        value.update(self.events)
        value.update(self.verify())
        return value


DEFAULTS: Dict[str, Any] = {
    "first": 1, "seconds": 0.0, "pace_ms": 10.0, "size": 32,
    "connect_timeout": 1.0, "reply_timeout": 0.5, "retry_pause": 0.02,
    "verify_seconds": 20.0}


def main(address: str, options: Dict[str, Any], log_path: str) -> int:
    """The process: writes until told to stop, then prints its report."""
    session = Session(address, dict(DEFAULTS, **options))

    def stop(_number: int, _frame: object) -> None:
        session.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with open(log_path, "w") as log:
        session.loop(log)
    session.stopping = True
    report = session.report()
    print(json.dumps(report, indent=1))
    good = report["verified"] and not report["lost"] and \
        not report["changed"] and not report["conflicts"]
    return 0 if good else 1


class Writer:
    """A running writer, seen from a test program."""

    def __init__(self, run: RunDir, address: str, **options: Any) -> None:
        self.run = run
        number = len(list(run.path.glob("writer-*.log")))
        self.log = run.path / ("writer-%d.log" % number)
        self.log.touch()
        self.verify_s = options.get("verify_seconds",
                                    DEFAULTS["verify_seconds"])
        argv = [sys.executable, str(LAB / "lab"), "--run", str(run.path),
                "_write", address, str(self.log), json.dumps(options)]
        self.process = subprocess.Popen(
            net.command(run.namespace, argv), stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL, start_new_session=True)

    def acks(self) -> List[Tuple[float, int]]:
        """Every acknowledged write so far: (time.time(), number)."""
        lines = self.log.read_text().splitlines(keepends=True)
        pairs = (line.split() for line in lines if line.endswith("\n"))
        return [(float(t), int(n)) for t, n in pairs]

    def wait_acks(self, more: int, limit_s: float = 30) -> None:
        """Until `more` writes were acknowledged from now on."""
        goal = len(self.acks()) + more
        limit = time.monotonic() + limit_s
        while len(self.acks()) < goal:
            if time.monotonic() > limit:
                raise LabError("writer: no %d acknowledgements within %g s"
                               % (more, limit_s))
            time.sleep(0.05)

    def around(self, moment: float) -> Tuple[Optional[float],
                                             Optional[float]]:
        """Times of the last ack before and the first after `moment`."""
        times = [t for t, _ in self.acks()]
        before = [t for t in times if t <= moment]
        after = [t for t in times if t > moment]
        return (before[-1] if before else None, after[0] if after else None)

    def first_after(self, moment: float, limit_s: float) -> Optional[float]:
        """Time of the first ack after `moment`; waits for it."""
        limit = time.monotonic() + limit_s
        while time.monotonic() < limit:
            found = self.around(moment)[1]
            if found is not None:
                return found
            time.sleep(0.02)
        return None

    def stop(self) -> Dict[str, Any]:
        """Ends the writing, verifies, and returns the report."""
        self.process.terminate()
        try:
            out, _ = self.process.communicate(timeout=self.verify_s + 30)
        except subprocess.TimeoutExpired:
            end_process(record(self.process.pid))
            raise LabError("writer: no report") from None
        if not out:
            raise LabError("writer: no report (exit %d)"
                           % self.process.returncode)
        return json.loads(out)


def log_path(run: RunDir) -> Path:
    return run.path / "writer-cli.log"
