# SPDX-License-Identifier: LGPL-2.1-only
"""Two checkpoints whose memories can be told apart, for a real secondary.

Called by tests that end or spoil the second one.
"""
from __future__ import annotations

from typing import Callable

from . import wire
from .kept import with_pages
from .machine import INCOMING, PAGE, Folder, Machine
from .peers import Peer, Replay, connect

PAGES = 16    # of the machine whose precopy the corpus has
FIRST, SECOND = 4, 11    # the pages that change
REQUEST = 4   # octets
ZERO = bytes(PAGE)


def memory(first: bytes, second: bytes) -> bytes:
    pages = [ZERO] * PAGES
    pages[FIRST], pages[SECOND] = first, second
    return b"".join(pages)


class Case:
    """Each checkpoint changes both pages; @second is what the second one
    makes of the second page. Memory is @old after the first, then @new."""

    def __init__(self, second: bytes = ZERO) -> None:
        self.capture = wire.corpus("none-empty")
        states = [c.state for c in self.capture.checkpoints]
        one, two = b"1" * PAGE, b"2" * PAGE
        self.capture.checkpoints = [
            with_pages(self.capture, {FIRST: one, SECOND: two}, states[0]),
            with_pages(self.capture, {FIRST: ZERO, SECOND: second},
                       states[1])]
        self.old, self.new = memory(one, two), memory(ZERO, second)
        self.begin = b"".join(self.capture.checkpoints[0].parts())
        self.parts = self.capture.checkpoints[1].parts()
        self.octets = b"".join(self.parts)

    def send(self, peer: Peer, octets: bytes) -> None:
        """Of the second one, or instead of it."""
        peer.send(octets[:REQUEST])
        if len(octets) > REQUEST:
            peer.expect(wire.REPLY)
            peer.send(octets[REQUEST:])

    def run(self, end: Callable[[Machine, Peer], None],
            tcp: bool = False) -> bytes:
        """The memory with which a secondary takes over that had the first
        one, and then what @end does; who did that closes at the latest."""
        with Folder() as folder, Machine(folder, "s", (), PAGES,
                                         INCOMING) as s:
            uri = folder.uri("m")
            if tcp:
                uri = s.listen_tcp()
            else:
                s.listen(uri)
            with connect(uri) as peer:
                replay = Replay(peer, self.capture)
                replay.precopy()
                replay.checkpoint(0)
                assert s.memory() == self.old
                end(s, peer)
            s.qmp.wait_event("COLO_EXIT")
            s.take_over()
            return s.memory()
