# SPDX-License-Identifier: LGPL-2.1-only
"""A primary and a secondary, connected directly or through a proxy.

The order of commands is the one in which QEMU wants them: the secondary
listens before the primary migrates.  Called by tests.
"""
from __future__ import annotations

from typing import Any, List, Optional, Sequence

from .machine import INCOMING, PAGES, Folder, Machine

PRIMARY_DIRTY = tuple(range(4, 12))
SECONDARY_DIRTY = tuple(range(12, 16))    # only in the secondary


class Pair:
    """Two QEMUs; connect() begins COLO."""

    def __init__(self, folder: Folder, pages: int = PAGES,
                 primary_dirty: Sequence[int] = PRIMARY_DIRTY,
                 secondary_dirty: Sequence[int] = SECONDARY_DIRTY,
                 oob: bool = False) -> None:
        self.folder = folder
        self.secondary = Machine(folder, "s", secondary_dirty, pages,
                                 INCOMING, oob)
        self.primary = Machine(folder, "p", primary_dirty, pages, (), oob)

    def __enter__(self) -> "Pair":
        try:
            self.secondary.__enter__()
            self.primary.__enter__()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()

    def end(self) -> None:
        self.primary.end()
        self.secondary.end()

    def connect(self, listen: Optional[str] = None,
                migrate: Optional[str] = None) -> None:
        """@listen: where the secondary does; @migrate: where the primary is
        sent, a proxy's address.  Until both run."""
        listen = listen or self.folder.uri("migration")
        self.secondary.listen(listen)
        self.primary.migrate(migrate or listen)
        self.primary.wait_colo()

    def checkpoint(self) -> None:
        """One, and until the primary runs again."""
        self.primary.trigger()
        self.primary.qmp.wait_event("STOP")
        self.primary.qmp.wait_event("RESUME")

    def differing(self) -> List[int]:
        """Pages that aren't the same on both sides."""
        p, s = self.primary.memory(), self.secondary.memory()
        page = len(p) // self.primary.pages
        return [i for i in range(self.primary.pages)
                if p[i * page:(i + 1) * page] != s[i * page:(i + 1) * page]]
