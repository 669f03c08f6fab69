# SPDX-License-Identifier: LGPL-2.1-only
"""Counts who answers for an address: two answers mean two running copies.

A guest and its copy have the same addresses, so no ordinary client can tell
them apart; but each answers an ARP request.  Never changes anything.  Called
by test programs.
"""
from __future__ import annotations

import socket
import struct
import time

from . import net
from .net import CLIENT_ADDRESS

BRIDGE = "br-client"
ETH_P_ARP = 0x0806


def answers(namespace: str, address: str, limit_s: float = 0.5) -> int:
    """How many ARP replies one request for `address` gets."""
    with net.inside(namespace):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.bind((BRIDGE, ETH_P_ARP))
    with s:
        own = s.getsockname()[4]
        wanted = socket.inet_aton(address)
        request = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + own + \
            socket.inet_aton(CLIENT_ADDRESS) + b"\0" * 6 + wanted
        s.send(b"\xff" * 6 + own + struct.pack(">H", ETH_P_ARP) + request)
        count = 0
        limit = time.monotonic() + limit_s
        while True:
            left = limit - time.monotonic()
            if left <= 0:
                return count
            s.settimeout(left)
            try:
                frame = s.recv(2048)
            except socket.timeout:
                return count
            if frame[20:22] == b"\0\2" and frame[28:32] == wanted:
                count += 1
