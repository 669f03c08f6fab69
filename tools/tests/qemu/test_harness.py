#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""The harness itself: a pair, a primary against our sink, a secondary
against our replay."""
from __future__ import annotations

import unittest

from qemukit import wire
from qemukit.machine import INCOMING, PAGE, Folder, Machine
from qemukit.pair import PRIMARY_DIRTY, SECONDARY_DIRTY, Pair
from qemukit.peers import Listener, Replay, connect

CORPUS_PAGES = 16    # of the machine whose stream the corpus has


def filled(octet: int) -> bytes:
    return bytes([octet]) * (PAGE - 1)


class Harness(unittest.TestCase):
    def test_pair(self) -> None:
        with Folder() as folder, Pair(folder) as pair:
            pair.connect()
            self.assertEqual(pair.differing(), [])
            for n in range(1, 4):
                for page in PRIMARY_DIRTY:
                    pair.primary.write(page, filled(n))
                pair.primary.reset()
                for page in SECONDARY_DIRTY:
                    pair.secondary.write(page, filled(0x80 + n))
                pair.secondary.reset()
                self.assertEqual(
                    pair.differing(),
                    list(PRIMARY_DIRTY + SECONDARY_DIRTY))
                pair.checkpoint()
                self.assertEqual(pair.differing(), [])
                self.assertEqual(pair.secondary.ram[5 * PAGE + 1], n)

    def test_secondary_takes_over(self) -> None:
        with Folder() as folder, Pair(folder) as pair:
            pair.connect()
            pair.checkpoint()
            pair.primary.end()
            pair.secondary.take_over()
            self.assertTrue(pair.secondary.running())

    def test_primary_alone(self) -> None:
        with Folder() as folder, Machine(folder, "p", PRIMARY_DIRTY) as p, \
                Listener(folder.uri("migration")) as listener:
            p.migrate(folder.uri("migration"))
            with listener.accept() as sink:
                sink.precopy()
                sink.say(wire.READY)
                p.wait_colo()
                p.write(PRIMARY_DIRTY[0], filled(7))
                p.reset()
                p.trigger()
                self.assertIn(filled(7), sink.checkpoint().ram)
                p.qmp.wait_event("RESUME")

    def test_secondary_alone(self) -> None:
        with Folder() as folder, Machine(folder, "s", (), CORPUS_PAGES,
                                         INCOMING) as s:
            s.listen(folder.uri("migration"))
            with connect(folder.uri("migration")) as peer:
                replay = Replay(peer)
                replay.precopy()
                for which in (0, 1, 0):
                    replay.checkpoint(which)
                    page = s.ram[4 * PAGE:5 * PAGE]
                    self.assertIn(page, replay.capture.checkpoints[which].ram)
            s.take_over()


if __name__ == "__main__":
    unittest.main()
