# SPDX-License-Identifier: LGPL-2.1-only
"""Many streams in one run: lists of files, and archives."""

from __future__ import annotations

import struct
import unittest
from typing import List

import cases_libxc
import cases_libxl
from cases import Case
from streams import Where, build, build_back
from test_cli import WithFile, run

_LAYER_BITS = {"auto": 0, "libxc": 1, "libxl": 2, "xl": 3}


def _line(rule: str, where: Where) -> str:
    offset, layer, number, kind = where
    return "%s %d %s %d %s" % (rule, offset, layer, number,
                               "-" if kind is None else "0x%x" % kind)


def _entry(octets: bytes, flags: int) -> bytes:
    return struct.pack("<IB", len(octets), flags) + octets


def _flags(case: Case) -> int:
    return (case.options.get("back", False)
            | _LAYER_BITS[case.options.get("layer", "auto")] << 1
            | case.options.get("complete", False) << 3)


class Batch(WithFile):
    """Both kinds of batches."""

    def test_archive(self) -> None:
        """All broken streams for which the verifier isn't told a mode."""
        cases = [case for case in cases_libxl.CASES + cases_libxc.CASES
                 if "mode" not in case.options]
        entries: List[bytes] = []
        lines: List[str] = []
        for case in cases:
            lines.append("%d: %s" % (
                len(lines), _line(case.rule, case.where)))
            lines.append("%d: good" % len(lines))
            entries.append(_entry(case.octets, _flags(case)))
            entries.append(_entry(bytes(build_back()), 1))
        path = self.file("archive", b"".join(entries))
        code, out, err = run("--batch-archive", path)
        self.assertEqual((code, err), (1, ""))
        self.assertEqual(out.splitlines(), lines)

    def test_archive_codes(self) -> None:
        good = _entry(bytes(build()), 0)
        for octets, expected in (
                (b"", (0, "", "")),
                (good, (0, "0: good\n", "")),
                (good + good[:-1], (
                    2, "0: good\n",
                    "verify-stream-v2: entry 1 is cut off\n")),
                (good + b"1234", (
                    2, "0: good\n",
                    "verify-stream-v2: entry 1 is cut off\n")),
                (good + _entry(b"", 0x40), (
                    2, "0: good\n",
                    "verify-stream-v2: entry 1 has unknown flags 0x40\n"))):
            self.assertEqual(
                run("--batch-archive", self.file("a", octets)), expected)
        code, out, _err = run("--complete", "--batch-archive", self.file(
            "a", _entry(bytes(build("remus")), 0)))
        self.assertEqual(code, 1)
        self.assertTrue(out.startswith("0: stream-incomplete "))

    def test_files(self) -> None:
        good = self.file("good", bytes(build()))
        back = self.file("back", bytes(build_back("colo")))
        noise = self.file("noise", b"x" * 50)
        names = "%s\nback %s\n\n%s\n%s" % (good, back, noise, back)
        code, out, err = run("--batch", octets=names.encode())
        self.assertEqual((code, err), (1, ""))
        self.assertEqual(out.splitlines(), [
            good + ": good", back + ": good",
            noise + ": xl-magic 0 xl 0 -",
            back + ": stream-direction 0 xl 0 -"])
        names = "%s\n%s.not\n" % (good, good)
        self.assertEqual(run("--batch", octets=names.encode()), (
            2, good + ": good\n", "verify-stream-v2: %s.not: No such file "
            "or directory\n" % good))

    def test_names_of_any_octets(self) -> None:
        code, out, err = run("--batch", octets=b"/no/\xff\xfe\n")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("No such file", err)


if __name__ == "__main__":
    unittest.main()
