#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""`xl colo-trace` between two sockets of ours, which do what no QEMU does: it
names each departure, where it is, and passes on what comes all the same."""
from __future__ import annotations

import socket
import unittest
from contextlib import ExitStack
from pathlib import Path
from typing import Tuple

from qemukit import wire
from qemukit.machine import Folder
from qemukit.peers import Listener, Peer, Replay, Sink, connect
from qemukit.tracer import HEADER, Tracer, run

CAPTURE = wire.corpus()
PRECOPY = len(CAPTURE.precopy)
FIRST = CAPTURE.checkpoints[0]
BEHIND_READY = 4
MORE = b"and more of it"
HUGE = 1 << 50


class Stubs(unittest.TestCase):
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

    def ends(self, tracer: Tracer, primary: Peer, secondary: Peer,
             code: int = 1) -> None:
        primary.close()
        secondary.close()
        self.assertEqual(tracer.end(), code)

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
        # Each direction for itself is as it should be.
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        self.ends(tracer, primary, secondary)
        self.assertEqual(len(tracer.of("departure")), 1)
        self.assertEqual(tracer.of("blind"), [])

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

    def test_silence_before_the_reply(self) -> None:
        tracer, primary, secondary = self.asked("--silence-ms", "100")
        self.assertEqual(tracer.wait("silence")["where"],
                         "before checkpoint-reply of checkpoint 1")
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        tracer.wait("resumed", "silence")
        self.ends(tracer, primary, secondary)

    def test_silence_inside_a_page(self) -> None:
        tracer, primary, secondary = self.asked("--silence-ms", "100")
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        primary.say(wire.SEND)
        primary.send(FIRST.ram[:2000])
        secondary.take(2004)
        tracer.wait("silence", where="inside RAM of checkpoint 1")
        self.ends(tracer, primary, secondary)

    def test_no_silence_between_checkpoints(self) -> None:
        tracer, primary, secondary = self.asked("--silence-ms", "1")
        replay = Replay(primary, CAPTURE)
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        primary.send(b"".join(FIRST.parts()[1:]))
        secondary.take(len(b"".join(FIRST.parts()[1:])))
        secondary.say(wire.RECEIVED)
        secondary.say(wire.LOADED)
        replay.peer.take(8)
        tracer.wait("checkpoint")
        before = len(tracer.of("silence"))
        with self.assertRaises(socket.timeout):
            primary.sock.settimeout(0.1)
            primary.more()
        self.assertEqual(len(tracer.of("silence")), before)
        self.ends(tracer, primary, secondary, 0)

    def test_closes_inside_ram(self) -> None:
        tracer, primary, secondary = self.asked()
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        primary.say(wire.SEND)
        primary.send(FIRST.ram[:2000])
        primary.close()
        secondary.take(2004)
        self.assertTrue(secondary.closed())
        secondary.close()
        self.assertEqual(tracer.end(), 1)
        end = tracer.wait("end")
        self.assertEqual((end["by"], end["where"]), (
            "the primary closed", "inside RAM of checkpoint 1"))

    def test_secondary_closes(self) -> None:
        tracer, primary, secondary = self.asked()
        secondary.close()
        self.assertTrue(primary.closed())
        primary.close()
        self.assertEqual(tracer.end(), 1)
        end = tracer.wait("end")
        self.assertEqual((end["by"], end["where"]), (
            "the secondary closed",
            "before checkpoint-reply of checkpoint 1"))

    def test_migration_without_colo(self) -> None:
        tracer, primary, secondary = self.begin()
        primary.send(CAPTURE.precopy)
        secondary.precopy()
        self.ends(tracer, primary, secondary, 0)

    def test_stopped_by_a_signal(self) -> None:
        tracer, primary, secondary = self.colo()
        tracer.stop()
        self.assertTrue(primary.closed() and secondary.closed())
        self.ends(tracer, primary, secondary, 0)
        self.assertEqual(tracer.wait("end")["by"], "stopped")

    def test_slow_reader(self) -> None:
        """What doesn't fit into any buffer waits, and arrives whole."""
        tracer, primary, secondary = self.asked()
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        state = bytes(range(256)) * 65536
        sent = wire.word(wire.SEND) + FIRST.ram + wire.size(len(state))
        primary.send(sent)
        primary.sock.settimeout(0.05)
        left = memoryview(state)
        with self.assertRaises(socket.timeout):
            while left:
                left = left[primary.sock.send(left):]
        gone = len(state) - len(left)
        self.assertEqual(secondary.take(len(sent) + gone),
                         sent + state[:gone])
        primary.close()
        secondary.closed()
        secondary.close()
        self.assertEqual(tracer.end(), 1)
        self.assertEqual(tracer.wait("end")["where"],
                         "inside device state of checkpoint 1")


class Words(unittest.TestCase):
    """The command line, and files that aren't what they should be."""

    def refused(self, code: int, words: str, *arguments: str) -> None:
        got, out, err = run(*arguments)
        self.assertEqual((got, out, len(err.splitlines())), (code, "", 1))
        self.assertIn(words, err)

    def test_command_line(self) -> None:
        good = ("unix:/nowhere/a", "unix:/nowhere/b")
        for words, arguments in (
                ("two addresses", good[:1]),
                ("wants one file", ("--check", *good)),
                ("neither tcp:HOST:PORT nor", ("tcp:host", good[1])),
                ("neither tcp:HOST:PORT nor", ("tcp:", good[1])),
                ("neither tcp:HOST:PORT nor", (good[0], "file")),
                ("1 to 107 octets", ("unix:", good[1])),
                ("1 to 107 octets", ("unix:" + "a" * 108, good[1])),
                ("doesn't begin with", ("--cut-at", "reply:1", *good)),
                ("wants :N", ("--cut-at", "ram", *good)),
                ("wants :N", ("--hang-at", "ram:0", *good)),
                ("wants :N", ("--hang-at", "ram:1x", *good)),
                ("comes once", ("--cut-at", "checkpoint-ready:1", *good)),
                ("one point only", ("--cut-at", "ram:1", "--hang-at",
                                    "ram:2", *good)),
                ("--check only reads", ("--check", "--record", "f", "g")),
                ("--silence-ms", ("--silence-ms", "-1", *good))):
            with self.subTest(arguments):
                self.refused(2, words, *arguments)
        self.refused(1, "can't listen at unix:/nowhere/a", *good)

    def test_records(self) -> None:
        head = b"XLCOLOT1" + bytes(8)
        record = bytes(8) + b"\x01\0\0\0" + (8).to_bytes(4, "big")
        good = head + record + CAPTURE.precopy[:8]
        self.assertEqual(len(head), HEADER)
        with Folder() as folder:
            path = Path(folder.file("record"))
            path.write_bytes(good)
            code, out, err = run("--check", str(path))
            self.assertEqual((code, err), (1, ""))
            self.assertIn("no clean end: the record is over", out)
            for data, words in (
                    (head[:-1], "no record of a connection"),
                    (b"XLCOLOT2" + good[8:], "no record of a connection"),
                    (good + bytes(8) + b"\x06" + bytes(7), "kind 6"),
                    (good + bytes(9) + bytes(7), "kind 0"),
                    (good + bytes(8) + b"\x01\0\1\0" + bytes(4), "kind 1"),
                    (good + bytes(8) + b"\x01\0\0\0\0\x10\0\x01",
                     "1048577 octets")):
                path.write_bytes(data)
                code, out, err = run("--check", str(path))
                self.assertEqual(code, 2, words)
                self.assertIn(words, err)
            path.write_bytes(head + bytes([0] * 7 + [2]) + record[8:]
                             + CAPTURE.precopy[:8] + record)
            self.assertIn("time goes back", run("--check", str(path))[2])


if __name__ == "__main__":
    unittest.main()
