# SPDX-License-Identifier: LGPL-2.1-only
"""Small programs for dom0 that only the checks use, built when asked for."""
from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from .harness import Skip

SOURCES = Path(__file__).resolve().parent.parent / "dom0-tools"


def tool(stage: Any, name: str) -> str:
    """Where a host finds lab-NAME, made of dom0-tools/NAME.c."""
    target = stage.lab.run.share / ("lab-" + name)
    source = SOURCES / (name + ".c")
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        done = subprocess.run(
            ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror",
             "-static", "-o", str(target), str(source)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Skip("lab-%s isn't built: %s" % (name,
                                                   done.stdout.strip()))
    return "/host/lab-" + name
