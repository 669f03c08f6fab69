# SPDX-License-Identifier: LGPL-2.1-only
"""Registers the checks, runs the chosen ones and counts.

Prints one line for each: `ok N - name: figures`, `not ok N - name` with why,
or a skip with its reason.  What fails while the machine withholds processor
time is done again, and at last a skip: a limit that can't be judged.  What
must never be (Broken) is no matter of time and always a failure.  Never knows
what a check does.  Called by tools/tests/lab-check.
"""
from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from typing import Any, Callable, List, Optional

from labkit import LabError

from .machine import DISTURBED, Withheld

TRIES = 3
# For all that is done again; beyond it the first try decides.
AGAIN_S = 600


class Failure(Exception):
    """What a check found wrong, in one line."""


class Broken(Failure):
    """A promise was broken: a write lost, two copies. Never excused."""


class Skip(Exception):
    """Why a check can't be made here."""


@dataclass
class Check:
    """One behaviour; `act` returns its figures as a line."""
    name: str
    act: Callable[[Any], Optional[str]]
    times: int
    soak: bool

    @property
    def purpose(self) -> str:
        return (self.act.__doc__ or "").strip().splitlines()[0]


CHECKS: List[Check] = []


def check(times: int = 1, soak: bool = False
          ) -> Callable[[Callable[[Any], Optional[str]]],
                        Callable[[Any], Optional[str]]]:
    """Registers a check under its function's name."""
    def register(act: Callable[[Any], Optional[str]]
                 ) -> Callable[[Any], Optional[str]]:
        CHECKS.append(Check(act.__name__, act, times, soak))
        return act
    return register


def expect(condition: Any, text: str, *values: Any) -> None:
    """Fails the check with a line of text unless the condition holds."""
    if not condition:
        raise Failure(text % values if values else text)


def promise(condition: Any, text: str, *values: Any) -> None:
    """The same for what must hold however slow a machine is."""
    if not condition:
        raise Broken(text % values if values else text)


def choose(words: List[str], soak: int) -> List[Check]:
    """Checks whose name is, or starts with, one of the words; else all.

    One that is made no times by default is for soaking, and for its name.
    """
    if not words:
        return [c for c in CHECKS if (c.soak if soak else c.times)]
    found = []
    for c in CHECKS:
        if any(c.name == w or c.name.startswith(w) for w in words):
            found.append(c)
    for w in words:
        if not any(c.name.startswith(w) for c in CHECKS):
            raise LabError("no check '%s' (--list)" % w, 2)
    return found


class Tally:
    """Counts and prints."""

    def __init__(self) -> None:
        self.number = self.passed = self.failed = self.skipped = 0
        self.again_s = 0.0

    def _line(self, text: str) -> None:
        print(text, flush=True)

    def note(self, text: str) -> None:
        self._line("# " + text)

    def ok(self, name: str, figures: Optional[str], took: float) -> None:
        self.passed += 1
        self._line("ok %d - %s%s (%.0f s)" % (
            self.number, name, ": " + figures if figures else "", took))

    def skip(self, name: str, why: str) -> None:
        self.skipped += 1
        self._line("ok %d - %s # SKIP %s" % (self.number, name, why))

    def bad(self, name: str, why: str, evidence: List[str]) -> None:
        self.failed += 1
        self._line("not ok %d - %s: %s" % (self.number, name, why))
        for line in evidence:
            self._line("#   " + line)

    def end(self, seconds: float) -> None:
        self._line("# %.0f s in all" % seconds)
        self._line("%d passed, %d failed, %d skipped" % (
            self.passed, self.failed, self.skipped))


def attempt(stage: Any, tally: Tally, name: str, c: Check, last: bool
            ) -> bool:
    """Whether that settled it."""
    started = time.monotonic()
    withheld = Withheld()
    try:
        stage.ready()
        figures = c.act(stage)
        stage.finish()
        tally.ok(name, figures, time.monotonic() - started)
        return True
    except Skip as e:
        stage.finish()
        tally.skip(name, str(e))
        return True
    except Exception as e:  # each check is on its own
        why = str(e) or e.__class__.__name__
        share = withheld.share()
        excused = share > DISTURBED and isinstance(e, (Failure, LabError)) \
            and not isinstance(e, Broken)
        why_not = "not to be judged: the machine withheld %.0f %% of its " \
            "processors' time (%s)" % (100 * share, why)
        if excused and last:
            tally.skip(name, why_not)
        elif excused:
            tally.note("%s: %s; again" % (name, why_not))
        else:
            evidence = stage.evidence()
            if not isinstance(e, (Failure, LabError)):
                evidence += traceback.format_exc().splitlines()[-6:]
            tally.bad(name, why, evidence)
        stage.reset()
        tally.again_s += time.monotonic() - started if excused else 0
        return last or not excused
    finally:
        withheld.end()


def run_one(stage: Any, tally: Tally, name: str, c: Check) -> None:
    tally.number += 1
    for turn in range(1, TRIES + 1):
        if attempt(stage, tally, name, c,
                   turn == TRIES or tally.again_s > AGAIN_S):
            return


def run_checks(stage: Any, chosen: List[Check], soak: int,
               budget_s: float) -> int:
    """Runs them one after another; how many failed.

    After budget_s none is started any more: those are skips.
    """
    tally = Tally()
    started = time.monotonic()
    print("# seed %d, slow %g" % (stage.seed, stage.slow), flush=True)
    try:
        for c in chosen:
            times = soak if soak and c.soak else c.times or 1
            for turn in range(times):
                name = c.name if times == 1 else "%s %d/%d" % (
                    c.name, turn + 1, times)
                if time.monotonic() - started > budget_s:
                    tally.number += 1
                    tally.skip(name, "no time left of %.0f minutes" % (
                        budget_s / 60))
                    continue
                run_one(stage, tally, name, c)
    finally:
        tally.end(time.monotonic() - started)
    return tally.failed
