# SPDX-License-Identifier: LGPL-2.1-only
"""libxl's layer: header, records, optional records, and the back channel.

`Libxl` is the layer from a primary to its secondary, `LibxlBack` and
`DirtyList` are the two layers of the back channel, and `OptionalRecords` has
the bodies of optional records, wherever they stand. Nothing here follows
the turns of the layers, or the end of a stream; `verify` does, and calls it.
"""

from __future__ import annotations

import struct
from typing import Any, Dict, Optional, Set

from xen.migration.layer import (
    COLO, LIBXC_FRAMES, LIBXL_FRAMES, REMUS, Details, Layer, State,
)
from xen.migration.public import (
    CHECKPOINT, CHECKPOINT_DIRTY_PFN_LIST, CHECKPOINT_END, CHECKPOINT_STATE,
    EMULATOR_CONTEXT, EMULATOR_ID_MAX, EMULATOR_XENSTORE_DATA, FRAME, GONE,
    HELLO, HELLO_VERSION, KEEPER_NAMES, KIB, LIBXC, LIBXC_CONTEXT, LIBXC_END,
    LIBXL, LIBXL_END, LIBXL_HEADER_SIZE, LIBXL_IDENT, LIBXL_OPTION_BIG_ENDIAN,
    LIBXL_OPTION_LEGACY, LIBXL_VERSION, PAUSE_REASON, PAUSE_REASON_NAMES,
    PAGE_DIGESTS, PEER_INFO, PFN_LIMIT, RECEIVED, RELEASE, STATE_NAMES,
    STATE_NEW, STATE_READY, STATE_RESUMED, STATE_SUSPENDED, ZERO_PAGES,
    Reader,
)

_HEADER = struct.Struct(">8sII")
_WORDS = struct.Struct("<II")
_HELLO = struct.Struct("<IIQ")
_PEER_INFO = struct.Struct("<II64s")
_KNOWN_OPTIONS = LIBXL_OPTION_BIG_ENDIAN | LIBXL_OPTION_LEGACY


def read_header(reader: Reader) -> Dict[str, Any]:
    """Read and check the header; return its fields."""
    header = reader.header(LIBXL, LIBXL_HEADER_SIZE)
    ident, version, options = _HEADER.unpack(header)
    if ident != LIBXL_IDENT:
        reader.fail("libxl-ident")
    if version != LIBXL_VERSION:
        reader.fail("libxl-version")
    if options & ~_KNOWN_OPTIONS:
        reader.fail("libxl-options")
    if options & LIBXL_OPTION_BIG_ENDIAN:
        reader.fail("libxl-big-endian")
    reader.accept(LIBXL_HEADER_SIZE)
    return {"version": version, "options": options}


def _read_state(reader: Reader, length: int) -> int:
    """Read CHECKPOINT_STATE; return its id. Its turn isn't checked."""
    body = reader.collect(length)
    reader.padding()
    if any(body[4:]):
        reader.fail("checkpoint-state-word")
    control_id = int.from_bytes(body[:4], "little")
    if control_id >= len(STATE_NAMES):
        reader.fail("checkpoint-state-id")
    return control_id


def _state_details(control_id: int) -> Dict[str, Any]:
    return {"control_id": control_id, "state": STATE_NAMES[control_id]}


class Libxl(Layer):
    """libxl's records on the way from a primary to its secondary."""

    name = LIBXL
    frames = LIBXL_FRAMES

    def __init__(self, reader: Reader, state: State) -> None:
        super().__init__(reader, state)
        self.context = False
        # Types of the epoch's emulator records.
        self.emulators: Set[int] = set()

    def place(self, record_type: int) -> None:
        """Check whether a record that isn't optional may stand here."""
        fail = self.reader.fail
        if not self.context:
            if record_type != LIBXC_CONTEXT:
                fail("libxl-context-first")
            self.context = True
        elif record_type == LIBXC_CONTEXT:
            fail("libxl-context-twice")
        elif record_type in (EMULATOR_XENSTORE_DATA, EMULATOR_CONTEXT):
            self._emulator_place(record_type)
        elif record_type == CHECKPOINT_END:
            if self.state.ended != CHECKPOINT:
                fail("libxl-checkpoint-end-turn")
        elif record_type == LIBXL_END:
            if self.state.ended != LIBXC_END:
                fail("libxl-end-turn")

    def begin_epoch(self) -> None:
        """Forget what a complete epoch had."""
        self.emulators.clear()

    def body(self, record_type: int, length: int) -> Details:
        """Read and check a body with its padding; return what it tells."""
        if record_type == EMULATOR_XENSTORE_DATA:
            self._xenstore_data(length)
        elif record_type == EMULATOR_CONTEXT:
            self._emulator_context(length)
        elif record_type == CHECKPOINT_STATE:
            return self._checkpoint_state(length)
        return None

    def _emulator_place(self, record_type: int) -> None:
        if self.state.pv:
            self.reader.fail("libxl-emulator-pv")
        if record_type in self.emulators:
            self.reader.fail("libxl-emulator-twice")
        if EMULATOR_CONTEXT in self.emulators:
            self.reader.fail("libxl-emulator-order")
        self.emulators.add(record_type)

    def _emulator_id(self, body: bytes) -> None:
        emulator_id, _index = _WORDS.unpack_from(body)
        if emulator_id > EMULATOR_ID_MAX:
            self.reader.fail("libxl-emulator-id")

    def _emulator_context(self, length: int) -> None:
        reader = self.reader
        head = reader.collect(8)
        reader.skip(length - 8)
        reader.padding()
        self._emulator_id(head)

    def _xenstore_data(self, length: int) -> None:
        reader = self.reader
        head = reader.collect(8)
        in_key, begun, bad_key = True, False, False
        left = length - 8
        while left:
            piece = reader.collect(min(left, 64 * KIB))
            left -= len(piece)
            *ended, rest = piece.split(b"\0")
            for string in ended:
                if in_key and not begun:
                    bad_key |= not string or string.startswith(b"/")
                in_key, begun = not in_key, False
            if in_key and not begun:
                bad_key |= rest.startswith(b"/")
            begun |= bool(rest)
        reader.padding()
        self._emulator_id(head)
        if bad_key:
            reader.fail("libxl-xenstore-key")
        if begun:
            reader.fail("libxl-xenstore-nul")
        if not in_key:
            reader.fail("libxl-xenstore-pair")

    def _checkpoint_state(self, length: int) -> Details:
        reader, state = self.reader, self.state
        control_id = _read_state(reader, length)
        if control_id != STATE_NEW:
            reader.fail("checkpoint-state-direction")
        if state.pv:
            reader.fail("colo-hvm-only")
        if not state.gap or state.new or state.mode == REMUS:
            reader.fail("checkpoint-state-turn")
        state.mode = COLO
        state.new = True
        return _state_details(control_id)


class LibxlBack(Layer):
    """libxl's records on the way from a secondary to its primary."""

    name = LIBXL
    frames = LIBXL_FRAMES

    def __init__(self, reader: Reader, state: State) -> None:
        super().__init__(reader, state)
        self._last: Optional[int] = None
        self.list_turn = False

    def place(self, record_type: int) -> None:
        """Check whether a record that isn't optional may stand here."""
        if record_type != CHECKPOINT_STATE:
            self.reader.fail("back-channel-record")
        if self.list_turn:
            self.reader.fail("back-channel-dirty-list")

    def body(self, record_type: int, length: int) -> Details:
        """Read and check CHECKPOINT_STATE; return what it tells."""
        reader, state = self.reader, self.state
        control_id = _read_state(reader, length)
        if control_id == STATE_NEW:
            reader.fail("checkpoint-state-direction")
        if not self._has_turn(control_id):
            reader.fail("checkpoint-state-turn")
        if control_id == STATE_READY:
            state.epochs += 1
        self.list_turn = control_id == STATE_SUSPENDED
        self._last = control_id
        return _state_details(control_id)

    def _has_turn(self, control_id: int) -> bool:
        last, state = self._last, self.state
        if last is None or last == STATE_SUSPENDED:
            return control_id == STATE_READY
        if last == STATE_RESUMED:
            return control_id == STATE_SUSPENDED
        if state.mode is None:
            # The second one settles whether it is Remus or COLO.
            if control_id == STATE_READY:
                state.mode = REMUS
            elif control_id == STATE_RESUMED:
                state.mode = COLO
        if state.mode == REMUS:
            return control_id == STATE_READY
        return control_id == STATE_RESUMED


class DirtyList(Layer):
    """libxc's only record on the back channel."""

    name = LIBXC
    frames = LIBXC_FRAMES

    def __init__(self, reader: Reader, state: State, back: LibxlBack) -> None:
        super().__init__(reader, state)
        self._back = back

    def place(self, record_type: int) -> None:
        """Check whether the list may stand here."""
        if not self._back.list_turn:
            self.reader.fail("back-channel-dirty-list")
        self._back.list_turn = False

    def body(self, record_type: int, length: int) -> Details:
        """Read and check the list; return how many pfns it has."""
        assert record_type == CHECKPOINT_DIRTY_PFN_LIST
        if self.reader.highest(length) >= PFN_LIMIT:
            self.reader.fail("libxc-dirty-list-pfn")
        return {"count": length // 8}


class OptionalRecords:
    """The bodies of optional records."""

    def __init__(self, reader: Reader, state: State) -> None:
        self._reader = reader
        self._state = state

    def body(self, record_type: int, length: int) -> Details:
        """Read and check a body with its padding; return what it tells."""
        # The lengths of those that are known are multiples of 8, but for
        # FRAME's.
        if record_type == RELEASE:
            return self._release(self._reader.collect(length))
        if record_type == GONE:
            self._state.released = True
            return None
        if record_type == HELLO:
            return self._hello(self._reader.collect(length))
        if record_type == PAUSE_REASON:
            return self._pause_reason(self._reader.collect(length))
        if record_type == PEER_INFO:
            return self._peer_info(self._reader.collect(length))
        if record_type == ZERO_PAGES:
            return self._zero_pages(length)
        if record_type == FRAME:
            return self._frame(length)
        if record_type == RECEIVED:
            return {"octets": int.from_bytes(self._reader.collect(length),
                                             "little")}
        if record_type == PAGE_DIGESTS:
            self._reader.skip(length)
            return {"count": length // 16}
        self._reader.skip(length)
        self._reader.padding()
        return None

    def _release(self, body: bytes) -> Details:
        keeper, zero = _WORDS.unpack(body)
        if keeper >= len(KEEPER_NAMES):
            self._reader.fail("release-keeper")
        if zero:
            self._reader.fail("release-zero")
        self._state.released = True
        return {"keeper": keeper, "keeper_name": KEEPER_NAMES[keeper]}

    def _hello(self, body: bytes) -> Details:
        version, features, generation = _HELLO.unpack(body)
        if version != HELLO_VERSION:
            self._reader.fail("hello-version")
        return {"version": version, "features": features,
                "generation": generation}

    def _pause_reason(self, body: bytes) -> Details:
        reason, zero = _WORDS.unpack(body)
        if reason >= len(PAUSE_REASON_NAMES):
            self._reader.fail("pause-reason-value")
        if zero:
            self._reader.fail("pause-reason-zero")
        return {"reason": reason, "reason_name": PAUSE_REASON_NAMES[reason]}

    def _peer_info(self, body: bytes) -> Details:
        heartbeat, silence, field = _PEER_INFO.unpack(body)
        name, nul, rest = field.partition(b"\0")
        if not nul or any(rest):
            self._reader.fail("peer-info-name")
        return {"heartbeat_ms": heartbeat, "silence_ms": silence,
                "peer_name": name.decode("utf-8", "backslashreplace")}

    def _zero_pages(self, length: int) -> Details:
        count, zero = _WORDS.unpack(self._reader.collect(8))
        highest = self._reader.highest(length - 8)
        if count != (length - 8) // 8:
            self._reader.fail("zero-pages-count")
        if zero:
            self._reader.fail("zero-pages-reserved")
        if highest >= PFN_LIMIT:
            self._reader.fail("zero-pages-pfn")
        self._state.pages += count
        return {"count": count}

    def _frame(self, length: int) -> Details:
        vif, zero = _WORDS.unpack(self._reader.collect(8))
        self._reader.skip(length - 8)
        self._reader.padding()
        if zero:
            self._reader.fail("frame-zero")
        # No copy runs beside its domain in another mode.
        self._state.mode = COLO
        return {"vif": vif, "octets": length - 8}
