# SPDX-License-Identifier: LGPL-2.1-only
"""What a killed session leaves behind is set right by colo-stop --release.

Called through the harness.
"""
from __future__ import annotations

import time
from typing import Any

from .bad_start import refused, remus
from .harness import check, expect
from .stage import STOCK
from .verdict import settled

# The domain stands still when the epoch's state is to be taken.
DIES_STILL = "die.primary.capture:30"


def kill_suspended(stage: Any, kind: str) -> str:
    guest = stage.guest(kind)
    boot = guest.control("id")
    writer = stage.writer(guest)
    p = stage.protect(guest, fence=False, options=["--takeover=manual"],
                      env={"XL_COLO_FAULT": DIES_STILL})
    stage.flows(writer)
    p.wait_end(stage.s(30))
    killed = time.time() + 0.1
    state = stage.sh(stage.src, STOCK, "list", guest.name).text
    expect("---s" in state, "it doesn't stand still: %s", state)
    stage.wait_status(stage.dst, guest.name, "waiting-for-user",
                      stage.s(15))
    stage.quiet(writer, killed, 1.0)
    stage.stop(stage.dst, guest)
    refused(stage, remus(guest.name, stage.dst), "colo-stop --release")
    stage.stop(stage.src, guest, "--release")
    # Whoever waited for its end has left for the session's sake.
    found = stage.sh(stage.src, "sh", "-c", "for f in /proc/[0-9]*/fd/*; do "
                     "readlink $f; done").text
    expect("/%s.monitor" % guest.name in found, "nobody waits for its end")
    report = settled(stage, guest, writer, stage.src, boot)
    # Nothing stays in the way of the next protection.
    writer = stage.writer(guest)
    p = stage.protect(guest, fence=False)
    stage.flows(writer)
    stage.stop(stage.src, guest)
    settled(stage, guest, writer, stage.src, boot)
    return "released and running, 0 of %d lost; protected again" % \
        report["acknowledged"]


@check(times=0, soak=True)
def kill_suspended_hvm(stage: Any) -> str:
    """kill -9 of xl while HVM guest and device model stand still"""
    return kill_suspended(stage, "hvm")


@check()
def kill_suspended_pvh(stage: Any) -> str:
    """kill -9 of xl while the PVH guest stands still; released, it runs"""
    return kill_suspended(stage, "pvh")
