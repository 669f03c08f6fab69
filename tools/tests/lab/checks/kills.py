# SPDX-License-Identifier: LGPL-2.1-only
"""The primary's host dies: the guest lives on, and nothing is lost.

Called through the harness.
"""
from __future__ import annotations

import time
from typing import Any, Dict, Tuple

from .harness import check, expect
from .kernel import contract
from .verdict import await_takeover, figures, in_turn, settled


VERIFY = ("--debug-verify",)
FRAME = 512      # grants in a frame of the grant table
FRAMES = 14      # 28 MiB of the guest's memory are granted then
GROWN_MB = 160


def compare(stage: Any, guest: Any, passes: int = 2) -> Dict[str, Any]:
    """Until all pages were the same on both hosts so often; the status."""
    limit = time.monotonic() + stage.s(120)
    while True:
        seen = stage.status(stage.src, guest.name)
        if seen.get("verify_passes", 0) >= passes:
            return seen
        expect(seen.get("state") in ("arming", "protected"),
               "it is %s, not protected", seen.get("state", "gone"))
        expect(time.monotonic() < limit, "not all pages are compared in time")
        time.sleep(0.3)


def grow(stage: Any, guest: Any) -> None:
    """Protects it while its grant table grows by one frame after another,
    so that some page of it is written to first in each look for dirty ones.
    """
    p = stage.protect(guest, wait=False, options=VERIFY)
    for frames in range(2, FRAMES + 1):
        if "arming" in [name for _, name in p.states()]:
            break
        guest.grow_grants(frames * FRAME)
        time.sleep(0.1)
    p.wait_state("protected", stage.s(30))
    p.wait_epochs(3, stage.s(15))


def one_death(stage: Any, kind: str, how: str, grows: bool, verify: bool
              ) -> Tuple[float, Dict[str, Any], float, str]:
    """Protects, waits a random while, then kill or freeze. `verify`: before
    that until every page was compared."""
    guest = stage.guest(kind, memory_mb=GROWN_MB if grows else 0)
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    if grows:
        grow(stage, guest)
    else:
        stage.protect(guest, options=VERIFY if verify else ())
    stage.flows(writer)
    unlogged = ""
    if verify:
        unlogged = ", %d pages changed unseen" % compare(
            stage, guest)["unlogged_pages"]
    waited = stage.pause()
    moment = time.time()
    getattr(stage.lab, how)(stage.src)
    took = await_takeover(stage, writer, moment, stage.silence_ms / 2000.0)
    report = settled(stage, guest, writer, stage.dst, boot)
    in_turn(watch, stage.src, stage.dst)
    expect(not stage.lab.host(stage.src).alive(), "host %s was not fenced",
           stage.src)
    expect(took <= stage.takeover_s, "it answers after %.2f s, limit %.2f s",
           took, stage.takeover_s)
    return took, report, waited, unlogged


def death(stage: Any, kind: str, how: str, grows: bool = False,
          verify: bool = False) -> str:
    took, report, waited, more = one_death(stage, kind, how, grows, verify)
    return figures(took, report, waited, stage.takeover_s) + more


@check(soak=True)
def kill_pvh(stage: Any) -> str:
    """PVH guest: its host loses power at a random moment"""
    return death(stage, "pvh", "kill")


@check()
def freeze_pvh(stage: Any) -> str:
    """PVH guest: its host freezes, sockets open; it is fenced"""
    return death(stage, "pvh", "freeze")


@check()
def kill_grown(stage: Any) -> str:
    """PVH guest whose grant table grows; all pages compared; its host dies"""
    return death(stage, "pvh", "kill", grows=True, verify=True)


@check()
def verify_hvm(stage: Any) -> str:
    """HVM guest, all pages compared on both hosts; then its host dies"""
    return death(stage, "hvm", "kill", verify=True)


@check(soak=True)
def kill_hvm(stage: Any) -> str:
    """HVM guest with its device model: its host loses power"""
    return death(stage, "hvm", "kill")


def stuck(stage: Any, faults: str) -> str:
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    p = stage.protect(guest, env={"XL_COLO_FAULT": faults})
    status = p.wait_end(stage.s(40))
    expect(status == 1, "xl remus ended with %d", status)
    report = settled(stage, guest, writer, stage.dst, boot)
    in_turn(watch, stage.src, stage.dst)
    expect(stage.lab.host(stage.src).alive(), "its host was fenced")
    times = [t for t, _ in writer.acks()]
    gap = max(b - a for a, b in zip(times, times[1:]))
    return "no answer for %.2f s, 0 of %d acknowledged writes lost" % (
        gap, report["acknowledged"])


@check()
def stuck_pvh(stage: Any) -> str:
    """The guest can't be resumed after an epoch: its copy goes on, no fence"""
    return stuck(stage, "fail.resume:40")


@check()
def stuck_half_pvh(stage: Any) -> str:
    """The same after an epoch whose state couldn't be taken"""
    return stuck(stage, "fail.capture:40,fail.resume:40")


# Here, since the guests that they want are there already.
@check()
def contract_hvm(stage: Any) -> str:
    """Xen's backend keeps ops/domain.h: an HVM guest with its device model"""
    return contract(stage, "hvm")


@check()
def contract_pvh(stage: Any) -> str:
    """Xen's backend keeps ops/domain.h: a PVH guest"""
    return contract(stage, "pvh")
