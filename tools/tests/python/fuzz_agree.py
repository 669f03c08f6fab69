#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""Changes good streams at random, and checks them in every way there is.

Reading in one piece, through a pipe in pieces, mapped, with the path for
runs of single pages and without it have to find the same; and nothing but
StreamError may come out of the verifier. What is right isn't known here: the
tables of broken streams say that. Run it by hand, or from a test with a
small count.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
import time
from collections import Counter
from typing import Callable, Dict, List, Tuple

import streams
from streams import Part, Stream, good_streams, pages, record
from ways import Options, check_all

Choose = random.Random

_MODES = ("auto", "auto", "auto", "plain", "remus", "colo")


def _index(stream: Stream, choose: Choose) -> int:
    """Return the index of a part that isn't cut off already."""
    whole = [index for index, part in enumerate(stream.parts)
             if len(part.octets) >= 8]
    return choose.choice(whole)


def _flip(stream: Stream, choose: Choose) -> None:
    """Flip a bit, mostly where a part begins."""
    index = _index(stream, choose)
    part = stream.parts[index]
    octets = bytearray(part.octets)
    limit = len(octets) if choose.random() < 0.2 else min(len(octets), 64)
    octets[choose.randrange(limit)] ^= 1 << choose.randrange(8)
    stream.parts[index] = part._replace(octets=bytes(octets))


def _word(stream: Stream, choose: Choose) -> None:
    """Set a word of a part to something that may matter."""
    index = _index(stream, choose)
    part = stream.parts[index]
    octets = bytearray(part.octets)
    at = 4 * choose.randrange(min(len(octets) // 4, 12))
    value = choose.choice((0, 1, 2, 3, 4, 5, 8, 15, 16, 4112, 4120, 0xffff,
                           1 << 27, 0x7fffffff, 0x80000000, 0x80000001,
                           0x80000003, 0xffffffff))
    octets[at:at + 4] = struct.pack("<I", value)
    stream.parts[index] = part._replace(octets=bytes(octets))


def _type(stream: Stream, choose: Choose) -> None:
    """Give a record another type."""
    index = _index(stream, choose)
    part = stream.parts[index]
    if part.type is not None:
        new = choose.choice((choose.randrange(20), 1 << 31, (1 << 31) + 3))
        stream.parts[index] = part._replace(
            octets=struct.pack("<I", new) + part.octets[4:])


def _length(stream: Stream, choose: Choose) -> None:
    """Change a length by a little."""
    index = _index(stream, choose)
    part = stream.parts[index]
    if part.type is not None:
        length, = struct.unpack_from("<I", part.octets, 4)
        length += choose.choice((-4096, -8, -1, 1, 8, 4096))
        length &= 0xffffffff
        stream.parts[index] = part._replace(
            octets=part.octets[:4] + struct.pack("<I", length)
            + part.octets[8:])


def _cut(stream: Stream, choose: Choose) -> None:
    """End the stream early."""
    index = _index(stream, choose)
    part = stream.parts[index]
    size = choose.randrange(len(part.octets))
    stream.parts[index] = part._replace(octets=part.octets[:size])
    del stream.parts[index + 1:]


def _double(stream: Stream, choose: Choose) -> None:
    index = _index(stream, choose)
    stream.insert(index, stream.parts[index])


def _drop(stream: Stream, choose: Choose) -> None:
    del stream.parts[_index(stream, choose)]


def _swap(stream: Stream, choose: Choose) -> None:
    one = _index(stream, choose)
    other = min(one + choose.choice((1, 1, 2, 5)), len(stream.parts) - 1)
    parts = stream.parts
    parts[one], parts[other] = parts[other], parts[one]


def _move(stream: Stream, choose: Choose) -> None:
    part = stream.parts.pop(_index(stream, choose))
    stream.parts.insert(choose.randrange(len(stream.parts) + 1), part)


def _run(stream: Stream, choose: Choose) -> None:
    """Put a run of single pages where pages are, perhaps a broken one."""
    spots = [i for i, part in enumerate(stream.parts)
             if part.name == "PAGE_DATA"]
    if not spots:
        return
    run: List[Part] = []
    for pfn in range(choose.randrange(1, 40)):
        body = pages(pfn)
        if choose.random() < 0.02:
            body = choose.choice((
                pages(pfn, zero=1), pages(pfn | 1 << 40), pages(pfn | 5 << 60),
                pages(pfn | 15 << 60), pages(pfn, pfn), pages(pfn, count=2),
                pages(pfn | 15 << 60, data=1), pages(pfn | 1 << 60)))
        run.append(record("libxc", "PAGE_DATA", body))
    stream.insert(choose.choice(spots), *run)


def _optional(stream: Stream, choose: Choose) -> None:
    index = choose.randrange(len(stream.parts) + 1)
    name, body = choose.choice((
        ("HEARTBEAT", b""), ("GONE", b""),
        ("RELEASE", streams.word(choose.randrange(3), 0)),
        ("HELLO", streams.hello(choose.randrange(3), choose.randrange(3))),
        ("PEER_INFO", streams.peer_info()),
        ("RECEIVED", streams.long(choose.randrange(9))),
        ("PAGE_DIGESTS", streams.long(*range(choose.randrange(1, 6)))),
        ("ZERO_PAGES", streams.word(choose.randrange(1, 3), 0)
         + streams.long(choose.randrange(9), choose.randrange(9))),
        ("FRAME", streams.frame(size=choose.randrange(12, 24))),
        ("FRAME", streams.frame(choose.randrange(3), choose.randrange(2))),
        ("PAUSE_REASON", streams.word(choose.randrange(7),
                                      choose.randrange(2)))))
    stream.insert(index, record("libxl", name, body))


_CHANGES: Tuple[Callable[[Stream, Choose], None], ...] = (
    _flip, _flip, _flip, _word, _word, _type, _length, _length, _cut,
    _double, _drop, _swap, _move, _run, _run, _optional, _optional,
)


def mutant(good: List[Tuple[str, Stream, bool]],
           choose: Choose) -> Tuple[str, Stream, bool]:
    """Return a good stream's name, the stream changed, whether it's back."""
    name, original, back = choose.choice(good)
    stream = Stream(original.parts)
    for _ in range(choose.choice((1, 1, 1, 2, 3))):
        if len(bytes(stream)) > 64:
            choose.choice(_CHANGES)(stream, choose)
    return name, stream, back


def run(seed: int, count: int, seconds: float = 1e9) -> Dict[str, int]:
    """Check so many streams; return how often each rule was broken."""
    good = list(good_streams())
    found: "Counter[str]" = Counter()
    end = time.monotonic() + seconds
    for number in range(count):
        if time.monotonic() > end:
            break
        choose = random.Random("%d %d" % (seed, number))
        name, stream, back = mutant(good, choose)
        mode = choose.choice(_MODES)
        if back and mode == "plain":
            mode = "auto"
        options = Options(mode=mode, back=back,
                          complete=choose.random() < 0.1)
        try:
            outcome = check_all(bytes(stream), options, number)
        except BaseException:
            print("seed %d, stream %d (%s), %r" % (
                seed, number, name, options), file=sys.stderr)
            raise
        found[outcome.error[0] if outcome.error else "good"] += 1
    return found


def main() -> None:
    """Parse options, run, and print what was found."""
    parser = argparse.ArgumentParser(
        description="Checks that all ways to read a stream agree.")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=1e9,
                        help="end after this time")
    args = parser.parse_args()
    print("seed %d" % args.seed, flush=True)
    found = run(args.seed, args.count, args.seconds)
    for rule, count in sorted(found.items(), key=lambda item: -item[1]):
        print("%7d  %s" % (count, rule))
    print("%7d  streams, all ways agree" % sum(found.values()))


if __name__ == "__main__":
    main()
