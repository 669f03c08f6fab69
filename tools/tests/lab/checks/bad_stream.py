# SPDX-License-Identifier: LGPL-2.1-only
"""Protections that break: the receiver dies, bytes are bad, memory changes.

The guest runs on where it was.  Called through the harness.
"""
from __future__ import annotations

import time
from typing import Any, Tuple

from .bad_start import unharmed
from .harness import check, expect
from .protection import Protection
from .stage import STOCK
from .streams import huge
from .tools import tool

BALLOON_MB = 8


def dying(stage: Any, where: str, fence: bool) -> Tuple[Any, Any,
                                                        Protection]:
    """A protection whose receiver is killed where the stream stands.

    It must not take the standing stream for silence before it dies.
    """
    guest = stage.guest("pvh")
    writer = stage.writer(guest)
    p = stage.protect(guest, fence=fence, wait=False,
                      options=("--silence-ms", "5000"),
                      ssh="%s %s lab-connect" % (tool(stage, "cut"), where),
                      env={"CUT_RUN": "lab-connect %s killall -9 xl"
                                      % stage.dst})
    return guest, writer, p


def last_error(p: Protection) -> str:
    own = [t for t in p.errors if t.startswith("xl remus: ")
           and "warning" not in t]
    return own[-1] if own else "says end=%s %s" % (
        p.summary().get("end"), p.summary().get("why", ""))


@check()
def bad_death_copy(stage: Any) -> str:
    """The receiver dies in the first copy"""
    guest, writer, p = dying(stage, "copy:8000000", False)
    status = p.wait_end(stage.s(40))
    expect(status == 1, "xl remus ended with %d: %s", status,
           " | ".join(p.tail(3)))
    stage.flows(writer)
    stage.empty(stage.dst)
    unharmed(stage, guest, writer)
    return last_error(p)


@check()
def bad_death_epoch(stage: Any) -> str:
    """The receiver dies within an epoch; no fence: held, then released"""
    guest, writer, p = dying(stage, "epoch:6", False)
    p.wait_state("held", stage.s(60))
    held = time.time() + 0.1
    stage.quiet(writer, held, 1.0)
    stage.stop(stage.src, guest, "--release")
    status = p.wait_end(stage.s(15))
    stage.flows(writer)
    stage.empty(stage.dst)
    unharmed(stage, guest, writer)
    return "exit %d, %s" % (status, last_error(p))


@check()
def bad_death_between(stage: Any) -> str:
    """... between CHECKPOINT and CHECKPOINT_END; fenced, goes on alone"""
    guest, writer, p = dying(stage, "between:6", True)
    status = p.wait_end(stage.s(60))
    end = p.summary().get("end")
    expect(status == 1 and end == "alone", "it ended with %d, end=%s: %s",
           status, end, " | ".join(p.tail(3)))
    expect(not stage.lab.host(stage.dst).alive(), "it was not fenced")
    unharmed(stage, guest, writer)
    return last_error(p)


@check()
def bad_length(stage: Any) -> str:
    """A record of 2^31 octets into xl migrate-receive -r: no copy left"""
    guest = stage.guest("pvh")
    said = []
    for layer in ("xl", "libxl", "libxc"):
        path = stage.lab.run.share / "huge"
        path.write_bytes(huge(layer, "huge"))
        done = stage.sh(stage.dst, "sh", "-c",
                        "exec xl migrate-receive -r </host/huge")
        lines = done.err.decode(errors="replace").strip().splitlines()
        expect(done.status == 1, "%s: exit %d: %s", layer, done.status,
               " | ".join(lines))
        expect(len(lines) == 1 and lines[0].startswith(
            "xl migrate-receive: "), "%s: not one line: %s", layer,
            " | ".join(lines))
        expect("-limit" in lines[0], "%s: it says nothing of a limit: %s",
               layer, lines[0])
        said.append(lines[0])
        path.unlink()
        expect(not stage.domains(stage.dst), "%s: a copy is left", layer)
    stage.only_on(guest, stage.src)
    return said[-1]


def ballooned(stage: Any, guest: Any, epoch: int, to_kib: int) -> str:
    """Its memory is set in that epoch; the protection ends, and says why."""
    p = stage.protect(guest, wait=False)
    p.wait_state("arming", stage.s(60))
    if len(p.epochs()) < epoch:
        p.wait_epochs(epoch - len(p.epochs()), stage.s(60))
    done = stage.sh(stage.src, "xl", "mem-set", guest.name, "%dk" % to_kib)
    expect(done.status == 0, "mem-set: %s", done.err.decode().strip())
    status = p.wait_end(stage.s(30))
    expect(status == 1 and "memory" in last_error(p), "epoch %d: it ended "
           "with %s: %s", epoch, status, last_error(p))
    return last_error(p)


@check()
def bad_balloon(stage: Any) -> str:
    """xl mem-set down and up, in epochs 1, 2 and 50: it ends, and says why"""
    guest = stage.guest("pvh", fresh=True)
    writer = stage.writer(guest)
    kib = int(stage.sh(stage.src, "xenstore-read", "/local/domain/%s/memory/"
                       "target" % stage.sh(stage.src, STOCK, "domid",
                                           guest.name).text.strip()).text)
    for epoch in (1, 2, 50):
        for to_kib in (kib - BALLOON_MB * 1024, kib):
            said = ballooned(stage, guest, epoch, to_kib)
            stage.flows(writer)
    unharmed(stage, guest, writer)
    stage.current = None
    return said
