#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""How a connection through `xl colo-trace` goes silent and how it ends, between
two sockets of ours."""
from __future__ import annotations

import socket
import subprocess
import unittest
from pathlib import Path

from qemukit import wire
from qemukit.peers import Replay
from qemukit.stubs import BEHIND_READY, CAPTURE, FIRST, PRECOPY, StubsCase
from qemukit.tracer import run


class Ends(StubsCase):
    def test_where_it_stands(self) -> None:
        """Begun messages, of either side, and nothing at all."""
        for octets, where in (
                (0, "before the header"),
                (1, "inside the header"),
                (PRECOPY, "before checkpoint-ready")):
            with self.subTest(where):
                tracer, primary, secondary = self.begin("--silence-ms", "50")
                primary.send(CAPTURE.precopy[:octets])
                secondary.take(octets)
                tracer.wait("silence", where=where)
                self.ends(tracer, primary, secondary,
                          0 if octets == PRECOPY else 1)
        tracer, primary, secondary = self.colo("--silence-ms", "50")
        secondary.send(wire.word(wire.REPLY)[:3])
        primary.take(3)
        tracer.wait("silence",
                    where="inside checkpoint-reply of checkpoint 1")
        self.ends(tracer, primary, secondary)
        tracer, primary, secondary = self.asked("--silence-ms", "50")
        secondary.send(wire.word(wire.REPLY)[:3])
        primary.take(3)
        tracer.wait("silence",
                    where="inside checkpoint-reply of checkpoint 1")
        secondary.send(wire.word(wire.REPLY)[3:])
        primary.take(1)
        primary.send(wire.word(wire.SEND)[:1])
        secondary.take(1)
        tracer.wait("silence",
                    where="inside vmstate-send of checkpoint 1")
        self.ends(tracer, primary, secondary)

    def test_end_inside_a_request(self) -> None:
        tracer, primary, secondary = self.colo()
        primary.send(wire.word(wire.REQUEST)[:3])
        secondary.take(3)
        self.ends(tracer, primary, secondary)
        self.assertEqual(tracer.wait("end")["where"],
                         "inside checkpoint-request of checkpoint 1")

    def test_who_ends_what_hangs(self) -> None:
        for who in ("primary", "secondary"):
            with self.subTest(who):
                tracer, primary, secondary = self.colo(
                    "--hang-at", "checkpoint-request:1")
                primary.say(wire.REQUEST)
                secondary.expect(wire.REQUEST)
                tracer.wait("hang")
                secondary.say(wire.REPLY)
                first, last = ((primary, secondary) if who == "primary"
                               else (secondary, primary))
                first.close()
                self.assertEqual(tracer.wait("end")["by"],
                                 "the %s closed" % who)
                last.close()
                self.assertEqual(tracer.end(), 1)
                self.assertEqual(len(tracer.recorded()[2]), BEHIND_READY)

    def test_cut_ends_both(self) -> None:
        tracer, primary, secondary = self.colo(
            "--cut-at", "checkpoint-request:1")
        primary.say(wire.REQUEST)
        secondary.expect(wire.REQUEST)
        self.assertTrue(primary.closed() and secondary.closed())
        # Who doesn't know yet may still say something.
        with self.assertRaises(subprocess.TimeoutExpired):
            tracer.process.wait(0.2)
        secondary.say(wire.REPLY)
        self.ends(tracer, primary, secondary)

    def test_point_of_a_later_checkpoint(self) -> None:
        tracer, primary, secondary = self.asked("--cut-at",
                                                "checkpoint-reply:2")
        secondary.say(wire.REPLY)
        primary.expect(wire.REPLY)
        self.assertEqual(tracer.of("cut"), [])
        self.ends(tracer, primary, secondary)

    def test_socket_files(self) -> None:
        """One that nobody listens at is replaced; none is left behind."""
        path = Path(self.folder.file("trace"))
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(str(path))
        stale.close()
        tracer, primary, secondary = self.colo()
        self.assertFalse(path.exists())
        self.ends(tracer, primary, secondary, 0)
        code, out, err = run(self.folder.uri("s"), self.folder.uri("x"))
        self.assertEqual((code, out), (1, ""))
        self.assertIn("Address already in use", err)

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


if __name__ == "__main__":
    unittest.main()
