# SPDX-License-Identifier: LGPL-2.1-only
"""What the lab's own tests share: the list of tests, and helpers.

A test is a function of a lab that is up; it fails by an assertion and may
return a figure to print.  Never brings a lab up.  Called by test_lab.py.
"""
from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from labkit import Lab, guests, net
from labkit.rundir import BUILD, LAB, RunDir

LAB_COMMAND = LAB / "lab"
RUN = BUILD / ("run-selftest-%d" % os.getpid())
TESTS: List[Tuple[str, Callable[[Lab], Any]]] = []
SHARED: Dict[str, Any] = {}  # guests that later tests use


def test(act: Callable[[Lab], Any]) -> Callable[[Lab], Any]:
    TESTS.append((act.__name__, act))
    return act


def lab_command(*args: Any, run: Path = RUN, **options: Any
                ) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([str(LAB_COMMAND), "--run", str(run), *args],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **options)


def leftovers(run: RunDir) -> List[str]:
    """What a lab left behind; empty when it cleaned up."""
    found = []
    if net.exists(run.namespace):
        found.append("namespace " + run.namespace)
    if run.sockets.exists():
        found.append(str(run.sockets))
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        if str(run.sockets).encode() in text or \
                ("--run\0%s\0_" % run.path).encode() in text:
            found.append("process " + path.parent.name)
    return found


def median_s(count: int, act: Callable[[], Any]) -> float:
    times = []
    for _ in range(count):
        started = time.monotonic()
        act()
        times.append(time.monotonic() - started)
    return sorted(times)[count // 2]


def pvh(lab: Lab) -> guests.Guest:
    """The PVH guest on host a that several tests use."""
    if "pvh" not in SHARED:
        SHARED["pvh"] = lab.guest("pvh", name="one")
    return SHARED["pvh"]
