# SPDX-License-Identifier: LGPL-2.1-only
"""Other domains and other tools: what isn't ours is left alone, and what
takes from us ends the protection.

Called through the harness.
"""
from __future__ import annotations

from typing import Any

from .admit import other_domain, turned_away
from .bad_start import refused, remus, unharmed
from .bad_stream import last_error
from .harness import check, expect
from .stage import STOCK

TWIN = """name="twin"
type="pvh"
memory=96
uuid="%s"
kernel="/images/vmlinux"
"""
# A stock receiver that dies in the first copy.
HALF = """#!/bin/sh
printf 'xl migration receiver ready, send binary domain data.\\n'
exec head -c 8000000 >/dev/null
"""


@check()
def bad_identity(stage: Any) -> str:
    """A domain there, or here, has the guest's identity: it is left alone"""
    guest = stage.guest("pvh")
    writer = stage.writer(guest)
    uuid = stage.sh(stage.src, STOCK, "vm-list").text
    uuid = [t for t in uuid.splitlines()
            if t.split()[-1] == guest.name][0].split()[0]
    other_domain(stage, stage.dst, "twin", TWIN % uuid)
    line = turned_away(stage, guest, "has the UUID of")
    expect("twin" in stage.domains(stage.dst), "the other domain is gone")
    stage.sh(stage.dst, STOCK, "destroy", "twin")
    refused(stage, remus(guest.name, stage.src), "exists on this host")
    unharmed(stage, guest, writer)
    return line


@check()
def stock_migrate(stage: Any) -> str:
    """Another tool's migration takes the dirty log: protection ends"""
    guest = stage.guest("pvh")
    writer = stage.writer(guest)
    path = stage.lab.run.share / "half"
    path.write_text(HALF)
    path.chmod(0o755)
    migrate = ("migrate", "-s", "/host/half", guest.name, stage.dst)
    p = stage.protect(guest)
    refused(stage, ["xl", *migrate], "protected", prefix="xl migrate: ")
    p.wait_epochs(3, stage.s(30))
    done = stage.sh(stage.src, STOCK, *migrate)
    expect(done.status != 0, "the system's xl migrated it")
    status = p.wait_end(stage.s(15))
    expect(status == 1 and "the dirty log" in last_error(p), "it ended with "
           "%s: %s", status, last_error(p))
    unharmed(stage, guest, writer)
    return last_error(p)
