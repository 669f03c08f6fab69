# SPDX-License-Identifier: LGPL-2.1-only
"""Collects files for an initramfs and writes them as a newc cpio archive.

Paths are moved below /usr as Debian does (/bin, /sbin, /lib and /lib64 are
links).  Never runs a program but ldd.  Called by images.py.
"""
from __future__ import annotations

import glob
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import BinaryIO, Dict, Iterable, Optional, Tuple, Union

from .errors import LabError

MERGED = ("bin", "sbin", "lib", "lib64")
Content = Union[bytes, Path]


def run(*argv: str) -> str:
    """Standard output of a command that has to succeed."""
    done = subprocess.run(argv, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise LabError("%s: %s" % (argv[0], done.stderr.strip()
                                   or "exit %d" % done.returncode))
    return done.stdout


class Tree:
    """What goes into one initramfs: path -> (mode, content)."""

    def __init__(self) -> None:
        self.nodes: Dict[str, Tuple[int, Content]] = {}
        self.directory("/")
        self.directory("/usr")
        for name in MERGED:
            self.directory("/usr/" + name)
            self.link("/" + name, "usr/" + name)

    @staticmethod
    def merged(path: str) -> str:
        first = path.strip("/").split("/", 1)[0]
        if first in MERGED and path.strip("/") != first:
            return "/usr" + path
        return path

    def directory(self, path: str, mode: int = 0o755) -> None:
        path = self.merged(path)
        if path not in self.nodes:
            parent = os.path.dirname(path)
            if parent != path and parent not in self.nodes:
                self.directory(parent)
            self.nodes[path] = (stat.S_IFDIR | mode, b"")

    def _put(self, path: str, mode: int, content: Content) -> None:
        path = self.merged(path)
        self.directory(os.path.dirname(path))
        self.nodes[path] = (mode, content)

    def link(self, path: str, target: str) -> None:
        self._put(path, stat.S_IFLNK | 0o777, target.encode())

    def text(self, path: str, text: str, mode: int = 0o644) -> None:
        self._put(path, stat.S_IFREG | mode, text.encode())

    def file(self, source: Union[str, Path], path: Optional[str] = None,
             mode: Optional[int] = None) -> None:
        """Adds a file's content (links are followed) at `path` or as is."""
        real = Path(source).resolve()
        if not real.is_file():
            raise LabError("missing file %s; install the packages listed in "
                           "tools/packages" % source)
        if mode is None:
            mode = stat.S_IMODE(real.stat().st_mode)
        self._put(path or str(source), stat.S_IFREG | mode, real)

    def files(self, pattern: str) -> None:
        """Adds the files that match; at least one has to."""
        found = sorted(glob.glob(pattern))
        if not found:
            raise LabError("nothing matches %s; install the packages listed "
                           "in tools/packages" % pattern)
        for name in found:
            if os.path.isdir(name):
                self.files(name + "/*")
            else:
                self.file(name)

    def libraries(self, names: Iterable[str]) -> None:
        """Adds what the programs and libraries need, by ldd."""
        for name in names:
            with open(name, "rb") as f:
                if f.read(4) != b"\x7fELF":
                    continue  # a script
            out = run("ldd", str(name))
            for path in re.findall(r"(?:=> )?(/\S+) \(0x", out):
                self.file(path)

    def program(self, source: Union[str, Path],
                path: Optional[str] = None) -> None:
        self.file(source, path, 0o755)
        self.libraries([str(source)])

    def write(self, out: BinaryIO) -> None:
        self.nodes.setdefault("/dev", (stat.S_IFDIR | 0o755, b""))
        entries = [(path, mode, content, (0, 0))
                   for path, (mode, content) in sorted(self.nodes.items())]
        entries.append(("/dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)))
        entries.append(("/dev/null", stat.S_IFCHR | 0o666, b"", (1, 3)))
        for number, (path, mode, content, device) in enumerate(entries, 1):
            data = content if isinstance(content, bytes) \
                else content.read_bytes()
            _entry(out, path.lstrip("/") or ".", number, mode, data, device)
        _entry(out, "TRAILER!!!", 0, 0, b"", (0, 0))


def _entry(out: BinaryIO, name: str, number: int, mode: int, data: bytes,
           device: Tuple[int, int]) -> None:
    raw = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, device[0],
              device[1], len(raw), 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields)
    out.write(head + raw + b"\0" * (-(len(head) + len(raw)) % 4))
    out.write(data + b"\0" * (-len(data) % 4))
