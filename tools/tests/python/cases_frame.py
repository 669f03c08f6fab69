# SPDX-License-Identifier: LGPL-2.1-only
"""Broken streams: FRAME where it may not stand, and with a broken body."""

from __future__ import annotations

from typing import List

from cases import Case, case
from streams import (
    PV, READY, Stream, build, build_back, checkpoint_state,
    frame, record, xl,
)

GOOD = frame()


def _frame(rule: str, what: str, after: str, body: bytes = GOOD,
           layer: str = "libxl", mode: str = "colo", nth: int = 0) -> Case:
    """Put a frame behind a record of a stream from a primary."""
    return case(rule, "FRAME: " + what, build(mode), lambda s: s.after(
        after, record(layer, "FRAME", body), nth=nth))


def _back(rule: str, what: str, index: int, body: bytes = GOOD,
          mode: str = "colo") -> Case:
    """Put a frame at an index of a back channel."""
    return case(rule, "FRAME back: " + what, build_back(mode),
                lambda s: s.insert(index, xl("FRAME", body)), back=True)


def _settled(what: str, stream: Stream, rule: str, index: int,
             back: bool = False) -> Case:
    """What has no turn in COLO, and had one in Remus."""
    return case(rule, "FRAME: " + what, stream, lambda s: s.where(index),
                back=back)


_REMUS = build("remus")
_GAP = _REMUS.find("CHECKPOINT_END") + 1
_REMUS.insert(_GAP, xl("FRAME", GOOD))

FRAMES: List[Case] = [
    _frame("optional-length", "13 octets", "CHECKPOINT_END", frame(size=13)),
    _frame("optional-length", "65601 octets", "CHECKPOINT_END",
           frame(size=65601)),
    _frame("optional-length", "none, before place", "libxl header", b""),
    _frame("frame-place", "before LIBXC_CONTEXT", "libxl header"),
    _frame("frame-place", "before zero", "libxl header", frame(zero=1)),
    _frame("frame-place", "in the first epoch", "PAGE_DATA", layer="libxc"),
    _frame("frame-place", "behind the first CHECKPOINT", "CHECKPOINT"),
    _frame("frame-place", "before the first CHECKPOINT_END",
           "EMULATOR_CONTEXT"),
    _frame("frame-place", "plain", "END", mode="plain"),
    _frame("frame-place", "Remus, second epoch", "X86_TSC_INFO",
           layer="libxc", mode="remus", nth=1),
    case("frame-place", "FRAME: told to be Remus", build("remus", epochs=1),
         lambda s: s.after("CHECKPOINT_END", xl("FRAME", GOOD)),
         mode="remus"),
    case("frame-place", "FRAME: told to be COLO, first epoch", build("colo"),
         lambda s: s.after("CHECKPOINT", xl("FRAME", GOOD)), mode="colo"),
    case("frame-place", "FRAME: PV", build("remus", PV),
         lambda s: s.after("CHECKPOINT_END", xl("FRAME", GOOD))),
    case("frame-place", "FRAME: libxc alone, first epoch",
         build("remus", outer="libxc"), lambda s: s.after(
             "X86_TSC_INFO", record("libxc", "FRAME", GOOD))),
    _frame("frame-zero", "1", "CHECKPOINT_END", frame(zero=1)),
    _frame("frame-zero", "bit 31, libxc", "X86_TSC_INFO",
           frame(7, 1 << 31, 16), layer="libxc", nth=1),
    case("libxl-padding", "FRAME: before zero", build("colo"),
         lambda s: s.after("CHECKPOINT_END", xl(
             "FRAME", frame(zero=1), padding=b"\0\0\1"))),
    _settled("then an epoch without NEW", _REMUS, "checkpoint-state-missing",
             _GAP + 1),
    _back("frame-place", "first", 0),
    case("frame-place", "FRAME back: first, told to be COLO",
         build_back("colo"), lambda s: s.insert(0, xl("FRAME", GOOD)),
         back=True, mode="colo"),
    _back("frame-place", "Remus", 2, mode="remus"),
    case("frame-place", "FRAME back: told to be Remus",
         build_back("remus", 1), lambda s: s.insert(1, xl("FRAME", GOOD)),
         back=True, mode="remus"),
    _back("frame-zero", "behind SVM_READY", 1, frame(zero=1 << 8)),
    _settled("then SVM_READY", Stream([
        checkpoint_state(READY), xl("FRAME", GOOD), checkpoint_state(READY),
    ]), "checkpoint-state-turn", 2, back=True),
]
