# SPDX-License-Identifier: LGPL-2.1-only
"""What may tell why a guest is silent, while it still is.

Reads, and has the guest's kernel report on itself.  Called by stage.py.
"""
from __future__ import annotations

from typing import Any, List

from labkit import LabError, arp
from labkit.host import HOSTS

STOCK = "/usr/sbin/xl"
# Linux's SysRq: say everything; what memory there is; who waits.
KEYS = "8mw"
CONSOLE_S = "3"
LINES_MAX = 60


def _run(lab: Any, host: str, *argv: str) -> List[str]:
    try:
        done = lab.sh(host, *argv, timeout=20)
    except (LabError, OSError) as e:
        return ["host %s: %s" % (host, e)]
    text = (done.out + done.err).decode(errors="replace")
    return ["%s %s: %s" % (host, argv[-1], t) for t in text.splitlines()]


def of_guest(lab: Any, guest: Any) -> List[str]:
    """Who answers for its address, and what its kernel has to say."""
    lines = ["%d answer for %s" % (
        arp.answers(lab.run.namespace, guest.address), guest.address)]
    for host in HOSTS:
        if lab.host(host).state() != "running":
            continue
        found = _run(lab, host, STOCK, "list")
        lines += found[1:]
        if not any(" %s " % guest.name in t for t in found):
            continue
        for key in KEYS:
            _run(lab, host, STOCK, "sysrq", guest.name, key)
        lines += _run(lab, host, "timeout", CONSOLE_S, STOCK, "console",
                      guest.name)[-LINES_MAX:]
        lines += _run(lab, host, "bridge", "fdb", "show")
        lines += _run(lab, host, "ip", "-s", "link")
        lines += _run(lab, host, STOCK, "list")[1:]
    return lines
