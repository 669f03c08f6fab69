# SPDX-License-Identifier: LGPL-2.1-only
"""The link between two healthy hosts fails, one way or another.

Both hosts still reach the clients and the power switch. One side answers
afterwards, the same client, without a lost write. Called through the harness.
"""
from __future__ import annotations

import time
from typing import Any, Callable

from .harness import check, expect, promise
from .split import await_fenced
from .verdict import await_takeover, in_turn, settled

LOSS = 30
LOSSY_S = 8.0
SLOW_MBIT, SLOW_SILENCE_MS = 8, 1000
FAST_MBIT = 60 * SLOW_MBIT    # what session/window.h speaks of
SLOW_PAGES, SLOW_EPOCHS = 1500, 3
MOST_SILENT = 0.5        # of the limit
# With everything under way lost: TCP's timeout, about a third of the limit,
# and another one, if the answer to what it sends then is lost as well.
MOST_SILENT_LOST = 0.75
FALLS, FALL_S, FALL_EPOCHS = 4, 4.0, 3
FRAME = 1024        # pages in a record


def failing(stage: Any, cut: Callable[[Any], None]) -> str:
    """A cut that makes one side lose the other: one wins, one is fenced."""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    stage.protect(guest)
    stage.flows(writer)
    stage.pause()
    moment = time.time()
    cut(stage)
    loser = await_fenced(stage, stage.s(20))
    winner = stage.dst if loser == stage.src else stage.src
    took = await_takeover(stage, writer, moment, stage.silence_ms / 2000.0)
    report = settled(stage, guest, writer, winner, boot)
    promise(stage.lab.host(winner).alive(), "both hosts were fenced")
    in_turn(watch, stage.src, winner)
    return "%s wins; answers %.2f s after, 0 of %d acknowledged writes lost" % (
        "primary" if winner == stage.src else "secondary", took,
        report["acknowledged"])


@check()
def link_noaddr(stage: Any) -> str:
    """The primary loses its address on the link"""
    return failing(stage, lambda s: s.lab.link(s.src, "noaddr"))


@check()
def link_deaf(stage: Any) -> str:
    """What the secondary sends doesn't arrive any more"""
    return failing(stage, lambda s: s.lab.link(s.dst, "oneway"))


@check()
def link_mute(stage: Any) -> str:
    """What the primary sends doesn't arrive any more"""
    return failing(stage, lambda s: s.lab.link(s.src, "oneway"))


@check()
def link_lossy(stage: Any) -> str:
    """30 % of what both send is lost: protected on, or one wins"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    p = stage.protect(guest)
    stage.flows(writer)
    stage.pause()
    for host in (stage.src, stage.dst):
        stage.lab.link(host, "slow", delay_ms=0, rate_mbit=1000,
                       loss_percent=LOSS)
    time.sleep(stage.s(LOSSY_S))
    lost = [h for h in (stage.src, stage.dst)
            if not stage.lab.host(h).alive()]
    promise(len(lost) < 2, "both hosts were fenced")
    winner = stage.dst if lost == [stage.src] else stage.src
    text = "%s was fenced" % lost[0] if lost else "%d epochs in it" % len(
        p.epochs())
    for host in (stage.src, stage.dst):
        if host not in lost:
            stage.lab.link(host, "up")
    if not lost:
        stage.flows(writer)
        stage.stop(stage.src, guest)
    report = settled(stage, guest, writer, winner, boot)
    in_turn(watch, stage.src, winner)
    return "%s; 0 of %d acknowledged writes lost" % (
        text, report["acknowledged"])


def slowed(stage: Any, story: Callable[[Any, Any], str],
           most_silent: float) -> str:
    """Large epochs, silence limit 1 s, on links that `story` makes slow and
    fast again: no take-over, and no side silent for longer than
    `most_silent` of the limit."""
    guest = stage.guest("pvh", pages=SLOW_PAGES)
    boot = guest.control("id")
    writer = stage.writer(guest, reply_timeout=stage.s(60))
    watch = stage.watch(guest)
    limit_ms = SLOW_SILENCE_MS * stage.slow
    p = stage.protect(guest, ours=False, options=[
        "--silence-ms", str(int(limit_ms)),
        "--step-ms", "120000"])
    stage.flows(writer)
    guest.dirty(SLOW_PAGES)
    text = story(stage, p)
    expect(p.states()[-1][1] == "protected", "it is %s", p.states()[-1][1])
    silent = [stage.status(h, guest.name)["heard_max_ms"]
              for h in (stage.src, stage.dst)]
    guest.dirty(0)
    stage.flows(writer)
    stage.stop(stage.src, guest)
    report = settled(stage, guest, writer, stage.src, boot)
    in_turn(watch, stage.src, stage.src)
    text += "; secondary and primary were silent for up to %d and %d of " \
        "%d ms" % (silent[0], silent[1], limit_ms)
    expect(max(silent) <= most_silent * limit_ms, text)
    return "%s; 0 of %d acknowledged writes lost" % (
        text, report["acknowledged"])


def rate(stage: Any, mbit: float) -> None:
    """Nothing is lost of what is under way, if there was a rate before."""
    for host in (stage.src, stage.dst):
        stage.lab.link(host, "slow", delay_ms=0, rate_mbit=mbit)


def slow(stage: Any) -> None:
    rate(stage, SLOW_MBIT)


def fast(stage: Any) -> None:
    rate(stage, FAST_MBIT)


def anew(stage: Any) -> None:
    """Everything under way is lost, now and at the next rate."""
    for host in (stage.src, stage.dst):
        stage.lab.link(host, "up")


def slow_epochs(stage: Any, p: Any) -> str:
    slow(stage)
    begun = len(p.epochs())
    p.wait_epochs(SLOW_EPOCHS, stage.s(120))
    large = [e for e in p.epochs()[begun:] if e["pages"] >= FRAME]
    expect(large, "no epoch of %d pages", FRAME)
    fast(stage)
    return "an epoch took up to %.1f s to send" % (
        max(e["send_ms"] + e["ready_ms"] for e in large) / 1000)


def falls(stage: Any, p: Any, back: Callable[[Any], None] = fast) -> str:
    p.wait_epochs(FALL_EPOCHS, stage.s(120))
    for _ in range(FALLS):
        stage.pause()
        slow(stage)
        time.sleep(stage.s(FALL_S))
        expect(p.states()[-1][1] == "protected", "it is %s",
               p.states()[-1][1])
        back(stage)
        p.wait_epochs(FALL_EPOCHS, stage.s(120))
    return "%d falls" % FALLS


@check()
def link_slow(stage: Any) -> str:
    """1 MB/s, records of 4 MiB, silence limit 1 s: no take-over"""
    return slowed(stage, slow_epochs, MOST_SILENT)


@check(soak=True)
def link_falls(stage: Any) -> str:
    """A link in full use falls to a 60th, 1 MB/s, again and again"""
    fast(stage)
    return slowed(stage, falls, MOST_SILENT)


@check()
def link_replaced(stage: Any) -> str:
    """Falls to 1 MB/s that lose all that was under way, again and again"""
    return slowed(stage, lambda s, p: falls(s, p, anew), MOST_SILENT_LOST)
