# SPDX-License-Identifier: LGPL-2.1-only
"""Broken streams: libxc's headers, order and bodies."""

from __future__ import annotations

from typing import List

from cases import Case, case, cut
from streams import (
    CPUID, HVM, PV, SHARED, Part, build, entry, libxc_headers, long,
    msr_policy, p2m, pages, params, pv_info, record, tsc, vcpu, word, xc,
)

MIB = 1 << 20
LIMIT = 128 * MIB


def _header(rule: str, what: str, **fields: object) -> Case:
    return case(rule, what, build(), lambda s: s.replace(
        "libxc headers", libxc_headers(**fields)))  # type: ignore[arg-type]


HEADERS: List[Case] = [
    _header("libxc-marker", "one bit", marker=b"\xff" * 7 + b"\xfe"),
    _header("libxc-ident", "little-endian", ident=0x464e4558),
    _header("libxc-version", "1", version=1),
    _header("libxc-version", "4, before options", version=4, options=2),
    _header("libxc-options", "bit 1", options=2),
    _header("libxc-options", "before big-endian", options=0x8001),
    _header("libxc-big-endian", "bit 0", options=1),
    _header("libxc-big-endian", "before reserved", options=1,
            reserved=b"\0\0\0\0\0\1"),
    _header("libxc-image-reserved", "first", reserved=b"\1\0\0\0\0\0"),
    _header("libxc-image-reserved", "last", reserved=b"\0\0\0\0\0\1"),
    _header("libxc-guest-type", "0", guest=0),
    _header("libxc-guest-type", "3, before shift", guest=3, shift=0),
    _header("libxc-page-shift", "13", shift=13),
    _header("libxc-domain-reserved", "1", zero=1),
]


def _after(rule: str, what: str, name: str, *parts: Part, mode: str = "plain",
           guest: str = HVM, version: int = 3, nth: int = 0) -> Case:
    """Put records behind the one of a name; the last one is broken."""
    return case(rule, what, build(mode, guest, version),
                lambda s: s.after(name, *parts, nth=nth))


def _length(name: str, length: int, guest: str = HVM,
            rule: str = "libxc-length") -> Case:
    return _after(rule, "%s, %d" % (name, length), "STATIC_DATA_END",
                  xc(name, length=length), guest=guest)


FRAMES: List[Case] = [
    _after("libxc-type-unknown", "0x13", "X86_TSC_INFO", xc("x", type=0x13)),
    _after("libxc-type-unknown", "0x7fffffff", "X86_TSC_INFO",
           xc("x", type=0x7fffffff)),
    _after("libxc-type-unknown", "between epochs", "CHECKPOINT_END",
           xc("x", type=0x13), mode="remus"),
    _length("HVM_CONTEXT", LIMIT + 1, rule="libxc-length-limit"),
    _length("TOOLSTACK", LIMIT + 1, rule="libxc-length-limit"),
    _after("libxc-length-limit", "optional", "X86_TSC_INFO",
           xc("x", type=0xffffffff, length=0xffffffff)),
    _length("END", 8),
    _length("PAGE_DATA", 0),
    _length("PAGE_DATA", 4113),
    _length("X86_PV_INFO", 16),
    _length("X86_PV_P2M_FRAMES", 8, PV),
    _length("X86_PV_P2M_FRAMES", 20, PV),
    _length("X86_PV_VCPU_BASIC", 7),
    _length("X86_PV_VCPU_BASIC", 8, PV),
    _length("X86_PV_VCPU_EXTENDED", MIB + 1),
    _length("X86_PV_VCPU_XSAVE", 0, PV),
    _length("X86_PV_VCPU_MSRS", MIB + 8, PV),
    _length("SHARED_INFO", 4095),
    _length("X86_TSC_INFO", 32),
    _length("HVM_CONTEXT", 7),
    _length("HVM_CONTEXT", 16 * MIB + 1),
    _length("HVM_PARAMS", 16),
    _length("HVM_PARAMS", 8 + 16 * 65),
    _length("VERIFY", 1),
    _length("CHECKPOINT", 8),
    _length("CHECKPOINT_DIRTY_PFN_LIST", 12),
    _length("STATIC_DATA_END", 1),
    _length("X86_CPUID_POLICY", 0),
    _length("X86_CPUID_POLICY", 32),
    _length("X86_CPUID_POLICY", MIB),
    _length("X86_MSR_POLICY", 24),
    _length("X86_MSR_POLICY", MIB + 16),
    case("libxc-padding", "HVM_CONTEXT", build(), lambda s: s.replace(
        "HVM_CONTEXT", xc("HVM_CONTEXT", b"123456789",
                          padding=b"\0\0\0\0\0\0\1"))),
    case("libxc-padding", "vCPU, before id", build(guest=PV),
         lambda s: s.replace("X86_PV_VCPU_BASIC", xc(
             "X86_PV_VCPU_BASIC", vcpu(8192, state=b"1"),
             padding=b"\1\0\0\0\0\0\0"))),
    _after("libxc-padding", "unknown optional", "X86_TSC_INFO",
           record("libxc", "x", b"1", type=0x80000000,
                  padding=b"\0\0\0\0\0\0\1")),
]


def _pages(rule: str, what: str, body: bytes, guest: str = HVM) -> Case:
    return _after(rule, what, "PAGE_DATA", xc("PAGE_DATA", body),
                  guest=guest, nth=1)


BITS = 1 << 52
HIGH = 1 << 40

PAGE_DATA: List[Case] = [
    _pages("libxc-page-data-empty", "before reserved", pages(zero=1)),
    _pages("libxc-page-data-limit", "before reserved",
           pages(1, count=32769, zero=1)),
    _pages("libxc-page-data-reserved", "before length",
           pages(1, count=900, zero=1)),
    _pages("libxc-page-data-length", "too short for the list",
           pages(BITS, count=514)),
    _pages("libxc-page-data-length", "no list", pages(count=1)),
    _pages("libxc-page-data-length", "a page less",
           pages(1, 1, 2, data=2)),
    _pages("libxc-page-data-length", "a page more", pages(1, data=2)),
    _pages("libxc-page-data-length", "eight octets more",
           pages(1) + bytes(8)),
    _pages("libxc-page-data-length", "data of a hole",
           pages(1, entry(2, 0xf), data=2)),
    _pages("libxc-page-data-length", "holes without list",
           pages(count=2, data=0)),
    *(_pages("libxc-page-data-bits", "bit %d" % bit, pages(1, 2 | 1 << bit))
      for bit in range(52, 60)),
    _pages("libxc-page-data-bits", "before type",
           pages(1, entry(2, 5) | BITS)),
    *(_pages("libxc-page-data-type", "%d, %s" % (kind, guest),
             pages(entry(1, kind)), guest)
      for kind in range(5, 9) for guest in (HVM, PV)),
    _pages("libxc-page-data-type", "before pfn", pages(entry(HIGH, 8))),
    *(_pages("libxc-page-data-hvm", str(kind), pages(0, entry(1, kind)))
      for kind in (1, 2, 3, 4, 9, 10, 11, 12)),
    _pages("libxc-page-data-hvm", "before pfn", pages(entry(HIGH, 4))),
    _pages("libxc-page-data-pfn", "2^40", pages(HIGH)),
    _pages("libxc-page-data-pfn", "2^51", pages(0, 1 << 51)),
    _pages("libxc-page-data-pfn", "a hole", pages(entry(HIGH, 0xf))),
    _pages("libxc-page-data-pfn", "2^47, page table",
           pages(entry(1 << 47, 1)), PV),
    _pages("libxc-page-data-pfn", "the first entry counts",
           pages(1, 1, HIGH, BITS, data=0)),
    _pages("libxc-page-data-twice", "a run ends", pages(7, 7)),
    _pages("libxc-page-data-twice", "of two types",
           pages(entry(1), entry(1, 0xf))),
    _pages("libxc-page-data-twice", "far apart",
           pages(*range(1000), 0)),
    case("libxc-page-data-bits", "cut off behind", build(),
         lambda s: (s.replace("PAGE_DATA", xc("PAGE_DATA", pages(
             1, BITS, 3))), cut(s, "PAGE_DATA", 32))[0]),
    case("stream-truncated", "inside the broken entry", build(),
         lambda s: (s.replace("PAGE_DATA", xc("PAGE_DATA", pages(
             1, BITS, 3))), cut(s, "PAGE_DATA", 31))[1]),
    case("stream-truncated", "twice, list not complete", build(),
         lambda s: (s.replace("PAGE_DATA", xc("PAGE_DATA", pages(
             1, 1, 3))), cut(s, "PAGE_DATA", 32))[1]),
]


def _body(rule: str, what: str, name: str, body: bytes, guest: str = HVM,
          nth: int = 0) -> Case:
    return case(rule, what, build(guest=guest),
                lambda s: s.replace(name, xc(name, body), nth))


BODIES: List[Case] = [
    *(_body("libxc-pv-info-value", repr(body), "X86_PV_INFO", body, PV)
      for body in (pv_info(5), pv_info(8, 5), pv_info(8, 2), pv_info(0),
                   pv_info(8, 4, b"\0\0\0\0\0\1"),
                   pv_info(8, 4, b"\1\0\0\0\0\0"))),
    _body("libxc-p2m-frames-range", "before count", "X86_PV_P2M_FRAMES",
          p2m(9, 8, (HIGH, 1, 2)), PV),
    *(_body("libxc-p2m-frames-count", "%d to %d" % (start, end),
            "X86_PV_P2M_FRAMES", p2m(start, end, range(count)), PV)
      for start, end, count in ((0, 511, 2), (0, 512, 1), (511, 512, 1),
                                (512, 512, 2), (0, 0xffffffff, 3))),
    _body("libxc-p2m-frames-count", "before pfn", "X86_PV_P2M_FRAMES",
          p2m(0, 511, (HIGH, HIGH)), PV),
    case("libxc-p2m-frames-count", "32-bit", build(guest=PV),
         lambda s: (s.replace("X86_PV_INFO", xc("X86_PV_INFO", pv_info(4))),
                    s.replace("X86_PV_P2M_FRAMES", xc(
                        "X86_PV_P2M_FRAMES", p2m(0, 1023, (1, 2)))))[1]),
    _body("libxc-p2m-frames-pfn", "second", "X86_PV_P2M_FRAMES",
          p2m(0, 1023, (1, HIGH)), PV),
    _body("libxc-tsc-info-reserved", "1", "X86_TSC_INFO", tsc(1)),
    _body("libxc-hvm-params-count", "before reserved", "HVM_PARAMS",
          params(1, count=2, zero=1)),
    _body("libxc-hvm-params-count", "too low", "HVM_PARAMS",
          params(1, count=0)),
    _body("libxc-hvm-params-reserved", "before index", "HVM_PARAMS",
          params(64, zero=1)),
    _body("libxc-hvm-params-index", "64", "HVM_PARAMS", params(63, 64)),
    _body("libxc-hvm-params-index", "upper word", "HVM_PARAMS",
          word(1, 0) + long(1 << 32, 0)),
    _body("libxc-hvm-params-index", "before a second", "HVM_PARAMS",
          params(1, 64, 1)),
    _body("libxc-hvm-params-twice", "before an index", "HVM_PARAMS",
          params(2, 1, 2, 64)),
    _body("libxc-msr-policy-flags", "second", "X86_MSR_POLICY",
          msr_policy(1)),
    _body("libxc-vcpu-id", "before reserved", "X86_PV_VCPU_BASIC",
          vcpu(8192, 1), PV),
    _body("libxc-vcpu-reserved", "before order", "X86_PV_VCPU_XSAVE",
          vcpu(1, 1), PV),
    _body("libxc-vcpu-order", "lower", "X86_PV_VCPU_EXTENDED", vcpu(0), PV,
          1),
    _body("libxc-vcpu-missing", "higher", "X86_PV_VCPU_EXTENDED", vcpu(1),
          PV),
    *(_after("libxc-vcpu-order", "%s after %s" % (name, after), after,
             xc(name, vcpu(2)), guest=PV, nth=1)
      for after, name in (("X86_PV_VCPU_BASIC", "X86_PV_VCPU_BASIC"),
                          ("X86_PV_VCPU_EXTENDED", "X86_PV_VCPU_BASIC"),
                          ("X86_PV_VCPU_MSRS", "X86_PV_VCPU_XSAVE"),
                          ("X86_PV_VCPU_MSRS", "X86_PV_VCPU_MSRS"))),
    case("libxc-vcpu-missing", "first in a later epoch", build("remus", PV),
         lambda s: (s.drop("X86_PV_VCPU_BASIC", 2),
                    s.at("X86_PV_VCPU_EXTENDED", 2))[1]),
]

PLACE: List[Case] = [
    _after("libxc-toolstack", "plain", "X86_TSC_INFO", xc("TOOLSTACK", b"x")),
    _after("libxc-toolstack", "before all else", "libxc headers",
           xc("TOOLSTACK"), guest=PV),
    _after("libxc-dirty-list-forward", "Remus", "X86_TSC_INFO",
           xc("CHECKPOINT_DIRTY_PFN_LIST"), mode="remus"),
    *(_after("libxc-pv-record-in-hvm", name, "X86_TSC_INFO", xc(name, body))
      for name, body in (("X86_PV_INFO", pv_info()),
                         ("X86_PV_P2M_FRAMES", p2m(0, 1, (1,))),
                         ("X86_PV_VCPU_BASIC", vcpu()),
                         ("X86_PV_VCPU_EXTENDED", vcpu()),
                         ("X86_PV_VCPU_XSAVE", vcpu()),
                         ("X86_PV_VCPU_MSRS", vcpu()),
                         ("SHARED_INFO", SHARED))),
    case("libxc-pv-record-in-hvm", "5 without a libxl layer",
         build("remus", outer="libxc"), lambda s: s.after(
             "CHECKPOINT", xc("X86_PV_VCPU_EXTENDED", vcpu()))),
    case("libxc-vcpu-missing", "5 without a libxl layer, PV",
         build("remus", PV, outer="libxc"), lambda s: s.after(
             "SHARED_INFO", xc("X86_PV_VCPU_EXTENDED", vcpu()), nth=1)),
    case("libxc-vcpu-missing", "vCPU 1 first", build(guest=PV), lambda s: (
        s.replace("X86_PV_VCPU_BASIC", xc("X86_PV_VCPU_BASIC", vcpu(1))),
        s.at("X86_PV_VCPU_BASIC"))[1]),
    *(_after("libxc-hvm-record-in-pv", name, "X86_TSC_INFO", xc(name, body),
             guest=PV)
      for name, body in (("HVM_CONTEXT", bytes(8)),
                         ("HVM_PARAMS", params()))),
    _after("libxc-static-data-end-v2", "in place", "X86_MSR_POLICY",
           xc("STATIC_DATA_END"), version=2),
    _after("libxc-static-data-end-v2", "late", "X86_TSC_INFO",
           xc("STATIC_DATA_END"), version=2),
    _after("libxc-static-data-end-twice", "at once", "STATIC_DATA_END",
           xc("STATIC_DATA_END")),
    _after("libxc-static-data-end-twice", "next epoch", "CHECKPOINT_END",
           xc("STATIC_DATA_END"), mode="remus"),
    _after("libxc-static-data-late", "after STATIC_DATA_END",
           "STATIC_DATA_END", xc("X86_CPUID_POLICY", CPUID)),
    _after("libxc-static-data-late", "version 2", "PAGE_DATA",
           xc("X86_MSR_POLICY", msr_policy()), version=2),
    _after("libxc-static-data-late", "next epoch", "CHECKPOINT_END",
           xc("X86_MSR_POLICY", msr_policy()), mode="remus"),
    case("libxc-static-data-end-missing", "pages", build(), lambda s: (
        s.drop("STATIC_DATA_END"), s.at("PAGE_DATA"))[1]),
    case("libxc-static-data-end-missing", "P2M", build(guest=PV), lambda s: (
        s.drop("STATIC_DATA_END"), s.drop("X86_PV_INFO"),
        s.at("X86_PV_P2M_FRAMES"))[2]),
    case("libxc-pv-info-missing", "STATIC_DATA_END", build(guest=PV),
         lambda s: (s.drop("X86_PV_INFO"), s.at("STATIC_DATA_END"))[1]),
    case("libxc-pv-info-missing", "version 2", build("plain", PV, 2),
         lambda s: (s.drop("X86_PV_INFO"), s.at("X86_PV_P2M_FRAMES"))[1]),
    case("libxc-p2m-frames-missing", "pages", build(guest=PV), lambda s: (
        s.drop("X86_PV_P2M_FRAMES"), s.at("PAGE_DATA"))[1]),
    *(_after("libxc-record-twice", part.name, part.name, part, guest=guest)
      for guest, part in ((HVM, xc("X86_CPUID_POLICY", CPUID)),
                          (HVM, xc("X86_MSR_POLICY", msr_policy())),
                          (PV, xc("X86_PV_INFO", pv_info())),
                          (PV, xc("X86_PV_P2M_FRAMES", p2m(0, 1, (1,)))),
                          (PV, xc("SHARED_INFO", SHARED)),
                          (HVM, xc("X86_TSC_INFO", tsc())),
                          (HVM, xc("HVM_CONTEXT", bytes(8))),
                          (HVM, xc("HVM_PARAMS", params())))),
    _after("libxc-record-twice", "before order", "HVM_PARAMS",
           xc("X86_TSC_INFO", tsc())),
    _after("libxc-record-twice", "P2M in a later epoch", "CHECKPOINT_END",
           xc("X86_PV_P2M_FRAMES", p2m(0, 1, (1,))), guest=PV, mode="remus"),
    _after("libxc-record-order", "pages after TSC", "X86_TSC_INFO",
           xc("PAGE_DATA", pages(BITS))),
    case("libxc-record-order", "a page after a record of its length",
         build(), lambda s: (
             s.replace("HVM_CONTEXT", xc("HVM_CONTEXT", bytes(4112))),
             s.after("HVM_CONTEXT", xc("PAGE_DATA", pages(77))))[1]),
    case("libxc-record-order", "TSC last", build(), lambda s: s.after(
        "HVM_PARAMS", s.drop("X86_TSC_INFO"))),
    case("libxc-record-order", "SHARED_INFO after vCPU", build(guest=PV),
         lambda s: s.after("X86_PV_VCPU_BASIC", s.drop("SHARED_INFO"))),
    _after("libxc-record-order", "VERIFY after TSC", "X86_TSC_INFO",
           xc("VERIFY")),
    _after("libxc-verify-turn", "before pages", "STATIC_DATA_END",
           xc("VERIFY")),
    _after("libxc-verify-turn", "second", "PAGE_DATA", xc("VERIFY"),
           xc("VERIFY"), nth=5),
    _after("libxc-verify-turn", "second epoch", "PAGE_DATA", xc("VERIFY"),
           mode="remus", nth=6),
    case("libxc-verify-turn", "told to be Remus", build(),
         lambda s: s.after("PAGE_DATA", xc("VERIFY")), mode="remus"),
    case("libxc-verify-turn", "CHECKPOINT", build("remus"), lambda s: (
        s.after("PAGE_DATA", xc("VERIFY"), nth=5), s.at("CHECKPOINT"))[1]),
    case("libxc-checkpoint-plain", "told to be plain", build("remus"),
         lambda s: s.at("CHECKPOINT"), mode="plain"),
    case("libxc-end-checkpointed", "second epoch", build("remus"),
         lambda s: s.after("CHECKPOINT_END", xc("END"))),
    *(case("libxc-end-checkpointed", "told to be " + mode, build(),
           lambda s: s.at("END", layer="libxc"), mode=mode)
      for mode in ("remus", "colo")),
]


def _without(rule: str, end: str, *names: str, guest: str = HVM,
             mode: str = "plain") -> Case:
    """Drop records of the last epoch; the record that ends it is broken."""
    stream = build(mode, guest, epochs=2)
    for name in names:
        for index in reversed(range(len(stream.parts))):
            if mode != "plain" and index < stream.find("CHECKPOINT_END"):
                break
            if stream.parts[index].name == name:
                del stream.parts[index]
    return case(rule, "%s without %s" % (end, ", ".join(names)), stream,
                lambda s: s.at(end, -1, layer="libxc"))


VCPU = ("X86_PV_VCPU_BASIC", "X86_PV_VCPU_EXTENDED", "X86_PV_VCPU_XSAVE",
        "X86_PV_VCPU_MSRS")

MISSING: List[Case] = [
    _without("libxc-page-data-missing", "END", "PAGE_DATA"),
    _without("libxc-page-data-missing", "END", "PAGE_DATA", "SHARED_INFO",
             guest=PV),
    _without("libxc-tsc-info-missing", "END", "X86_TSC_INFO"),
    _without("libxc-tsc-info-missing", "CHECKPOINT", "X86_TSC_INFO",
             "HVM_CONTEXT", mode="remus"),
    _without("libxc-hvm-context-missing", "END", "HVM_CONTEXT"),
    _without("libxc-hvm-context-missing", "CHECKPOINT", "HVM_CONTEXT",
             "HVM_PARAMS", mode="remus"),
    _without("libxc-hvm-params-missing", "END", "HVM_PARAMS"),
    _without("libxc-hvm-params-missing", "CHECKPOINT", "HVM_PARAMS",
             mode="remus"),
    _without("libxc-shared-info-missing", "END", "SHARED_INFO", guest=PV),
    _without("libxc-shared-info-missing", "CHECKPOINT", "SHARED_INFO", *VCPU,
             guest=PV, mode="remus"),
    _without("libxc-vcpu-missing", "END", *VCPU, guest=PV),
    _without("libxc-vcpu-missing", "CHECKPOINT", *VCPU, guest=PV,
             mode="remus"),
]

CASES: List[Case] = HEADERS + FRAMES + PAGE_DATA + BODIES + PLACE + MISSING
