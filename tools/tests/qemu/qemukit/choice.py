# SPDX-License-Identifier: LGPL-2.1-only
"""What our secondary takes over with when the octets of a primary end
somewhere: the follower and the table, without a socket.

Called by tests that hold it against a real secondary.
"""
from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Tuple

from . import wire

TOP = Path(__file__).resolve().parents[4]
PROGRAM = "build/qemu_choice"


def build() -> None:
    subprocess.run(["make", "--no-print-directory", PROGRAM], cwd=TOP,
                   env={k: v for k, v in os.environ.items()
                        if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")},
                   stdout=subprocess.DEVNULL, check=True)


def choice(capture: wire.Capture, octets: bytes,
           busy: bool = False) -> Tuple[str, bytes]:
    """The state in which the loss is noticed, and the memory.  @octets come
    behind the precopy of @capture; @busy: it is noticed before this side has
    done what it is at."""
    done = subprocess.run(
        [str(TOP / PROGRAM), str(len(capture.precopy)),
         *(["busy"] if busy else [])], input=capture.precopy + octets,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()
    state, _, memory = done.stdout.partition(b"\n")
    return state.decode(), memory
