#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""What a real QEMU does when the other side does anything wrong: what the page
about its protocol says of it. What ours do then is in test_sink_bad.py and
test_replay_bad.py, what is said by a trace in test_trace_stubs.py."""
from __future__ import annotations

import unittest
from typing import Callable

from qemukit import wire
from qemukit.case import PAGES, Case
from qemukit.machine import INCOMING, Folder, Machine
from qemukit.pair import PRIMARY_DIRTY
from qemukit.peers import Listener, Peer, Replay, Sink, connect

SIGTRAP = 5


class Secondary(unittest.TestCase):
    """The primary, a stub, does it in its second checkpoint, and stays."""

    CASE = Case()

    def run_one(self, octets: bytes, status: str, words: str,
                new: bool = False, loaded: bool = False) -> None:
        """It says so, and goes no further until it is told to take over."""
        def end(s: Machine, peer: Peer) -> None:
            s.qmp.events.clear()
            self.CASE.send(peer, octets)
            if loaded:
                for message in (wire.RECEIVED, wire.LOADED):
                    peer.expect(message)
            s.qmp.wait(lambda: words in s.output(), words)
            event = s.qmp.wait_event("COLO_EXIT")
            self.assertEqual(event["data"]["reason"], "error")
            self.assertEqual(s.status(), status)
            s.qmp.events.append(event)

        self.assertEqual(self.CASE.run(end),
                         self.CASE.new if new else self.CASE.old)

    def until(self, part: int) -> bytes:
        return b"".join(self.CASE.parts[:part])

    def test_another_message(self) -> None:
        self.run_one(wire.word(wire.SEND), "running",
                     "Got unknown COLO message: 3")

    def test_no_message(self) -> None:
        self.run_one(wire.word(7), "running", "Invalid message")

    def test_no_size(self) -> None:
        self.run_one(self.until(3) + wire.word(wire.REQUEST), "colo",
                     "Unexpected COLO message 1, expected 4")

    def test_octets_behind_the_end(self) -> None:
        self.run_one(self.until(5) + b"\xee" * 4, "running",
                     "Invalid message", new=True, loaded=True)

    def test_few_octets_behind_the_end(self) -> None:
        """They are the next message's: noticed when that comes."""
        def end(s: Machine, peer: Peer) -> None:
            self.CASE.send(peer, self.until(5) + b"\0\0\0")
            for message in (wire.RECEIVED, wire.LOADED):
                peer.expect(message)
            self.assertTrue(s.running())
            self.assertEqual(s.output(), "")
            peer.say(wire.REQUEST)
            s.qmp.wait(lambda: "Got unknown COLO message: 0" in s.output(),
                       "an error")

        self.assertEqual(self.CASE.run(end), self.CASE.new)

    def test_closes_inside_ram(self) -> None:
        self.assertEqual(
            self.CASE.run(lambda _, peer: self.CASE.send(
                peer, self.until(3)[:-10])), self.CASE.old)

    def test_silence_inside_ram(self) -> None:
        def end(s: Machine, peer: Peer) -> None:
            self.CASE.send(peer, self.until(3)[:-10])
            s.qmp.wait(lambda: s.qmp.silent(0.3), "hung")

        self.assertEqual(self.CASE.run(end), self.CASE.old)

    def test_a_state_of_any_size(self) -> None:
        with Folder() as folder, Machine(folder, "s", (), PAGES,
                                         INCOMING) as s:
            s.listen(folder.uri("m"))
            with connect(folder.uri("m")) as peer:
                Replay(peer, self.CASE.capture).precopy()
                self.CASE.send(peer, self.until(3) + wire.size(1 << 50))
                peer.closed()
                assert s.process
                self.assertEqual(s.process.wait(), -SIGTRAP)


class Primary(unittest.TestCase):
    """The secondary is a stub."""

    def run_one(self, what: Callable[[Sink], None],
                see: Callable[[Machine, Sink], None]) -> None:
        """@what is said when a checkpoint was requested; @see looks then."""
        with Folder() as folder, Machine(folder, "p", PRIMARY_DIRTY) as p, \
                Listener(folder.uri("m")) as listener:
            p.migrate(folder.uri("m"))
            with listener.accept() as peer:
                peer.precopy()
                peer.say(wire.READY)
                p.wait_colo()
                p.trigger()
                peer.expect(wire.REQUEST)
                what(peer)
                see(p, peer)
                p.take_over()

    def test_another_message(self) -> None:
        for value, words in ((wire.LOADED, "Unexpected COLO message 6, "
                              "expected 2"), (7, "Invalid message")):
            def runs_on(p: Machine, _: Sink) -> None:
                event = p.qmp.wait_event("COLO_EXIT")
                self.assertEqual(event["data"]["reason"], "error")
                self.assertIn(words, p.output())
                self.assertTrue(p.running())

            self.run_one(lambda peer: peer.say(value), runs_on)

    def test_silence_before_the_reply(self) -> None:
        def runs_on(p: Machine, _: Sink) -> None:
            self.assertTrue(p.running())
            self.assertEqual((p.qmp.events, p.output()), ([], ""))

        self.run_one(lambda _: None, runs_on)

    def replied(self, peer: Sink, times: int) -> None:
        for _ in range(times):
            peer.say(wire.REPLY)
        peer.expect(wire.SEND)
        peer.ram()
        peer.expect(wire.SIZE)
        peer.state()

    def test_silence_before_received(self) -> None:
        def stands(p: Machine, _: Sink) -> None:
            self.assertEqual(p.status(), "colo")
            self.assertEqual(p.output(), "")

        self.run_one(lambda peer: self.replied(peer, 1), stands)

    def test_reply_twice(self) -> None:
        """It takes no notice: the next checkpoint begins, the guest not
        having run meanwhile."""
        def goes_on(p: Machine, peer: Sink) -> None:
            p.qmp.wait(lambda: "Unexpected COLO message 2, expected 5"
                       in p.output(), "an error")
            p.qmp.wait_event("STOP")
            p.trigger()
            peer.expect(wire.REQUEST)
            self.assertEqual(p.status(), "colo")
            self.assertEqual(p.qmp.events, [])

        self.run_one(lambda peer: self.replied(peer, 2), goes_on)


if __name__ == "__main__":
    unittest.main()
