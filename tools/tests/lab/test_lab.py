#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""Tests of the lab itself, without the product: one lab, brought up here.

Prints one line for each test and its figures.  Never touches another lab.
Run by hand: tools/tests/lab/test_lab.py [--only WORD].
"""
from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from labkit import Lab, LabError, images, net  # noqa: E402
from labkit.rundir import RunDir  # noqa: E402
from selftest import RUN, TESTS, leftovers  # noqa: E402
from selftest import check_hosts  # noqa: E402,F401
from selftest import check_guests, check_power  # noqa: E402,F401


def prepared() -> str:
    """Why nothing can run here; empty if all can."""
    try:
        net.check_root()
        images.check_tools()
        images.key()
    except LabError as e:
        return str(e)
    return ""


def main() -> int:
    only = sys.argv[2] if sys.argv[1:2] == ["--only"] else ""
    chosen = [(name, act) for name, act in TESTS if only in name]
    passed = failed = 0
    reason = prepared()
    if reason:
        print("# skipped: " + reason)
        print("0 passed, 0 failed, %d skipped" % len(chosen))
        return 0
    started = time.monotonic()
    with Lab(RUN, say=lambda text: print("# " + text, flush=True)) as lab:
        for number, (name, act) in enumerate(chosen, 1):
            begun = time.monotonic()
            try:
                note = act(lab)
                passed += 1
                print("ok %d %s%s (%.1f s)" % (
                    number, name, " # " + note if note else "",
                    time.monotonic() - begun), flush=True)
            except (AssertionError, LabError, OSError, ValueError, KeyError,
                    subprocess.SubprocessError) as e:
                failed += 1
                print("not ok %d %s: %s: %s" % (number, name,
                                                type(e).__name__, e),
                      flush=True)
    left = leftovers(RunDir(RUN))
    if left:
        failed += 1
        print("not ok: left behind: " + ", ".join(left))
    if not failed:
        shutil.rmtree(RUN)
    print("# %.0f s" % (time.monotonic() - started))
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
