# SPDX-License-Identifier: LGPL-2.1-only
"""Two sockets of ours with `xl colo-trace` between them.

Called by test_trace_*.py, whose tests make the two do what no QEMU does.
"""
from __future__ import annotations

import unittest
from contextlib import ExitStack
from typing import Tuple

from . import wire
from .machine import Folder
from .peers import Listener, Peer, Sink, connect
from .tracer import Tracer

CAPTURE = wire.corpus()
PRECOPY = len(CAPTURE.precopy)
FIRST = CAPTURE.checkpoints[0]
BEHIND_READY = 4


class StubsCase(unittest.TestCase):
    def setUp(self) -> None:
        stack = ExitStack()
        self.addCleanup(stack.close)
        self.folder = stack.enter_context(Folder())
        self.listener = stack.enter_context(Listener(self.folder.uri("s")))
        self.stack = stack

    def begin(self, *options: str) -> Tuple[Tracer, Peer, Sink]:
        """Connected, nothing said."""
        tracer = self.stack.enter_context(
            Tracer(self.folder, self.folder.uri("s"), *options))
        primary = self.stack.enter_context(connect(tracer.address()))
        secondary = self.listener.accept()
        self.stack.enter_context(secondary)
        return tracer, primary, secondary

    def colo(self, *options: str) -> Tuple[Tracer, Peer, Sink]:
        """The primary's turn to ask for a checkpoint."""
        tracer, primary, secondary = self.begin(*options)
        primary.send(CAPTURE.precopy)
        self.assertEqual(secondary.precopy(), CAPTURE.precopy)
        secondary.say(wire.READY)
        primary.expect(wire.READY)
        return tracer, primary, secondary

    def asked(self, *options: str) -> Tuple[Tracer, Peer, Sink]:
        """The secondary's turn to reply."""
        tracer, primary, secondary = self.colo(*options)
        primary.say(wire.REQUEST)
        secondary.expect(wire.REQUEST)
        return tracer, primary, secondary

    def ends(self, tracer: Tracer, primary: Peer, secondary: Peer,
             code: int = 1) -> None:
        primary.close()
        secondary.close()
        self.assertEqual(tracer.end(), code)
