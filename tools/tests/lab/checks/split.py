# SPDX-License-Identifier: LGPL-2.1-only
"""Both hosts live and can't see each other: never two copies answer.

The link between the hosts is cut, or only one side's process dies.
Called through the harness.
"""
from __future__ import annotations

import time
from typing import Any

from .harness import check, expect, promise
from .verdict import await_takeover, in_turn, settled

HOLD_S = 3.0


def await_fenced(stage: Any, limit_s: float) -> str:
    """The host that lost."""
    limit = time.monotonic() + limit_s
    while time.monotonic() < limit:
        for name in (stage.src, stage.dst):
            if not stage.lab.host(name).alive():
                return name
        time.sleep(0.01)
    expect(False, "nobody was fenced within %g s", limit_s)
    return ""


@check(soak=True)
def link_cut(stage: Any) -> str:
    """The link between the hosts fails at a random moment; one wins"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    p = stage.protect(guest)
    stage.flows(writer)
    waited = stage.pause()
    end = stage.chance.choice([stage.src, stage.dst])
    moment = time.time()
    stage.lab.link(end, "down")
    loser = await_fenced(stage, stage.s(20))
    winner = stage.dst if loser == stage.src else stage.src
    took = await_takeover(stage, writer, moment, stage.silence_ms / 2000.0)
    if winner == stage.src:
        status = p.wait_end(stage.s(10))
        expect(status == 1, "xl remus ended with %d, unprotected", status)
        expect(p.summary().get("end") == "alone", "it ended as %s",
               p.summary().get("end"))
    report = settled(stage, guest, writer, winner, boot)
    promise(stage.lab.host(winner).alive(), "both hosts were fenced")
    in_turn(watch, stage.src, winner)
    return ("%s wins; answers %.2f s after, 0 of %d acknowledged writes "
            "lost, moment +%.2f s" % (
                "primary" if winner == stage.src else "secondary", took,
                report["acknowledged"], waited))


@check()
def unfenced_cut(stage: Any) -> str:
    """The link fails, no fence: the copy takes over, the other isn't heard"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    p = stage.protect(guest, fence=False)
    stage.flows(writer)
    waited = stage.pause()
    moment = time.time()
    stage.lab.link(stage.src, "down")
    took = await_takeover(stage, writer, moment, stage.silence_ms / 2000.0)
    p.wait_state("held", stage.s(10))
    asks = stage.status(stage.src, guest.name).get("needs_user", "")
    expect("xl destroy" in asks, "colo-status says what to do as: %s", asks)
    done = stage.sh(stage.src, "/usr/sbin/xl", "destroy", guest.name)
    expect(done.status == 0, "xl destroy: %s", done.err.decode().strip())
    p.wait_end(stage.s(10))
    report = settled(stage, guest, writer, stage.dst, boot)
    in_turn(watch, stage.src, stage.dst)
    return ("answers %.2f s after, 0 of %d acknowledged writes lost, moment "
            "+%.2f s" % (took, report["acknowledged"], waited))


@check()
def kill_process(stage: Any) -> str:
    """kill -9 of the primary's xl: held, fenced, taken over"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    p = stage.protect(guest)
    stage.flows(writer)
    stage.pause()
    moment = time.time()
    stage.sh(stage.src, "kill", "-9", str(p.pid))
    killed = time.time()
    loser = await_fenced(stage, stage.s(20))
    off = time.time()
    expect(loser == stage.src, "the wrong host was fenced")
    took = await_takeover(stage, writer, off, 0.0)
    report = settled(stage, guest, writer, stage.dst, boot)
    between = [t for t, _ in writer.acks() if killed + 0.05 < t < off]
    promise(not between, "%d writes acknowledged by the old copy",
            len(between))
    in_turn(watch, stage.src, stage.dst)
    return ("fenced %.2f s after, answers %.2f s after, 0 of %d acknowledged "
            "writes lost" % (off - moment, off - moment + took,
                             report["acknowledged"]))


# The receiver's session: an xl whose parent is one.
KILL_SESSION = (
    "for p in $(pidof xl); do "
    "q=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$p/status); "
    "case \" $(pidof xl) \" in *\" $q \"*) kill -9 $p;; esac; done")


@check()
def kill_copy(stage: Any) -> str:
    """kill -9 of the receiver's session: its guard says GONE, no fence"""
    guest = stage.guest("pvh")
    writer = stage.writer(guest)
    p = stage.protect(guest)
    stage.flows(writer)
    waited = stage.pause()
    moment = time.time()
    stage.sh(stage.dst, "sh", "-c", KILL_SESSION)
    status = p.wait_end(stage.s(30))
    ended = time.time()
    end = p.summary().get("end")
    expect(status == 1 and end == "peer", "it ended with %d, end=%s: %s",
           status, end, " | ".join(p.tail(3)))
    expect(stage.lab.host(stage.dst).alive(), "it was fenced")
    stage.flows(writer)
    stage.only_on(guest, stage.src)
    report = stage.proven(writer)
    return ("the domain goes on alone %.2f s after, 0 of %d acknowledged "
            "writes lost, moment +%.2f s" % (ended - moment,
                                             report["acknowledged"], waited))


@check()
def kill_process_held(stage: Any) -> str:
    """kill -9 of xl, no fence, manual: held until the user decides"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    p = stage.protect(guest, fence=False, options=["--takeover=manual"])
    stage.flows(writer)
    stage.pause()
    stage.sh(stage.src, "kill", "-9", str(p.pid))
    killed = time.time() + 0.1
    stage.wait_status(stage.dst, guest.name, "waiting-for-user",
                      stage.s(10))
    stage.quiet(writer, killed, HOLD_S)
    stage.stop(stage.dst, guest)
    stage.stop(stage.src, guest, "--release")
    report = settled(stage, guest, writer, stage.src, boot)
    in_turn(watch, stage.src, stage.src)
    return "nothing acknowledged for %g s, then 0 of %d lost" % (
        HOLD_S, report["acknowledged"])
