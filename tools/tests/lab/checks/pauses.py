# SPDX-License-Identifier: LGPL-2.1-only
"""The user pauses the domain under protection: the wish holds, through epochs
and over a take-over, and protection goes on.

Called through the harness.
"""
from __future__ import annotations

import time
from typing import Any

from .ends import guest_ended
from .harness import check, expect
from .stage import STOCK
from .verdict import in_turn, settled

EPOCHS = 200
LIMIT_S = 180
STILL_S = 0.3
ON_ITS_WAY_S = 0.3      # acknowledged before the pause, seen after it
LOOK_S = 1.0             # by then a session has seen somebody else's pause


def order(stage: Any, host: str, xl: str, word: str, guest: Any) -> None:
    done = stage.sh(host, xl, word, guest.name)
    expect(done.status == 0, "%s %s ended with %d: %s", xl, word, done.status,
           done.err.decode().strip())


def flags(stage: Any, host: str, guest: Any) -> str:
    """What `xl list` says of its state, such as "--p---"."""
    lines = stage.sh(host, STOCK, "list", guest.name).text.splitlines()
    return lines[-1].split()[-2]


def stands(stage: Any, writer: Any, guest: Any) -> None:
    """Paused it is, and nothing is acknowledged."""
    since = time.time() + ON_ITS_WAY_S
    expect("p" in flags(stage, stage.src, guest), "it isn't paused: %s",
           flags(stage, stage.src, guest))
    stage.quiet(writer, since, STILL_S)


def by_the_tables(stage: Any, p: Any) -> str:
    """Both sides' traces, which it was told to leave, hold."""
    told = stage.lab.run.share / "trace"
    told.write_text("\n".join(p.errors))
    said = []
    for host, path in ((stage.src, "/host/trace"),
                       (stage.dst, "/var/log/lab-connect.log")):
        done = stage.sh(host, "xl", "colo-trace", "--check", path)
        expect(done.status == 0, "%s", done.err.decode().strip())
        said.append(done.text.strip().split(": ", 1)[1])
    told.unlink()
    return "; ".join(said)


@check()
def pause_random(stage: Any) -> str:
    """xl pause and unpause at random moments through 200 epochs"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    p = stage.protect(guest, interval_ms=50, traced=True)
    rounds = outside = 0
    limit = time.monotonic() + stage.s(LIMIT_S)
    while len(p.epochs()) < EPOCHS:
        expect(time.monotonic() < limit, "only %d epochs in %g s",
               len(p.epochs()), stage.s(LIMIT_S))
        time.sleep(stage.chance.uniform(0, 1.0))
        # Now and then by somebody who knows nothing of the protection.
        theirs = stage.chance.random() < 0.25
        xl = STOCK if theirs else "xl"
        order(stage, stage.src, xl, "pause", guest)
        if theirs:
            time.sleep(LOOK_S)
        stands(stage, writer, guest)
        seen = stage.status(stage.src, guest.name)
        expect(seen.get("state") == "protected" and
               seen.get("paused") == "yes", "it is %s, paused: %s",
               seen.get("state"), seen.get("paused"))
        order(stage, stage.src, STOCK if stage.chance.random() < 0.25
              else "xl", "unpause", guest)
        stage.flows(writer, 3)
        rounds, outside = rounds + 1, outside + theirs
    epochs = len(p.epochs())
    stage.stop(stage.src, guest)
    expect(p.wait_end(stage.s(15)) == 0, "it ended with %s", p.status)
    settled(stage, guest, writer, stage.src, boot)
    return "%d pauses in %d epochs, %d of them by %s; %s" % (
        rounds, epochs, outside, STOCK, by_the_tables(stage, p))


@check()
def pause_takeover(stage: Any) -> str:
    """The host of a paused domain dies: its copy comes up paused"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    watch = stage.watch(guest)
    stage.protect(guest)
    stage.pause()
    order(stage, stage.src, "xl", "pause", guest)
    moment = time.time()
    stage.lab.kill(stage.src)
    limit = time.monotonic() + stage.s(20)
    while stage.domains(stage.dst) != [guest.name]:
        expect(time.monotonic() < limit, "nothing took over")
        time.sleep(0.1)
    took = time.time() - moment
    time.sleep(1)
    stage.src, stage.dst = stage.dst, stage.src
    stands(stage, writer, guest)
    order(stage, stage.src, "xl", "unpause", guest)
    report = settled(stage, guest, writer, stage.src, boot)
    in_turn(watch, stage.dst, stage.src)
    return "paused there after %.2f s; unpaused, 0 of %d acknowledged " \
        "writes lost" % (took, report["acknowledged"])


@check()
def guest_suspend(stage: Any) -> str:
    """Another tool suspends the guest: protection ends, it is left alone"""
    guest = stage.guest("pvh")
    p = stage.protect(guest)
    stage.pause()
    done = stage.sh(stage.src, STOCK, "save", "-c", guest.name,
                    "/tmp/other.save")
    stage.sh(stage.src, "rm", "-f", "/tmp/other.save")
    expect(done.status == 0, "xl save: %s", done.err.decode().strip())
    took = guest_ended(stage, p, time.time())
    guest.wait(stage.s(20))
    stage.only_on(guest, stage.src)
    return "ended after %.2f s, and runs on" % took
