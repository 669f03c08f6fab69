# SPDX-License-Identifier: LGPL-2.1-only
"""Statistics of epochs: table, ranges, histogram."""

from __future__ import annotations

import unittest
from unittest import mock

import ways  # noqa: F401  It finds the package.

from xen.migration import stats
from xen.migration.stats import Epoch, Range, Statistics


def _statistics(*octets: int) -> Statistics:
    """Return the statistics of epochs of so many octets, and half pages."""
    found = Statistics()
    total = 0
    for size in octets:
        total += size
        found.epoch(total // 2, total)
    return found


class Epochs(unittest.TestCase):
    """Epochs that were counted."""

    def test_none(self) -> None:
        found = _statistics()
        self.assertEqual((found.count, found.table(), found.histogram()),
                         (0, [], []))
        self.assertEqual(found.octet_range(), Range(0, 0, 0))

    def test_table(self) -> None:
        self.assertEqual(_statistics(6, 2).table(),
                         [Epoch(1, 3, 6), Epoch(2, 1, 2)])
        self.assertEqual(len(_statistics(*range(40)).table()), 40)
        self.assertEqual(
            [epoch.number for epoch in _statistics(*range(41)).table()],
            [*range(1, 11), *range(32, 42)])

    def test_ranges(self) -> None:
        found = _statistics(10, 4, 8, 2)
        self.assertEqual(found.octet_range(), Range(2, 4, 10))
        self.assertEqual(found.page_range(), Range(1, 2, 5))
        self.assertEqual(_statistics(8, 2, 4).octet_range(), Range(2, 4, 8))

    def test_histogram(self) -> None:
        self.assertEqual(_statistics(7, 4, 16, 1).histogram(),
                         [(1, 1), (2, 0), (4, 2), (8, 0), (16, 1)])

    def test_median_is_limited(self) -> None:
        with mock.patch.object(stats, "MEDIAN_LIMIT", 3):
            self.assertEqual(_statistics(8, 6, 4, 2, 2, 2).octet_range(),
                             Range(2, 6, 8))


class Records(unittest.TestCase):
    """Records that were counted."""

    def test_types(self) -> None:
        found = Statistics()
        found.record("libxl", 1)
        found.record("libxc", 1, 5)
        found.record("libxc", 1)
        for kind in range(0x80000100, 0x80000200):
            found.record("libxc", kind)
        self.assertEqual(found.records, {
            ("libxl", 1): 1, ("libxc", 1): 6,
            ("libxc", stats.UNKNOWN): 256})


if __name__ == "__main__":
    unittest.main()
