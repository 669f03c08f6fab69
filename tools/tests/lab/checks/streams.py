# SPDX-License-Identifier: LGPL-2.1-only
"""Bytes of migration streams: made for bad cases, and walked.

From the public format (docs/specs), never from the product.  Called by
bad_stream.py and interop.py.
"""
from __future__ import annotations

import json
import struct
from typing import List, Tuple

XL_MAGIC = b"Xen saved domain, xl format\n \0 \r"
XL_HEADER = struct.Struct("<32sIIII")
LIBXL_HEADER = struct.Struct(">QII")
LIBXL_MAGIC = 0x4c6962786c466d74
LIBXC_HEADERS = struct.Struct(">QIIHHI")
DOMAIN_HEADER = struct.Struct("<IHHII")
RECORD = struct.Struct("<II")
LIBXL_CONTEXT = 1
LIBXC_PAGES, LIBXC_CHECKPOINT = 1, 0xe
PLAIN_END = RECORD.pack(0, 0) * 2     # libxc END, then libxl END


def beginning(name: str) -> bytes:
    """xl header with a domain's configuration, and libxl header."""
    config = json.dumps({
        "c_info": {"type": "pvh", "name": name},
        "b_info": {"type.pvh": {}, "max_memkb": 65536,
                   "target_memkb": 65536}}).encode() + b"\0"
    optional = struct.pack("<I", len(config)) + config
    return XL_HEADER.pack(XL_MAGIC, 0x01020304, 3, 0, len(optional)) + \
        optional + LIBXL_HEADER.pack(LIBXL_MAGIC, 2, 0)


def libxc_beginning() -> bytes:
    """LIBXC_CONTEXT and the headers of an HVM-container's image."""
    return RECORD.pack(LIBXL_CONTEXT, 0) + \
        LIBXC_HEADERS.pack((1 << 64) - 1, 0x58454E46, 3, 0, 0, 0) + \
        DOMAIN_HEADER.pack(2, 12, 0, 4, 17)


def huge(layer: str, name: str) -> bytes:
    """A stream with a record that says it has 2^31 octets."""
    data = beginning(name)
    if layer == "xl":
        return XL_HEADER.pack(XL_MAGIC, 0x01020304, 3, 0, 1 << 31)
    if layer == "libxl":
        return data + RECORD.pack(3, 1 << 31) + bytes(4096)
    return data + libxc_beginning() + RECORD.pack(0x10, 0) + \
        RECORD.pack(LIBXC_PAGES, 1 << 31) + bytes(4096)


def walk_to_checkpoint(data: bytes) -> Tuple[int, List[int]]:
    """Where the first libxc CHECKPOINT starts, and the records before it.

    ValueError when the stream is broken or ends before.
    """
    magic, order, _, _, optional = XL_HEADER.unpack_from(data)
    if magic != XL_MAGIC or order != 0x01020304:
        raise ValueError("no xl header")
    at = XL_HEADER.size + optional
    if LIBXL_HEADER.unpack_from(data, at)[:2] != (LIBXL_MAGIC, 2):
        raise ValueError("no libxl header at %d" % at)
    at += LIBXL_HEADER.size
    seen: List[int] = []
    inside = False
    while at + RECORD.size <= len(data):
        kind, length = RECORD.unpack_from(data, at)
        if inside and kind == LIBXC_CHECKPOINT:
            return at, seen
        seen.append(kind)
        at += RECORD.size + (length + 7) // 8 * 8
        if not inside and kind == LIBXL_CONTEXT:
            inside = True
            at += LIBXC_HEADERS.size + DOMAIN_HEADER.size
    raise ValueError("no CHECKPOINT within %d octets" % len(data))
