# SPDX-License-Identifier: LGPL-2.1-only
"""Guests that don't do as they are asked, and users who ask too early.

Called through the harness.
"""
from __future__ import annotations

import itertools
import time
from typing import Any

from .harness import check, expect
from .stage import STOCK
from .verdict import in_turn, settled

STEP_MS = 1500
# Around the moment at which it is given up; one each time.
LATE_MS = (-40, -10, 0, 10, 40)
LATE = itertools.cycle(LATE_MS)


def control(stage: Any, guest: Any) -> str:
    domid = stage.sh(stage.src, STOCK, "domid", guest.name).text.strip()
    return "/local/domain/%s/control/shutdown" % domid


def blind(stage: Any, path: str) -> None:
    """The guest can't read what it is asked: as one without a driver."""
    done = stage.sh(stage.src, "xenstore-chmod", path, "n0")
    expect(done.status == 0, "xenstore-chmod: %s", done.err.decode().strip())


def seeing(stage: Any, path: str) -> None:
    """It hears of it at once: a change of rights is one of the node."""
    domid = path.split("/")[3]
    stage.sh(stage.src, "xenstore-chmod", path, "n0", "b" + domid)


@check()
def guest_ignores(stage: Any) -> str:
    """The guest ignores the request: taken back, it runs on"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    p = stage.protect(guest, options=["--step-ms", str(STEP_MS)])
    stage.flows(writer)
    path = control(stage, guest)
    blind(stage, path)
    status = p.wait_end(stage.s(20))
    expect(status == 1, "xl remus ended with %d", status)
    left = stage.sh(stage.src, "xenstore-read", path).text.strip()
    expect(not left, "the request stands there still: %s", left)
    seeing(stage, path)
    report = settled(stage, guest, writer, stage.src, boot)
    in_turn(watch, stage.src, stage.src)
    return "%s; 0 of %d acknowledged writes lost" % (
        p.errors[-1] if p.errors else p.summary().get("why", ""),
        report["acknowledged"])


@check(times=len(LATE_MS))
def guest_wakes(stage: Any) -> str:
    """It takes the request at the moment when that is taken back"""
    late = next(LATE)
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    p = stage.protect(guest, options=["--step-ms", str(STEP_MS)])
    stage.flows(writer)
    path = control(stage, guest)
    blind(stage, path)
    limit = time.monotonic() + stage.s(5)
    while not stage.sh(stage.src, "xenstore-read", path).text.strip():
        expect(time.monotonic() < limit, "nothing is asked")
    time.sleep((STEP_MS + late) / 1000.0)
    seeing(stage, path)
    time.sleep(stage.s(1))
    if p.states()[-1][1] == "protected":
        p.wait_epochs(3, stage.s(20))
        stage.stop(stage.src, guest)
        what = "protected on"
    else:
        status = p.wait_end(stage.s(20))
        expect(status == 1, "xl remus ended with %d", status)
        what = "ended"
    report = settled(stage, guest, writer, stage.src, boot)
    in_turn(watch, stage.src, stage.src)
    return "%+d ms: %s; 0 of %d acknowledged writes lost" % (
        late, what, report["acknowledged"])


@check()
def failover_early(stage: Any) -> str:
    """colo-failover while both hosts are well: refused, never two"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    p = stage.protect(guest)
    stage.flows(writer)
    said = []
    for options in ([], ["-f"]):
        done = stage.sh(stage.dst, "xl", "colo-failover", *options,
                        guest.name)
        text = done.err.decode(errors="replace").strip()
        expect(done.status == 1 and "lives" in text, "colo-failover %s ended "
               "with %d: %s", " ".join(options), done.status, text)
        said.append(text.splitlines()[-1])
    p.wait_epochs(3, stage.s(20))
    stage.stop(stage.src, guest)
    report = settled(stage, guest, writer, stage.src, boot)
    in_turn(watch, stage.src, stage.src)
    return "%s; 0 of %d acknowledged writes lost" % (said[-1],
                                                     report["acknowledged"])
