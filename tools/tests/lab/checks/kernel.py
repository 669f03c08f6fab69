# SPDX-License-Identifier: LGPL-2.1-only
"""Unit tests that need what only a dom0 has: its kernel's plugs and filters,
and domains.

Puts test programs into a host and runs them there; those of net/ in network
namespaces that they make. Called through the harness.
"""
from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Tuple

from .harness import Skip, check, expect
from .stage import STOCK

ROOT = Path(__file__).resolve().parents[4]
OUTPUT = ("test_net_plug", "test_net_refuse", "test_net_announce")
CMOCKA = "/usr/lib/x86_64-linux-gnu/libcmocka.so.0"
LIMIT_S = 120
DIRTY_PAGES = 300


def built(name: str) -> Path:
    target = "build/unit/" + name
    made = subprocess.run(["make", "-s", "-C", str(ROOT), target],
                          capture_output=True, text=True, check=False)
    if made.returncode:
        raise Skip("%s doesn't build here (libcmocka-dev?)" % name)
    return ROOT / target


def counts(text: str) -> Tuple[int, int, int]:
    """Passed, failed, skipped of cmocka's TAP."""
    lines = [line for line in text.splitlines()
             if line.startswith(("ok ", "not ok "))]
    skips = [line for line in lines if "# SKIP" in line]
    bad = [line for line in lines
           if line.startswith("not ok ") and line not in skips]
    return len(lines) - len(skips) - len(bad), len(bad), len(skips)


def told_of_failures(text: str) -> str:
    """What cmocka says of the tests that failed, in one line."""
    lines = [line for line in text.splitlines()
             if not line.startswith(("ok ", "1.."))]
    return "; ".join(lines)[-600:]


def run(stage: Any, host: str, name: str, **env: str) -> Tuple[int, int]:
    """One program there: passed and skipped; it fails with the check."""
    lab = stage.lab
    if not Path(CMOCKA).exists():
        raise Skip("no libcmocka on this machine")
    lab.put(host, CMOCKA, "/usr/lib/x86_64-linux-gnu/libcmocka.so.0")
    lab.put(host, built(name), "/tmp/" + name)
    words = ["%s=%s" % pair for pair in env.items()]
    ran = lab.sh(host, "env", "CMOCKA_MESSAGE_OUTPUT=TAP", *words,
                 "/tmp/" + name, timeout=stage.s(LIMIT_S))
    found = counts(ran.text)
    expect(sum(found) > 0, "%s said nothing (%d): %s", name, ran.status,
           ran.err.decode(errors="replace")[-300:])
    expect(found[1] == 0 and ran.status == 0, "%s ended with %d: %s", name,
           ran.status, told_of_failures(ran.text))
    return found[0], found[2]


@check()
def output_path(stage: Any) -> str:
    """Holding and releasing output, on Debian's own kernel"""
    total = (0, 0)
    stage.lab.sh(stage.dst, "modprobe", "-a", "veth")
    for name in OUTPUT:
        found = run(stage, stage.dst, name)
        total = (total[0] + found[0], total[1] + found[1])
    expect(total[0] > 10, "only %d of them ran", total[0])
    return "%d passed, %d skipped" % total


@check()
def request_order(stage: Any) -> str:
    """Whose request to suspend it was, in each order, with a real xenstored"""
    return "%d passed" % run(stage, stage.src, "test_xen_request")[0]


def contract(stage: Any, kind: str) -> str:
    """The domain contract's test over a real domain, and a copy beside it."""
    guest = stage.guest(kind, pages=DIRTY_PAGES)
    guest.dirty(DIRTY_PAGES)
    passed, _ = run(stage, stage.src, "test_contract",
                    CONTRACT_DOMAIN=guest.name,
                    CONTRACT_END="%s destroy %s" % (STOCK, guest.name))
    stage.current = None    # what runs now has nobody's network
    return "%d passed" % passed
