# SPDX-License-Identifier: LGPL-2.1-only
"""The corpora: good streams are good, bad ones break the rule in their name.
"""

from __future__ import annotations

import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import List

import ways  # noqa: F401  finds the package
from archive import BACK, COMPLETE, MODE_SHIFT, MODES, flags_of

from xen.migration.layer import Options
from xen.migration.public import Source
from xen.migration.rules import RULES
from xen.migration.verify import check

CORPUS = Path(__file__).resolve().parent.parent / "corpus"


def files(folder: str) -> List[Path]:
    """Return the streams of a folder."""
    return sorted(path for path in (CORPUS / folder).glob("*")
                  if path.suffix in (".stream", ".back"))


def verdict(path: Path) -> str:
    """Return the rule that a file breaks, or `good`."""
    flags = flags_of(path)
    error = check(Source(path.read_bytes()), Options(
        back=bool(flags & BACK), complete=bool(flags & COMPLETE),
        mode=MODES[flags >> MODE_SHIFT]))
    return error.rule if error else "good"


class Corpus(unittest.TestCase):
    """Files that are checked in."""

    def test_good(self) -> None:
        self.assertTrue(files("good"))
        for path in files("good"):
            with self.subTest(path.name):
                self.assertEqual(verdict(path), "good")

    def test_derived(self) -> None:
        """What make_good would write is there."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([CORPUS / "make_good", folder], check=True,
                           stdout=subprocess.DEVNULL)
            made = sorted(Path(folder).iterdir())
            self.assertGreater(len(made), 20)
            for path in made:
                with self.subTest(path.name):
                    self.assertTrue(path.read_bytes() == (
                        CORPUS / "good" / path.name).read_bytes())

    def test_bad(self) -> None:
        for path in files("bad"):
            with self.subTest(path.name):
                self.assertEqual(verdict(path), path.name.split(".")[0])

    def test_every_rule_has_a_file(self) -> None:
        self.assertEqual({path.name.split(".")[0] for path in files("bad")},
                         set(RULES))


if __name__ == "__main__":
    unittest.main()
