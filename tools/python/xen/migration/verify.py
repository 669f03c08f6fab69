# SPDX-License-Identifier: LGPL-2.1-only
"""The verifier: drives the layers over a stream, from its first octet on.

It knows whose turn it is, where a stream may end, and what its outermost
layer is; the layers know the rest. It never writes, and never opens or
closes anything: `cli` gives it a source and listeners. `check()` is for
callers that only want to know which rule is broken.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Union

from xen.migration import libxc, libxl, pages, xl
from xen.migration.layer import (
    AUTO, COLO, LIBXL_FRAMES, PLAIN, Details, Layer, Options, State, length_fits,
)
from xen.migration.public import (
    CHECKPOINT, CHECKPOINT_DIRTY_PFN_LIST, CHECKPOINT_END, CHECKPOINT_STATE,
    FRAME, GUEST_HVM, HANDSHAKE, LIBXC, LIBXC_CONTEXT, LIBXC_END, LIBXC_MARKER, LIBXL,
    LIBXL_END, LIBXL_IDENT, PAGE_DATA, RECORD_HEADER, RECORD_HEADER_SIZE,
    RECORD_OPTIONAL, XL, XL_MAGIC, ZERO_PAGES, Reader, Source, StreamError,
)
from xen.migration.stats import Statistics

NOTE_AFTER = "cut off right after a complete checkpoint"
NOTE_INSIDE = "cut off inside an epoch, after a complete checkpoint"
NOTE_BEFORE = "cut off before the first checkpoint was complete"


_LAYERS_BY_START = {
    XL_MAGIC[:8]: XL, LIBXL_IDENT: LIBXL, LIBXC_MARKER: LIBXC}


class Listener:
    """Is told what was read and found good."""

    def header(self, offset: int, layer: str, name: str, length: int,
               fields: Dict[str, Any]) -> None:
        """A header, or xl's optional data."""

    def record(self, offset: int, layer: str, number: int, record_type: int,
               length: int, details: Details) -> None:
        """A record, with the little that its body tells."""


class Result(NamedTuple):
    """What a good stream is. mode is None if nothing settled it."""

    layer: str
    back: bool
    guest: int
    mode: Optional[str]
    epochs: int
    pages: int
    octets: int
    checkpointed: bool
    note: Optional[str]
    empty: int


class Verifier:
    """Checks one stream, once."""

    def __init__(self, source: Source, options: Options = Options(),
                 listener: Optional[Listener] = None,
                 statistics: Optional[Statistics] = None) -> None:
        self._source = source
        self._options = options
        self._listener = listener
        self._statistics = statistics
        self._reader = reader = Reader(source)
        self.state = state = State(options.mode)
        self._optional = libxl.OptionalRecords(reader, state)
        self._outermost = LIBXL if options.back else options.layer
        # The layer whose turn it is; None where the type settles it.
        self._turn: Optional[Layer] = None
        self._complete = False
        # Each record has to be told to a listener, one by one.
        self._runs = options.fast and listener is None
        self.libxl: Union[libxl.Libxl, libxl.LibxlBack]
        self.libxc: Union[libxc.Libxc, libxl.DirtyList]
        if options.back:
            self.libxl = libxl.LibxlBack(reader, state)
            self.libxc = libxl.DirtyList(reader, state, self.libxl)
        else:
            self.libxl = libxl.Libxl(reader, state)
            self.libxc = libxc.Libxc(reader, state)

    def run(self) -> Result:
        """Read the stream to its end; StreamError is the first fault."""
        try:
            self._direction()
            if not self._options.back:
                self._headers()
            while not self._complete and self._record():
                pass
            return self._end()
        except StreamError as error:
            if error.rule in ("stream-truncated", "stream-incomplete"):
                # Nothing that is there is at fault.
                self._source.clear(self._source.base + self._source.end)
            raise

    def _direction(self) -> None:
        """Refuse what goes the other way than it was told to."""
        source = self._source
        if not source.need(8):
            return
        start = bytes(source.buf[source.pos:source.pos + 8])
        if self._options.back:
            layer = _LAYERS_BY_START.get(start)
            if layer is not None:
                self._reader.outside(LIBXL)
                self._reader.fail(
                    "stream-direction", "this looks like a forward stream "
                    "(%s), not like a back channel" % layer)
            return
        if _begins_back(start):
            outermost = self._outermost
            self._reader.outside(XL if outermost == AUTO else outermost)
            self._reader.fail(
                "stream-direction", "this looks like a back channel, not "
                "like a forward stream")

    def _headers(self) -> None:
        reader, source = self._reader, self._source
        if self._outermost == AUTO:
            self._outermost = _recognize(source)
        if self._outermost == XL:
            fields = xl.read_header(reader)
            self._tell_header(XL, "header", fields)
            start = source.offset
            length = xl.read_optional_data(reader, fields)
            if source.offset > start and self._listener is not None:
                self._listener.header(
                    start, XL, "optional data", source.offset - start,
                    {"config_len": length})
        if self._outermost == LIBXC:
            self._libxc_header()
        else:
            self._tell_header(LIBXL, "header", libxl.read_header(reader))
            self._turn = self.libxl

    def _libxc_header(self) -> None:
        assert isinstance(self.libxc, libxc.Libxc)
        self._tell_header(LIBXC, "headers", self.libxc.header())
        self._turn = self.libxc

    def _tell_header(self, layer: str, name: str,
                     fields: Dict[str, Any]) -> None:
        if self._listener is not None:
            start = self._reader.offset
            self._listener.header(
                start, layer, name, self._source.offset - start, fields)

    def _record(self) -> bool:
        """Check the next record; return False if there isn't a whole header.

        A header that was cut off has no type, and a record without a type
        has no number.
        """
        reader, source = self._reader, self._source
        if source.end - source.pos < 8 and not source.need(8):
            return False
        record_type, length = RECORD_HEADER.unpack_from(
            source.buf, source.pos)
        layer = self._turn or self._settle(record_type)
        layer.number += 1
        start = source.base + source.pos
        reader.offset = start
        reader.layer = layer.name
        reader.record = layer.number
        reader.type = record_type
        reader.length = length
        layer.frame(record_type, length)
        if record_type < RECORD_OPTIONAL:
            if self.state.released:
                reader.fail("release-final")
            layer.place(record_type)
        elif record_type == ZERO_PAGES and not self._takes_pages(layer):
            reader.fail("zero-pages-place")
        elif record_type == FRAME and not self._takes_frames():
            reader.fail("frame-place")
        source.pos += RECORD_HEADER_SIZE
        if source.live:
            source.clear(source.offset + length + (-length & 7))

        if record_type < RECORD_OPTIONAL:
            details = layer.body(record_type, length)
        else:
            details = self._optional.body(record_type, length)
        if self._statistics is not None:
            self._statistics.record(layer.name, record_type)
        if self._listener is not None:
            self._listener.record(start, layer.name, layer.number,
                                  record_type, length, details)
        if not length:
            self._next_turn(layer, record_type)
        elif length == pages.SINGLE_LENGTH and record_type == PAGE_DATA:
            if self._runs:
                self._page_run(layer)
        return True

    def _takes_pages(self, layer: Layer) -> bool:
        """Whether an optional record with pages may stand here."""
        if not isinstance(self.libxc, libxc.Libxc) or \
                self.state.guest != GUEST_HVM:
            return False
        return self.state.gap or (
            layer is self.libxc and self.libxc.takes_pages)

    def _takes_frames(self) -> bool:
        """Whether there may be a copy that runs beside the domain."""
        state = self.state
        return (state.epochs > 0 and state.mode in (None, COLO)
                and not state.pv)

    def _page_run(self, layer: Layer) -> None:
        count = pages.read_run(self._reader, self.state)
        layer.number += count
        if self._statistics is not None:
            self._statistics.record(LIBXC, PAGE_DATA, count)

    def _settle(self, record_type: int) -> Layer:
        """Return the layer of a record by its type."""
        if self._options.back:
            if record_type == CHECKPOINT_DIRTY_PFN_LIST:
                return self.libxc
            return self.libxl
        if record_type >= RECORD_OPTIONAL or record_type == CHECKPOINT_STATE:
            return self.libxl
        self._turn = self.libxc
        return self.libxc

    def _next_turn(self, layer: Layer, record_type: int) -> None:
        """Do what a record without a body does to the turns."""
        state = self.state
        if layer is self.libxc:
            if record_type not in (LIBXC_END, CHECKPOINT):
                return
            state.ended = record_type
            if record_type == CHECKPOINT:
                state.checkpoints += 1
                self._begin_epoch()
            if self._outermost != LIBXC:
                self._turn = self.libxl
            elif record_type == CHECKPOINT:
                self._epoch_complete()
            else:
                self._complete = True
        elif record_type == LIBXC_CONTEXT:
            self._libxc_header()
        elif record_type == CHECKPOINT_END:
            state.gap = True
            state.new = False
            self._turn = None
            self._epoch_complete()
        elif record_type == LIBXL_END:
            self._complete = True

    def _begin_epoch(self) -> None:
        assert isinstance(self.libxc, libxc.Libxc)
        assert isinstance(self.libxl, libxl.Libxl)
        self.libxc.begin_epoch()
        self.libxl.begin_epoch()

    def _epoch_complete(self) -> None:
        self.state.epochs += 1
        if self._statistics is not None:
            self._statistics.epoch(self.state.pages, self._source.offset)

    def _end(self) -> Result:
        """Check that the stream may end here."""
        reader, source, state = self._reader, self._source, self.state
        if self._complete:
            reader.outside(self._outermost)
            if self._options.handshake and self._outermost == XL:
                self._handshake()
            if source.need(1):
                reader.fail("stream-trailing")
            return self._result(None)
        turn = self._turn.name if self._turn is not None else LIBXL
        reader.outside(turn)
        if source.end > source.pos:
            reader.fail("stream-truncated")
        plain = state.told == PLAIN or state.ended == LIBXC_END
        if state.released and not plain:
            return self._result(None)
        if not self._options.back and not state.checkpointed:
            reader.fail("stream-truncated")
        if self._options.complete:
            reader.fail("stream-incomplete")
        return self._result(None if self._options.back else self._note())

    def _handshake(self) -> None:
        """Let the sender's handshake, or how much of it comes, pass."""
        source = self._source
        left = HANDSHAKE
        while left and source.need(1):
            there = bytes(source.buf[source.pos:source.end])[:len(left)]
            if not left.startswith(there):
                return
            self._reader.accept(len(there))
            left = left[len(there):]

    def _note(self) -> str:
        """Say where a checkpointed stream was cut off."""
        state, libxc_layer = self.state, self.libxc
        if not state.epochs:
            return NOTE_BEFORE
        if self._outermost == LIBXC:
            assert isinstance(libxc_layer, libxc.Libxc)
            between = libxc_layer.epoch_is_empty
        else:
            between = state.gap and not state.new
        return NOTE_AFTER if between else NOTE_INSIDE

    def _result(self, note: Optional[str]) -> Result:
        state = self.state
        mode = PLAIN if self._complete else state.mode
        return Result(
            self._outermost, self._options.back, state.guest, mode,
            state.epochs, state.pages, self._reader.offset,
            state.checkpoints > 0, note, state.empty)


def _recognize(source: Source) -> str:
    """Return the outermost layer; what is none of them counts as xl."""
    source.need(8)
    return _LAYERS_BY_START.get(
        bytes(source.buf[source.pos:source.pos + 8]), XL)


def _begins_back(start: bytes) -> bool:
    """Whether a back channel may begin with these 8 octets."""
    record_type, length = RECORD_HEADER.unpack(start)
    frame = LIBXL_FRAMES.get(record_type)
    return (frame is not None
            and (record_type == CHECKPOINT_STATE
                 or record_type >= RECORD_OPTIONAL)
            and length_fits(frame, length))


def check(source: Source,
          options: Options = Options()) -> Optional[StreamError]:
    """Return a stream's first fault; None if it is good."""
    try:
        Verifier(source, options).run()
    except StreamError as error:
        return error
    return None
