# SPDX-License-Identifier: LGPL-2.1-only
"""xl's layer: its header and the optional data behind it.

It never looks into the configuration, and doesn't know what follows.
`verify` calls it for a stream whose outermost layer is xl.
"""

from __future__ import annotations

import struct
from typing import Any, Dict, Tuple

from xen.migration.public import (
    XL, XL_BYTEORDER, XL_FLAG_JSON, XL_FLAG_STREAM_V2, XL_HEADER_SIZE,
    XL_MAGIC, XL_OPTIONAL_MAX, Reader,
)

_HEADER = struct.Struct("<32sIIII")
_KNOWN_FLAGS = XL_FLAG_JSON | XL_FLAG_STREAM_V2


def read_header(reader: Reader) -> Dict[str, Any]:
    """Read and check the header; return its fields."""
    header = reader.header(XL, XL_HEADER_SIZE)
    magic, byteorder, mandatory, optional, size = _HEADER.unpack(header)
    if magic != XL_MAGIC:
        reader.fail("xl-magic")
    if byteorder != XL_BYTEORDER:
        reader.fail("xl-byteorder")
    if mandatory & ~_KNOWN_FLAGS:
        reader.fail("xl-mandatory-flags")
    if not mandatory & XL_FLAG_STREAM_V2:
        reader.fail("xl-stream-v2")
    if size > XL_OPTIONAL_MAX:
        reader.fail("xl-optional-limit")
    reader.accept(XL_HEADER_SIZE, size)
    return {"byteorder": byteorder, "mandatory_flags": mandatory,
            "optional_flags": optional, "optional_data_len": size}


def read_optional_data(reader: Reader, header: Dict[str, Any]) -> int:
    """Read and check the optional data; return config_len.

    Its faults are those of the header, which declares it.
    """
    size = header["optional_data_len"]
    if not size:
        return 0
    data = reader.collect(size)
    config, length = _config(data)
    if length < 0:
        reader.fail("xl-config-length")
    if header["mandatory_flags"] & XL_FLAG_JSON:
        if not length or config.find(0) != length - 1:
            reader.fail("xl-config-nul")
    return length


def _config(data: bytes) -> Tuple[bytes, int]:
    """Return the configuration and its length, -1 if it doesn't fit."""
    if len(data) < 4:
        return b"", -1
    length, = struct.unpack_from("<I", data)
    if length > len(data) - 4:
        return b"", -1
    return data[4:4 + length], length
