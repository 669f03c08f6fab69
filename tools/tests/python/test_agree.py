# SPDX-License-Identifier: LGPL-2.1-only
"""A short run of `fuzz_agree`, and what its comparison rests on."""

from __future__ import annotations

import unittest

import streams
from fuzz_agree import run
from streams import build, xc
from ways import Options, Source, check_all, check_once

from xen.migration import pages
from xen.migration.stats import Statistics
from xen.migration.verify import Verifier


class Agree(unittest.TestCase):
    """All ways to read a stream find the same."""

    def test_some(self) -> None:
        found = run(seed=20, count=150)
        self.assertEqual(sum(found.values()), 150)
        self.assertGreater(len(found), 20)

    def test_both_paths_are_taken(self) -> None:
        """Or there would be nothing to compare."""
        stream = build()
        stream.before("X86_TSC_INFO", *(
            xc("PAGE_DATA", streams.pages(pfn)) for pfn in range(50)))
        octets = bytes(stream)
        runs = []
        original = pages.read_run
        try:
            pages.read_run = lambda reader, state: runs.append(
                original(reader, state)) or runs[-1]
            check_once(Source(octets), Options(fast=False))
            self.assertEqual(runs, [])
            check_once(Source(octets), Options())
            self.assertEqual(sum(runs), 3 + 49)
            runs.clear()
            Verifier(Source(octets), Options(), None, Statistics()).run()
            self.assertEqual(sum(runs), 3 + 49)
        finally:
            pages.read_run = original

    def test_what_ends_a_run(self) -> None:
        """A record of the run's size that differs in one field."""
        high = 1 << 40
        for rule, part in (
                ("page-data-pfn", xc("PAGE_DATA", streams.pages(high))),
                ("page-data-pfn", xc("PAGE_DATA", streams.pages(1 << 51))),
                ("page-data-bits", xc("PAGE_DATA", streams.pages(1 << 52))),
                ("page-data-hvm", xc("PAGE_DATA", streams.pages(1 << 60))),
                ("page-data-type", xc("PAGE_DATA", streams.pages(5 << 60))),
                ("page-data-length", xc(
                    "PAGE_DATA", streams.pages(15 << 60, data=1))),
                # The page's contents stand where its second entry would.
                ("page-data-bits", xc(
                    "PAGE_DATA", streams.pages(1, count=2))),
                ("page-data-empty", xc(
                    "PAGE_DATA", streams.pages(1, count=0))),
                ("page-data-reserved", xc(
                    "PAGE_DATA", streams.pages(1, zero=1))),
                ("toolstack", xc("TOOLSTACK", streams.pages(1))),
                ("length", xc("PAGE_DATA", streams.pages(1), length=4113))):
            for number in (0, 1, 2, 9):
                stream = build()
                for pfn in range(20):
                    single = xc("PAGE_DATA", streams.pages(pfn))
                    stream.before("X86_TSC_INFO", single)
                spot = stream.find("X86_TSC_INFO") - 20 + number
                stream.parts[spot] = part
                self.assertEqual(
                    check_all(bytes(stream)).error,
                    ("libxc-" + rule, *stream.where(spot)))

    def test_seeds_differ(self) -> None:
        self.assertNotEqual(run(1, 40), run(2, 40))


if __name__ == "__main__":
    unittest.main()
