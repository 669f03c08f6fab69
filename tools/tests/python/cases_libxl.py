# SPDX-License-Identifier: LGPL-2.1-only
"""Broken streams: xl, libxl, optional records, back channel, and the end."""

from __future__ import annotations

from typing import List, Optional

from cases import Case, case, cut, end_after
from cases_direction import DIRECTION
from cases_frame import FRAMES
from streams import (
    EMULATOR, NEW, PV, READY, RESUMED, SUSPENDED, Part, Stream, build,
    build_back, checkpoint_state, hello, libxl_header, long, peer_info,
    record, word, xc, xenstore, xl, xl_header,
)

MIB = 1 << 20
LIMIT = 128 * MIB


def _xl(rule: str, what: str, header: Part) -> Case:
    return case(rule, what, build(),
                lambda s: s.replace("xl header", header), layer="xl")


XL: List[Case] = [
    _xl("xl-magic", "first octet", xl_header(magic=b"x" * 32)),
    _xl("xl-magic", "CR", xl_header(
        magic=b"Xen saved domain, xl format\n \0 \n")),
    _xl("xl-magic", "before byteorder", xl_header(magic=b"x" * 32,
                                                  byteorder=0)),
    _xl("xl-byteorder", "big-endian", xl_header(byteorder=0x04030201)),
    _xl("xl-byteorder", "before flags", xl_header(byteorder=0, mandatory=4)),
    _xl("xl-mandatory-flags", "bit 2", xl_header(mandatory=7)),
    _xl("xl-mandatory-flags", "bit 31, not v2",
        xl_header(mandatory=1 << 31)),
    _xl("xl-stream-v2", "JSON only", xl_header(mandatory=1)),
    _xl("xl-stream-v2", "before the limit",
        xl_header(mandatory=0, size=MIB + 1)),
    _xl("xl-optional-limit", "1 MiB + 1", xl_header(size=MIB + 1)),
    _xl("xl-config-length", "no room for the word", xl_header(data=b"abc")),
    _xl("xl-config-length", "one more", xl_header(config_len=16)),
    _xl("xl-config-length", "before NUL",
        xl_header(config=b"{}", config_len=3)),
    _xl("xl-config-nul", "none", xl_header(config=b"{}")),
    _xl("xl-config-nul", "two", xl_header(config=b"{}\0\0")),
    _xl("xl-config-nul", "inside", xl_header(config=b"{\0}")),
    _xl("xl-config-nul", "nothing", xl_header(config=b"")),
    _xl("xl-config-nul", "not counted",
        xl_header(config=b"{}\0", config_len=2)),
    case("xl-magic", "what is no stream at all", Stream(
        [Part("xl", "noise", b"noise" * 20)]), lambda s: s.where(0)),
    case("xl-magic", "a stream of libxl, told to be of xl",
         build(outer="libxl"), lambda s: (0, "xl", 0, None), layer="xl"),
]


def _header(rule: str, what: str, header: Part) -> Case:
    return case(rule, what, build(),
                lambda s: s.replace("libxl header", header))


def _libxl(rule: str, what: str, name: str, *parts: Part,
           mode: str = "plain", nth: int = 0) -> Case:
    """Put records behind the one of a name; the last one is broken."""
    return case(rule, what, build(mode),
                lambda s: s.after(name, *parts, nth=nth))


LIBXL: List[Case] = [
    _header("libxl-ident", "one octet", libxl_header(ident=b"LibxlFmT")),
    _header("libxl-version", "1", libxl_header(version=1)),
    _header("libxl-version", "before options",
            libxl_header(version=3, options=4)),
    _header("libxl-options", "bit 2", libxl_header(options=4)),
    _header("libxl-options", "before big-endian", libxl_header(options=9)),
    _header("libxl-big-endian", "bit 0", libxl_header(options=1)),
    _header("libxl-big-endian", "converted", libxl_header(options=3)),
    _libxl("libxl-type-unknown", "6", "EMULATOR_CONTEXT",
           xl("6", type=6)),
    _libxl("libxl-type-unknown", "0x7fffffff", "EMULATOR_CONTEXT",
           xl("x", type=0x7fffffff)),
    _libxl("libxl-length-limit", "unknown type", "EMULATOR_CONTEXT",
           xl("x", type=6, length=LIMIT + 1)),
    _libxl("libxl-length-limit", "EMULATOR_CONTEXT", "libxl header",
           xl("EMULATOR_CONTEXT", length=LIMIT + 1)),
    _libxl("libxl-length-limit", "optional", "libxl header",
           xl("x", type=0x80000000, length=LIMIT + 1)),
    _libxl("libxl-length", "LIBXC_CONTEXT", "libxl header",
           xl("LIBXC_CONTEXT", b"12345678")),
    _libxl("libxl-length", "EMULATOR_XENSTORE_DATA, 7", "libxl header",
           xl("EMULATOR_XENSTORE_DATA", b"1234567")),
    _libxl("libxl-length", "EMULATOR_CONTEXT", "libxl header",
           xl("EMULATOR_CONTEXT", length=7)),
    _libxl("libxl-length", "END", "EMULATOR_CONTEXT", xl("END", b"x")),
    _libxl("libxl-length", "CHECKPOINT_END", "EMULATOR_CONTEXT",
           xl("CHECKPOINT_END", b"x")),
    *(_libxl("libxl-length", "CHECKPOINT_STATE, %d" % length,
             "CHECKPOINT_END", xl("CHECKPOINT_STATE", length=length),
             mode="colo") for length in (0, 1, 3, 5, 12)),
    case("libxl-padding", "EMULATOR_CONTEXT", build(), lambda s: s.replace(
        "EMULATOR_CONTEXT", xl("EMULATOR_CONTEXT", word(9, 0) + b"x",
                               padding=b"\0\0\0\0\0\0\1"))),
    case("libxl-padding", "EMULATOR_XENSTORE_DATA", build(),
         lambda s: s.replace("EMULATOR_XENSTORE_DATA", xl(
             "EMULATOR_XENSTORE_DATA", xenstore(b"", b"x"),
             padding=b"\1\0\0\0\0"))),
    case("libxl-padding", "CHECKPOINT_STATE", build("colo"),
         lambda s: s.replace("CHECKPOINT_STATE", xl(
             "CHECKPOINT_STATE", word(9), padding=word(1)))),
    case("libxl-padding", "unknown optional", build(),
         lambda s: s.after("libxl header", xl(
             "x", b"odd", type=0x8000000b, padding=b"\0\0\0\0\1"))),
    case("libxl-context-first", "END", build(),
         lambda s: s.replace("LIBXC_CONTEXT", xl("END"))),
    case("libxl-context-first", "CHECKPOINT_STATE", build(),
         lambda s: s.before("LIBXC_CONTEXT", checkpoint_state(9))),
    _libxl("libxl-context-twice", "after libxc's END", "EMULATOR_CONTEXT",
           xl("LIBXC_CONTEXT")),
    _libxl("libxl-context-twice", "after CHECKPOINT", "CHECKPOINT",
           xl("LIBXC_CONTEXT"), mode="remus"),
    *(case("libxl-emulator-pv", part.name, build(mode, PV),
           lambda s: s.before(end, part))
      for part in (xl("EMULATOR_XENSTORE_DATA", xenstore()),
                   xl("EMULATOR_CONTEXT", EMULATOR))
      for mode, end in (("remus", "CHECKPOINT_END"),)),
    _libxl("libxl-emulator-twice", "EMULATOR_XENSTORE_DATA",
           "EMULATOR_XENSTORE_DATA",
           xl("EMULATOR_XENSTORE_DATA", xenstore())),
    _libxl("libxl-emulator-twice", "both, before order", "EMULATOR_CONTEXT",
           xl("EMULATOR_XENSTORE_DATA", xenstore())),
    _libxl("libxl-emulator-twice", "in a later epoch", "EMULATOR_CONTEXT",
           xl("EMULATOR_CONTEXT", EMULATOR), mode="remus", nth=1),
    case("libxl-emulator-order", "the other way round", build(),
         lambda s: s.after("EMULATOR_CONTEXT",
                           s.drop("EMULATOR_XENSTORE_DATA"))),
    case("libxl-emulator-id", "EMULATOR_CONTEXT", build(),
         lambda s: s.replace("EMULATOR_CONTEXT", xl(
             "EMULATOR_CONTEXT", word(3, 0)))),
]


def _xenstore(rule: str, what: str, body: bytes) -> Case:
    return case(rule, what, build(), lambda s: s.replace(
        "EMULATOR_XENSTORE_DATA", xl("EMULATOR_XENSTORE_DATA", body)))


def _state(rule: str, what: str, body: bytes, **options: str) -> Case:
    return case(rule, what, build("colo"), lambda s: s.replace(
        "CHECKPOINT_STATE", xl("CHECKPOINT_STATE", body), nth=1), **options)


LIBXL_BODIES: List[Case] = [
    _xenstore("libxl-emulator-id", "before key",
              xenstore(b"", b"x", emulator=3)),
    _xenstore("libxl-xenstore-key", "empty", xenstore(b"", b"x")),
    _xenstore("libxl-xenstore-key", "absolute, second",
              xenstore(b"a", b"/b", b"/c", b"d")),
    _xenstore("libxl-xenstore-key", "before NUL",
              xenstore(b"/a", b"x", rest=b"y")),
    _xenstore("libxl-xenstore-nul", "value",
              xenstore(b"a", rest=b"x")),
    _xenstore("libxl-xenstore-key", "absolute key, not ended",
              xenstore(b"a", b"b", rest=b"/x")),
    _xenstore("libxl-xenstore-pair", "a key alone", xenstore(b"a")),
    _state("checkpoint-state-word", "before id", word(9, 1)),
    _state("checkpoint-state-id", "4", word(4)),
    _state("checkpoint-state-id", "highest octet", word(1 << 24, 0)),
    *(_state("checkpoint-state-direction", str(i), word(i))
      for i in (SUSPENDED, READY, RESUMED)),
    case("colo-hvm-only", "NEW in a PV stream", build("remus", PV),
         lambda s: s.after("CHECKPOINT_END", checkpoint_state(NEW))),
    case("checkpoint-state-direction", "before PV", build("remus", PV),
         lambda s: s.after("CHECKPOINT_END", checkpoint_state(READY))),
    case("libxl-length", "5 between epochs of PV is libxl's",
         build("remus", PV), lambda s: s.after(
             "CHECKPOINT_END", xl("CHECKPOINT_STATE", bytes(12)))),
    _libxl("checkpoint-state-turn", "twice", "CHECKPOINT_STATE",
           checkpoint_state(NEW), mode="colo", nth=1),
    _libxl("checkpoint-state-turn", "before CHECKPOINT_END", "CHECKPOINT",
           checkpoint_state(NEW), mode="colo"),
    _libxl("checkpoint-state-turn", "plain", "EMULATOR_CONTEXT",
           checkpoint_state(NEW)),
    _libxl("checkpoint-state-turn", "in Remus", "CHECKPOINT_END",
           checkpoint_state(NEW), mode="remus", nth=1),
    case("checkpoint-state-turn", "told to be Remus", build("colo"),
         lambda s: s.at("CHECKPOINT_STATE"), mode="remus"),
    case("checkpoint-state-missing", "in COLO", build("colo"),
         lambda s: (s.drop("CHECKPOINT_STATE", 1),
                    s.at("PAGE_DATA", 12))[1]),
    case("checkpoint-state-missing", "told to be COLO", build("remus"),
         lambda s: s.at("PAGE_DATA", 6), mode="colo"),
    case("checkpoint-state-missing", "before place", build("colo"),
         lambda s: s.replace("CHECKPOINT_STATE", xc("TOOLSTACK"), 1)),
    case("colo-hvm-only", "told to be COLO", build("remus", PV),
         lambda s: s.at("libxc headers"), mode="colo"),
    _libxl("libxl-checkpoint-end-turn", "plain", "EMULATOR_CONTEXT",
           xl("CHECKPOINT_END")),
    _libxl("libxl-end-turn", "Remus", "CHECKPOINT", xl("END"),
           mode="remus"),
]


def _optional(rule: str, what: str, name: str, body: bytes,
              after: str = "libxl header", layer: str = "libxl",
              **how: int) -> Case:
    return case(rule, what, build(), lambda s: s.after(
        after, record(layer, name, body, **how)))


ZEROES = word(2, 0) + long(7, 8)


def _zeroes(rule: str, what: str, *body: bytes, after: str = "PAGE_DATA",
            layer: str = "libxc") -> Case:
    return case(rule, "ZERO_PAGES: " + what, build("remus"),
                lambda s: s.after(after, record(layer, "ZERO_PAGES",
                                                b"".join(body))))


def _ended(part: Part, after: str, keeper: Optional[int] = None) -> Case:
    """Put a record behind RELEASE or, without a keeper, GONE."""
    end = ("GONE", b"") if keeper is None else ("RELEASE", word(keeper, 0))
    return case("release-final", "%s after %s and %s" % (
        part.name, after, end[0]), build("colo"), lambda s: s.after(
            after, record(part.layer, *end), part))


OPTIONAL: List[Case] = [
    _optional("optional-length", "HEARTBEAT, 8", "HEARTBEAT", bytes(8)),
    _optional("optional-length", "HEARTBEAT, libxc", "HEARTBEAT", bytes(16),
              "STATIC_DATA_END", "libxc"),
    case("libxl-padding", "lowest optional type, between epochs",
         build("remus"), lambda s: s.after("CHECKPOINT_END", xl(
             "x", b"x", type=0x80000000, padding=b"\1" + bytes(6)))),
    case("libxl-padding", "an optional record behind NEW", build("colo"),
         lambda s: s.after("CHECKPOINT_STATE", xl(
             "x", b"x", type=0x80000000, padding=b"\1" + bytes(6)))),
    _optional("optional-length", "RELEASE, 4", "RELEASE", word(0)),
    _optional("optional-length", "GONE, 8", "GONE", bytes(8)),
    _optional("optional-length", "HELLO, 24", "HELLO", hello() + bytes(8)),
    _optional("optional-length", "PEER_INFO, 64", "PEER_INFO", bytes(64)),
    _optional("release-keeper", "2, before zero", "RELEASE", word(2, 1)),
    _optional("release-keeper", "libxc", "RELEASE", word(1 << 31, 0),
              "X86_TSC_INFO", "libxc"),
    _optional("release-zero", "1", "RELEASE", word(1, 1)),
    _optional("release-zero", "bit 31", "RELEASE", word(0, 1 << 31)),
    _optional("hello-version", "0", "HELLO", hello(0)),
    _optional("hello-version", "2, libxc", "HELLO", hello(2),
              "X86_TSC_INFO", "libxc"),
    _optional("peer-info-name", "no NUL", "PEER_INFO", peer_info(b"x" * 64)),
    _optional("peer-info-name", "more", "PEER_INFO", peer_info(b"a\0b")),
    _optional("peer-info-name", "last octet", "PEER_INFO",
              peer_info(b"a" + bytes(62) + b"b")),
    _optional("optional-length", "RECEIVED, 4", "RECEIVED", word(0)),
    _optional("optional-length", "RECEIVED, 16", "RECEIVED", bytes(16)),
    _optional("optional-length", "digests, 24", "PAGE_DIGESTS", bytes(24)),
    _optional("optional-length", "PAUSE_REASON, 4", "PAUSE_REASON", word(0)),
    _optional("pause-reason-value", "6, before zero", "PAUSE_REASON",
              word(6, 2)),
    _optional("pause-reason-value", "libxc", "PAUSE_REASON",
              word(1 << 31, 0), "X86_TSC_INFO", "libxc"),
    _optional("pause-reason-zero", "bit 0", "PAUSE_REASON", word(2, 1)),
    _optional("pause-reason-zero", "bit 31", "PAUSE_REASON",
              word(0, 1 << 31)),
    _zeroes("optional-length", "none", word(0, 0)),
    _zeroes("optional-length", "1025", word(1025, 0) + bytes(8200)),
    _zeroes("optional-length", "not whole", word(1, 0) + bytes(12)),
    _zeroes("zero-pages-count", "2 of 1, before reserved", word(2, 1),
            long(7)),
    _zeroes("zero-pages-reserved", "1, before pfn", word(1, 1),
            long(1 << 40)),
    _zeroes("zero-pages-pfn", "the last of 3", word(3, 0),
            long(1, 2, 1 << 40)),
    _zeroes("zero-pages-place", "before STATIC_DATA_END", ZEROES,
            after="libxc headers"),
    _zeroes("zero-pages-place", "behind X86_TSC_INFO", ZEROES,
            after="X86_TSC_INFO"),
    _zeroes("zero-pages-place", "before LIBXC_CONTEXT, with other faults",
            word(2, 1), long(7), after="libxl header", layer="libxl"),
    _zeroes("zero-pages-place", "behind CHECKPOINT", ZEROES,
            after="CHECKPOINT", layer="libxl"),
    case("zero-pages-place", "PV", build(guest=PV), lambda s: s.after(
        "PAGE_DATA", record("libxc", "ZERO_PAGES", ZEROES))),
    case("zero-pages-place", "back channel", build_back(),
         lambda s: s.insert(1, record("libxl", "ZERO_PAGES", ZEROES)),
         back=True),
    _ended(xc("PAGE_DATA", word(1, 0)), "STATIC_DATA_END", 0),
    _ended(xl("LIBXC_CONTEXT"), "libxl header", 1),
    _ended(xl("CHECKPOINT_END"), "EMULATOR_CONTEXT"),
    _ended(xc("TOOLSTACK"), "X86_TSC_INFO"),
    case("release-final", "back channel", build_back(),
         lambda s: s.insert(2, xl("RELEASE", word(0, 0)),
                            checkpoint_state(NEW)), back=True),
    case("release-final", "back channel, GONE", build_back(),
         lambda s: s.insert(2, xl("GONE"), xl("HEARTBEAT"),
                            checkpoint_state(READY)), back=True),
]


def _back(rule: str, what: str, index: int, *parts: Part,
          mode: str = "colo", drop: int = 0, **options: str) -> Case:
    """Put records at an index of a back channel; the last is broken."""
    stream = build_back(mode)
    del stream.parts[index:index + drop]
    return case(rule, what, stream, lambda s: s.insert(index, *parts),
                back=True, **options)


LIST = xc("CHECKPOINT_DIRTY_PFN_LIST", long(1))
# In COLO: READY, RESUMED, SUSPENDED, list, READY, RESUMED, SUSPENDED, …
BACK: List[Case] = [
    _back("back-channel-record", "END", 1, xl("END")),
    _back("back-channel-record", "where the list has its turn", 3,
          xl("LIBXC_CONTEXT")),
    _back("back-channel-record", "CHECKPOINT_END", 0, xl("CHECKPOINT_END")),
    _back("libxl-type-unknown", "STATIC_DATA_END", 1, xl("x", type=16)),
    _back("libxl-length", "END on the back channel", 1, xl("END", b"1")),
    _back("back-channel-dirty-list", "first", 0, LIST),
    _back("back-channel-dirty-list", "second list", 4, LIST),
    _back("back-channel-dirty-list", "Remus", 2, LIST, mode="remus"),
    _back("back-channel-dirty-list", "state instead", 3,
          checkpoint_state(NEW)),
    _back("libxc-dirty-list-pfn", "2^40", 3,
          xc("CHECKPOINT_DIRTY_PFN_LIST", long(0, 1 << 40, 1)), drop=1),
    _back("libxc-dirty-list-pfn", "last of many", 3,
          xc("CHECKPOINT_DIRTY_PFN_LIST", long(*range(20000), 1 << 63)),
          drop=1),
    _back("libxc-length", "list", 3, xc(
        "CHECKPOINT_DIRTY_PFN_LIST", b"1234"), drop=1),
    _back("libxc-length-limit", "list", 3, xc(
        "CHECKPOINT_DIRTY_PFN_LIST", length=LIMIT + 8), drop=1),
    _back("checkpoint-state-direction", "NEW", 2, checkpoint_state(NEW)),
    *(_back("checkpoint-state-turn", "%d at %d" % (i, index), index,
            checkpoint_state(i))
      for i, index in ((RESUMED, 0), (SUSPENDED, 0), (SUSPENDED, 1),
                       (READY, 2), (RESUMED, 2), (SUSPENDED, 4),
                       (RESUMED, 4), (SUSPENDED, 5), (READY, 5))),
    _back("checkpoint-state-turn", "RESUMED in Remus", 2,
          checkpoint_state(RESUMED), mode="remus"),
    case("checkpoint-state-turn", "back, told to be Remus",
         build_back("colo"),
         lambda s: s.where(1), back=True, mode="remus"),
    case("checkpoint-state-turn", "told to be COLO", build_back("remus"),
         lambda s: s.where(1), back=True, mode="colo"),
]

END: List[Case] = [
    *(case("stream-trailing", outer, build(outer=outer),
           lambda s: (s.end(layer), s.parts.append(
               Part("", "more", b"\0")))[0])
      for outer, layer in (("xl", "xl"), ("libxl", "libxl"),
                           ("libxc", "libxc"))),
    case("stream-trailing", "optional record", build(),
         lambda s: (s.end("xl"), s.parts.append(
             xl("HEARTBEAT")))[0]),
    case("stream-truncated", "empty", Stream(), lambda s: s.end("xl")),
    case("stream-truncated", "xl header", build(),
         lambda s: cut(s, "xl header", 47)),
    case("stream-truncated", "broken xl header", Stream(
        [xl_header(magic=b"x" * 32)]), lambda s: cut(s, "xl header", 47)),
    case("stream-truncated", "optional data", build(),
         lambda s: cut(s, "xl header", 49)),
    case("stream-truncated", "after xl", build(),
         lambda s: end_after(s, "xl header", "libxl")),
    case("stream-truncated", "after libxl's header", build(),
         lambda s: end_after(s, "libxl header", "libxl")),
    case("stream-truncated", "after LIBXC_CONTEXT", build(),
         lambda s: end_after(s, "LIBXC_CONTEXT", "libxc")),
    case("stream-truncated", "libxc headers", build(),
         lambda s: cut(s, "libxc headers", 39)),
    case("stream-truncated", "after libxc's headers", build(),
         lambda s: end_after(s, "libxc headers", "libxc")),
    case("stream-truncated", "record header", build("remus"),
         lambda s: cut(s, "HVM_CONTEXT", 7, 2)),
    case("stream-truncated", "body", build("remus"),
         lambda s: cut(s, "HVM_CONTEXT", 8, 2)),
    case("stream-truncated", "padding", build("remus"),
         lambda s: cut(s, "EMULATOR_CONTEXT", 39)),
    case("stream-truncated", "after libxc's END", build(),
         lambda s: end_after(s, "END", "libxl")),
    case("stream-truncated", "first epoch", build("remus"),
         lambda s: end_after(s, "HVM_PARAMS", "libxc")),
    case("stream-truncated", "back channel", build_back(),
         lambda s: cut(s, "CHECKPOINT_STATE", 12, 1), back=True),
    case("stream-incomplete", "after CHECKPOINT_END", build("remus"),
         lambda s: s.end("libxl"), complete=True),
    case("stream-incomplete", "after NEW", build("colo"),
         lambda s: end_after(s, "CHECKPOINT_STATE", "libxl"),
         complete=True),
    case("stream-incomplete", "inside an epoch", build("remus"),
         lambda s: end_after(s, "PAGE_DATA", "libxc", 8), complete=True),
    case("stream-incomplete", "libxc alone", build("remus", outer="libxc"),
         lambda s: s.end("libxc"), complete=True),
    case("stream-incomplete", "back channel", build_back(),
         lambda s: s.end("libxl"), complete=True, back=True),
]

CASES: List[Case] = (XL + LIBXL + LIBXL_BODIES + OPTIONAL + FRAMES + BACK +
                     END + DIRECTION)
