# SPDX-License-Identifier: LGPL-2.1-only
"""Lengths of records: which ones a record may have, and which not.

The tables are those of the specifications, written down a second time.
"""

from __future__ import annotations

import unittest
from typing import Dict, Sequence, Tuple

from streams import Part, build, word
from ways import Options, Source, check_once

MIB = 1 << 20
LIMIT = 128 * MIB

# For each type: lengths that are good, and lengths that aren't.
Lengths = Dict[int, Tuple[Sequence[int], Sequence[int]]]

NONE = ((0,), (1, 8))
VCPU = ((8, 9, 1000, MIB), (0, 7, MIB + 1))

GONE = 0x80000003

LIBXL: Lengths = {
    0: NONE, 1: NONE, 4: NONE,
    2: ((8, 9, MIB + 1, LIMIT), (0, 7)),
    3: ((8, 9, MIB + 1, LIMIT), (0, 7)),
    5: ((4, 8), (0, 3, 5, 6, 7, 12, 16)),
}
LIBXC: Lengths = {
    0x00: NONE, 0x0d: NONE, 0x0e: NONE, 0x10: NONE,
    0x01: ((8, 16, 4112, LIMIT), (0, 4, 12, LIMIT - 1)),
    0x02: ((8,), (0, 7, 9, 16)),
    0x03: ((16, 24, LIMIT), (0, 8, 17, LIMIT - 4)),
    0x04: ((9, 1000, MIB), (0, 7, 8, MIB + 1)),
    0x05: VCPU, 0x06: VCPU, 0x0c: VCPU,
    0x07: ((4096,), (0, 4095, 4097, 8192)),
    0x08: ((24,), (0, 20, 23, 25, 32)),
    0x09: ((8, 9, 16 * MIB), (0, 7, 16 * MIB + 1)),
    0x0a: ((8, 24, 8 + 16 * 64), (0, 9, 16, 8 + 16 * 65)),
    0x0b: ((0, 1, LIMIT), ()),
    0x0f: ((0, 8, LIMIT), (4, 7, LIMIT - 1)),
    0x11: ((24, 48, MIB // 24 * 24), (0, 8, 25, MIB // 24 * 24 + 24)),
    0x12: ((16, 32, MIB), (0, 8, 24, MIB + 16)),
}
OPTIONAL: Lengths = {
    0x80000000: ((0, 1, LIMIT), ()),
    0x80000001: NONE,
    0x80000002: ((8,), (0, 4, 7, 9, 16)),
    GONE: NONE,
    0x80000004: ((16,), (0, 8, 15, 17, 24)),
    0x80000005: ((8,), (0, 4, 7, 9, 16)),
    0x80000006: ((72,), (0, 64, 71, 73, 80)),
    0x80000007: ((16, 24, 8200), (0, 8, 15, 20, 8208)),
    0x80000008: ((22, 23, 65608), (0, 8, 21, 65609, LIMIT)),
    0x80000009: ((8,), (0, 4, 7, 9, 16)),
    0x8000000a: ((16, 32, 16384), (0, 8, 24, 16400)),
    0x8000000b: ((0, 1, LIMIT), ()),
    0xffffffff: ((0, 1, LIMIT), ()),
}


class Frames(unittest.TestCase):
    """Record headers where a layer has its turn."""

    def rule(self, layer: str, kind: int, length: int) -> str:
        """Return the rule that a record breaks, of which nothing comes."""
        stream = build()
        stream.keep("libxl header" if layer == "libxl" else "libxc headers")
        stream.parts.append(Part(layer, "", word(kind, length), kind))
        outcome = check_once(Source(bytes(stream)), Options())
        if (kind, length) == (GONE, 0):
            self.assertIsNone(outcome.error)
            return "none: a stream may end there"
        assert outcome.error is not None
        rule = str(outcome.error[0])
        if rule != "stream-truncated":
            self.assertEqual(outcome.error[2], layer)
        return rule

    def check(self, layer: str, table: Lengths) -> None:
        frame = {layer + "-length", layer + "-length-limit",
                 "optional-length", layer + "-type-unknown"}
        for kind, (good, bad) in table.items():
            name = "optional" if kind >> 31 else layer
            for length in good:
                self.assertNotIn(self.rule(layer, kind, length), frame,
                                 "0x%x, %d" % (kind, length))
            for length in bad:
                self.assertEqual(self.rule(layer, kind, length),
                                 name + "-length",
                                 "0x%x, %d" % (kind, length))
            for length in (LIMIT + 1, LIMIT + 8, 0xffffffff):
                self.assertEqual(self.rule(layer, kind, length),
                                 layer + "-length-limit")

    def test_libxl(self) -> None:
        self.check("libxl", LIBXL)

    def test_libxc(self) -> None:
        self.check("libxc", LIBXC)

    def test_optional(self) -> None:
        self.check("libxl", OPTIONAL)
        self.check("libxc", OPTIONAL)

    def test_unknown(self) -> None:
        for layer, table in (("libxl", LIBXL), ("libxc", LIBXC)):
            for kind in (*range(32), 0x7fffffff):
                rule = self.rule(layer, kind, LIMIT)
                self.assertEqual(rule == layer + "-type-unknown",
                                 kind not in table, "0x%x" % kind)


if __name__ == "__main__":
    unittest.main()
