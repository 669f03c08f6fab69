# SPDX-License-Identifier: LGPL-2.1-only
"""Streams that go the other way than the checker was told."""

from __future__ import annotations

from typing import Any, List

from cases import Case, case
from streams import (
    READY, Part, Stream, build, build_back, checkpoint_state,
    word, xl,
)


def _start(what: str, octets: bytes, **options: Any) -> Case:
    """A stream that goes the other way than it was told to."""
    layer = "libxl" if options.get("back") else options.get("layer", "xl")
    return Case("stream-direction", what, octets, (0, layer, 0, None),
                options)


DIRECTION: List[Case] = [
    *(_start("%s as a back channel" % outer, bytes(build(outer=outer)),
             back=True) for outer in ("xl", "libxl", "libxc")),
    *(_start("a back channel, %s, as %s" % (mode, layer),
             bytes(build_back(mode)), layer=layer)
      for mode in ("remus", "colo") for layer in ("xl", "libxl", "libxc")),
    _start("a back channel of nobody knows what", bytes(build_back())),
    _start("an optional record first", bytes(xl("HEARTBEAT").octets)),
    _start("CHECKPOINT_STATE of 8 octets", bytes(
        xl("CHECKPOINT_STATE", word(READY, 0)).octets)),
    _start("8 octets of a stream", b"LibxlFmt", back=True),
    case("xl-magic", "CHECKPOINT_STATE of 12 octets", Stream(
        [Part("xl", "noise", xl("CHECKPOINT_STATE", bytes(40),
                                length=12).octets)]), lambda s: s.where(0)),
    case("stream-truncated", "7 octets of a back channel", Stream(
        [Part("xl", "noise", checkpoint_state(READY).octets[:7])]),
         lambda s: s.where(0)),
]
