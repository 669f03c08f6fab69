# SPDX-License-Identifier: LGPL-2.1-only
"""The one exception that the lab raises on purpose.

Its text is one clear line; the command line prints it and exits.  Raised by
every module of labkit.
"""
from __future__ import annotations


class LabError(Exception):
    """Something the user can act on; `status` is the exit code it deserves."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status
