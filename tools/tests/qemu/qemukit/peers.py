# SPDX-License-Identifier: LGPL-2.1-only
"""The other side of a real QEMU, in Python: a sink and a replay.

Both only do what they are told, step by step, so that a test can leave a
step out or do it wrong.  Called by tests.
"""
from __future__ import annotations

import os
import socket
import time
from typing import Any, Optional, Tuple

from . import wire
from .qmp import LIMIT_S


def _address(uri: str) -> Tuple[int, Any]:
    kind, _, rest = uri.partition(":")
    if kind == "unix":
        return socket.AF_UNIX, rest
    host, _, port = rest.rpartition(":")
    return socket.AF_INET, (host, int(port))


class Peer:
    """A connection that is read piece by piece."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(LIMIT_S)
        self.pending = b""

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def say(self, message: int) -> None:
        self.send(wire.word(message))

    def more(self) -> None:
        data = self.sock.recv(1 << 18)
        if not data:
            raise EOFError("the other side closed")
        self.pending += data

    def take(self, octets: int) -> bytes:
        while len(self.pending) < octets:
            self.more()
        data, self.pending = self.pending[:octets], self.pending[octets:]
        return data

    def heard(self) -> int:
        """The next message."""
        return int.from_bytes(self.take(4), "big")

    def expect(self, message: int) -> None:
        got = self.heard()
        assert got == message, "%d came, not %s" % (got, wire.NAMES[message])

    def closed(self) -> bool:
        """True once the other side is gone; what else comes is dropped."""
        try:
            while self.sock.recv(1 << 18):
                pass
        except ConnectionError:
            pass
        return True


def connect(uri: str) -> Peer:
    """As a primary does."""
    family, address = _address(uri)
    end = time.monotonic() + LIMIT_S
    while True:
        sock = socket.socket(family)
        if not sock.connect_ex(address):
            if family == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return Peer(sock)
        sock.close()
        if time.monotonic() > end:
            raise EOFError("nobody listens at %s" % uri)
        time.sleep(0.005)


class Listener:
    """Where a sink is reached."""

    def __init__(self, uri: str) -> None:
        family, address = _address(uri)
        if family == socket.AF_UNIX and os.path.exists(address):
            os.unlink(address)
        self.sock = socket.socket(family)
        self.sock.bind(address)
        self.sock.listen(1)
        self.sock.settimeout(LIMIT_S)

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: Any) -> None:
        self.sock.close()

    def accept(self) -> "Sink":
        return Sink(self.sock.accept()[0])


class Sink(Peer):
    """A secondary that keeps nothing."""

    def precopy(self) -> bytes:
        """All until READY has its turn."""
        while wire.precopy_end(self.pending) != len(self.pending) or \
                not self.pending:
            self.more()
        return self.take(len(self.pending))

    def ram(self) -> bytes:
        while True:
            try:
                return self.take(wire.ram_end(self.pending))
            except wire.Short:
                self.more()

    def state(self) -> bytes:
        """What VMSTATE_SIZE, already heard, announced."""
        return self.take(int.from_bytes(self.take(8), "big"))

    def checkpoint(self) -> wire.Checkpoint:
        """One, as a secondary does it."""
        self.expect(wire.REQUEST)
        self.say(wire.REPLY)
        self.expect(wire.SEND)
        ram = self.ram()
        self.expect(wire.SIZE)
        state = self.state()
        self.say(wire.RECEIVED)
        self.say(wire.LOADED)
        return wire.Checkpoint(ram, state)


class Replay:
    """A primary that sends what one sent before."""

    def __init__(self, peer: Peer,
                 capture: Optional[wire.Capture] = None) -> None:
        self.peer = peer
        self.capture = capture or wire.corpus()

    def precopy(self) -> None:
        self.peer.send(self.capture.precopy)
        self.peer.expect(wire.READY)

    def checkpoint(self, which: int = 0) -> None:
        request, send, ram, size, state = \
            self.capture.checkpoints[which].parts()
        self.peer.send(request)
        self.peer.expect(wire.REPLY)
        self.peer.send(send + ram + size + state)
        self.peer.expect(wire.RECEIVED)
        self.peer.expect(wire.LOADED)
