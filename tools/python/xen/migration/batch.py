# SPDX-License-Identifier: LGPL-2.1-only
"""Many streams in one run, for comparing checkers: one line for each.

Streams come as files whose names are read from a list, or in an archive: for
each stream its length, a word, an octet of flags, and then the stream. An
archive is mapped, and nothing is kept of a stream that was checked. `cli`
calls it; it never ends at a bad stream, or at a file that can't be read.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import IO, Callable, Dict, Iterator, Optional, Tuple, Union

from xen.migration.layer import AUTO, COLO, PLAIN, REMUS, Options
from xen.migration.public import LIBXC, LIBXL, XL, Source, StreamError
from xen.migration.source import open_source
from xen.migration.verify import check

_ENTRY = struct.Struct("<IB")
_FLAG_BACK = 1 << 0
_FLAG_COMPLETE = 1 << 3
_FLAGS_END = 1 << 6
_LAYER_SHIFT = 1
_LAYERS = (AUTO, LIBXC, LIBXL, XL)
_MODE_SHIFT = 4
_MODES = (AUTO, PLAIN, REMUS, COLO)

_BACK = "back "


class ArchiveError(Exception):
    """An archive isn't what it should be."""


def outcome(error: Optional[StreamError]) -> str:
    """Return what two checkers of a stream have to agree on."""
    if error is None:
        return "good"
    rule, offset, layer, record, kind = error.key
    return "%s %d %s %d %s" % (
        rule, offset, layer, record, "-" if kind is None else "0x%x" % kind)


def check_files(names: IO[str], options: Options, line: Callable[[str], None],
                problem: Callable[[str], None]) -> int:
    """Check listed files; return 0, 1 for a bad one, 2 for an unread one."""
    code = 0
    back = options._replace(back=True, layer=AUTO)
    for name in names:
        name = name.rstrip("\n")
        if not name:
            continue
        how = options
        if name.startswith(_BACK):
            name, how = name[len(_BACK):], back
        try:
            source = open_source(name)
            try:
                error = check(source, how)
            finally:
                source.close()
        except OSError as failure:
            problem("%s: %s" % (name, failure.strerror or failure))
            code = 2
            continue
        line("%s: %s" % (name, outcome(error)))
        if error is not None:
            code = max(code, 1)
    return code


def check_archive(name: str, options: Options,
                  line: Callable[[str], None]) -> int:
    """Check an archive's streams; return 0, or 1 if one of them is bad."""
    code = 0
    known: Dict[int, Options] = {}
    with open(name, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return 0
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as octets:
            for index, (flags, start, end) in enumerate(_entries(octets)):
                how = known.get(flags)
                if how is None:
                    how = known[flags] = _with_flags(options, flags, index)
                error = check(Source(octets[start:end]), how)
                line("%d: %s" % (index, outcome(error)))
                if error is not None:
                    code = 1
    return code


def _entries(
        octets: Union[bytes, mmap.mmap]) -> Iterator[Tuple[int, int, int]]:
    """Yield each entry's flags, and where its stream begins and ends."""
    pos, index = 0, 0
    while pos < len(octets):
        start = pos + _ENTRY.size
        if start > len(octets):
            raise ArchiveError("entry %d is cut off" % index)
        length, flags = _ENTRY.unpack_from(octets, pos)
        pos = start + length
        if pos > len(octets):
            raise ArchiveError("entry %d is cut off" % index)
        yield flags, start, pos
        index += 1


def _with_flags(options: Options, flags: int, index: int) -> Options:
    if flags >= _FLAGS_END:
        raise ArchiveError("entry %d has unknown flags 0x%x" % (index, flags))
    back = bool(flags & _FLAG_BACK)
    layer = AUTO if back else _LAYERS[flags >> _LAYER_SHIFT & 3]
    mode = flags >> _MODE_SHIFT & 3
    return options._replace(
        back=back, layer=layer, mode=_MODES[mode] if mode else options.mode,
        complete=options.complete or bool(flags & _FLAG_COMPLETE))
