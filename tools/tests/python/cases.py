# SPDX-License-Identifier: LGPL-2.1-only
"""How a broken stream is described, for the tables of broken streams.

A case is a good stream, one change, and where the fault then is told; the
table's rule is the one that the change breaks first. Nothing here runs the
verifier. `cases_libxl` and `cases_libxc` are the tables.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple

from streams import Stream, Where


class Case(NamedTuple):
    """A broken stream; options are those that the verifier is told."""

    rule: str
    what: str
    octets: bytes
    where: Where
    options: Dict[str, Any]


def case(rule: str, what: str, stream: Stream,
         change: Callable[[Stream], Where], **options: Any) -> Case:
    """Change a stream; the change returns where the fault is told."""
    where = change(stream)
    return Case(rule, what, bytes(stream), where, options)


def cut(stream: Stream, name: str, octets: int, nth: int = 0,
        layer: str = "") -> Where:
    """End a stream so many octets after a part begins."""
    index = stream.find(name, nth, layer)
    part = stream.parts[index]
    where = stream.where(index)
    stream.parts[index] = part._replace(octets=part.octets[:octets])
    del stream.parts[index + 1:]
    if octets < 8 or part.type is None:
        # Without its header a record has no type, and so no number.
        return where[0], part.layer, 0, None
    return where


def end_after(stream: Stream, name: str, layer: str, nth: int = 0) -> Where:
    """End a stream behind a part, where a layer has its turn."""
    stream.keep(name, nth)
    return stream.end(layer)
