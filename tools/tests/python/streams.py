# SPDX-License-Identifier: LGPL-2.1-only
"""A builder of migration streams for tests, written from the specification.

It uses nothing of the verifier, so that a mistake there isn't repeated here.
A `Stream` is a list of parts, headers and records, that tests look up by
name, change, drop or add to; where() then tells how a fault of a part is
told. It never checks what it builds. The tests and `fuzz_agree` import it.
"""

from __future__ import annotations

import struct
from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

PAGE = 4096
HVM, PV = "hvm", "pv"

XL_TYPES = {
    "END": 0, "LIBXC_CONTEXT": 1, "EMULATOR_XENSTORE_DATA": 2,
    "EMULATOR_CONTEXT": 3, "CHECKPOINT_END": 4, "CHECKPOINT_STATE": 5,
}
XC_TYPES = {
    "END": 0, "PAGE_DATA": 1, "X86_PV_INFO": 2, "X86_PV_P2M_FRAMES": 3,
    "X86_PV_VCPU_BASIC": 4, "X86_PV_VCPU_EXTENDED": 5,
    "X86_PV_VCPU_XSAVE": 6, "SHARED_INFO": 7, "X86_TSC_INFO": 8,
    "HVM_CONTEXT": 9, "HVM_PARAMS": 10, "TOOLSTACK": 11,
    "X86_PV_VCPU_MSRS": 12, "VERIFY": 13, "CHECKPOINT": 14,
    "CHECKPOINT_DIRTY_PFN_LIST": 15, "STATIC_DATA_END": 16,
    "X86_CPUID_POLICY": 17, "X86_MSR_POLICY": 18,
}
OPTIONAL_TYPES = {
    "HEARTBEAT": 0x80000001, "RELEASE": 0x80000002, "GONE": 0x80000003,
    "HELLO": 0x80000004, "PAUSE_REASON": 0x80000005,
    "PEER_INFO": 0x80000006, "ZERO_PAGES": 0x80000007, "FRAME": 0x80000008,
    "RECEIVED": 0x80000009, "PAGE_DIGESTS": 0x8000000a,
}
NEW, SUSPENDED, READY, RESUMED = range(4)

# Offset, layer, number and type that a fault is told with.
Where = Tuple[int, str, int, Optional[int]]


def word(*values: int) -> bytes:
    return struct.pack("<%dI" % len(values), *values)


def long(*values: int) -> bytes:
    return struct.pack("<%dQ" % len(values), *values)


class Part(NamedTuple):
    """A header (without a type) or a record, as it stands in a stream."""

    layer: str
    name: str
    octets: bytes
    type: Optional[int] = None


def record(layer: str, name: str, body: bytes = b"",
           type: Optional[int] = None, length: Optional[int] = None,
           padding: Optional[bytes] = None) -> Part:
    """Make a record; the keywords make it one that it shouldn't be."""
    if type is None:
        types = XL_TYPES if layer == "libxl" else XC_TYPES
        type = types[name] if name in types else OPTIONAL_TYPES[name]
    if length is None:
        length = len(body)
    if padding is None:
        padding = bytes(-len(body) % 8)
    return Part(layer, name, word(type, length) + body + padding, type)


def xl(name: str, body: bytes = b"", **how: int) -> Part:
    return record("libxl", name, body, **how)


def xc(name: str, body: bytes = b"", **how: int) -> Part:
    return record("libxc", name, body, **how)


# Headers

CONFIG = b'{"c_info": {}}\0'


def xl_header(magic: bytes = b"Xen saved domain, xl format\n \0 \r",
              byteorder: int = 0x01020304, mandatory: int = 3,
              optional: int = 0, config: bytes = CONFIG,
              config_len: Optional[int] = None, data: Optional[bytes] = None,
              size: Optional[int] = None) -> Part:
    if data is None:
        data = word(len(config) if config_len is None else config_len)
        data += config
    if size is None:
        size = len(data)
    return Part("xl", "xl header", magic + word(
        byteorder, mandatory, optional, size) + data)


def libxl_header(ident: bytes = b"LibxlFmt", version: int = 2,
                 options: int = 0) -> Part:
    return Part("libxl", "libxl header",
                ident + struct.pack(">II", version, options))


def libxc_headers(version: int = 3, guest: int = 2, options: int = 0,
                  marker: bytes = b"\xff" * 8, ident: int = 0x58454e46,
                  reserved: bytes = bytes(6), shift: int = 12,
                  zero: int = 0) -> Part:
    return Part("libxc", "libxc headers", marker + struct.pack(
        ">IIH", ident, version, options) + reserved + struct.pack(
            "<IHHII", guest, shift, zero, 4, 17))


# Bodies

def pages(*entries: int, count: Optional[int] = None, zero: int = 0,
          data: Optional[int] = None) -> bytes:
    """PAGE_DATA: entries, and 4096 octets for each that has data."""
    if data is None:
        data = sum(entry >> 60 not in (0xd, 0xe, 0xf) for entry in entries)
    if count is None:
        count = len(entries)
    return word(count, zero) + long(*entries) + b"\xa5" * PAGE * data


def entry(pfn: int, kind: int = 0) -> int:
    return kind << 60 | pfn


def pv_info(width: int = 8, levels: int = 4, rest: bytes = bytes(6)) -> bytes:
    return bytes((width, levels)) + rest


def p2m(start: int, end: int, frames: Sequence[int]) -> bytes:
    return word(start, end) + long(*frames)


def vcpu(number: int = 0, zero: int = 0, state: bytes = b"vcpu") -> bytes:
    return word(number, zero) + state


def tsc(zero: int = 0) -> bytes:
    return word(1, 2400000) + long(5 << 40) + word(7, zero)


def params(*indices: int, count: Optional[int] = None,
           zero: int = 0) -> bytes:
    if count is None:
        count = len(indices)
    return word(count, zero) + b"".join(
        long(index, 0xfeff0 + index) for index in indices)


def msr_policy(flags: int = 0) -> bytes:
    return word(0x10a, 0) + long(1) + word(0xce, flags) + long(1 << 31)


def xenstore(*strings: bytes, emulator: int = 2, rest: bytes = b"") -> bytes:
    return word(emulator, 0) + b"".join(
        string + b"\0" for string in strings) + rest


def hello(version: int = 1, features: int = 0) -> bytes:
    return word(version, features) + long(3)


def peer_info(name: bytes = b"alpha") -> bytes:
    return word(500, 3000) + name.ljust(64, b"\0")


def frame(vif: int = 0, zero: int = 0, size: int = 61) -> bytes:
    return word(vif, zero) + b"\x5a" * size


SHARED = b"\x11" * PAGE
CPUID = word(0, 0xffffffff, 13, 1, 2, 3)
EMULATOR = word(2, 0) + b"state of a device model"


class Stream:
    """Parts of a stream, in order."""

    def __init__(self, parts: Iterable[Part] = ()) -> None:
        self.parts: List[Part] = list(parts)

    def __bytes__(self) -> bytes:
        return b"".join(part.octets for part in self.parts)

    def find(self, name: str, nth: int = 0, layer: str = "") -> int:
        """Return the index of the nth part of a name."""
        found = [i for i, part in enumerate(self.parts) if part.name == name
                 and layer in ("", part.layer)]
        return found[nth]

    def offset(self, index: int) -> int:
        return sum(len(part.octets) for part in self.parts[:index])

    def where(self, index: int) -> Where:
        """Return how a fault of a part is told."""
        part = self.parts[index]
        if part.type is None:
            return self.offset(index), part.layer, 0, None
        number = sum(other.layer == part.layer and other.type is not None
                     for other in self.parts[:index + 1])
        return self.offset(index), part.layer, number, part.type

    def end(self, layer: str) -> Where:
        """Return how a fault of the end is told."""
        return len(bytes(self)), layer, 0, None

    def insert(self, index: int, *parts: Part) -> Where:
        """Add parts; return where the last of them stands."""
        self.parts[index:index] = parts
        return self.where(index + len(parts) - 1)

    def after(self, name: str, *parts: Part, nth: int = 0,
              layer: str = "") -> Where:
        return self.insert(self.find(name, nth, layer) + 1, *parts)

    def before(self, name: str, *parts: Part, nth: int = 0,
               layer: str = "") -> Where:
        return self.insert(self.find(name, nth, layer), *parts)

    def replace(self, name: str, part: Part, nth: int = 0,
                layer: str = "") -> Where:
        index = self.find(name, nth, layer)
        self.parts[index] = part
        return self.where(index)

    def drop(self, name: str, nth: int = 0, layer: str = "") -> Part:
        return self.parts.pop(self.find(name, nth, layer))

    def keep(self, name: str, nth: int = 0, layer: str = "") -> None:
        """Drop all that comes behind a part."""
        del self.parts[self.find(name, nth, layer) + 1:]

    def at(self, name: str, nth: int = 0, layer: str = "") -> Where:
        return self.where(self.find(name, nth, layer))


# Good streams

def static_data(guest: str, version: int) -> List[Part]:
    parts = [xc("X86_CPUID_POLICY", CPUID * 3),
             xc("X86_MSR_POLICY", msr_policy())]
    if guest == PV:
        parts.append(xc("X86_PV_INFO", pv_info()))
    if version == 3:
        parts.append(xc("STATIC_DATA_END"))
    return parts


def memory(guest: str, number: int) -> List[Part]:
    """The pages of an epoch: lists, single pages, holes."""
    first = 16 * number
    if guest == HVM:
        mixed = pages(entry(first), entry(first + 1, 0xf),
                      entry(first + 2, 0xd), entry(first + 3, 0xe))
    else:
        mixed = pages(entry(first, 1), entry(first + 1, 0xc),
                      entry(first + 2, 0xf), entry(first + 3, 4))
    singles = [xc("PAGE_DATA", pages(entry(first + 4 + i)))
               for i in range(4)]
    return [xc("PAGE_DATA", mixed), *singles,
            xc("PAGE_DATA", pages(entry(first + 8), entry(first + 9)))]


def state(guest: str) -> List[Part]:
    parts = [xc("X86_TSC_INFO", tsc())]
    if guest == HVM:
        return parts + [xc("HVM_CONTEXT", b"vCPUs and the platform"),
                        xc("HVM_PARAMS", params(1, 5, 38))]
    parts.append(xc("SHARED_INFO", SHARED))
    for number in (0, 2):
        parts += [xc("X86_PV_VCPU_BASIC", vcpu(number)),
                  xc("X86_PV_VCPU_EXTENDED", vcpu(number)),
                  xc("X86_PV_VCPU_XSAVE", vcpu(number)),
                  xc("X86_PV_VCPU_MSRS", vcpu(number))]
    return parts


def emulator(guest: str) -> List[Part]:
    if guest == PV:
        return []
    return [xl("EMULATOR_XENSTORE_DATA", xenstore(b"a/b", b"c", b"d", b"")),
            xl("EMULATOR_CONTEXT", EMULATOR)]


def checkpoint_state(control_id: int) -> Part:
    return xl("CHECKPOINT_STATE", word(control_id))


def build(mode: str = "plain", guest: str = HVM, version: int = 3,
          outer: str = "xl", epochs: int = 3) -> Stream:
    """Build a good stream from a primary."""
    parts = {"xl": [xl_header(), libxl_header(), xl("LIBXC_CONTEXT")],
             "libxl": [libxl_header(), xl("LIBXC_CONTEXT")],
             "libxc": []}[outer]
    parts.append(libxc_headers(version, 2 if guest == HVM else 1))
    parts += static_data(guest, version)
    if guest == PV:
        parts.append(xc("X86_PV_P2M_FRAMES", p2m(0, 1023, (90, 91))))
    for number in range(1 if mode == "plain" else epochs):
        if mode == "colo" and number and outer != "libxc":
            parts.append(checkpoint_state(NEW))
        parts += memory(guest, number) + state(guest)
        parts.append(xc("END" if mode == "plain" else "CHECKPOINT"))
        if outer == "libxc":
            continue
        parts += emulator(guest)
        parts.append(xl("END" if mode == "plain" else "CHECKPOINT_END"))
    return Stream(parts)


def build_back(mode: str = "remus", epochs: int = 3) -> Stream:
    """Build a good back channel."""
    parts: List[Part] = []
    for number in range(epochs):
        if mode == "colo" and number:
            parts += [checkpoint_state(SUSPENDED),
                      xc("CHECKPOINT_DIRTY_PFN_LIST", long(7, 9, 2 ** 40 - 1))]
        parts.append(checkpoint_state(READY))
        if mode == "colo":
            parts.append(checkpoint_state(RESUMED))
    return Stream(parts)


def with_optional(stream: Stream, back: bool = False) -> Stream:
    """Put an optional record wherever one may stand."""
    kinds = (("HELLO", hello(1, 1 << 31), None), ("HEARTBEAT", b"", None),
             ("PEER_INFO", peer_info(), None),
             ("PAUSE_REASON", word(5, 0), None),
             ("RECEIVED", long(2 ** 40), None),
             ("PAGE_DIGESTS", long(7, 2 ** 63, 8, 1), None),
             ("other", b"odd", 0x80001234))
    hvm = any(part.name == "HVM_CONTEXT" for part in stream.parts)
    colo = any(part.octets == checkpoint_state(RESUMED if back else NEW).octets
               for part in stream.parts)
    ends = 0
    nested = any(part.name == "LIBXC_CONTEXT" for part in stream.parts)
    parts: List[Part] = []
    if back:
        parts += [xl("HELLO", hello()), xl("PEER_INFO", peer_info())]
    for index, part in enumerate(stream.parts):
        parts.append(part)
        last = part.name == "END" and index == len(stream.parts) - 1
        if last or part.name in ("xl header", "LIBXC_CONTEXT"):
            continue
        turn = part.layer
        if back or nested and part.name in ("END", "CHECKPOINT"):
            turn = "libxl"
        name, body, type = kinds[index % len(kinds)]
        parts.append(record(turn, name, body, type=type))
        if hvm and part.name in ("PAGE_DATA", "CHECKPOINT_END"):
            parts.append(record(turn, "ZERO_PAGES", word(2, 0) + long(7, 8)))
        ends += part.name == ("CHECKPOINT_STATE" if back
                              else "CHECKPOINT_END")
        if colo and ends:
            parts.append(record(turn, "FRAME", frame(index, size=14 + index)))
    return Stream(parts)


def good_streams() -> Iterable[Tuple[str, Stream, bool]]:
    """Yield names, streams, and whether each is a back channel."""
    for guest in (HVM, PV):
        for mode in ("plain", "remus", "colo"):
            for version in (2, 3):
                for outer in ("xl", "libxl", "libxc"):
                    if mode == "colo" and (guest == PV or outer == "libxc"):
                        continue
                    name = "%s %s %s v%d" % (outer, guest, mode, version)
                    stream = build(mode, guest, version, outer)
                    yield name, stream, False
                    yield name + " optional", with_optional(stream), False
    for mode in ("remus", "colo"):
        for epochs in range(4):
            stream = build_back(mode, epochs)
            name = "back %s, %d epochs" % (mode, epochs)
            yield name, stream, True
            yield name + " optional", with_optional(stream, True), True
