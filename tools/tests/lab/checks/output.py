# SPDX-License-Identifier: LGPL-2.1-only
"""What is compared between two copies, against the QEMU of the lab.

Needs no host; here, since QEMU is. Called through the harness.
"""
from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from .harness import Skip, check, expect

RUN = Path(__file__).resolve().parents[2] / "colo_compare" / "run"
LIMIT_S = 400


@check()
def colo_compare(stage: Any) -> str:
    """Generated frames, judged by us and by QEMU's colo-compare"""
    done = subprocess.run([str(RUN), "10000", str(stage.seed)],
                          capture_output=True, text=True, check=False,
                          timeout=stage.s(LIMIT_S))
    lines = [line for line in done.stdout.splitlines()
             if line.startswith(("ok ", "not ok "))]
    expect(lines, "it said nothing: %s", done.stderr[-300:])
    if "# SKIP" in lines[-1]:
        raise Skip(lines[-1].split("# SKIP")[1].strip())
    expect(done.returncode == 0, "%s", lines[-1])
    return lines[-1].split(": ", 1)[1]
