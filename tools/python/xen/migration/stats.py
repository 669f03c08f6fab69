# SPDX-License-Identifier: LGPL-2.1-only
"""Statistics of a stream: its records by type, and its epochs.

Epochs take 16 octets for each epoch, up to a limit; beyond it, the median is
that of the epochs up to there, and all else is still exact. Nothing here
reads a stream or prints. `verify` counts with it, `report` prints it.
"""

from __future__ import annotations

from array import array
from collections import deque
from typing import Deque, Dict, List, NamedTuple, Tuple

from xen.migration.public import RECORDS

MEDIAN_LIMIT = 1 << 20
TABLE_LIMIT = 40
TABLE_ENDS = 10

# Stands for all types that have no name: there may be very many.
UNKNOWN = -1


class Epoch(NamedTuple):
    """An epoch's number from 1, its entries of PAGE_DATA, and its octets."""

    number: int
    pages: int
    octets: int


class Range(NamedTuple):
    """The smallest, the middle and the largest of some numbers."""

    low: int
    median: int
    high: int


class Statistics:
    """Counts the records and the epochs of one stream."""

    def __init__(self) -> None:
        self.records: Dict[Tuple[str, int], int] = {}
        self.count = 0
        self._pages_before = 0
        self._octets_before = 0
        self._first: List[Epoch] = []
        self._last: Deque[Epoch] = deque(maxlen=TABLE_ENDS)
        self._pages = array("Q")
        self._octets = array("Q")
        self._low: Tuple[int, int] = (0, 0)
        self._high: Tuple[int, int] = (0, 0)
        # Epochs by the number of bits of their octets.
        self._bits: Dict[int, int] = {}

    def record(self, layer: str, record_type: int, count: int = 1) -> None:
        """Count records of a type."""
        if record_type not in RECORDS[layer]:
            record_type = UNKNOWN
        key = layer, record_type
        self.records[key] = self.records.get(key, 0) + count

    def epoch(self, pages: int, octets: int) -> None:
        """Count an epoch, by what the stream had up to its end."""
        self.count += 1
        epoch = Epoch(self.count, pages - self._pages_before,
                      octets - self._octets_before)
        self._pages_before, self._octets_before = pages, octets
        if self.count <= TABLE_LIMIT:
            self._first.append(epoch)
        self._last.append(epoch)
        if self.count <= MEDIAN_LIMIT:
            self._pages.append(epoch.pages)
            self._octets.append(epoch.octets)
        size = (epoch.pages, epoch.octets)
        if self.count == 1:
            self._low = self._high = size
        else:
            self._low = (min(self._low[0], size[0]),
                         min(self._low[1], size[1]))
            self._high = (max(self._high[0], size[0]),
                          max(self._high[1], size[1]))
        bits = epoch.octets.bit_length()
        self._bits[bits] = self._bits.get(bits, 0) + 1

    def table(self) -> List[Epoch]:
        """Return all epochs, or the first and the last of many."""
        if self.count <= TABLE_LIMIT:
            return list(self._first)
        return self._first[:TABLE_ENDS] + list(self._last)

    def page_range(self) -> Range:
        """Return the range of the epochs' pages."""
        return Range(self._low[0], _median(self._pages), self._high[0])

    def octet_range(self) -> Range:
        """Return the range of the epochs' octets."""
        return Range(self._low[1], _median(self._octets), self._high[1])

    def histogram(self) -> List[Tuple[int, int]]:
        """Return, for powers of two, how many epochs begin there.

        An epoch of power has from power to 2 * power - 1 octets.
        """
        if not self._bits:
            return []
        return [(1 << bits - 1, self._bits.get(bits, 0))
                for bits in range(min(self._bits), max(self._bits) + 1)]


def _median(numbers: "array[int]") -> int:
    return sorted(numbers)[(len(numbers) - 1) // 2] if numbers else 0
