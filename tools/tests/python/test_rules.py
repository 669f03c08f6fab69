# SPDX-License-Identifier: LGPL-2.1-only
"""Every rule: a stream that breaks it is refused, for it and in its place."""

from __future__ import annotations

import os
import re
import unittest
from typing import Optional

import cases_libxc
import cases_libxl
from cases import Case
from ways import Options, check_all

from xen.migration.rules import LENGTH_RULES, RULES

CASES = cases_libxl.CASES + cases_libxc.CASES


def _document() -> Optional[str]:
    """Return the name of the document with the rules, if it is there."""
    folder = os.path.dirname(os.path.abspath(__file__))
    for up in (os.pardir,) * 4:
        folder = os.path.join(folder, up)
        for place in ("docs/specs", "spec"):
            name = os.path.join(folder, place, "stream-rules.pandoc")
            if os.path.exists(name):
                return name
    return None


class BrokenStreams(unittest.TestCase):
    """The tables of broken streams."""

    def check(self, case: Case) -> None:
        outcome = check_all(case.octets, Options(**case.options))
        self.assertEqual(outcome.error, (case.rule, *case.where),
                         outcome.text)
        sentence = RULES[case.rule].sentence
        if case.rule in LENGTH_RULES:
            sentence += "; it is "
        self.assertIn("broken rule: " + sentence, outcome.text)

    def test_cases(self) -> None:
        for case in CASES:
            with self.subTest(case.rule, what=case.what):
                self.check(case)

    def test_every_rule_is_covered(self) -> None:
        self.assertEqual({case.rule for case in CASES}, set(RULES))

    def test_no_case_is_there_twice(self) -> None:
        names = [(case.rule, case.what) for case in CASES]
        self.assertEqual(len(names), len(set(names)))


class Document(unittest.TestCase):
    """The table is that of the document."""

    def test_rules(self) -> None:
        name = _document()
        if name is None:
            self.skipTest("stream-rules.pandoc isn't there")
        assert name is not None
        with open(name, encoding="utf-8") as file:
            rows = re.findall(r"^\| `(\S+)` \| (.+?) \| (.+) \|$",
                              file.read(), re.MULTILINE)
        self.assertEqual({row[0]: tuple(row[1:]) for row in rows},
                         {rule: tuple(what) for rule, what in RULES.items()})


if __name__ == "__main__":
    unittest.main()
