# SPDX-License-Identifier: LGPL-2.1-only
"""Good streams of every kind are found good, and for what they are."""

from __future__ import annotations

import unittest
from itertools import chain
from typing import Iterator, Sequence, Tuple

import streams
from streams import (
    HVM, PV, Part, Stream, build, build_back, good_streams, pages, word, xc,
    xl,
)
from ways import Options, check_all


class GoodStreams(unittest.TestCase):
    """Streams from the builder, and what a result says of them."""

    def test_all_kinds(self) -> None:
        names = []
        for name, stream, back in good_streams():
            with self.subTest(name):
                outcome = check_all(bytes(stream), Options(back=back))
                self.assertIsNone(outcome.error, outcome.text)
            names.append(name)
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(len(names), 56 + 16)

    def test_told_mode(self) -> None:
        for mode in ("plain", "remus", "colo"):
            with self.subTest(mode):
                outcome = check_all(bytes(build(mode)), Options(mode=mode))
                self.assertIsNone(outcome.error)
        for mode in ("remus", "colo"):
            for epochs in range(4):
                with self.subTest(mode, back=True):
                    outcome = check_all(bytes(build_back(mode, epochs)),
                                        Options(mode=mode, back=True))
                    self.assertIsNone(outcome.error)

    def test_told_layer(self) -> None:
        for outer in ("xl", "libxl", "libxc"):
            with self.subTest(outer):
                outcome = check_all(bytes(build(outer=outer)),
                                    Options(layer=outer))
                self.assertIsNone(outcome.error)

    def test_result(self) -> None:
        result = check_all(bytes(build("remus", PV, epochs=5))).result
        assert result is not None
        self.assertEqual(
            (result.layer, result.guest, result.mode, result.epochs,
             result.pages, result.checkpointed),
            ("xl", 1, "remus", 5, 50, True))
        result = check_all(bytes(build("plain", HVM, outer="libxc"))).result
        assert result is not None
        self.assertEqual(
            (result.layer, result.guest, result.mode, result.epochs,
             result.pages, result.checkpointed, result.note),
            ("libxc", 2, "plain", 0, 10, False, None))

    def test_mode_is_settled_after_the_first_epoch(self) -> None:
        for mode in ("remus", "colo"):
            for epochs, settled in ((1, None), (2, mode)):
                result = check_all(bytes(build(mode, epochs=epochs))).result
                assert result is not None
                self.assertEqual(result.mode, settled)
                result = check_all(bytes(build_back(mode, epochs)),
                                   Options(back=True)).result
                assert result is not None
                if mode == "remus":
                    self.assertEqual(result.mode, settled)
                else:
                    self.assertEqual(result.mode, "colo")
                self.assertEqual(result.epochs, epochs)

    def test_a_frame_settles_that_the_mode_is_colo(self) -> None:
        frame = xl("FRAME", streams.frame())
        for outer, end in (("xl", "CHECKPOINT_END"), ("libxc", "CHECKPOINT")):
            stream = build("colo", outer=outer, epochs=1)
            for mode in (None, "colo"):
                result = check_all(bytes(stream)).result
                assert result is not None
                self.assertEqual(result.mode, mode)
                stream.after(end, frame)
        stream = build_back("remus", 1)
        for mode in (None, "colo"):
            result = check_all(bytes(stream), Options(back=True)).result
            assert result is not None
            self.assertEqual(result.mode, mode)
            stream.after("CHECKPOINT_STATE", frame)

    def test_counts(self) -> None:
        outcome = check_all(bytes(build("remus", HVM, epochs=2)))
        self.assertEqual(outcome.pages, (20, 6))
        self.assertEqual(outcome.records["libxc", 1], 12)
        self.assertEqual(outcome.records["libxl", 4], 2)
        epoch_pages = [epoch.pages for epoch in outcome.epochs]
        self.assertEqual(epoch_pages, [10, 10])
        total = sum(epoch.octets for epoch in outcome.epochs)
        self.assertEqual(total, len(bytes(build("remus", HVM, epochs=2))))

    def test_long_runs(self) -> None:
        stream = build("remus", HVM, epochs=1)
        run = [streams.xc("PAGE_DATA", streams.pages(pfn))
               for pfn in range(1000)]
        stream.before("X86_TSC_INFO", *run)
        outcome = check_all(bytes(stream))
        self.assertIsNone(outcome.error)
        self.assertEqual(outcome.pages, (1010, 3))
        self.assertEqual(outcome.records["libxc", 1], 1006)


Variant = Tuple[str, Stream]


def _changed(stream: Stream, *parts: Part, drop: Sequence[str] = (),
             nth: int = 0) -> Stream:
    """Replace parts by others of their names, and drop some."""
    for part in parts:
        stream.replace(part.name, part, nth)
    for name in drop:
        stream.drop(name, nth)
    return stream


def _orders() -> Iterator[Variant]:
    """Records that may come, or not, or elsewhere."""
    stream = build()
    stream.before("X86_TSC_INFO", xc("VERIFY"))
    yield "VERIFY, then no pages", Stream(stream.parts)
    stream.before("X86_TSC_INFO", xc("PAGE_DATA", pages(1)))
    yield "VERIFY, then pages", stream
    stream = build()
    part = stream.drop("HVM_PARAMS")
    stream.before("HVM_CONTEXT", part)
    yield "HVM_PARAMS first", stream
    yield "no policies", _changed(
        build(), drop=("X86_CPUID_POLICY", "X86_MSR_POLICY"))
    yield "a later epoch without pages", _changed(
        build("remus"), drop=("PAGE_DATA",) * 6, nth=6)
    yield "no EMULATOR_XENSTORE_DATA", _changed(
        build(), drop=("EMULATOR_XENSTORE_DATA",))
    yield "no emulator", _changed(
        build(), drop=("EMULATOR_XENSTORE_DATA", "EMULATOR_CONTEXT"))
    others = ["X86_PV_VCPU_" + name for name in ("EXTENDED", "XSAVE", "MSRS")]
    yield "vCPU 0 alone", _changed(
        build(guest=PV), drop=("X86_PV_VCPU_BASIC", *others), nth=1)
    yield "PV without X86_TSC_INFO", _changed(
        build(guest=PV), drop=("X86_TSC_INFO",))
    yield "vCPU 8191", _changed(
        build(guest=PV), xc("X86_PV_VCPU_BASIC", streams.vcpu(8191)),
        drop=others, nth=1)
    for end in (xl("RELEASE", word(0, 0)), xl("RELEASE", word(1, 0)),
                xl("GONE")):
        for where in ("libxl header", "STATIC_DATA_END", "X86_TSC_INFO"):
            stream = build()
            stream.keep(where)
            stream.after(where, end, xl("HEARTBEAT"), xl("GONE"))
            yield "%r after %s" % (end.octets, where), stream


def _headers() -> Iterator[Variant]:
    """Headers and optional data."""
    for name, header in (
            ("1 MiB of optional data", streams.xl_header(
                config=bytes((1 << 20) - 4), mandatory=2)),
            ("no optional data", streams.xl_header(data=b"")),
            ("not JSON, surplus", streams.xl_header(
                mandatory=2, optional=77, config=b"no NUL in it, and more",
                config_len=5)),
            ("JSON, surplus", streams.xl_header(
                config=b"{}\0\0", config_len=3)),
            ("converted", streams.libxl_header(options=2))):
        yield name, _changed(build(), header)


def _bodies() -> Iterator[Variant]:
    """Bodies at the limits."""
    top = (1 << 40) - 1
    yield "all params", _changed(
        build(), xc("HVM_PARAMS", streams.params(*range(64))))
    yield "CHECKPOINT_STATE of 8 octets", _changed(
        build("colo"), xl("CHECKPOINT_STATE", word(0, 0)))
    for size in (14, 65600):
        stream = build("colo")
        stream.after("CHECKPOINT_END", xl("FRAME", streams.frame(
            0xffffffff, size=size)))
        yield "a frame of %d octets" % size, stream
    yield "no pairs, another index", _changed(
        build(), xl("EMULATOR_XENSTORE_DATA", word(0, 5)))
    yield "32768 pages", _changed(build(), xc("PAGE_DATA", pages(
        *(streams.entry(pfn, 0xf) for pfn in range(top - 32767, top + 1)))))
    yield "32-bit PV", _changed(
        build(guest=PV), xc("X86_PV_INFO", streams.pv_info(4, 3)),
        xc("X86_PV_P2M_FRAMES", streams.p2m(1023, 1024, (0, top))))
    yield "all types", _changed(build(guest=PV), xc("PAGE_DATA", pages(*(
        streams.entry(top - kind, kind)
        for kind in range(16) if kind not in range(5, 9)))))


def _empty(guest: str, *names: str) -> Stream:
    """Records without content, as old writers left them."""
    stream = build(guest=guest)
    for name in names:
        body = (streams.params() if name == "HVM_PARAMS"
                else streams.vcpu(state=b""))
        stream.replace(name, xc(name, body))
    return stream


class Variants(unittest.TestCase):
    """What the specification leaves to a writer."""

    def test_variants(self) -> None:
        for name, stream in chain(_orders(), _headers(), _bodies()):
            with self.subTest(name):
                outcome = check_all(bytes(stream))
                self.assertIsNone(outcome.error, outcome.text)
                assert outcome.result is not None
                self.assertEqual(outcome.result.empty, 0)

    def test_records_without_content(self) -> None:
        for guest, names in ((HVM, ["HVM_PARAMS"]), (PV, [
                "X86_PV_VCPU_EXTENDED", "X86_PV_VCPU_XSAVE",
                "X86_PV_VCPU_MSRS"])):
            for count in range(1, len(names) + 1):
                outcome = check_all(bytes(_empty(guest, *names[:count])))
                self.assertIsNone(outcome.error, outcome.text)
                assert outcome.result is not None
                self.assertEqual(outcome.result.empty, count)


if __name__ == "__main__":
    unittest.main()
