# SPDX-License-Identifier: LGPL-2.1-only
"""What all layers share: constants, record tables, faults, and reading.

`Source` is octets in memory with a position in them; `source` extends it to
files and pipes. `Reader` reads for the layers, and knows which header or
record a fault belongs to. Nothing here knows the order of a stream, keeps
page data, or writes. `xl`, `libxl`, `libxc` and `verify` build on it.
"""

from __future__ import annotations

import struct
from typing import Dict, NamedTuple, NoReturn, Optional, Tuple, Union

from xen.migration.rules import LENGTH_RULES, RULES

KIB = 1 << 10
MIB = 1 << 20

XL, LIBXL, LIBXC = "xl", "libxl", "libxc"

# xl header
XL_MAGIC = b"Xen saved domain, xl format\n \0 \r"
XL_HEADER_SIZE = 48
XL_BYTEORDER = 0x01020304
XL_FLAG_JSON = 1 << 0
XL_FLAG_STREAM_V2 = 1 << 1
XL_OPTIONAL_MAX = MIB

# What a sender writes behind a plain stream
HANDSHAKE = b"domain is yours, you are cleared to unpause\0"

# libxl header
LIBXL_IDENT = b"LibxlFmt"
LIBXL_HEADER_SIZE = 16
LIBXL_VERSION = 2
LIBXL_OPTION_BIG_ENDIAN = 1 << 0
LIBXL_OPTION_LEGACY = 1 << 1

# libxc headers
LIBXC_MARKER = b"\xff" * 8
LIBXC_HEADERS_SIZE = 40
LIBXC_IDENT = 0x58454E46
LIBXC_VERSIONS = (2, 3)
LIBXC_OPTION_BIG_ENDIAN = 1 << 0
GUEST_PV, GUEST_HVM = 1, 2
GUEST_NAMES = {GUEST_PV: "x86 PV", GUEST_HVM: "x86 HVM"}
PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT

# Records of both layers
RECORD_HEADER = struct.Struct("<II")
RECORD_HEADER_SIZE = 8
RECORD_MAX = 128 * MIB
RECORD_OPTIONAL = 0x80000000

# libxl records
LIBXL_END = 0
LIBXC_CONTEXT = 1
EMULATOR_XENSTORE_DATA = 2
EMULATOR_CONTEXT = 3
CHECKPOINT_END = 4
CHECKPOINT_STATE = 5

STATE_NEW, STATE_SUSPENDED, STATE_READY, STATE_RESUMED = range(4)
STATE_NAMES = ("NEW", "SVM_SUSPENDED", "SVM_READY", "SVM_RESUMED")
EMULATOR_ID_MAX = 2

# Optional records
HEARTBEAT = 0x80000001
RELEASE = 0x80000002
GONE = 0x80000003
HELLO = 0x80000004
PAUSE_REASON = 0x80000005
PEER_INFO = 0x80000006
ZERO_PAGES = 0x80000007
FRAME = 0x80000008
RECEIVED = 0x80000009
PAGE_DIGESTS = 0x8000000A

KEEPER_NAMES = ("primary", "secondary")
HELLO_VERSION = 1
PAUSE_REASON_NAMES = (
    "none", "prelaunch", "paused", "watchdog", "postmigrate", "panicked")
ZERO_PAGES_LIMIT = 1024
DIGESTS_LIMIT = 1024
FRAME_MIN, FRAME_MAX = 14, 65600

# libxc records
LIBXC_END = 0x00
PAGE_DATA = 0x01
X86_PV_INFO = 0x02
X86_PV_P2M_FRAMES = 0x03
X86_PV_VCPU_BASIC = 0x04
X86_PV_VCPU_EXTENDED = 0x05
X86_PV_VCPU_XSAVE = 0x06
SHARED_INFO = 0x07
X86_TSC_INFO = 0x08
HVM_CONTEXT = 0x09
HVM_PARAMS = 0x0A
TOOLSTACK = 0x0B
X86_PV_VCPU_MSRS = 0x0C
VERIFY = 0x0D
CHECKPOINT = 0x0E
CHECKPOINT_DIRTY_PFN_LIST = 0x0F
STATIC_DATA_END = 0x10
X86_CPUID_POLICY = 0x11
X86_MSR_POLICY = 0x12

PFN_LIMIT = 1 << 40
PFN_MASK = (1 << 52) - 1
PAGE_COUNT_MAX = 32768
VCPU_LIMIT = 8192
HVM_PARAM_LIMIT = 64


class RecordType(NamedTuple):
    """A record; its body_length is low, low + unit, and so on up to high."""

    name: str
    type: int
    low: int
    high: int
    unit: int


LIBXL_RECORDS = (
    RecordType("END", LIBXL_END, 0, 0, 1),
    RecordType("LIBXC_CONTEXT", LIBXC_CONTEXT, 0, 0, 1),
    RecordType("EMULATOR_XENSTORE_DATA", EMULATOR_XENSTORE_DATA,
               8, RECORD_MAX, 1),
    RecordType("EMULATOR_CONTEXT", EMULATOR_CONTEXT, 8, RECORD_MAX, 1),
    RecordType("CHECKPOINT_END", CHECKPOINT_END, 0, 0, 1),
    RecordType("CHECKPOINT_STATE", CHECKPOINT_STATE, 4, 8, 4),
)

OPTIONAL_RECORDS = (
    RecordType("HEARTBEAT", HEARTBEAT, 0, 0, 1),
    RecordType("RELEASE", RELEASE, 8, 8, 1),
    RecordType("GONE", GONE, 0, 0, 1),
    RecordType("HELLO", HELLO, 16, 16, 1),
    RecordType("PAUSE_REASON", PAUSE_REASON, 8, 8, 1),
    RecordType("PEER_INFO", PEER_INFO, 72, 72, 1),
    RecordType("ZERO_PAGES", ZERO_PAGES, 16, 8 + 8 * ZERO_PAGES_LIMIT, 8),
    RecordType("FRAME", FRAME, 8 + FRAME_MIN, 8 + FRAME_MAX, 1),
    RecordType("RECEIVED", RECEIVED, 8, 8, 1),
    RecordType("PAGE_DIGESTS", PAGE_DIGESTS, 16, 16 * DIGESTS_LIMIT, 16),
)

LIBXC_RECORDS = (
    RecordType("END", LIBXC_END, 0, 0, 1),
    RecordType("PAGE_DATA", PAGE_DATA, 8, RECORD_MAX, 8),
    RecordType("X86_PV_INFO", X86_PV_INFO, 8, 8, 1),
    RecordType("X86_PV_P2M_FRAMES", X86_PV_P2M_FRAMES, 16, RECORD_MAX, 8),
    RecordType("X86_PV_VCPU_BASIC", X86_PV_VCPU_BASIC, 9, MIB, 1),
    RecordType("X86_PV_VCPU_EXTENDED", X86_PV_VCPU_EXTENDED, 8, MIB, 1),
    RecordType("X86_PV_VCPU_XSAVE", X86_PV_VCPU_XSAVE, 8, MIB, 1),
    RecordType("SHARED_INFO", SHARED_INFO, 4096, 4096, 1),
    RecordType("X86_TSC_INFO", X86_TSC_INFO, 24, 24, 1),
    RecordType("HVM_CONTEXT", HVM_CONTEXT, 8, 16 * MIB, 1),
    RecordType("HVM_PARAMS", HVM_PARAMS, 8, 8 + 16 * HVM_PARAM_LIMIT, 16),
    RecordType("TOOLSTACK", TOOLSTACK, 0, RECORD_MAX, 1),
    RecordType("X86_PV_VCPU_MSRS", X86_PV_VCPU_MSRS, 8, MIB, 1),
    RecordType("VERIFY", VERIFY, 0, 0, 1),
    RecordType("CHECKPOINT", CHECKPOINT, 0, 0, 1),
    RecordType("CHECKPOINT_DIRTY_PFN_LIST", CHECKPOINT_DIRTY_PFN_LIST,
               0, RECORD_MAX, 8),
    RecordType("STATIC_DATA_END", STATIC_DATA_END, 0, 0, 1),
    RecordType("X86_CPUID_POLICY", X86_CPUID_POLICY, 24, MIB, 24),
    RecordType("X86_MSR_POLICY", X86_MSR_POLICY, 16, MIB, 16),
)

RecordTable = Dict[int, RecordType]

RECORDS: Dict[str, RecordTable] = {
    LIBXL: {r.type: r for r in LIBXL_RECORDS + OPTIONAL_RECORDS},
    LIBXC: {r.type: r for r in LIBXC_RECORDS + OPTIONAL_RECORDS},
}


def type_name(layer: str, record_type: int) -> str:
    """Return the name of a record type, or `unknown`."""
    record = RECORDS[layer].get(record_type)
    return record.name if record else "unknown"


class StreamError(Exception):
    """A stream breaks a rule.

    Outside a record, record is 0 and type is None.
    """

    def __init__(self, rule: str, offset: int, layer: str, record: int = 0,
                 record_type: Optional[int] = None, text: str = "") -> None:
        super().__init__(rule, offset, layer, record, record_type, text)
        self.rule = rule
        self.offset = offset
        self.layer = layer
        self.record = record
        self.type = record_type
        self.text = text or RULES[rule].sentence

    def __str__(self) -> str:
        where = "offset %d: %s" % (self.offset, self.layer)
        if self.type is not None:
            where += " record %d type 0x%x (%s)" % (
                self.record, self.type, self.name)
        return "%s: broken rule: %s [%s, see %s]" % (
            where, self.text, self.rule, self.section)

    @property
    def name(self) -> Optional[str]:
        """The name of the record's type; None outside a record."""
        if self.type is None:
            return None
        return type_name(self.layer, self.type)

    @property
    def section(self) -> str:
        """The section of the specification that has the rule."""
        return RULES[self.rule].section

    @property
    def key(self) -> Tuple[str, int, str, int, Optional[int]]:
        """All that two checkers of a stream have to agree on."""
        return self.rule, self.offset, self.layer, self.record, self.type


class Source:
    """Octets of a stream, in a window of memory.

    buf[pos:end] has been read and isn't consumed yet; base + pos is the
    offset in the stream. This class has the whole stream in the window, a
    subclass reads on in _fill().
    """

    # Whether clear() has to be told which octets may be passed on.
    live = False

    def __init__(self, buf: Union[bytes, memoryview], start: int = 0,
                 end: Optional[int] = None) -> None:
        self.buf: Union[bytes, memoryview] = buf
        self.pos = start
        self.end = len(buf) if end is None else end
        self.base = -start

    @property
    def offset(self) -> int:
        """The offset in the stream of the next octet."""
        return self.base + self.pos

    def need(self, count: int) -> bool:
        """Return whether count octets are in the window, after reading."""
        while self.end - self.pos < count:
            if not self._fill():
                return False
        return True

    def skip(self, count: int) -> bool:
        """Consume octets unseen; return False if there aren't so many."""
        while self.end - self.pos < count:
            count -= self.end - self.pos
            self.pos = self.end
            if not self._fill():
                return False
        self.pos += count
        return True

    def clear(self, offset: int) -> None:
        """Say that the octets before offset may be passed on."""

    def consumed(self) -> None:
        """Say that much of the window has been consumed."""

    def close(self) -> None:
        """Give back what reading needed."""

    def _fill(self) -> bool:
        """Read more into the window; return False at the end."""
        return False


class Reader:
    """Reads from a source, and raises the faults of what stands there."""

    __slots__ = ("source", "offset", "layer", "record", "type", "length")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.offset = 0
        self.layer = XL
        self.record = 0
        self.type: Optional[int] = None
        self.length = 0

    def outside(self, layer: str) -> None:
        """Let faults from here on be those of a header, or of the end."""
        self.offset = self.source.offset
        self.layer = layer
        self.record = 0
        self.type = None

    def fail(self, rule: str, detail: str = "") -> NoReturn:
        """Raise a fault of the header or record that is being read."""
        text = RULES[rule].sentence
        if detail:
            text += "; " + detail
        if rule in LENGTH_RULES:
            text += "; it is %d here" % self.length
        raise StreamError(rule, self.offset, self.layer, self.record,
                          self.type, text)

    def header(self, layer: str, size: int) -> bytes:
        """Return a header, without consuming it."""
        self.outside(layer)
        source = self.source
        if not source.need(size):
            self.fail("stream-truncated")
        return bytes(source.buf[source.pos:source.pos + size])

    def accept(self, size: int, follows: int = 0) -> None:
        """Consume a good header; octets that follow it may be passed on."""
        source = self.source
        source.pos += size
        source.clear(source.offset + follows)

    def collect(self, count: int) -> bytes:
        """Return octets of a body; count is 1 MiB at most."""
        source = self.source
        start = source.pos
        if source.end - start < count:
            if not source.need(count):
                self.fail("stream-truncated")
            start = source.pos
        source.pos = start + count
        return bytes(source.buf[start:start + count])

    def skip(self, count: int) -> None:
        """Consume octets of a body that no rule is about."""
        if not self.source.skip(count):
            self.fail("stream-truncated")

    def highest(self, count: int) -> int:
        """Return the highest of the 8-octet words in the next octets."""
        highest = 0
        while count:
            piece = min(count, 64 * KIB)
            words = struct.unpack("<%dQ" % (piece // 8), self.collect(piece))
            highest = max(highest, max(words))
            count -= piece
        return highest

    def padding(self) -> None:
        """Read and check the padding of the record."""
        pad = -self.length & 7
        if pad and any(self.collect(pad)):
            self.fail(self.layer + "-padding")
