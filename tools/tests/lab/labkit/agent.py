# SPDX-License-Identifier: LGPL-2.1-only
"""The caller's side of the agent in dom0 (dom0/agent.c has the protocol).

Runs one command for each connection and carries everything through.  Never
retries a command.  Called by lab.py and cli.py.
"""
from __future__ import annotations

import os
import select
import signal
import socket
import struct
import threading
import time
from typing import Callable, Dict, Optional, Sequence, Union

from . import net
from .errors import LabError

PORT = 7001
CONNECT_S = 3.0
CHUNK = 65536
HEAD = struct.Struct(">cI")
STATUS_TIMEOUT = 124
STATUS_LOST = 255
Sink = Callable[[bytes], None]
Text = Union[str, bytes]


def _packed(items: Sequence[Text]) -> bytes:
    raw = [os.fsencode(i) for i in items]
    return b"".join(struct.pack(">I", len(i)) + i for i in raw)


class Call:
    """One command on a host."""

    def __init__(self, namespace: str, host: str, address: str,
                 argv: Sequence[Text], env: Optional[Dict[str, str]] = None,
                 connect_s: float = CONNECT_S) -> None:
        self.host = host
        self.lock = threading.Lock()
        try:
            with net.inside(namespace):
                self.sock = socket.create_connection((address, PORT),
                                                     connect_s)
        except OSError as e:
            raise LabError("host %s doesn't answer: %s" % (host, e),
                           STATUS_LOST) from None
        self.sock.settimeout(None)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pairs = ["%s=%s" % item for item in (env or {}).items()]
        self.sock.sendall(b"XLA1" + struct.pack(">II", len(argv),
                                                len(pairs))
                          + _packed(argv) + _packed(pairs))

    def _send(self, kind: bytes, data: bytes = b"") -> bool:
        try:
            with self.lock:
                self.sock.sendall(HEAD.pack(kind, len(data)) + data)
            return True
        except OSError:
            return False

    def signal(self, number: int) -> None:
        """A signal for the command's process group."""
        self._send(b"s", struct.pack(">I", number))

    def feed(self, source: Union[bytes, int, None]) -> None:
        """Sends stdin: octets, a descriptor (by a thread), or nothing."""
        if isinstance(source, int):
            threading.Thread(target=self._feed_fd, args=(source,),
                             daemon=True).start()
        elif source:
            threading.Thread(target=self._feed_bytes, args=(source,),
                             daemon=True).start()
        else:
            self._send(b"e")

    def _feed_bytes(self, data: bytes) -> None:
        for i in range(0, len(data), CHUNK):
            if not self._send(b"i", data[i:i + CHUNK]):
                return
        self._send(b"e")

    def _feed_fd(self, fd: int) -> None:
        while True:
            try:
                data = os.read(fd, CHUNK)
            except OSError:
                data = b""
            if not self._send(b"i" if data else b"e", data) or not data:
                return

    def wait(self, out: Sink, err: Sink, timeout: Optional[float] = None,
             alive: Callable[[], bool] = lambda: True) -> int:
        """The exit status; ends the command when the time is up."""
        limit = None if timeout is None else time.monotonic() + timeout
        pending = b""
        while True:
            left = 1.0 if limit is None else limit - time.monotonic()
            if left <= 0:
                self.close()
                return STATUS_TIMEOUT
            if not select.select([self.sock], [], [], min(left, 1.0))[0]:
                if not alive():
                    raise LabError("host %s died" % self.host, STATUS_LOST)
                continue
            try:
                data = self.sock.recv(1 << 18)
            except OSError as e:
                raise LabError("connection to host %s: %s" % (self.host, e),
                               STATUS_LOST) from None
            if not data:
                raise LabError("connection to host %s lost" % self.host,
                               STATUS_LOST)
            pending += data
            while len(pending) >= HEAD.size:
                kind, length = HEAD.unpack_from(pending)
                if len(pending) < HEAD.size + length:
                    break
                body = pending[HEAD.size:HEAD.size + length]
                pending = pending[HEAD.size + length:]
                if kind == b"x":
                    self.close()
                    return struct.unpack(">I", body)[0]
                (out if kind == b"o" else err)(body)

    def close(self) -> None:
        """Ends the command, if it still runs."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def run_attached(call: Call, stdin: Union[int, None],
                 timeout: Optional[float],
                 alive: Callable[[], bool]) -> int:
    """For the command line: our own descriptors, signals passed on."""
    def write(fd: int) -> Sink:
        def sink(data: bytes) -> None:
            while data:
                data = data[os.write(fd, data):]
        return sink

    seen = []

    def forward(number: int, _frame: object) -> None:
        if seen.count(number) >= 1:
            call.close()
            os._exit(128 + number)
        seen.append(number)
        call.signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, forward)
    call.feed(stdin)
    return call.wait(write(1), write(2), timeout, alive)
