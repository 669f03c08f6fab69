# SPDX-License-Identifier: LGPL-2.1-only
"""Ways to read one stream, which all have to find the same.

A stream is checked in one piece, through a real pipe in pieces, and mapped;
with the path for runs of single pages and without it; with a listener and
without. Nothing here knows what is right. The tests and `fuzz_agree` use it.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, os.pardir, "python"))

from xen.migration.layer import Options  # noqa: E402
from xen.migration.public import Source, StreamError  # noqa: E402
from xen.migration.source import MappedSource, PipeSource  # noqa: E402
from xen.migration.stats import Statistics  # noqa: E402
from xen.migration.verify import Listener, Result, Verifier  # noqa: E402

__all__ = ["Collector", "Options", "Outcome", "Source", "StreamError",
           "check_all", "check_once", "ways"]


class Collector(Listener):
    """Keeps all that a listener is told."""

    def __init__(self) -> None:
        self.told: List[Tuple[Any, ...]] = []

    def header(self, offset: int, layer: str, name: str, length: int,
               fields: Dict[str, Any]) -> None:
        self.told.append((offset, layer, name, length, fields))

    def record(self, offset: int, layer: str, number: int, record_type: int,
               length: int, details: Optional[Dict[str, Any]]) -> None:
        self.told.append((offset, layer, number, record_type, length,
                          details))


class PieceSource(PipeSource):
    """A pipe into which the next piece is written when it is read."""

    def __init__(self, octets: bytes, choose: random.Random) -> None:
        read_fd, self._write_fd = os.pipe()
        super().__init__(read_fd, owned=True)
        self._octets = octets
        self._next = 0
        self._choose = choose

    def close(self) -> None:
        super().close()
        os.close(self._write_fd)

    def _read(self, room: memoryview) -> int:
        size = self._choose.choice((1, 7, 8, 9, 100, 4095, 5000, 60000))
        piece = self._octets[self._next:self._next + min(size, len(room))]
        if not piece:
            return 0
        self._next += len(piece)
        os.write(self._write_fd, piece)
        return super()._read(room)


class Outcome(NamedTuple):
    """All that has to be the same, whichever way was taken."""

    error: Optional[Tuple[Any, ...]]
    text: str
    result: Optional[Result]
    records: Dict[Tuple[str, int], int]
    epochs: List[Any]
    pages: Tuple[int, int]


def check_once(source: Source, options: Options,
               listener: Optional[Listener] = None) -> Outcome:
    statistics = Statistics()
    verifier = Verifier(source, options, listener, statistics)
    error: Optional[StreamError] = None
    result: Optional[Result] = None
    try:
        result = verifier.run()
    except StreamError as fault:
        error = fault
    finally:
        source.close()
    return Outcome(error.key if error else None, str(error or ""), result,
                   statistics.records, statistics.table(),
                   (verifier.state.pages, verifier.state.holes))


def _mapped(octets: bytes) -> Source:
    with tempfile.TemporaryFile() as file:
        file.write(b"before")
        file.write(octets)
        file.flush()
        return MappedSource(file.fileno(), len(b"before"))


def ways(octets: bytes, seed: int = 0) -> Iterator[Tuple[str, Source, bool]]:
    """Yield names, sources, and whether runs are to be looked for."""
    choose = random.Random(seed)
    yield "one piece, runs", Source(octets), True
    yield "one piece, records", Source(memoryview(octets)), False
    yield "pipe, runs", PieceSource(octets, choose), True
    yield "pipe, records", PieceSource(octets, choose), False
    if octets:
        yield "mapped, runs", _mapped(octets), True


def check_all(octets: bytes, options: Options = Options(),
              seed: int = 0) -> Outcome:
    """Check a stream in all ways; return what all of them found."""
    collectors = Collector(), Collector()
    first = check_once(Source(octets), options, collectors[0])
    check_once(PieceSource(octets, random.Random(seed)), options,
               collectors[1])
    if collectors[0].told != collectors[1].told:
        raise AssertionError("listeners were told different things")
    for name, source, fast in ways(octets, seed):
        outcome = check_once(source, options._replace(fast=fast))
        if outcome != first:
            raise AssertionError("%s: %r, but with a listener: %r" % (
                name, outcome, first))
    return first
