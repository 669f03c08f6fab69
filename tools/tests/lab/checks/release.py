# SPDX-License-Identifier: LGPL-2.1-only
"""What a killed session leaves behind is set right by colo-stop --release.

Called through the harness.
"""
from __future__ import annotations

import time
from typing import Any

from .harness import check, expect
from .verdict import settled

# Kills process $1 at a moment at which domain $2 stands still.
KILL_SUSPENDED = r"""
for i in $(seq 200); do
    kill -STOP $1
    xl list $2 | grep -q ' ---s.. ' && exec kill -9 $1
    kill -CONT $1
    usleep $((i * 1700 % 50000))
done
exit 1
"""


def kill_suspended(stage: Any, kind: str) -> str:
    guest = stage.guest(kind)
    boot = guest.control("id")
    writer = stage.writer(guest)
    # While it is looked at, the other host must not take it for dead.
    p = stage.protect(guest, fence=False, options=("--silence-ms", "5000"))
    stage.flows(writer)
    done = stage.sh(stage.src, "sh", "-c", KILL_SUSPENDED, "sh", str(p.pid),
                    guest.name)
    expect(done.status == 0, "never seen standing still")
    killed = time.time() + 0.1
    stage.wait_status(stage.dst, guest.name, "waiting-for-user",
                      stage.s(15))
    stage.quiet(writer, killed, 1.0)
    stage.stop(stage.dst, guest)
    stage.stop(stage.src, guest, "--release")
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
