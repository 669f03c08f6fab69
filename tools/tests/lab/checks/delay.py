# SPDX-License-Identifier: LGPL-2.1-only
"""How long a client waits for an answer, at any moment it may ask.

ICMP echo requests at a fixed rate, whether the ones before were answered or
not: a client that asks again only when it was answered would ask just after
each release, and wait for a whole epoch each time.  Called through the
harness.
"""
from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from statistics import median
from typing import Any, Callable, Dict, List

from labkit import net

from .harness import check, expect

INTERVAL_MS, EPOCHS, MOST_OF_BOUND = 100, 60, 1.1
ALONE_S = 4.0            # asked so long before the domain is protected
EVERY_S = 0.019          # no divisor of an epoch
MOMENTS = 8              # of each epoch; as many as session/stats.c takes
ECHO, ECHO_REPLY = 8, 0
HEADER = struct.Struct(">BBHHH")    # RFC 792: type, code, sum, id, sequence


def checksum(octets: bytes) -> int:
    """RFC 1071, of an even number of octets."""
    total = sum(struct.unpack(">%dH" % (len(octets) // 2), octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Echo(threading.Thread):
    """Asks from its making until finish() or end()."""

    def __init__(self, namespace: str, address: str) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.id = os.getpid() & 0xffff
        self.sent: List[float] = []
        self.waits: Dict[int, float] = {}
        self.asking, self.over = threading.Event(), threading.Event()
        with net.inside(namespace):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                        socket.IPPROTO_ICMP)
        self.asking.set()
        self.start()

    def _ask(self) -> None:
        sequence = len(self.sent)
        plain = HEADER.pack(ECHO, 0, 0, self.id, sequence)
        self.sent.append(time.monotonic())
        self.socket.sendto(HEADER.pack(ECHO, 0, checksum(plain), self.id,
                                       sequence), (self.address, 0))

    def _hear(self) -> None:
        packet = self.socket.recv(256)
        came = time.monotonic()
        header = 4 * (packet[0] & 15)
        kind, _, _, own, sequence = HEADER.unpack_from(packet, header)
        if kind == ECHO_REPLY and own == self.id and \
                sequence < len(self.sent):
            self.waits.setdefault(sequence, came - self.sent[sequence])

    def run(self) -> None:
        due = time.monotonic()
        while not self.over.is_set():
            left = due - time.monotonic()
            if left <= 0 and self.asking.is_set():
                self._ask()
                due += EVERY_S
            if select.select([self.socket], [], [],
                             max(0.0, min(left, EVERY_S)))[0]:
                self._hear()

    def finish(self, limit_s: float) -> None:
        """Asks no more, and waits for what is still to be answered."""
        self.asking.clear()
        limit = time.monotonic() + limit_s
        while len(self.waits) < len(self.sent) and time.monotonic() < limit:
            time.sleep(0.02)

    def end(self) -> None:
        self.over.set()
        self.join(5)
        self.socket.close()


def parts_ms(epoch: Dict[str, float]) -> float:
    """From standing still to the acknowledgement."""
    return epoch["pause_ms"] + epoch["send_ms"] + epoch["ready_ms"]


def said_ms(epochs: List[Dict[str, float]]) -> float:
    """The median wait of what a domain says, as much in each moment, if all
    of it goes when it is acknowledged."""
    waits = sorted((parts_ms(e) + e["run_ms"] * (m + 0.5) / MOMENTS,
                    e["run_ms"]) for e in epochs for m in range(MOMENTS))
    half = sum(weight for _, weight in waits) / 2
    for wait, weight in waits:
        half -= weight
        if half <= 0:
            return wait
    return 0.0


def asked(stage: Any, guest: Any, act: Callable[[], None]) -> List[float]:
    """How long in ms each answer took to what was asked while act() ran."""
    echo = Echo(stage.lab.run.namespace, guest.address)
    try:
        act()
        echo.finish(stage.s(10))
    finally:
        echo.end()
    expect(len(echo.waits) == len(echo.sent), "%d of %d echo requests "
           "answered", len(echo.waits), len(echo.sent))
    return [1000 * wait for wait in echo.waits.values()]


@check()
def delay(stage: Any) -> str:
    """How long output waits: half an epoch, the pause, and the way"""
    guest = stage.guest("pvh")
    alone = median(asked(stage, guest, lambda: time.sleep(ALONE_S)))
    writer = stage.writer(guest)
    p = stage.protect(guest, interval_ms=INTERVAL_MS)
    stage.flows(writer)
    p.wait_epochs(3, stage.s(30))
    before, begun = len(p.epochs()), time.time()
    waits = asked(stage, guest,
                  lambda: p.wait_epochs(EPOCHS, stage.s(120)))
    epochs = p.epochs()[before:]
    each = 1000 * (time.time() - begun) / len(epochs)
    stage.stop(stage.src, guest)
    p.wait_end(stage.s(15))
    stage.proven(writer)
    own = median(e["pause_ms"] for e in epochs)
    way = median(e["send_ms"] + e["ready_ms"] for e in epochs)
    waited, bound = median(waits) - alone, each / 2 + own + way
    text = "a client waited %.1f ms more (median of %d, %.1f alone), %.2f " \
        "of half an epoch of %.0f ms, %.1f of pause and %.1f of sending" % (
            waited, len(waits), alone, waited / bound, each, own, way)
    expect(waited <= MOST_OF_BOUND * bound, "%s: more than %.2f", text,
           MOST_OF_BOUND)
    told, due = float(p.summary()["output_delay_ms"]), said_ms(p.epochs())
    text += "; the summary says %.1f, %.2f of what its epochs took" % (
        told, told / due)
    expect(told <= MOST_OF_BOUND * due, "%s: more than %.2f", text,
           MOST_OF_BOUND)
    return text
