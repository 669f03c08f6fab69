# SPDX-License-Identifier: LGPL-2.1-only
"""The primary's host stands still for a while, and comes back.

There is no fence: what comes back may find its copy running, and must not
speak. Called through the harness.
"""
from __future__ import annotations

import time
from typing import Any, Callable

from .harness import check, expect
from .verdict import in_turn, settled

CLEAR_S = 1.5    # by then it is decided who runs it


def comes_back(stage: Any, stand: Callable[[], None],
               has_leftovers: bool = True) -> str:
    """The primary's host stands still for as long as `stand` takes."""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    p = stage.protect(guest, fence=False)
    stage.flows(writer)
    stage.pause()
    stand()
    back = time.time()
    stage.lab.thaw(stage.src)
    stage.flows(writer)
    time.sleep(stage.s(CLEAR_S))
    winner = stage.src
    if guest.name in stage.domains(stage.dst):
        winner = stage.dst
        p.wait_state("held", stage.s(10))
        done = stage.sh(stage.src, "/usr/sbin/xl", "destroy", guest.name)
        expect(done.status == 0, "xl destroy: %s", done.err.decode().strip())
        p.wait_end(stage.s(10))
    else:
        stage.stop(stage.src, guest)
    first = writer.first_after(back, stage.s(1))
    report = settled(stage, guest, writer, winner, boot)
    late = in_turn(watch, stage.src, winner, (back, stage.src)
                   if has_leftovers and winner != stage.src else None)
    return ("%s goes on, first answer %.2f s after it is back, 0 of %d "
            "acknowledged writes lost%s" % (
                "primary" if winner == stage.src else "secondary",
                (first or back) - back, report["acknowledged"],
                ", frames let out before: %d" % late if late else ""))


def thawed(stage: Any, times: float) -> str:
    """Frozen for so many silence limits."""
    def stand() -> None:
        stage.lab.freeze(stage.src)
        time.sleep(times * stage.silence_ms / 1000.0)

    return comes_back(stage, stand)


@check()
def thaw_soon(stage: Any) -> str:
    """Its host stands still for 0.9 of the silence limit"""
    return thawed(stage, 0.9)


@check(soak=True)
def thaw_late(stage: Any) -> str:
    """Its host stands still for 1.1 silence limits"""
    return thawed(stage, 1.1)


@check(soak=True)
def thaw_long(stage: Any) -> str:
    """Its host stands still for 3 silence limits"""
    return thawed(stage, 3.0)


@check(soak=True)
def thaw_answer(stage: Any) -> str:
    """… for 3, and the answer to an epoch is under way meanwhile"""
    def stand() -> None:
        stage.lab.freeze(stage.dst)
        # An epoch waits; what was let out before is out of the cable, too.
        time.sleep(0.4 * stage.silence_ms / 1000.0)
        stage.lab.freeze(stage.src)
        stage.lab.thaw(stage.dst)
        time.sleep(3 * stage.silence_ms / 1000.0)

    return comes_back(stage, stand, has_leftovers=False)
