# SPDX-License-Identifier: LGPL-2.1-only
"""What may tell why a guest is silent, while it still is.

Reads, and has the guest's kernel report on itself.  Called by stage.py.
"""
from __future__ import annotations

from typing import Any, List

from labkit import arp

# Linux's SysRq: say everything; what memory there is; who waits.
KEYS = "8mw"
CONSOLE_S = "3"
# Each epoch leaves ten lines on a console that says everything.
LATEST = 250
TELLING = ("Killed process", "oom-killer", "BUG:", "blocked for", "panic")
XL = "/usr/sbin/xl"


def _run(lab: Any, host: str, *argv: str) -> List[str]:
    done = lab.sh(host, *argv, timeout=20)
    text = (done.out + done.err).decode(errors="replace")
    return ["%s: %s" % (host, " ".join(argv))] + \
        ["  " + t for t in text.splitlines()]


def of_network(lab: Any, host: str) -> List[str]:
    """Where its bridge thinks that addresses are; what passed."""
    return _run(lab, host, "bridge", "fdb", "show") + \
        _run(lab, host, "ip", "-s", "link")


def of_guest(lab: Any, host: str, guest: Any) -> List[str]:
    """Who answers for it, whether it gets time, what its kernel says."""
    lines = ["%d answer for %s" % (
        arp.answers(lab.run.namespace, guest.address), guest.address)]
    lines += _run(lab, host, XL, "list", guest.name)
    for key in KEYS:
        lines += _run(lab, host, XL, "sysrq", guest.name, key)
    said = _run(lab, host, "timeout", CONSOLE_S, XL, "console", guest.name)
    lines += [s for i, s in enumerate(said) if i >= len(said) - LATEST
              or any(word in s for word in TELLING)]
    return lines + _run(lab, host, XL, "list", guest.name)
