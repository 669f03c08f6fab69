# SPDX-License-Identifier: LGPL-2.1-only
"""Hosts that can't hold a copy: refused before the first page is taken.

Called through the harness.
"""
from __future__ import annotations

import re
from typing import Any

from labkit.host import CPU

from .bad_start import unharmed
from .harness import check, expect
from .stage import STOCK

SPARE_MB = 60       # less than what a guest needs
LIMIT_S = 1.0       # from the first that is sent to the end
FEATURE = "cx16"
FILLER = """name="filler"
type="pvh"
memory=%d
kernel="/images/vmlinux"
"""


def turned_away(stage: Any, guest: Any, *wanted: str) -> str:
    """Soon after the other host was told what it is to hold."""
    p = stage.protect(guest, wait=False)
    status = p.wait_end(stage.s(40))
    expect(status == 1, "xl remus ended with %d", status)
    own = [t for t in p.errors if t.startswith("xl remus: ")
           and "warning" not in t]
    expect(len(own) == 1, "not one line of error: %s", " | ".join(own))
    for word in wanted:
        expect(re.search(word, own[0]), "the error doesn't say '%s': %s",
               word, own[0])
    took = p.wait_state("ended", 0) - p.wait_state("copying", 0)
    expect(took <= stage.s(LIMIT_S), "refused after %.2f s, limit %.2f", took,
           stage.s(LIMIT_S))
    return "%s (after %.2f s)" % (own[0], took)


def other_domain(stage: Any, host: str, name: str, config: str) -> None:
    """One of the system's xl, paused, that nobody protects."""
    (stage.lab.run.share / (name + ".cfg")).write_text(config)
    done = stage.sh(host, STOCK, "create", "-p", "/host/%s.cfg" % name)
    expect(done.status == 0, "xl create: %s", done.err.decode().strip())


@check()
def bad_memory(stage: Any) -> str:
    """The other host has too little free memory: both numbers"""
    guest = stage.guest("pvh")
    writer = stage.writer(guest)
    free = int(stage.sh(stage.dst, "sh", "-c", STOCK + " info | sed -n "
                        "'s/^free_memory *: //p'").text)
    other_domain(stage, stage.dst, "filler", FILLER % (free - SPARE_MB))
    line = turned_away(stage, guest, r"needs \d+ MiB", r"has \d+ MiB free")
    stage.sh(stage.dst, STOCK, "destroy", "filler")
    unharmed(stage, guest, writer)
    return line


@check()
def bad_bridge(stage: Any) -> str:
    """The other host lacks the guest's bridge: its name"""
    guest = stage.guest("pvh", fresh=True)
    writer = stage.writer(guest)
    for argv in (("ip", "link", "add", "xenbr1", "type", "bridge"),
                 ("ip", "link", "set", "xenbr1", "up"),
                 (STOCK, "network-attach", guest.name, "bridge=xenbr1",
                  "mac=00:16:3e:00:03:01")):
        done = stage.sh(stage.src, *argv)
        expect(done.status == 0, "%s: %s", " ".join(argv),
               done.err.decode().strip())
    line = turned_away(stage, guest, "no bridge xenbr1")
    unharmed(stage, guest, writer)
    stage.current = None
    stage.empty(stage.src)
    stage.sh(stage.src, "ip", "link", "del", "xenbr1")
    return line


@check()
def bad_cpu(stage: Any) -> str:
    """The other host's CPU lacks a feature that the guest was given"""
    guest = stage.guest("pvh", fresh=True)
    writer = stage.writer(guest)
    stage.lab.kill(stage.dst)
    stage.lab.boot(stage.dst, CPU + ",-" + FEATURE)
    line = turned_away(stage, guest, FEATURE)
    unharmed(stage, guest, writer)
    stage.lab.kill(stage.dst)
    return line
