# SPDX-License-Identifier: LGPL-2.1-only
"""Streams that end too early, wherever that is."""

from __future__ import annotations

import unittest
from typing import Iterator, Optional, Tuple

import streams
from streams import Stream, build, build_back, good_streams, with_optional
from ways import Options, Source, check_all, check_once

from xen.migration.verify import NOTE_AFTER, NOTE_BEFORE, NOTE_INSIDE

OPTIONAL = 0x80000000
Fault = Tuple[str, int, str, int, Optional[int]]


def _ends(stream: Stream) -> Iterator[Tuple[int, int]]:
    """Yield parts, and how many of their octets are there at an end."""
    for index, part in enumerate(stream.parts):
        size = len(part.octets)
        for there in {0, 1, 7, 8, 17, size - 1}:
            if there < size:
                yield index, there


def _gap(stream: Stream, index: int) -> bool:
    """Return whether a part may be one of either layer."""
    before = [part.name for part in stream.parts[:index]
              if (part.type or 0) < OPTIONAL]
    return before[-1:] == ["CHECKPOINT_END"] or (
        before[-2:] == ["CHECKPOINT_END", "CHECKPOINT_STATE"])


def _fault(stream: Stream, index: int, there: int,
           back: bool) -> Optional[Fault]:
    """Return the fault of a stream that ends there."""
    part = stream.parts[index]
    offset = stream.offset(index)
    turn = "libxl" if back or _gap(stream, index) else part.layer
    if part.type is None:
        return "stream-truncated", offset, part.layer, 0, None
    if there >= 8:
        return ("stream-truncated", *stream.where(index))
    if there:
        return "stream-truncated", offset, turn, 0, None
    if back or "CHECKPOINT" in [p.name for p in stream.parts[:index]]:
        return None
    return "stream-truncated", offset, turn, 0, None


class Ends(unittest.TestCase):
    """Good streams, ended in every part."""

    def test_cut(self) -> None:
        for name, stream, back in good_streams():
            outer = stream.parts[0].layer if stream.parts else "libxl"
            options = Options(back=back, layer="auto" if back else outer)
            whole = bytes(stream)
            for count, (index, there) in enumerate(_ends(stream)):
                octets = whole[:stream.offset(index) + there]
                if count % 53:
                    outcome = check_once(Source(octets), options)
                else:
                    outcome = check_all(octets, options, there)
                self.assertEqual(
                    outcome.error, _fault(stream, index, there, back),
                    "%s, %d octets of part %d" % (name, there, index))

    def test_first_octets(self) -> None:
        """Too few octets to recognize a layer are those of xl."""
        for outer in ("xl", "libxl", "libxc"):
            whole = bytes(build(outer=outer))
            for size in range(16):
                layer = outer if size >= 8 else "xl"
                self.assertEqual(
                    check_all(whole[:size]).error,
                    ("stream-truncated", 0, layer, 0, None))

    def test_complete(self) -> None:
        """Told to want a complete stream, RELEASE or GONE is wanted."""
        options = Options(complete=True)
        stream = build("remus")
        for index in range(stream.find("CHECKPOINT") + 1,
                           len(stream.parts)):
            short = Stream(stream.parts[:index])
            layer = ("libxl" if _gap(stream, index)
                     else stream.parts[index].layer)
            self.assertEqual(check_all(bytes(short), options).error,
                             ("stream-incomplete", *short.end(layer)))
            for name, body in (("RELEASE", streams.word(0, 0)),
                               ("RELEASE", streams.word(1, 0)),
                               ("GONE", b"")):
                ended = Stream(short.parts)
                ended.parts.append(streams.record(layer, name, body))
                self.assertIsNone(check_all(bytes(ended), options).error)
        self.assertIsNone(check_all(bytes(build()), options).error)
        short = build()
        short.keep("PAGE_DATA")
        self.assertEqual(check_all(bytes(short), options).error,
                         ("stream-truncated", *short.end("libxc")))

    def test_complete_back_channel(self) -> None:
        options = Options(complete=True, back=True)
        stream = build_back("colo")
        self.assertEqual(check_all(bytes(stream), options).error,
                         ("stream-incomplete", *stream.end("libxl")))
        stream.insert(4, streams.xl("GONE"))
        del stream.parts[5:]
        self.assertIsNone(check_all(bytes(stream), options).error)


class Notes(unittest.TestCase):
    """What is said of a checkpointed stream that was cut off."""

    def check(self, stream: Stream, note: Optional[str]) -> None:
        result = check_all(bytes(stream)).result
        assert result is not None
        self.assertEqual(result.note, note)

    def test_notes(self) -> None:
        for outer in ("xl", "libxc"):
            for optional in (False, True):
                stream = build("remus", outer=outer)
                if optional:
                    stream = with_optional(stream)
                self.check(stream, NOTE_AFTER)
                stream.keep("PAGE_DATA", 8)
                self.check(stream, NOTE_INSIDE)
                stream.after("PAGE_DATA", streams.record(
                    "libxc", "RELEASE", streams.word(0, 0)), nth=8)
                self.check(stream, None)

    def test_state_begins_an_epoch(self) -> None:
        stream = build("colo")
        self.check(stream, NOTE_AFTER)
        stream.keep("CHECKPOINT_STATE", 1)
        self.check(stream, NOTE_INSIDE)

    def test_first_epoch(self) -> None:
        stream = build("remus")
        stream.keep("EMULATOR_XENSTORE_DATA")
        self.check(stream, NOTE_BEFORE)

    def test_none(self) -> None:
        self.check(build(), None)


if __name__ == "__main__":
    unittest.main()
