#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""The command line of `xl colo-trace`, and records that aren't what they
should be."""
from __future__ import annotations

import unittest
from pathlib import Path

from qemukit import wire
from qemukit.machine import Folder
from qemukit.tracer import HEADER, run

CAPTURE = wire.corpus()


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
        head = b"XLCOLOT1" + bytes(16)
        record = bytes(8) + b"\x01\0\0\0" + (8).to_bytes(4, "big")
        good = head + record + CAPTURE.precopy[:8]
        self.assertEqual(len(head), HEADER)
        with Folder() as folder:
            path = Path(folder.file("record"))
            path.write_bytes(good)
            code, out, err = run("--check", str(path))
            self.assertEqual((code, err), (1, ""))
            self.assertIn("no clean end: the record is over", out)
            path.write_bytes(good[:-1])
            self.assertIn("before the header", run("--check", str(path))[1])
            late = bytes([0] * 3 + [1] * 5)
            path.write_bytes(good + late + record[8:] + CAPTURE.precopy[8:16])
            self.assertNotIn("silence", run("--check", str(path))[1])
            self.assertIn("silence for 1 ms", run(
                "--check", "--silence-ms", "1", str(path))[1])
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
