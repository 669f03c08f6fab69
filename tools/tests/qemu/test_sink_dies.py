#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""`xl colo-sink` dies before each change that it makes to the disk, by itself
or with the host's power: the directory always holds the checkpoint that was
acknowledged last, or the one behind it. No QEMU: the primary is a stub that
sends what one sent."""
from __future__ import annotations

import unittest

from qemukit import wire
from qemukit.kept import (Sink, expected, fill, held, primary,
                          with_pages)
from qemukit.machine import PAGE, Folder
from qemukit.peers import connect
from qemukit.power import Power


def rarely() -> wire.Capture:
    """A primary whose pages come rarely: what is lost isn't made good by the
    next checkpoint. Each has a page that isn't zero any more and one that is
    zero now; precopy has 4 and 5 that aren't."""
    capture = wire.corpus("none")
    capture.checkpoints = [
        with_pages(capture, {6 + n: bytes([0x40 + n]) * PAGE,
                             zero: bytes(PAGE)}, b"state %d" % n)
        for n, zero in ((1, 4), (2, 5), (3, 7), (4, 8))]
    return capture


class Dies(unittest.TestCase):
    OLD = wire.corpus("none-empty")
    NEW = rarely()

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Folder().__enter__()
        cls.library = Power.build(cls.folder)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.__exit__()

    def one(self, folder: Folder, fault: str) -> bool:
        """A session that dies there; False: it never got there."""
        old = expected(self.OLD)
        new = expected(self.NEW)
        power = Power(folder, self.library)
        fill(folder, self.OLD, 2, env=power.environment())
        with Sink(folder, options=("--keep", "1"), fault=fault,
                  env=power.environment()) as sink:
            acknowledged = 0
            if sink.address:
                with connect(sink.address) as peer:
                    acknowledged = primary(peer, self.NEW, 4)
            rc, _, err = sink.end()
        self.assertEqual(err, "")
        self.assertIn(rc, (0, -9))
        kept = folder.file("kept")
        power.cut(kept, folder.file("cut"))
        power.cut_contents(kept, folder.file("contents"))
        may = new[acknowledged:acknowledged + 2] if acknowledged else \
            [old[2], new[1]]
        for name in ("kept", "cut", "contents"):
            self.assertIn(held(folder, folder.file(name)), may,
                          "%s: %s" % (fault, name))
        if rc == -9:    # and the next session isn't in its way
            fill(folder, self.OLD, 1)
            self.assertEqual(held(folder, kept), old[1])
        return rc == -9

    def every(self, point: str) -> int:
        count = 0
        while True:
            with Folder() as folder:
                if not self.one(folder, "die.sink.%s:%d" % (point,
                                                            count + 1)):
                    return count
            count += 1

    def test_before_each_file(self) -> None:
        self.assertGreaterEqual(self.every("create"), 3 + 4)

    def test_before_each_write(self) -> None:
        self.assertGreaterEqual(self.every("write"), 1 + 4 * 2)

    def test_before_each_sync(self) -> None:
        self.assertGreaterEqual(self.every("sync"), 1 + 3 + 4 * 2 + 3)

    def test_before_each_rename(self) -> None:
        self.assertEqual(self.every("rename"), 4)

    def test_before_each_removal(self) -> None:
        self.assertGreaterEqual(self.every("remove"), 5 + 3)

    def test_before_each_page_of_the_image(self) -> None:
        self.assertGreaterEqual(self.every("image"), 16 + 3)


if __name__ == "__main__":
    unittest.main()
