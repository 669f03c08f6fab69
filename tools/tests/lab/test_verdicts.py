#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""Tests of how the lab's checks are judged, without a lab.

Run by `make check`, or alone.
"""
from __future__ import annotations

import contextlib
import io
import sys
import unittest
from pathlib import Path
from typing import Any, Callable, List
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from checks import delay, harness, machine, witness  # noqa: E402


class Nothing:
    """A stage on which there is nothing to see."""
    seed, slow = 1, 1.0

    def ready(self) -> None:
        pass

    finish = reset = ready

    def evidence(self) -> List[str]:
        return ["seen"]


def outcome(acts: List[Callable[[Any], str]], share: float,
            budget_s: float = 60) -> str:
    """What is printed when a check does each of the acts in turn."""
    left = list(acts)
    c = harness.Check("it", lambda stage: left.pop(0)(stage), 1, False)
    out = io.StringIO()
    with mock.patch.object(machine.Withheld, "share", lambda self: share), \
            contextlib.redirect_stdout(out):
        harness.run_checks(Nothing(), [c], 0, budget_s)
    return out.getvalue()


def good(stage: Any) -> str:
    return "0.1 s"


def late(stage: Any) -> str:
    harness.expect(False, "late")
    return ""


def lost(stage: Any) -> str:
    harness.promise(False, "lost")
    return ""


def wrong(stage: Any) -> str:
    raise KeyError("wrong")


class Verdicts(unittest.TestCase):
    def test_a_limit_counts_on_a_machine_that_is_left_alone(self) -> None:
        text = outcome([late], 0.09)
        self.assertIn("not ok 1 - it: late\n#   seen\n", text)
        self.assertIn("0 passed, 1 failed, 0 skipped", text)

    def test_a_disturbed_one_is_done_again(self) -> None:
        text = outcome([late, good], 0.3)
        self.assertIn("# it: not to be judged: the machine withheld 30 %",
                      text)
        self.assertIn("1 passed, 0 failed, 0 skipped", text)

    def test_it_is_a_skip_at_last(self) -> None:
        text = outcome([late] * harness.TRIES, 0.3)
        self.assertIn("ok 1 - it # SKIP not to be judged", text)
        self.assertIn("0 passed, 0 failed, 1 skipped", text)

    def test_it_is_a_skip_at_once_when_much_was_done_again(self) -> None:
        with mock.patch.object(harness, "AGAIN_S", -1):
            text = outcome([late], 0.3)
        self.assertIn("0 passed, 0 failed, 1 skipped", text)

    def test_a_broken_promise_has_no_excuse(self) -> None:
        self.assertIn("not ok 1 - it: lost", outcome([lost], 0.9))
        self.assertIn("not ok 1 - it: lost", outcome([late, lost], 0.9))

    def test_nor_has_a_mistake_in_a_check(self) -> None:
        self.assertIn("not ok 1 - it: 'wrong'", outcome([wrong], 0.9))

    def test_none_is_started_after_the_budget(self) -> None:
        text = outcome([good], 0.0, -1)
        self.assertIn("SKIP no time left", text)
        self.assertIn("0 passed, 0 failed, 1 skipped", text)

    def test_hosts_in_turn(self) -> None:
        heard = [(1.0, "a"), (1.1, "a"), (1.2, "b"), (1.3, "a"), (1.4, "b")]
        self.assertEqual(witness.in_turn(heard), ("abab", 0))
        self.assertEqual(witness.in_turn(heard, (1.25, "a")), ("ab", 1))

    def test_what_was_let_out_before_comes_at_once_or_never(self) -> None:
        for late in (1.25, 1.3 + witness.LEFTOVER_S):
            heard = [(1.0, "a"), (1.2, "b"), (late, "a"), (2.0, "b")]
            self.assertEqual(witness.in_turn(heard, (1.3, "a")), ("abab", 0))
        heard = [(1.0, "a"), (1.2, "b"), (1.3, "b"), (1.4, "a")]
        self.assertEqual(witness.in_turn(heard, (1.3, "b"))[0], "aba")

    def test_most_is_said_in_long_epochs(self) -> None:
        short = {"pause_ms": 5, "send_ms": 4, "ready_ms": 1, "run_ms": 80}
        self.assertEqual(delay.said_ms([short] * 3), 45)
        long = dict(short, run_ms=800)
        self.assertEqual(delay.said_ms([short] * 3 + [long]), 260)

    def test_an_echo_request_is_valid(self) -> None:
        plain = delay.HEADER.pack(delay.ECHO, 0, 0, 0xfff0, 0x1234)
        total = delay.checksum(plain)
        whole = delay.HEADER.pack(delay.ECHO, 0, total, 0xfff0, 0x1234)
        self.assertEqual(delay.checksum(whole), 0)

    def test_ticks(self) -> None:
        self.assertEqual(machine.ticks("cpu  70 1 9 800 20 0 0 20 0 0\n"),
                         (20, 100))

    def test_its_worst_seconds_count(self) -> None:
        calm = [(0, 200 * i) for i in range(20)]
        self.assertEqual(machine.worst(calm, 6), 0.0)
        bad = calm[:10] + [(150, t) for _, t in calm[10:]]
        self.assertEqual(machine.worst(bad, 6), 150 / 1200)

    def test_a_few_ticks_are_no_share(self) -> None:
        self.assertEqual(machine.worst([(0, 0), (5, 10)], 6), 0.05)


if __name__ == "__main__":
    unittest.main()
