#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""Writes an archive of streams, for checkers that are to be compared.

First each good stream of the builder, each broken one of the tables and each
file of the corpora as it is, then so many that were changed at random. It
never checks a stream itself.
The test `differential` calls it; `batch` tells what an archive is.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
from pathlib import Path
from typing import IO, List, Tuple

import cases_libxc
import cases_libxl
from cases import Case
from fuzz_agree import mutant
from streams import good_streams

BACK, COMPLETE, LAYER_SHIFT, MODE_SHIFT = 1, 8, 1, 4
MODES = ("auto", "plain", "remus", "colo")
MUTANT_MAX = 256 << 10
LAYERS = ("auto", "libxc", "libxl", "xl")


def flags_of(path: Path) -> int:
    """Return how a file of the corpora is to be read, from its name."""
    flags = BACK if path.suffix == ".back" else 0
    for word in path.name.split(".")[1:-1]:
        if word == "complete":
            flags |= COMPLETE
        elif word in MODES:
            flags |= MODES.index(word) << MODE_SHIFT
    return flags


def flags_of_case(case: Case) -> int:
    """Return how a broken stream of the tables is to be read."""
    told = case.options
    return (BACK * bool(told.get("back"))
            | COMPLETE * bool(told.get("complete"))
            | LAYERS.index(told.get("layer", "auto")) << LAYER_SHIFT
            | MODES.index(told.get("mode", "auto")) << MODE_SHIFT)


def corpora(folders: List[str]) -> List[Tuple[bytes, int]]:
    """Return the files below these folders, and their flags."""
    return [(path.read_bytes(), flags_of(path))
            for folder in folders
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file() and path.suffix in (".stream", ".back")]


def _flip(octets: bytearray, choose: random.Random) -> None:
    octets[choose.randrange(len(octets))] ^= 1 << choose.randrange(8)


def _word(octets: bytearray, choose: random.Random) -> None:
    at = 8 * choose.randrange(len(octets) // 8)
    value = choose.choice((0, 1, 3, 4, 5, 8, 14, 16, 4120, 1 << 27,
                           0x80000001, 0x80000003, 0xffffffff))
    struct.pack_into("<I", octets, at + choose.choice((0, 4)), value)


def _cut(octets: bytearray, choose: random.Random) -> None:
    del octets[choose.randrange(len(octets)):]


def _drop(octets: bytearray, choose: random.Random) -> None:
    at = 8 * choose.randrange(len(octets) // 8)
    del octets[at:at + 8 * choose.choice((1, 2, 3, 514))]


def _double(octets: bytearray, choose: random.Random) -> None:
    at = 8 * choose.randrange(len(octets) // 8)
    octets[at:at] = octets[at:at + 8 * choose.choice((1, 2, 3, 514))]


def changed(octets: bytes, choose: random.Random) -> bytes:
    """Return a stream of which only the octets are known, changed."""
    new = bytearray(octets)
    for _ in range(choose.choice((1, 1, 2))):
        if len(new) >= 64:
            choose.choice((_flip, _flip, _word, _word, _cut, _drop,
                           _double))(new, choose)
    return bytes(new)


def write(out: IO[bytes], octets: bytes, flags: int) -> None:
    """Write one entry."""
    out.write(struct.pack("<IB", len(octets), flags))
    out.write(octets)


def main() -> int:
    """Parse options, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=1000,
                        help="changed streams")
    parser.add_argument("out")
    parser.add_argument("corpus", nargs="*")
    args = parser.parse_args()
    good = list(good_streams())
    files = corpora(args.corpus)
    # Of long ones too much would be written.
    short = [file for file in files if len(file[0]) <= MUTANT_MAX]
    with open(args.out, "wb") as out:
        for _, stream, back in good:
            write(out, bytes(stream), BACK if back else 0)
        for case in cases_libxl.CASES + cases_libxc.CASES:
            write(out, case.octets, flags_of_case(case))
        for octets, flags in files:
            write(out, octets, flags)
        for number in range(args.count):
            choose = random.Random("%d %d" % (args.seed, number))
            if short and choose.random() < 0.4:
                octets, flags = choose.choice(short)
                octets = changed(octets, choose)
            else:
                _, stream, back = mutant(good, choose)
                octets, flags = bytes(stream), BACK if back else 0
            if not flags & BACK and choose.random() < 0.1:
                flags |= choose.randrange(1, 4) << LAYER_SHIFT
            if choose.random() < 0.1:
                flags |= COMPLETE
            if choose.random() < 0.2:
                flags |= choose.choice((2, 3)) << MODE_SHIFT
            write(out, octets, flags)
    return 0


if __name__ == "__main__":
    sys.exit(main())
