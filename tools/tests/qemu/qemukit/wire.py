# SPDX-License-Identifier: LGPL-2.1-only
"""What goes from a primary to a secondary, cut into its parts.

Only as much of the format as these machines use (RAM in one block, pages
that are zero or whole, a description behind the devices): enough to answer a
primary and to play one.  Called by peers.py and by tests.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

(READY, REQUEST, REPLY, SEND, SIZE, RECEIVED, LOADED) = range(7)
NAMES = ("checkpoint-ready", "checkpoint-request", "checkpoint-reply",
         "vmstate-send", "vmstate-size", "vmstate-received",
         "vmstate-loaded")
CORPUS = Path(__file__).resolve().parents[2] / "corpus" / "qemu"

_ZERO, _PAGE, _EOS, _CONTINUE = 0x02, 0x08, 0x10, 0x20
_PAGE_OCTETS = 4096
_DESCRIPTION_MAX = 1 << 20


class Short(Exception):
    """More octets are needed to tell."""


def word(message: int) -> bytes:
    return message.to_bytes(4, "big")


def size(octets: int) -> bytes:
    return word(SIZE) + octets.to_bytes(8, "big")


def number(data: bytes, at: int, octets: int) -> int:
    if at + octets > len(data):
        raise Short
    return int.from_bytes(data[at:at + octets], "big")


def precopy_end(data: bytes) -> Optional[int]:
    """Where the description ends, if all of it is there.  Nothing follows it
    until READY came back."""
    at = data.find(b"\x00\x06")
    while 0 <= at and at + 6 <= len(data):
        length = number(data, at + 2, 4)
        end = at + 6 + length
        if 2 <= length < _DESCRIPTION_MAX and end <= len(data) and \
                data[at + 6:at + 7] == b"{" and data[end - 1:end] == b"}":
            return end
        at = data.find(b"\x00\x06", at + 1)
    return None


def _records_end(data: bytes, at: int) -> int:
    """Behind the records of one RAM section and its footer."""
    while True:
        flags = number(data, at, 8) & (_PAGE_OCTETS - 1)
        at += 8
        if flags & _EOS:
            number(data, at, 5)
            return at + 5
        if not flags & _CONTINUE:
            at += 1 + number(data, at, 1)
        at += _PAGE_OCTETS if flags & _PAGE else 1


def ram_end(data: bytes, at: int = 0) -> int:
    """Behind the EOF of a checkpoint's RAM, which begins at @at."""
    while True:
        kind = number(data, at, 1)
        at += 1
        if kind == 0:
            return at
        if kind == 8:
            at += 4 + number(data, at + 2, 2)
        else:
            at = _records_end(data, at + 4)


@dataclass
class Checkpoint:
    """What the primary sends of one, without its three messages' words."""
    ram: bytes
    state: bytes

    def parts(self) -> List[bytes]:
        """In order: request; send; RAM; size; state."""
        return [word(REQUEST), word(SEND), self.ram, size(len(self.state)),
                self.state]


@dataclass
class Capture:
    precopy: bytes
    checkpoints: List[Checkpoint]


def split(data: bytes) -> Capture:
    """A whole connection, recorded."""
    at = precopy_end(data) or 0
    capture = Capture(data[:at], [])
    try:
        while at + 8 <= len(data):
            assert number(data, at, 4) == REQUEST
            assert number(data, at + 4, 4) == SEND
            end = ram_end(data, at + 8)
            assert number(data, end, 4) == SIZE
            length = number(data, end + 4, 8)
            state = data[end + 12:end + 12 + length]
            if len(state) < length:
                break
            capture.checkpoints.append(Checkpoint(data[at + 8:end], state))
            at = end + 12 + length
    except Short:
        pass
    return capture


def corpus(name: str = "none") -> Capture:
    return split((CORPUS / name / "forward.bin").read_bytes())
