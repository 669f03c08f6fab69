# SPDX-License-Identifier: LGPL-2.1-only
"""Sees which host a guest's frames come from.

A guest and its copy have the same addresses, so a client can't tell them
apart; but their frames come out of different cables.  Listens at both hosts'
cables of the clients' network, and asks for the guest's address now and then
so that a copy that runs has something to say.  Called by stage.py.
"""
from __future__ import annotations

import select
import socket
import struct
import threading
import time
from typing import Any, Dict, List, Optional, Tuple

from labkit import net
from labkit.guests import mac_of
from labkit.host import HOSTS

ETH_P_ALL, ETH_P_ARP = 3, 0x0806
BRIDGE = "br-client"
ASK_S = 0.25
LINGER_S = 0.3
# What a host had let out, but its cable not yet, when it stood still leaves it
# so soon after it goes on; who speaks anew answers what is asked later.
LEFTOVER_S = ASK_S / 2

Heard = List[Tuple[float, str]]


def _listen(device: str, protocol: int) -> socket.socket:
    # Told a protocol here, it would hear every device until it is bound.
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((device, protocol))
    return s


def in_turn(frames: Heard, leftovers: Optional[Tuple[float, str]] = None
            ) -> Tuple[str, int]:
    """The hosts that frames came from, in turn, and how many are left out:
    those of a host which went on at that time that it had let out before."""
    turns, left_out = "", 0
    for when, host in frames:
        if leftovers and host == leftovers[1] and \
                leftovers[0] <= when < leftovers[0] + LEFTOVER_S:
            left_out += 1
        elif not turns.endswith(host):
            turns += host
    return turns, left_out


class Witness(threading.Thread):
    """Runs from its making until seen() is asked."""

    def __init__(self, namespace: str, address: str) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.mac = bytes(int(x, 16) for x in mac_of(address).split(":"))
        self.frames: Heard = []
        self.over = threading.Event()
        with net.inside(namespace):
            self.asking = _listen(BRIDGE, ETH_P_ARP)
            self.cables: Dict[Any, str] = {
                _listen("client-" + h, ETH_P_ALL): h for h in HOSTS}
        self.start()

    def _ask(self) -> None:
        own = self.asking.getsockname()[4]
        request = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + own + \
            socket.inet_aton(net.CLIENT_ADDRESS) + b"\0" * 6 + \
            socket.inet_aton(self.address)
        self.asking.send(b"\xff" * 6 + own + struct.pack(">H", ETH_P_ARP)
                         + request)

    def run(self) -> None:
        due = 0.0
        while not self.over.is_set():
            if time.monotonic() >= due:
                due = time.monotonic() + ASK_S
                self._ask()
            for s in select.select(list(self.cables), [], [], 0.05)[0]:
                self._hear(s)

    def _hear(self, s: Any) -> None:
        try:
            frame, where = s.recvfrom(128)
        except OSError:      # a cable that goes away with its host
            time.sleep(0.01)
            return
        if where[2] == socket.PACKET_OUTGOING or frame[6:12] != self.mac:
            return
        self.frames.append((time.time(), self.cables[s]))

    def seen(self) -> str:
        """The hosts it spoke from, in turn: "a", "ab", …; then it ends."""
        return self.turns()[0]

    def turns(self, leftovers: Optional[Tuple[float, str]] = None
              ) -> Tuple[str, int]:
        """The same, as in_turn() tells it."""
        time.sleep(LINGER_S)
        self.end()
        return in_turn(self.frames, leftovers)

    def end(self) -> None:
        self.over.set()
        self.join(5)
        self.asking.close()
        for s in self.cables:
            s.close()
