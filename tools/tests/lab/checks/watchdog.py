# SPDX-License-Identifier: LGPL-2.1-only
"""The hypervisor's watchdog is the fence: who is ended by it, and who isn't.

A host that is ended here loses its QEMU, which doesn't restart. A frozen
host is no case: its hypervisor's clock stands still as well.
Called through the harness.
"""
from __future__ import annotations

import time
from typing import Any, Tuple

from .harness import check, expect, promise
from .split import await_fenced
from .stage import STOCK
from .verdict import await_takeover, in_turn, settled

LEASE_S = 3.0
# What the copy waits for after it has heard the primary last.
WAIT_S = 7.5
OPTIONS = ("--fence=watchdog", "--shared-disks")


def begin(stage: Any) -> Tuple[Any, str, Any, Any, Any]:
    """A protected guest, its boot id, its client, a witness, its session."""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    p = stage.protect(guest, fence=False, options=OPTIONS)
    stage.flows(writer)
    stage.pause()
    return guest, boot, writer, watch, p


def stands(stage: Any, host: str, name: str) -> bool:
    """Whether the domain is paused there."""
    for line in stage.sh(host, STOCK, "list").text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 4 and fields[0] == name:
            return "p" in fields[4]
    return False


def waited_for(stage: Any, took: float) -> None:
    """It came no sooner than it may, and no later than it has to."""
    expect(took > WAIT_S - stage.s(0.5), "it answers after %.2f s already",
           took)
    limit = WAIT_S + stage.silence_ms / 1000.0 + stage.s(2.0)
    expect(took <= limit, "it answers after %.2f s, limit %.2f s", took,
           limit)


def ended(stage: Any, signal: str) -> str:
    """A signal to the session: its host goes down, the copy takes over."""
    guest, boot, writer, watch, p = begin(stage)
    moment = time.time()
    stage.sh(stage.src, "kill", signal, str(p.pid))
    loser = await_fenced(stage, LEASE_S + stage.s(3))
    off = time.time() - moment
    expect(loser == stage.src, "the wrong host went down")
    took = await_takeover(stage, writer, moment, stage.silence_ms / 2000.0)
    waited_for(stage, took)
    promise(took > off, "it answers before its old host is off")
    report = settled(stage, guest, writer, stage.dst, boot)
    in_turn(watch, stage.src, stage.dst)
    return ("host off %.2f s after, answers %.2f s after, 0 of %d "
            "acknowledged writes lost" % (off, took, report["acknowledged"]))


@check()
def watchdog_end(stage: Any) -> str:
    """colo-stop gives the lease up: the host stays up"""
    guest, boot, writer, _, p = begin(stage)
    stage.stop(stage.src, guest)
    status = p.wait_end(stage.s(20))
    expect(status == 0, "xl remus ended with %d", status)
    time.sleep(2 * LEASE_S + 1)
    promise(stage.lab.host(stage.src).alive(), "the host went down")
    report = settled(stage, guest, writer, stage.src, boot)
    return "up %g s after, 0 of %d acknowledged writes lost" % (
        2 * LEASE_S + 1, report["acknowledged"])


@check()
def watchdog_release(stage: Any) -> str:
    """The copy's host dies: stopped, until the user says it never ran"""
    guest, boot, writer, _, p = begin(stage)
    stage.lab.kill(stage.dst)
    p.wait_state("held", stage.s(10))
    expect(stands(stage, stage.src, guest.name), "the domain runs on")
    asks = stage.status(stage.src, guest.name).get("needs_user", "")
    expect("colo-stop --release" in asks, "colo-status says what to do as: "
           "%s", asks)
    time.sleep(2 * LEASE_S + 1)
    promise(stage.lab.host(stage.src).alive(), "its host went down, too")
    stage.stop(stage.src, guest, "--release")
    p.wait_end(stage.s(10))
    time.sleep(LEASE_S + 1)
    promise(stage.lab.host(stage.src).alive(), "the host went down at last")
    report = settled(stage, guest, writer, stage.src, boot)
    return "0 of %d acknowledged writes lost" % report["acknowledged"]


def unheard(stage: Any, link: str) -> str:
    """The copy doesn't hear the primary: stopped first, then taken over."""
    guest, boot, writer, watch, p = begin(stage)
    moment = time.time()
    stage.lab.link(stage.src, link)
    p.wait_state("held", stage.s(10))
    stood = time.time() - moment
    expect(stands(stage, stage.src, guest.name), "the domain runs on")
    promise(stood < WAIT_S, "it was stopped after %.2f s", stood)
    # What was acknowledged before still leaves, until it is stopped.
    took = await_takeover(stage, writer, moment, stood)
    waited_for(stage, took)
    promise(stage.lab.host(stage.src).alive(), "its host went down")
    promise(stands(stage, stage.src, guest.name), "the old one runs again")
    done = stage.sh(stage.src, STOCK, "destroy", guest.name)
    expect(done.status == 0, "xl destroy: %s", done.err.decode().strip())
    p.wait_end(stage.s(10))
    time.sleep(LEASE_S + 1)
    promise(stage.lab.host(stage.src).alive(), "its host went down at last")
    report = settled(stage, guest, writer, stage.dst, boot)
    in_turn(watch, stage.src, stage.dst)
    return ("stopped %.2f s after, answers %.2f s after, 0 of %d "
            "acknowledged writes lost" % (stood, took,
                                          report["acknowledged"]))


@check()
def watchdog_cut(stage: Any) -> str:
    """The link fails: stopped, its host stays up, the copy takes over"""
    return unheard(stage, "down")


@check()
def watchdog_mute(stage: Any) -> str:
    """What the primary sends doesn't arrive: it hears, and isn't heard"""
    return unheard(stage, "oneway")


@check(soak=True)
def watchdog_kill(stage: Any) -> str:
    """kill -9 of the primary's xl: its whole host goes down, none lost"""
    return ended(stage, "-9")


@check()
def watchdog_hang(stage: Any) -> str:
    """The primary's xl stands still: its whole host goes down, none lost"""
    return ended(stage, "-STOP")
