#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""`xl colo-sink` against a real primary, `xl colo-replay` against a real
secondary, which takes over with the memory that the primary had."""
from __future__ import annotations

import os
import random
import unittest

from qemukit.kept import Sink, held, replay
from qemukit.machine import INCOMING, PAGE, PAGES, Folder, Machine
from qemukit.pair import PRIMARY_DIRTY

CHECKPOINTS = 50


def change(machine: Machine, rng: random.Random) -> None:
    """Some of the pages that may be: anything, or zeros."""
    for page in PRIMARY_DIRTY:
        kind = rng.randrange(3)
        if kind:
            machine.write(page, rng.randbytes(PAGE - 1) if kind == 1
                          else bytes(PAGE - 1))
    machine.reset()


class WithQemu(unittest.TestCase):
    def fill(self, folder: Folder, sink: Sink, checkpoints: int,
             seed: int = 1) -> "list[bytes]":
        """The primary's memory at each checkpoint."""
        rng = random.Random(seed)
        memories = []
        with Machine(folder, "p", PRIMARY_DIRTY) as p:
            for page in range(PAGES):    # precopy's
                p.write(page, rng.randbytes(PAGE - 1) if page % 2 else
                        bytes(PAGE - 1))
            p.migrate(sink.address)
            p.wait_colo()
            for _ in range(checkpoints):
                change(p, rng)
                p.trigger()
                p.qmp.wait_event("RESUME")
                memories.append(p.memory())
        return memories

    def take_over(self, folder: Folder, name: str, address: str,
                  *options: str) -> bytes:
        """What a QEMU's memory is that went on from the directory."""
        with Machine(folder, "s", (), PAGES, INCOMING) as s:
            s.listen(address)
            process = replay(folder.file(name), address, *options)
            out, err = process.communicate()
            self.assertEqual((process.returncode, err), (0, b""), out)
            s.take_over()
            return s.memory()

    def assert_memory(self, got: bytes, wanted: bytes) -> None:
        self.assertEqual(
            [i for i in range(PAGES) if got[i * PAGE:(i + 1) * PAGE]
             != wanted[i * PAGE:(i + 1) * PAGE]], [])

    def test_a_secondary_goes_on_from_the_newest(self) -> None:
        with Folder() as folder, Sink(folder) as sink:
            memories = self.fill(folder, sink, CHECKPOINTS)
            rc, out, err = sink.end()
            self.assertEqual((rc, err), (0, ""))
            self.assertIn("after checkpoint %d\n" % CHECKPOINTS, out)
            self.assert_memory(
                self.take_over(folder, "kept", folder.uri("m")), memories[-1])

    def test_a_secondary_goes_on_from_each(self) -> None:
        with Folder() as folder, Sink(folder, options=(
                "--keep", str(CHECKPOINTS))) as sink:
            memories = self.fill(folder, sink, CHECKPOINTS, seed=5)
            self.assertEqual(sink.end()[0], 0)
            for n, memory in enumerate(memories, 1):
                self.assert_memory(
                    self.take_over(folder, "kept", folder.uri("m%d" % n),
                                   "--checkpoint", str(n)), memory)

    def test_as_many_are_kept_as_asked_for(self) -> None:
        with Folder() as folder, \
                Sink(folder, options=("--keep", "3")) as sink:
            memories = self.fill(folder, sink, 9, seed=2)
            self.assertEqual(sink.end()[0], 0)
            for n in (7, 8, 9):
                self.assert_memory(
                    self.take_over(folder, "kept", folder.uri("m%d" % n),
                                   "--checkpoint", str(n)), memories[n - 1])
            process = replay(folder.file("kept"), folder.uri("m"),
                             "--checkpoint", "6")
            self.assertIn(b"has checkpoints 7 to 9\n",
                          process.communicate()[1])
            self.assertEqual(process.returncode, 1)
            files = sorted(os.listdir(folder.file("kept/colo-v1-000001")))
            self.assertEqual(files, ["checkpoint-%08d" % n for n in
                                     (7, 8, 9)] + ["precopy", "ram"])

    def test_over_tcp_and_a_second_primary(self) -> None:
        with Folder() as folder:
            for seed in (3, 4):
                with Sink(folder, listen="tcp:127.0.0.1:0") as sink:
                    memories = self.fill(folder, sink, 3, seed)
                    self.assertEqual(sink.end()[0], 0)
            self.assertEqual(os.listdir(folder.file("kept")),
                             ["colo-v1-000002"])
            self.assert_memory(
                self.take_over(folder, "kept", folder.uri("m")), memories[-1])

    def test_a_set_without_a_checkpoint_doesnt_count(self) -> None:
        with Folder() as folder:
            with Sink(folder) as sink:
                memories = self.fill(folder, sink, 2)
                self.assertEqual(sink.end()[0], 0)
            with Sink(folder) as sink:
                self.fill(folder, sink, 0)
                rc, _, err = sink.end()
                self.assertEqual(rc, 1)
                self.assertIn("before checkpoint-request of checkpoint 1\n",
                              err)
            memory, _ = held(folder, folder.file("kept"))
            self.assertEqual(b"".join(memory[k] for k in sorted(memory)),
                             memories[-1])

    def test_a_replayed_guest_that_the_secondary_cant_be(self) -> None:
        with Folder() as folder, Sink(folder) as sink:
            self.fill(folder, sink, 1)
            self.assertEqual(sink.end()[0], 0)
            with Machine(folder, "s", (), PAGES * 2, INCOMING) as s:
                s.listen(folder.uri("m"))
                process = replay(folder.file("kept"), folder.uri("m"))
                _, err = process.communicate()
                self.assertEqual(process.returncode, 1)
                self.assertEqual(
                    err, b"xl colo-replay: waiting for checkpoint-ready: "
                    b"the secondary closed the connection\n")


if __name__ == "__main__":
    unittest.main()
