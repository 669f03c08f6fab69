# SPDX-License-Identifier: LGPL-2.1-only
"""What libxl's and libxc's layers have in common.

`Options` is what a checker was told, `State` is what one layer of a stream
has to know of another, and `Layer` checks the frame of a record. Nothing
here reads. `libxl` and `libxc` derive their layers; `verify` drives them.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Tuple

from xen.migration.public import (
    GUEST_PV, LIBXC, LIBXL, RECORD_MAX, RECORD_OPTIONAL, RECORDS, Reader,
)

PLAIN, REMUS, COLO = "plain", "remus", "colo"
AUTO = "auto"

Details = Optional[Dict[str, Any]]
Frame = Tuple[int, int, int]
Frames = Dict[int, Frame]


class Options(NamedTuple):
    """What a checker was told about a stream."""

    layer: str = AUTO
    mode: str = AUTO
    back: bool = False
    complete: bool = False
    # Whether the sender's handshake may follow a plain stream.
    handshake: bool = False
    # Tests turn this off to compare with the path for any record.
    fast: bool = True


class State:
    """What is known of a stream, in all of its layers.

    guest          the type in the domain header, 0 before it
    mode           None until it is settled, or told
    checkpoints    CHECKPOINT records that were read
    epochs         complete epochs
    ended          libxc's type of the record that ended its turn
    gap            after CHECKPOINT_END, before the next libxc record
    new            CHECKPOINT_STATE(NEW) was read since CHECKPOINT_END
    released       RELEASE or GONE was read
    """

    __slots__ = ("told", "mode", "guest", "checkpoints", "epochs", "ended",
                 "gap", "new", "released", "pages", "holes", "empty")

    def __init__(self, told: str) -> None:
        self.told = told
        self.mode = None if told == AUTO else told
        self.guest = 0
        self.checkpoints = 0
        self.epochs = 0
        self.ended: Optional[int] = None
        self.gap = False
        self.new = False
        self.released = False
        # Entries of PAGE_DATA, and those of them without data.
        self.pages = 0
        self.holes = 0
        # Records without content, as Xen 4.6 to 4.8 could write them.
        self.empty = 0

    @property
    def pv(self) -> bool:
        """Whether the guest is known to be PV."""
        return self.guest == GUEST_PV

    @property
    def checkpointed(self) -> bool:
        """Whether the stream is known to be checkpointed."""
        return self.checkpoints > 0 or self.told in (REMUS, COLO)


class Layer:
    """A layer whose records stand in a stream."""

    name = ""
    frames: Frames = {}

    def __init__(self, reader: Reader, state: State) -> None:
        self.reader = reader
        self.state = state
        self.number = 0

    def frame(self, record_type: int, length: int) -> None:
        """Check a record's type and body_length."""
        if length > RECORD_MAX:
            self.reader.fail(self.name + "-length-limit")
        frame = self.frames.get(record_type)
        if frame is not None:
            if not length_fits(frame, length):
                self.reader.fail(
                    "optional-length" if record_type >= RECORD_OPTIONAL
                    else self.name + "-length")
        elif record_type < RECORD_OPTIONAL:
            self.reader.fail(self.name + "-type-unknown")

    def place(self, record_type: int) -> None:
        """Check whether a record that isn't optional may stand here."""
        raise NotImplementedError

    def body(self, record_type: int, length: int) -> Details:
        """Read and check a body with its padding; return what it tells."""
        raise NotImplementedError


def length_fits(frame: Frame, length: int) -> bool:
    """Whether a body of this length may be a record's."""
    low, high, unit = frame
    return low <= length <= high and not (length - low) % unit


def _frames(layer: str) -> Frames:
    return {record.type: (record.low, record.high, record.unit)
            for record in RECORDS[layer].values()}


LIBXL_FRAMES = _frames(LIBXL)
LIBXC_FRAMES = _frames(LIBXC)
