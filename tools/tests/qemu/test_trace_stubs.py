#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""`xl colo-trace` between two sockets of ours, which do what no QEMU does: it
names each departure, where it is, and passes on what comes all the same."""
from __future__ import annotations

import unittest

from qemukit import wire
from qemukit.peers import Peer
from qemukit.stubs import BEHIND_READY, CAPTURE, FIRST, PRECOPY, StubsCase
from qemukit.tracer import Tracer

MORE = b"and more of it"
HUGE = 1 << 50


class Departures(StubsCase):
    def departs(self, tracer: Tracer, rule: str, direction: str,
                offset: int) -> None:
        found = tracer.wait("departure")
        self.assertEqual((found["rule"], found["direction"],
                          found["offset"]), (rule, direction, offset))
        self.assertIn("offset %d: broken rule: " % offset, found["text"])
        self.assertIn("[%s]" % rule, found["text"])

    def goes_on(self, tracer: Tracer, primary: Peer,
                secondary: Peer) -> None:
        """After a fault octets go on as they come, unseen."""
        tracer.wait("blind")
        primary.send(MORE)
        self.assertEqual(secondary.take(len(MORE)), MORE)
        secondary.send(MORE[::-1])
        self.assertEqual(primary.take(len(MORE)), MORE[::-1])
        self.ends(tracer, primary, secondary)
        self.assertFalse(tracer.wait("end")["followed"])
        self.assertEqual(len(tracer.of("departure")), 1)

    def test_good(self) -> None:
        tracer, primary, secondary = self.begin()
        primary.send(CAPTURE.precopy)
        secondary.precopy()
        secondary.say(wire.READY)
        primary.expect(wire.READY)
        for n, checkpoint in enumerate(CAPTURE.checkpoints, 1):
            primary.say(wire.REQUEST)
            secondary.expect(wire.REQUEST)
            secondary.say(wire.REPLY)
            primary.expect(wire.REPLY)
            for part in checkpoint.parts()[1:]:
                for i in range(0, len(part), 1000):
                    primary.send(part[i:i + 1000])
            secondary.expect(wire.SEND)
            self.assertEqual(secondary.ram(), checkpoint.ram)
            secondary.expect(wire.SIZE)
            self.assertEqual(secondary.state(), checkpoint.state)
            for message in (wire.RECEIVED, wire.LOADED):
                secondary.say(message)
                primary.expect(message)
        self.ends(tracer, primary, secondary, 0)
        self.assertEqual(tracer.wait("end")["checkpoints"],
                         len(CAPTURE.checkpoints))
        self.assertEqual(tracer.wait("precopy")["octets"], PRECOPY)
        self.assertEqual(tracer.recorded()[1], CAPTURE.precopy + b"".join(
            b"".join(c.parts()) for c in CAPTURE.checkpoints))

    def test_wrong_message(self) -> None:
        tracer, primary, secondary = self.asked()
        secondary.say(wire.LOADED)
        primary.expect(wire.LOADED)
        self.departs(tracer, "colo-message-turn", "back", BEHIND_READY)
        self.goes_on(tracer, primary, secondary)

    def test_no_message(self) -> None:
        for value in (7, 0xffffffff):
            with self.subTest(value):
                tracer, primary, secondary = self.asked()
                secondary.say(value)
                primary.take(4)
                self.departs(tracer, "colo-message", "back", BEHIND_READY)
                self.goes_on(tracer, primary, secondary)

    def test_no_message_forward(self) -> None:
        tracer, primary, secondary = self.colo()
        primary.say(7)
        secondary.take(4)
        self.departs(tracer, "colo-message", "forward", PRECOPY)
        self.goes_on(tracer, primary, secondary)

    def test_reply_twice(self) -> None:
        tracer, primary, secondary = self.asked()
        secondary.say(wire.REPLY)
        secondary.say(wire.REPLY)
        primary.take(8)
        self.departs(tracer, "colo-message-turn", "back", BEHIND_READY + 4)
        self.goes_on(tracer, primary, secondary)

    def test_state_of_any_size(self) -> None:
        tracer, primary, secondary = self.asked()
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        sent = wire.word(wire.SEND) + FIRST.ram + wire.size(HUGE)
        primary.send(sent)
        self.assertEqual(secondary.take(len(sent)), sent)
        self.departs(tracer, "colo-vmstate-limit", "forward",
                     PRECOPY + 4 + len(sent) - 8)
        self.goes_on(tracer, primary, secondary)

    def test_no_size(self) -> None:
        tracer, primary, secondary = self.asked()
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        sent = wire.word(wire.SEND) + FIRST.ram + wire.word(wire.REQUEST)
        primary.send(sent)
        self.assertEqual(secondary.take(len(sent)), sent)
        self.departs(tracer, "colo-message-turn", "forward",
                     PRECOPY + 4 + len(sent) - 4)
        self.goes_on(tracer, primary, secondary)

    def test_octets_behind_the_state(self) -> None:
        tracer, primary, secondary = self.asked()
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        sent = b"".join(FIRST.parts()[1:])
        primary.send(sent + b"\xee" * 4)
        secondary.take(len(sent) + 4)
        self.departs(tracer, "colo-message", "forward",
                     PRECOPY + 4 + len(sent))
        self.goes_on(tracer, primary, secondary)

    def test_octets_behind_precopy(self) -> None:
        tracer, primary, secondary = self.begin()
        primary.send(CAPTURE.precopy + MORE)
        secondary.take(PRECOPY + len(MORE))
        secondary.say(wire.READY)
        primary.expect(wire.READY)
        self.departs(tracer, "qemu-precopy-end", "forward",
                     PRECOPY + len(MORE))
        self.goes_on(tracer, primary, secondary)

    def test_no_migration(self) -> None:
        tracer, primary, secondary = self.begin()
        primary.send(b"GET / HTTP/1.0\r\n\r\n")
        secondary.take(18)
        self.departs(tracer, "qemu-magic", "forward", 0)
        self.goes_on(tracer, primary, secondary)

    def test_sends_without_a_reply(self) -> None:
        tracer, primary, secondary = self.asked()
        primary.say(wire.SEND)
        secondary.expect(wire.SEND)
        self.departs(tracer, "colo-out-of-turn", "forward", PRECOPY + 4)
        # Each direction for itself is as it should be; the end is a good
        # one, but for what was before.
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        sent = b"".join(FIRST.parts()[2:])
        primary.send(sent)
        secondary.take(len(sent))
        for message in (wire.RECEIVED, wire.LOADED):
            secondary.say(message)
            primary.expect(message)
        self.ends(tracer, primary, secondary)
        self.assertEqual(len(tracer.of("departure")), 1)
        self.assertEqual(tracer.of("blind"), [])
        self.assertEqual(tracer.of("checkpoint"), [])
        self.assertTrue(tracer.wait("end")["followed"])

    def test_received_before_it_was_sent(self) -> None:
        tracer, primary, secondary = self.asked()
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        sent = b"".join(FIRST.parts()[1:])[:-1]
        primary.send(sent)
        secondary.take(len(sent))
        secondary.say(wire.RECEIVED)
        primary.expect(wire.RECEIVED)
        self.departs(tracer, "colo-out-of-turn", "back", BEHIND_READY + 4)
        self.ends(tracer, primary, secondary)

    def test_asks_before_it_was_loaded(self) -> None:
        tracer, primary, secondary = self.asked()
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        sent = b"".join(FIRST.parts()[1:])
        primary.send(sent)
        secondary.take(len(sent))
        secondary.say(wire.RECEIVED)
        primary.expect(wire.RECEIVED)
        primary.say(wire.REQUEST)
        secondary.expect(wire.REQUEST)
        self.departs(tracer, "colo-out-of-turn", "forward",
                     PRECOPY + 4 + len(sent))
        self.ends(tracer, primary, secondary)


if __name__ == "__main__":
    unittest.main()
