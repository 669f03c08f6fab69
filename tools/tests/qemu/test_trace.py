#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""`xl colo-trace` between two real QEMUs: it changes nothing, raises no false
alarm, and makes a connection fail exactly where it is told to."""
from __future__ import annotations

import os
import random
import unittest
from typing import Optional

from qemukit import wire
from qemukit.machine import PAGE, Folder
from qemukit.pair import PRIMARY_DIRTY, SECONDARY_DIRTY, Pair
from qemukit.tracer import Tracer

CHECKPOINTS = int(os.environ.get("CHECKPOINTS", "100"))
MARKS = ("checkpoint-request", "checkpoint-reply", "vmstate-send", "ram",
         "vmstate-size", "vmstate", "vmstate-received", "vmstate-loaded")
# What a secondary has that takes over after the end behind one of them.
NEW = ("vmstate", "vmstate-received", "vmstate-loaded")
# Where a connection stands that hangs behind one of them.
STANDS = {
    "checkpoint-request": "before checkpoint-reply of checkpoint 2",
    "checkpoint-reply": "before vmstate-send of checkpoint 2",
    "vmstate-send": "inside a section of checkpoint 2",
    "ram": "before vmstate-size of checkpoint 2",
    "vmstate-size": "inside device state of checkpoint 2",
    "vmstate": "before vmstate-received of checkpoint 2",
    "vmstate-received": "before vmstate-loaded of checkpoint 2",
    "vmstate-loaded": "before checkpoint-request of checkpoint 3",
}


def fill(pair: Pair, draw: random.Random, diverge: bool) -> None:
    """New memory for the primary; its own for the secondary, too."""
    for page in PRIMARY_DIRTY:
        pair.primary.write(page, draw.choice((bytes(PAGE - 1),
                                              draw.randbytes(PAGE - 1))))
    pair.primary.reset()
    if diverge:
        for page in SECONDARY_DIRTY:
            pair.secondary.write(page, draw.randbytes(PAGE - 1))
        pair.secondary.reset()


class Through(unittest.TestCase):
    def pair_through(self, pair: Pair, tracer: Tracer) -> None:
        pair.connect(pair.folder.uri("s"), tracer.address())

    def test_many_checkpoints(self) -> None:
        draw = random.Random(1)
        with Folder() as folder, Pair(folder) as pair:
            port = pair.secondary.listen_tcp()
            with Tracer(folder, port, "--messages", "--silence-ms", "0",
                        listen="tcp:127.0.0.1:0") as tracer:
                pair.primary.migrate(tracer.address())
                pair.primary.wait_colo()
                for n in range(CHECKPOINTS):
                    fill(pair, draw, n % 3 == 1)
                    if n % 3 == 1:
                        self.assertTrue(pair.differing())
                    pair.checkpoint()
                    self.assertEqual(pair.differing(), [], n)
                pair.primary.end()
                self.assertEqual(tracer.end(), 0)
                self.no_alarm(tracer)

    def no_alarm(self, tracer: Tracer) -> None:
        for alarm in ("departure", "blind", "silence"):
            self.assertEqual(tracer.of(alarm), [])
        each = tracer.of("checkpoint")
        self.assertEqual([e["number"] for e in each],
                         list(range(1, CHECKPOINTS + 1)))
        for e in each:
            self.assertEqual(e["pages"] + e["zero_pages"],
                             len(PRIMARY_DIRTY))
            self.assertEqual(e["octets"], each[0]["octets"])
        self.assertEqual(
            [e["name"] for e in tracer.of("message")],
            [wire.NAMES[wire.READY]]
            + list(wire.NAMES[1:]) * CHECKPOINTS)
        end = tracer.wait("end")
        self.assertTrue(end["clean"] and end["followed"])
        self.assertEqual(end["checkpoints"], CHECKPOINTS)
        passed = tracer.recorded()
        back = end["octets"].pop("back")
        self.assertEqual(sum(end["octets"].values()), len(passed[1]))
        self.assertEqual(back, len(passed[2]))

    def fails_behind(self, mark: str, deed: str, pair: Pair) -> Tracer:
        """The second checkpoint doesn't get further than @mark."""
        tracer = Tracer(pair.folder, pair.folder.uri("s"), "--silence-ms",
                        "200", "--%s-at" % deed, mark + ":2")
        self.addCleanup(tracer.__exit__)
        self.pair_through(pair, tracer)
        fill(pair, random.Random(2), True)
        pair.checkpoint()
        fill(pair, random.Random(3), True)
        pair.old = pair.secondary.memory()
        self.assertNotEqual(pair.old, pair.primary.memory())
        pair.primary.trigger()
        self.assertEqual(tracer.wait(deed)["point"], mark + ":2")
        return tracer

    def takes_over(self, pair: Pair, new: bool,
                   event: Optional[str] = "COLO_EXIT") -> None:
        """Either side runs, alone, with what it has to have."""
        primary = pair.primary.memory()
        if event:
            pair.secondary.qmp.wait_event(event)
        pair.secondary.take_over()
        pair.primary.take_over()
        self.assertEqual(pair.primary.memory(), primary)
        self.assertEqual(pair.secondary.memory(),
                         primary if new else pair.old)

    def test_cut(self) -> None:
        for mark in MARKS:
            with self.subTest(mark), Folder() as folder, \
                    Pair(folder) as pair:
                tracer = self.fails_behind(mark, "cut", pair)
                self.takes_over(pair, mark in NEW)
                self.assertEqual(tracer.end(), 1)
                end = tracer.wait("end")
                self.assertEqual((end["by"], end["where"]),
                                 ("cut", STANDS[mark]))
                self.assertEqual(tracer.of("departure"), [])
                self.assertEqual(end["checkpoints"],
                                 1 + (mark == "vmstate-loaded"))

    def test_cut_at_ready(self) -> None:
        with Folder() as folder, Pair(folder) as pair, \
                Tracer(folder, folder.uri("s"), "--cut-at",
                       "checkpoint-ready") as tracer:
            pair.secondary.listen(folder.uri("s"))
            pair.primary.migrate(tracer.address())
            tracer.wait("cut")
            pair.secondary.qmp.wait_event("COLO_EXIT")
            pair.secondary.take_over()
            pair.primary.wait_colo()
            pair.primary.take_over()
            self.assertEqual(tracer.end(), 1)
            self.assertEqual(tracer.wait("end")["where"],
                             "before checkpoint-request of checkpoint 1")

    def test_hang(self) -> None:
        for mark in MARKS:
            with self.subTest(mark), Folder() as folder, \
                    Pair(folder) as pair:
                tracer = self.fails_behind(mark, "hang", pair)
                silence = tracer.wait("silence", "hang")
                self.assertEqual(silence["where"], STANDS[mark])
                pair.end()
                self.assertEqual(tracer.end(), 1)
                self.assertEqual(tracer.of("departure"), [])

    def test_hung_secondary_is_freed(self) -> None:
        with Folder() as folder, Pair(folder, oob=True) as pair:
            tracer = self.fails_behind("vmstate-send", "hang", pair)
            tracer.wait("silence", "hang")
            pair.secondary.qmp.wait(
                lambda: pair.secondary.qmp.silent(0.3), "hung")
            pair.secondary.qmp.oob("yank", instances=[{"type": "migration"}])
            pair.primary.end()
            pair.secondary.qmp.wait_event("COLO_EXIT")
            pair.secondary.take_over()
            self.assertEqual(pair.secondary.memory(), pair.old)
            self.assertEqual(tracer.end(), 1)


if __name__ == "__main__":
    unittest.main()
