# SPDX-License-Identifier: LGPL-2.1-only
"""The user ends a protection, or decides what no fence command can.

Called through the harness.
"""
from __future__ import annotations

import signal
import time
from typing import Any

from .harness import check, expect
from .verdict import await_takeover, figures, in_turn, settled

HOLD_S = 2.0


def stopped(stage: Any, how: str) -> str:
    """Ends a protection by command or signal; one domain, output flows."""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    p = stage.protect(guest)
    stage.flows(writer)
    stage.pause()
    moment = time.time()
    if how == "signal":
        p.signal(signal.SIGINT)
    else:
        stage.stop(stage.src, guest)
    status = p.wait_end(stage.s(15))
    took = time.time() - moment
    expect(status == 0, "xl remus ended with %d: %s", status,
           " | ".join(p.tail(3)))
    end = p.summary().get("end")
    expect(end == "stopped", "the summary says end=%s", end)
    report = settled(stage, guest, writer, stage.src, boot)
    return "ended after %.2f s, longest gap %.2f s" % (
        took, report["longest_gap_s"])


@check()
def stop_command(stage: Any) -> str:
    """xl colo-stop: one domain, output flows, exit 0"""
    return stopped(stage, "command")


@check()
def stop_signal(stage: Any) -> str:
    """Ctrl-C on xl remus: the same"""
    return stopped(stage, "signal")


@check()
def manual_primary(stage: Any) -> str:
    """No fence, the secondary dies: held until colo-stop --release"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    p = stage.protect(guest, fence=False)
    stage.flows(writer)
    stage.pause()
    stage.lab.kill(stage.dst)
    p.wait_state("held", stage.s(10))
    held = time.time()
    seen = stage.wait_status(stage.src, guest.name, "held", stage.s(5))
    expect(seen["output"] == "held", "colo-status says output %s",
           seen["output"])
    expect(seen["needs_user"], "colo-status doesn't say what to do")
    stage.quiet(writer, held, HOLD_S)
    stage.stop(stage.src, guest, "--release")
    status = p.wait_end(stage.s(10))
    end = p.summary().get("end")
    expect(status == 1 and end == "alone", "xl remus ended with %d, end=%s",
           status, end)
    report = settled(stage, guest, writer, stage.src, boot)
    return "held %g s, then 0 of %d acknowledged writes lost" % (
        HOLD_S, report["acknowledged"])


@check()
def manual_secondary(stage: Any) -> str:
    """--takeover=manual, the primary dies: the copy waits for the user"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    stage.protect(guest, fence=False, options=["--takeover=manual"])
    stage.flows(writer)
    waited = stage.pause()
    stage.lab.kill(stage.src)
    moment = time.time()
    seen = stage.wait_status(stage.dst, guest.name, "waiting-for-user",
                             stage.s(10))
    expect(seen["needs_user"], "colo-status doesn't say what to do")
    stage.quiet(writer, moment + 0.1, HOLD_S)
    asked = time.time()
    done = stage.sh(stage.dst, "xl", "colo-failover", guest.name)
    expect(done.status == 0, "colo-failover: %s", done.err.decode().strip())
    took = await_takeover(stage, writer, asked, 0.0)
    report = settled(stage, guest, writer, stage.dst, boot)
    in_turn(watch, stage.src, stage.dst)
    return "waited; " + figures(took, report, waited)


@check()
def unfenced_kill(stage: Any) -> str:
    """No fence, the primary dies: the copy takes over by itself"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    stage.protect(guest, fence=False)
    stage.flows(writer)
    waited = stage.pause()
    moment = time.time()
    stage.lab.kill(stage.src)
    took = await_takeover(stage, writer, moment, stage.silence_ms / 2000.0)
    report = settled(stage, guest, writer, stage.dst, boot)
    expect(took <= stage.takeover_s, "it answers after %.2f s, limit %.2f s",
           took, stage.takeover_s)
    return figures(took, report, waited, stage.takeover_s)
