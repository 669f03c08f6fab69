# SPDX-License-Identifier: LGPL-2.1-only
"""The guest ends itself under protection: both sides end cleanly.

Called through the harness.
"""
from __future__ import annotations

import time
from typing import Any, Callable, Tuple

from .harness import check, expect
from .stage import STOCK

# Linux that is asked to suspend while it reboots waits 5 s for each of its
# devices first.
END_S = 40.0


def guest_ended(stage: Any, p: Any, moment: float) -> float:
    """xl remus ends with 0 and says so; seconds since the moment."""
    status = p.wait_end(stage.s(END_S))
    took = time.time() - moment
    expect(status == 0, "xl remus ended with %d: %s", status,
           " | ".join(p.tail(3)))
    end = p.summary().get("end")
    expect(end == "guest", "the summary says end=%s", end)
    return took


def guest_ends(stage: Any, how: Callable[[Any], None]
               ) -> Tuple[Any, float, str]:
    """The guest does it; xl remus ends with 0 and says so."""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    p = stage.protect(guest)
    stage.pause()
    how(guest)
    return guest, guest_ended(stage, p, time.time()), boot


@check(times=10)
def guest_reboot(stage: Any) -> str:
    """The guest reboots: it runs again, here only"""
    guest, took, boot = guest_ends(stage, lambda g: g.tell("reboot"))
    back = guest.wait(stage.s(60))
    stage.only_on(guest, stage.src)
    now = guest.control("id")
    expect(now != boot, "the boot id is the old one")
    return "ended after %.2f s, answers again after %.1f s" % (took, back)


@check()
def guest_poweroff(stage: Any) -> str:
    """The user's xl shutdown, between epochs' requests: no domain anywhere"""
    def shutdown(guest: Any) -> None:
        done = stage.sh(stage.src, STOCK, "shutdown", guest.name)
        expect(done.status == 0, "xl shutdown: %s", done.err.decode().strip())

    guest, took, _ = guest_ends(stage, shutdown)
    stage.only_on(guest, None)
    return "ended after %.2f s" % took


@check()
def guest_crash(stage: Any) -> str:
    """The guest crashes (on_crash=destroy): no domain anywhere"""
    guest, took, _ = guest_ends(stage, lambda g: g.tell("crash"))
    stage.only_on(guest, None)
    return "ended after %.2f s" % took
