# SPDX-License-Identifier: LGPL-2.1-only
"""One QEMU without a vCPU: its process, its memory, its part in COLO.

Its memory is a shared file that the test writes.  QEMU doesn't notice that;
but it writes one octet to each page of @dirty whenever it resets, and so sends
those pages.  Called by pair.py and by tests.
"""
from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from typing import Any, Iterator, List, Optional, Sequence

from .qmp import Qmp, QmpError

PROGRAM = "qemu-system-x86_64"
PAGE = 4096
PAGES = 32
MARK = 0x5a             # the octet at the beginning of a page of @dirty
NEVER_MS = 10 ** 9      # no checkpoint by the clock
PR_SET_PDEATHSIG = 1


def available() -> bool:
    return shutil.which(PROGRAM) is not None


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Folder:
    """Sockets, memory and output of some QEMUs; gone afterwards."""

    def __enter__(self) -> "Folder":
        self.path = tempfile.mkdtemp(prefix="qemu-")
        return self

    def __exit__(self, *_: Any) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name: str) -> str:
        return os.path.join(self.path, name)

    def uri(self, name: str) -> str:
        return "unix:" + self.file(name)


class Machine:
    """A QEMU process; a context manager that ends it, whatever happened."""

    def __init__(self, folder: Folder, name: str, dirty: Sequence[int] = (),
                 pages: int = PAGES, extra: Sequence[str] = (),
                 oob: bool = False) -> None:
        self.folder = folder
        self.name = name
        self.dirty = list(dirty)
        self.pages = pages
        self.extra = list(extra)
        self.oob = oob
        self.delay = NEVER_MS
        self.process: Optional[subprocess.Popen] = None
        self.qmp: Any = None    # a Qmp, once it is started

    def __enter__(self) -> "Machine":
        try:
            self._start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()

    def _start(self) -> None:
        octets = self.pages * PAGE
        path = self.folder.file(self.name + ".ram")
        with open(path, "w+b") as f:
            f.truncate(octets)
            self.ram = mmap.mmap(f.fileno(), octets)
        mark = self.folder.file("mark")
        with open(mark, "wb") as f:
            f.write(bytes([MARK]))
        ours, theirs = socket.socketpair()
        self.socket = ours
        argv = [PROGRAM, "-nodefaults", "-no-user-config", "-display", "none",
                "-accel", "tcg", "-machine", "none,memory-backend=m",
                "-m", "%dK" % (octets >> 10), "-object",
                "memory-backend-file,id=m,size=%dK,mem-path=%s,share=on" % (
                    octets >> 10, path),
                # Connected already: a QEMU that listens now and then accepts
                # in two of its threads at once while it starts, and hangs.
                "-chardev", "socket,id=q,fd=%d" % theirs.fileno(),
                "-mon", "chardev=q,mode=control"]
        for page in self.dirty:
            argv += ["-device", "loader,file=%s,addr=%#x,force-raw=on" % (
                mark, page * PAGE)]
        with theirs, open(self.folder.file(self.name + ".out"), "wb") as out:
            self.process = subprocess.Popen(
                argv + self.extra, stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, preexec_fn=_die_with_parent,
                pass_fds=(theirs.fileno(),))
        self.qmp = Qmp(ours, self.name, self.oob)

    def end(self) -> None:
        """Kills it, as a host's loss does."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.socket.close()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All of its threads stand still meanwhile."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def output(self) -> str:
        with open(self.folder.file(self.name + ".out"), "rb") as f:
            return f.read().decode(errors="replace")

    # ---- memory

    def write(self, page: int, fill: bytes) -> None:
        """All of a page but its first octet, which is QEMU's if the page is
        in @dirty."""
        assert len(fill) == PAGE - 1
        self.ram[page * PAGE + 1:(page + 1) * PAGE] = fill

    def memory(self) -> bytes:
        return self.ram[:]

    def reset(self) -> None:
        """Now the pages of @dirty are."""
        self.qmp.events.clear()
        self.qmp("system_reset")
        self.qmp.wait_event("RESET")

    # ---- COLO

    def colo(self) -> None:
        self.qmp("migrate-set-capabilities", capabilities=[
            {"capability": "x-colo", "state": True}])

    def listen(self, uri: str) -> None:
        """As a secondary, which has to be started with INCOMING."""
        self.colo()
        self.qmp("migrate-incoming", uri=uri)

    def listen_tcp(self) -> str:
        """The same at a port that the kernel chooses; where it is."""
        self.listen("tcp:127.0.0.1:0")
        address = self.qmp("query-migrate")["socket-address"][0]
        return "tcp:127.0.0.1:%s" % address["port"]

    def migrate(self, uri: str) -> None:
        """As a primary; returns at once."""
        self.colo()
        self.qmp("migrate-set-parameters",
                 **{"x-checkpoint-delay": self.delay})
        self.qmp("migrate", uri=uri)

    def wait_colo(self) -> None:
        """Until the primary waits for its next checkpoint."""
        self.qmp.wait(lambda: self.qmp("query-migrate").get("status")
                      == "colo" and self.running(), "in COLO")

    def trigger(self) -> None:
        """A checkpoint now: QEMU takes one when its delay changes."""
        self.qmp.events.clear()
        self.delay -= 1
        self.qmp("migrate-set-parameters",
                 **{"x-checkpoint-delay": self.delay})

    def status(self) -> str:
        return self.qmp("query-status")["status"]

    def running(self) -> bool:
        return self.status() == "running"

    def take_over(self) -> None:
        """What a manager says when the other side is lost; until it runs."""
        self.qmp("x-colo-lost-heartbeat")
        self.qmp.wait(lambda: self.running() and self.qmp(
            "query-colo-status")["mode"] == "none", "running alone")


INCOMING: List[str] = ["-incoming", "defer"]

__all__ = ["Folder", "INCOMING", "Machine", "PAGE", "PAGES", "QmpError",
           "available"]
