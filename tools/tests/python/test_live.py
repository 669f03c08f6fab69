# SPDX-License-Identifier: LGPL-2.1-only
"""Passing a stream on while it is checked."""

from __future__ import annotations

import os
import random
import tempfile
import unittest
from typing import Callable, List, Optional

import cases_libxc
import cases_libxl
import streams
from cases import Case
from streams import build, good_streams, with_optional
from ways import Options, check_once

from xen.migration.public import HANDSHAKE
from xen.migration.source import PipeSource

# Rules that are looked at when a record's body is there, or a part of it;
# of others nothing may be passed on.
_BODY_RULES = tuple(
    "libxl-padding libxc-padding libxl-emulator-id libxl-xenstore "
    "checkpoint-state-word checkpoint-state-id checkpoint-state-direction "
    "checkpoint-state-turn release-keeper release-zero hello-version "
    "pause-reason peer-info-name "
    "zero-pages-count zero-pages-reserved zero-pages-pfn frame-zero "
    "libxc-page-data-empty libxc-page-data-limit "
    "libxc-page-data-reserved "
    "libxc-page-data-bits libxc-page-data-type libxc-page-data-hvm "
    "libxc-page-data-pfn libxc-page-data-twice libxc-page-data-length "
    "libxc-dirty-list-pfn libxc-pv-info-value libxc-p2m-frames-range "
    "libxc-p2m-frames-count libxc-p2m-frames-pfn libxc-tsc-info "
    "libxc-hvm-params libxc-vcpu-id libxc-vcpu-reserved libxc-vcpu-order "
    "libxc-vcpu-missing libxc-msr-policy xl-config".split())


def _in_body(case: Case) -> bool:
    """Whether the rule is looked at in a body. NEW in a PV stream is, but
    not that a PV stream was told to be COLO."""
    return case.rule.startswith(_BODY_RULES) or (
        case.rule == "colo-hvm-only" and case.where[3] is not None)


_PASS_ALL = ("stream-truncated", "stream-incomplete")


class LiveSource(PipeSource):
    """Gets pieces of a stream, and looks at what was passed on before."""

    def __init__(self, octets: bytes, out_fd: int, seed: int,
                 before: Optional[Callable[[int], None]] = None) -> None:
        super().__init__(-1, out_fd)
        self._left = octets
        self._got = 0
        self._before = before
        self._choose = random.Random(seed)

    def _read(self, room: memoryview) -> int:
        if self._before is not None:
            self._before(self._got)
        size = min(self._choose.choice((1, 5, 8, 300, 5000)), len(room))
        piece, self._left = self._left[:size], self._left[size:]
        room[:len(piece)] = piece
        self._got += len(piece)
        return len(piece)


def _passed(octets: bytes, options: Options, seed: int = 0,
            wait: Optional[Callable[[int, int], None]] = None) -> bytes:
    """Return what of a stream was passed on."""
    with tempfile.TemporaryFile() as out:
        fd = out.fileno()

        def before(got: int) -> None:
            if wait is not None:
                wait(got, os.fstat(fd).st_size)

        check_once(LiveSource(octets, fd, seed, before), options)
        return os.pread(fd, len(octets) + 1, 0)


class Live(unittest.TestCase):
    """What is passed on is what was read, up to a fault."""

    def test_good(self) -> None:
        for name, stream, back in good_streams():
            for fast in (True, False):
                with self.subTest(name, fast=fast):
                    octets = bytes(stream)
                    self.assertTrue(octets == _passed(
                        octets, Options(back=back, fast=fast)))

    def test_nothing_waits(self) -> None:
        """Only a header that isn't complete is held back."""
        starts: List[int] = []
        sizes = {"xl header": 48, "libxl header": 16, "libxc headers": 40}
        stream = with_optional(build("colo"))
        held = {}
        for index, part in enumerate(stream.parts):
            start = stream.offset(index)
            starts.append(start)
            for octet in range(sizes.get(part.name, 8)):
                held[start + octet] = start

        def wait(got: int, passed: int) -> None:
            self.assertEqual(passed, held.get(got, got))

        for seed in range(20):
            octets = bytes(stream)
            self.assertTrue(octets == _passed(
                octets, Options(), seed, wait))

    def test_bad(self) -> None:
        """No octet of a broken header or record is passed on."""
        for case in cases_libxl.CASES + cases_libxc.CASES:
            with self.subTest(case.rule, what=case.what):
                passed = _passed(case.octets, Options(**case.options))
                self.assertTrue(case.octets.startswith(passed))
                if case.rule in _PASS_ALL:
                    self.assertEqual(len(passed), len(case.octets))
                elif (_in_body(case) and case.where[0] < len(passed)):
                    continue
                else:
                    self.assertEqual(len(passed), case.where[0])

    def test_handshake(self) -> None:
        """What a sender says behind a plain stream belongs to it."""
        options = Options(handshake=True)
        plain = bytes(build())
        for more in (b"", HANDSHAKE, HANDSHAKE[:9]):
            self.assertTrue(_passed(plain + more, options) == plain + more)
        for octets, options in ((plain + b"domain isn't yours", options),
                                (plain + HANDSHAKE, Options())):
            with tempfile.TemporaryFile() as out:
                outcome = check_once(
                    LiveSource(octets, out.fileno(), 1), options)
            assert outcome.error is not None
            self.assertEqual(outcome.error[0], "stream-trailing")
        self.assertTrue(
            _passed(plain + HANDSHAKE, Options()) == plain)
        again = _passed(plain + HANDSHAKE + b"\0", Options(handshake=True))
        self.assertTrue(again == plain + HANDSHAKE)

    def test_no_handshake_without_xl(self) -> None:
        octets = bytes(build(outer="libxl"))
        self.assertTrue(
            _passed(octets + HANDSHAKE, Options(handshake=True)) == octets)

    def test_big_record(self) -> None:
        """A record that is larger than any buffer is passed on as well."""
        stream = build()
        stream.replace("EMULATOR_CONTEXT", streams.xl(
            "EMULATOR_CONTEXT", streams.word(1, 0) + bytes(9 << 20)))
        octets = bytes(stream)
        self.assertTrue(_passed(octets, Options()) == octets)


if __name__ == "__main__":
    unittest.main()
