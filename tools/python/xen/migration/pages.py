# SPDX-License-Identifier: LGPL-2.1-only
"""PAGE_DATA: the list of a record's pages, and runs of single pages.

The contents of pages are skipped, never looked at or kept. `libxc` calls it
for the body of a PAGE_DATA record, and `verify` for what follows a record of
one page, since a stream may have millions of those in a row.
"""

from __future__ import annotations

import struct
from typing import Sequence

from xen.migration.layer import State
from xen.migration.public import (
    PAGE_COUNT_MAX, PAGE_DATA, PAGE_SIZE, PFN_LIMIT, PFN_MASK,
    RECORD_HEADER_SIZE, Reader,
)

_WORDS = struct.Struct("<II")

_TYPE_SHIFT = 60
_HOLES = (0xD, 0xE, 0xF)
_UNKNOWN = range(5, 9)
_TABLES = frozenset((1, 2, 3, 4, 9, 10, 11, 12))

# What an entry's highest octet may be: the type, above four zero bits.
_TOPS_HVM = frozenset(kind << 4 for kind in (0, *_HOLES))
_TOPS_PV = frozenset(kind << 4 for kind in (0, *_TABLES, *_HOLES))

# The record of one ordinary page: its header and the words before the entry,
# each two read as one, then the entry. A later one of a run may differ from
# this only in its entry.
SINGLE_LENGTH = 8 + 8 + PAGE_SIZE
_SINGLE = struct.Struct("<QQQ%dx" % PAGE_SIZE)
_SINGLE_HEADER = SINGLE_LENGTH << 32 | PAGE_DATA
_SINGLE_COUNT = 1
_RUN_MAX = 1024


def read_body(reader: Reader, state: State, length: int) -> int:
    """Read and check a body; return how many pages it has."""
    count, zero = _WORDS.unpack(reader.collect(8))
    if count == 0:
        reader.fail("libxc-page-data-empty")
    if count > PAGE_COUNT_MAX:
        reader.fail("libxc-page-data-limit")
    if zero:
        reader.fail("libxc-page-data-reserved")
    size = 8 * count
    if length < 8 + size:
        reader.fail("libxc-page-data-length")
    source = reader.source
    if source.end - source.pos < size and not source.need(size):
        there = (source.end - source.pos) // 8
        _find_fault(reader, state, _entries(reader, there))
        reader.fail("stream-truncated")

    words = _entries(reader, count)
    if max(words) < PFN_LIMIT:
        holes = 0
        pfns = set(words)
    else:
        holes = _holes(reader, state, words)
        pfns = set(map(PFN_MASK.__and__, words))
    source.pos += size
    data = PAGE_SIZE * (count - holes)
    if length != 8 + size + data:
        reader.fail("libxc-page-data-length")
    if len(pfns) != count:
        reader.fail("libxc-page-data-twice")
    reader.skip(data)
    state.pages += count
    state.holes += holes
    return count


def _entries(reader: Reader, count: int) -> Sequence[int]:
    source = reader.source
    return struct.unpack_from("<%dQ" % count, source.buf, source.pos)


def _holes(reader: Reader, state: State, words: Sequence[int]) -> int:
    """Check entries at once; return how many of them have no data."""
    source = reader.source
    octets = bytes(source.buf[source.pos:source.pos + 8 * len(words)])
    tops = octets[7::8]
    if (any(octets[6::8]) or any(octets[5::8])
            or not _TOPS_HVM.issuperset(tops)
            and not (state.pv and _TOPS_PV.issuperset(tops))):
        _find_fault(reader, state, words)
    return sum(tops.count(kind << 4) for kind in _HOLES)


def _find_fault(reader: Reader, state: State, words: Sequence[int]) -> None:
    """Raise the first fault among entries, if there is any."""
    for word in words:
        kind = word >> _TYPE_SHIFT
        if word >> 52 & 0xFF:
            reader.fail("libxc-page-data-bits")
        if kind in _UNKNOWN:
            reader.fail("libxc-page-data-type")
        if kind in _TABLES and not state.pv:
            reader.fail("libxc-page-data-hvm")
        if word & PFN_MASK >= PFN_LIMIT:
            reader.fail("libxc-page-data-pfn")


def read_run(reader: Reader, state: State) -> int:
    """Consume good records of one ordinary page each; return how many.

    It is called behind such a record, where one more is always in its place.
    It stops at the first record that is another one, broken, or not yet
    complete in the window, and leaves that one alone.
    """
    source = reader.source
    size = RECORD_HEADER_SIZE + SINGLE_LENGTH
    total = 0
    while True:
        start = source.pos
        count = min((source.end - start) // size, _RUN_MAX)
        if not count:
            break
        good = 0
        for header, words, entry in _SINGLE.iter_unpack(
                source.buf[start:start + count * size]):
            if (header != _SINGLE_HEADER or words != _SINGLE_COUNT
                    or entry >= PFN_LIMIT):
                break
            good += 1
        source.pos = start + good * size
        total += good
        if good < count:
            break
        source.consumed()
    if total:
        state.pages += total
        if source.live:
            source.clear(source.offset)
    return total
