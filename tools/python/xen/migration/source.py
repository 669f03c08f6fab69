# SPDX-License-Identifier: LGPL-2.1-only
"""Sources: a regular file is mapped, everything else is read in pieces.

A piece is read into one buffer that is used again, whatever the stream's
length, and is handed on at once when the source is a live one. A mapped file
must not become shorter while it is read: the kernel would end the process.
Nothing here looks at what it reads. The command line opens its inputs here;
`verify` uses them as `public.Source`.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import select
import stat
from typing import Optional, Union

from xen.migration.public import KIB, MIB, Source

# A file up to this size is read at once, which is quicker than mapping it.
_SMALL_FILE = 256 * KIB

# Consumed parts of a mapping are given back in steps of this size.
_UNMAP_STEP = 8 * MIB

# The most that need() is asked for, 1 MiB and a little, has to fit in twice.
_WINDOW = 4 * MIB

# What is left of a window is moved to its front if it isn't more than this.
_CHEAP_MOVE = 8 * KIB


class MappedSource(Source):
    """A regular file, mapped from where its descriptor stands."""

    def __init__(self, fd: int, start: int) -> None:
        self._map = mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
        super().__init__(memoryview(self._map), min(start, len(self._map)))
        self._given_back = 0

    def skip(self, count: int) -> bool:
        """Consume octets, without touching them."""
        if self.end - self.pos < count:
            self.pos = self.end
            return False
        self.pos += count
        if self.pos - self._given_back > _UNMAP_STEP:
            self.consumed()
        return True

    def consumed(self) -> None:
        """Unmap what was consumed: it would count as memory in use."""
        size = (self.pos - self._given_back) // _UNMAP_STEP * _UNMAP_STEP
        if size and hasattr(mmap, "MADV_DONTNEED"):
            with contextlib.suppress(OSError):
                self._map.madvise(mmap.MADV_DONTNEED, self._given_back, size)
            self._given_back += size

    def close(self) -> None:
        """Unmap the file."""
        if isinstance(self.buf, memoryview):
            self.buf.release()
        self._map.close()


class PipeSource(Source):
    """A descriptor that is read piece by piece.

    With out_fd, what was read is written there as soon as clear() allows it,
    and always before the next read, so that nobody waits for it in vain.
    """

    def __init__(self, fd: int, out_fd: Optional[int] = None,
                 owned: bool = False) -> None:
        self._window = memoryview(bytearray(_WINDOW))
        super().__init__(self._window, 0, 0)
        self._fd = fd
        self._owned = owned
        self._out_fd = out_fd
        self._allowed = 0
        self._passed = 0
        self.live = out_fd is not None

    def clear(self, offset: int) -> None:
        """Let the octets before offset be passed on."""
        self._allowed = offset
        self._pass_on()

    def close(self) -> None:
        """Close the descriptor, if the source has to."""
        if self._owned:
            os.close(self._fd)

    def _fill(self) -> bool:
        rest = self.end - self.pos
        if rest <= _CHEAP_MOVE or self.end == _WINDOW:
            self._window[:rest] = self._window[self.pos:self.end]
            self.base += self.pos
            self.pos, self.end = 0, rest
        count = self._read(self._window[self.end:])
        self.end += count
        if self.live:
            self._pass_on()
        return count > 0

    def _read(self, room: memoryview) -> int:
        while True:
            try:
                return os.readv(self._fd, [room])
            except BlockingIOError:
                _wait(self._fd, select.POLLIN)

    def _pass_on(self) -> None:
        stop = min(self._allowed, self.base + self.end)
        while self._out_fd is not None and self._passed < stop:
            start = self._passed - self.base
            try:
                self._passed += os.write(
                    self._out_fd, self._window[start:stop - self.base])
            except BlockingIOError:
                _wait(self._out_fd, select.POLLOUT)


def _wait(fd: int, event: int) -> None:
    poll = select.poll()
    poll.register(fd, event)
    poll.poll()


def open_source(where: Union[int, str]) -> Source:
    """Open a file by its name, or take an open descriptor."""
    owned = isinstance(where, str)
    if isinstance(where, int):
        fd = where
    else:
        fd = os.open(where, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    keep = False
    try:
        source = _regular(fd)
        if source is None:
            source = PipeSource(fd, owned=owned)
            keep = True
        return source
    finally:
        # What was read at once, or mapped, needs no descriptor any more.
        if owned and not keep:
            os.close(fd)


def _regular(fd: int) -> Optional[Source]:
    """Return the source of a regular file; None if it has to be read."""
    status = os.fstat(fd)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        return None
    start = os.lseek(fd, 0, os.SEEK_CUR)
    if status.st_size - start <= _SMALL_FILE:
        return _small_file(fd, start)
    try:
        return MappedSource(fd, start)
    except (OSError, ValueError, OverflowError):
        return None


def _small_file(fd: int, start: int) -> Optional[Source]:
    pieces = []
    size = 0
    while size <= _SMALL_FILE:
        piece = os.pread(fd, _SMALL_FILE, start + size)
        if not piece:
            return Source(b"".join(pieces))
        pieces.append(piece)
        size += len(piece)
    # It has grown, or is one of those that have no size, as in /proc.
    return None
