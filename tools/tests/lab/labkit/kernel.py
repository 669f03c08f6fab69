# SPDX-License-Identifier: LGPL-2.1-only
"""Finds Debian's kernel, its modules and Xen on this machine.

Also takes the ELF image out of a bzImage, so that no emulated CPU has to
decompress it (tens of seconds under TCG).  Called by images.py.
"""
from __future__ import annotations

import bz2
import glob
import gzip
import lzma
import os
import re
import struct
from pathlib import Path
from typing import List, Optional

from .cpio import run
from .errors import LabError


def _newest(pattern: str, what: str) -> Path:
    found = sorted(glob.glob(pattern),
                   key=lambda p: [int(n) for n in re.findall(r"\d+", p)])
    if not found:
        raise LabError("no %s (%s); install the packages listed in "
                       "tools/packages" % (what, pattern))
    return Path(found[-1])


def find_kernel() -> Path:
    """The newest Debian kernel that has its modules."""
    found = [p for p in glob.glob("/boot/vmlinuz-*-amd64")
             if os.path.isdir("/lib/modules/" + Path(p).name[8:])]
    if not found:
        raise LabError("no kernel with modules in /boot; install "
                       "linux-image-amd64")
    return max((Path(p) for p in found),
               key=lambda p: [int(n) for n in re.findall(r"\d+", p.name)])


def kernel_version(kernel: Path) -> str:
    return kernel.name[len("vmlinuz-"):]


def find_xen() -> Path:
    return _newest("/boot/xen-[0-9]*-amd64.gz", "Xen hypervisor")


def find_xen_tools() -> Path:
    """The folder of Xen's private programs, such as /usr/lib/xen-4.17."""
    return _newest("/usr/lib/xen-[0-9]*", "Xen tools")


def extract_elf(kernel: Path) -> Optional[bytes]:
    """The ELF image inside a bzImage; None if the packing isn't known."""
    data = kernel.read_bytes()
    setup_sectors = data[0x1f1] or 4
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    packed = data[start:start + length - 4]
    if packed[:6] == b"\xfd7zXZ\0":
        image = lzma.LZMADecompressor().decompress(packed)
    elif packed[:2] == b"\x1f\x8b":
        image = gzip.decompress(packed)
    elif packed[:3] == b"BZh":
        image = bz2.decompress(packed)
    else:
        return None
    return image if image[:4] == b"\x7fELF" else None


def module_files(version: str, names: List[str]) -> List[str]:
    """Files of the modules and of what they need, in the order to load."""
    files: List[str] = []
    for name in names:
        for line in run("modprobe", "-S", version, "--show-depends",
                        name).splitlines():
            words = line.split()
            if words[0] == "insmod" and words[1] not in files:
                files.append(words[1])
    return files
