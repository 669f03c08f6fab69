# SPDX-License-Identifier: LGPL-2.1-only
"""What a cut of the power leaves of a directory: of what was written only
what was synced, or that with all names as they are now.

A process runs with environment(); afterwards the directory is built anew as
the disk would have it.  Called by tests.
"""
from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Dict, List, Tuple

from .machine import Folder

SOURCE = Path(__file__).resolve().parents[1] / "power_cut.c"


class Power:
    def __init__(self, folder: Folder, library: str) -> None:
        self.notes = folder.file("notes")
        self.library = library
        os.mkdir(self.notes)

    @staticmethod
    def build(folder: Folder) -> str:
        library = folder.file("power_cut.so")
        subprocess.run([os.environ.get("CC", "gcc"), "-D_GNU_SOURCE", "-Wall",
                        "-shared", "-fPIC", "-o", library, str(SOURCE),
                        "-ldl"], check=True)
        return library

    def environment(self) -> Dict[str, str]:
        return {"LD_PRELOAD": self.library, "POWER_CUT": self.notes}

    def cut(self, path: str, to: str) -> None:
        """Names and contents as they were synced."""
        self._names(os.stat(path).st_ino, to)

    def cut_contents(self, path: str, to: str) -> None:
        """All names have reached the disk, contents only if synced."""
        os.mkdir(to)
        for entry in os.scandir(path):
            target = os.path.join(to, entry.name)
            if entry.is_dir():
                self.cut_contents(entry.path, target)
            else:
                self._content(entry.inode(), target)

    def _listed(self, inode: int) -> List[Tuple[int, bool, str]]:
        try:
            with open("%s/d-%d" % (self.notes, inode)) as f:
                words = [line.rstrip("\n").split(" ", 2) for line in f]
        except FileNotFoundError:
            return []
        return [(int(i), d == "1", name) for i, d, name in words]

    def _names(self, inode: int, to: str) -> None:
        os.mkdir(to)
        for number, is_dir, name in self._listed(inode):
            target = os.path.join(to, name)
            if is_dir:
                self._names(number, target)
            else:
                self._content(number, target)

    def _content(self, inode: int, to: str) -> None:
        data = b""
        try:
            with open("%s/f-%d" % (self.notes, inode), "rb") as f:
                data = f.read()
        except FileNotFoundError:
            pass
        with open(to, "wb") as f:
            f.write(data)
