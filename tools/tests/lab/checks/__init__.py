# SPDX-License-Identifier: LGPL-2.1-only
"""Acceptance tests of the product on the lab's two Xen hosts.

One module for each kind of behaviour; importing this package registers all
of them (harness.py) in the order in which they cost least: what leaves the
guest where it was comes first.  Run by tools/tests/lab-check.
"""
from . import user, bad_start, admit, bad_stream  # noqa: F401
from . import others, delay, stall  # noqa: F401
from . import interop, kernel, kills, release, split, links  # noqa: F401
from . import thaws, pauses, requests, ends, output, watchdog  # noqa: F401
from .harness import CHECKS, run_checks

__all__ = ["CHECKS", "run_checks"]
