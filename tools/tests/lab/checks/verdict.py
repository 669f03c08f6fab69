# SPDX-License-Identifier: LGPL-2.1-only
"""What has to be true after a take-over or an end, for several checks.

Never causes anything.  Called by the modules of checks.
"""
from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

from .harness import expect, promise


def await_takeover(stage: Any, writer: Any, moment: float,
                   margin_s: float) -> float:
    """Seconds from the moment to the first write acknowledged anew.

    What was on its way at the moment doesn't count: margin_s.
    """
    after = writer.first_after(moment + margin_s, stage.s(30))
    expect(after is not None, "no service %g s after the kill", stage.s(30))
    return after - moment


def settled(stage: Any, guest: Any, writer: Any, host: str, boot: str
            ) -> Dict[str, Any]:
    """One copy, on `host`, under its name, with every write."""
    stage.flows(writer)
    stage.only_on(guest, host)
    stage.speaks_from(guest, host)
    report = stage.proven(writer)
    now = guest.control("id")
    promise(now == boot, "boot id was %s and is %s", boot, now)
    return report


def figures(took: float, report: Dict[str, Any], waited: float,
            limit: Optional[float] = None) -> str:
    text = "answers %.2f s after" % took
    if limit:
        text += " (limit %.2f)" % limit
    return text + ", 0 of %d acknowledged writes lost, moment +%.2f s" % (
        report["acknowledged"], waited)


def in_turn(watch: Any, before: str, after: str,
            leftovers: Optional[Tuple[float, str]] = None) -> int:
    """It spoke from one host, then from the other, never back again.

    Returns how many frames of a host that went on then had been let out
    before it stood still (see witness.py).
    """
    seen, left_out = watch.turns(leftovers)
    wanted = before if before == after else before + after
    promise(len(seen) < 3, "it spoke from the hosts '%s' in turn", seen)
    expect(seen == wanted, "it spoke from the hosts '%s' in turn, not '%s'",
           seen, wanted)
    return left_out
