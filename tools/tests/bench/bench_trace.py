#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""What `xl colo-trace` does to a pair of QEMUs, and how fast it is.

The pause of a checkpoint, from STOP to RESUME of the primary, over plain TCP
and through the proxy, in one run; the proxy acknowledges at once, so it is
shorter. And RAM of 2 GiB in one checkpoint, between two processes: directly,
through a loop of splice(), through the proxy. Prints both with their limits;
exit 1 when one isn't kept. Figures go to build/bench_trace.json.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, Dict, List

TOP = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tools/tests/qemu"))

from qemukit import wire  # noqa: E402
from qemukit.machine import Folder  # noqa: E402
from qemukit.pair import Pair  # noqa: E402
from qemukit.tracer import XL  # noqa: E402

CHECKPOINTS = 60
ROUNDS = 3
PAUSE_LEAST = 50.0     # times as short
SPEED_LEAST = 0.5      # of splice()
RAM_OCTETS = 2 << 30
PIECE = 1 << 20
PAGES = 16             # of the block in the corpus
F_SETPIPE_SZ = 1031    # Linux; fcntl has it from Python 3.10 on
CONTINUE, PAGE, EOS = 0x20, 0x08, 0x10


def tracer(listen: str, connect: str) -> Any:
    """The proxy's process and where it listens."""
    child = subprocess.Popen([XL, "colo-trace", "--json", listen, connect],
                             stdout=subprocess.PIPE, text=True)
    assert child.stdout
    return child, json.loads(child.stdout.readline())["address"]


def at_us(event: Dict[str, Any]) -> int:
    stamp = event["timestamp"]
    return stamp["seconds"] * 1000000 + stamp["microseconds"]


def pause_ms(traced: bool) -> float:
    """The median of a pair's checkpoints."""
    with Folder() as folder, Pair(folder) as pair:
        port = pair.secondary.listen_tcp()
        child, address = tracer("tcp:127.0.0.1:0", port) if traced else \
            (None, port)
        pair.primary.migrate(address)
        pair.primary.wait_colo()
        pauses: List[int] = []
        for _ in range(CHECKPOINTS):
            pair.primary.reset()
            pair.primary.trigger()
            stop = at_us(pair.primary.qmp.wait_event("STOP"))
            pauses.append(at_us(pair.primary.qmp.wait_event("RESUME")) - stop)
        pair.end()
        if child:
            child.communicate()
            assert child.returncode == 0
        return median(pauses) / 1000


def ram_pieces() -> List[bytes]:
    """A checkpoint's SEND and RAM: its head, what is repeated, its end."""
    head = (wire.word(wire.SEND) + b"\x03" + (2).to_bytes(4, "big")
            + (PAGE).to_bytes(8, "big") + b"\x01m" + bytes(4096))
    body = b"".join((i % PAGES * 4096 | PAGE | CONTINUE).to_bytes(8, "big")
                    + bytes(4096) for i in range(256))
    tail = (EOS).to_bytes(8, "big") + b"\x7e" + (2).to_bytes(4, "big") + b"\0"
    return [head, body, tail]


def send_ram(to: socket.socket) -> None:
    """As a primary that answers nobody."""
    capture = wire.corpus("none")
    head, body, tail = ram_pieces()
    to.sendall(capture.precopy)
    to.recv(4)
    to.sendall(wire.word(wire.REQUEST))
    to.recv(4)
    to.sendall(head)
    for _ in range(RAM_OCTETS // len(body)):
        to.sendall(body)
    to.sendall(tail)
    to.recv(4)
    to.close()


def splice_all(come: socket.socket, go: socket.socket) -> None:
    """What a proxy costs that looks at nothing; one way back, too."""
    r, w = os.pipe()
    fcntl.fcntl(w, F_SETPIPE_SZ, PIECE)
    back = os.fork()
    if not back:
        while data := go.recv(64):
            come.sendall(data)
        come.shutdown(socket.SHUT_WR)
        os._exit(0)
    while n := os.splice(come.fileno(), w, PIECE):
        while n:
            n -= os.splice(r, go.fileno(), n)
    go.shutdown(socket.SHUT_WR)
    os.waitpid(back, 0)


def listener() -> socket.socket:
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(1)
    return s


def transfer_s(how: str) -> float:
    """Seconds for the RAM; the receiver is this process."""
    end = listener()
    address = end.getsockname()
    children: List[int] = []
    proxy = None
    if how == "trace":
        proxy, shown = tracer("tcp:127.0.0.1:0", "tcp:127.0.0.1:%d"
                              % address[1])
        address = ("127.0.0.1", int(shown.rpartition(":")[2]))
    elif how == "splice":
        middle = listener()
        children.append(os.fork())
        if not children[-1]:
            come = middle.accept()[0]
            splice_all(come, socket.create_connection(address))
            os._exit(0)
        address = middle.getsockname()
    children.append(os.fork())
    if not children[-1]:
        send_ram(socket.create_connection(address))
        os._exit(0)
    took = receive_ram(end.accept()[0])
    for child in children:
        os.waitpid(child, 0)
    if proxy:
        words = proxy.communicate()[0]
        assert "departure\"" not in words, words
    return took


def receive_ram(s: socket.socket) -> float:
    """As a secondary that keeps nothing."""
    room = memoryview(bytearray(PIECE))
    head, body, tail = ram_pieces()
    left = len(wire.corpus("none").precopy)
    while left:
        left -= s.recv_into(room, left)
    s.sendall(wire.word(wire.READY))
    s.recv(4)
    s.sendall(wire.word(wire.REPLY))
    left = len(head) + RAM_OCTETS // len(body) * len(body) + len(tail)
    start = time.monotonic()
    while left:
        left -= s.recv_into(room, min(left, PIECE))
    took = time.monotonic() - start
    s.close()
    return took


def verdict(what: str, value: float, least: float) -> bool:
    kept = value >= least
    print("%-44s %6.2f, at least %.2f  %s" % (what, value, least,
                                             "ok" if kept else "NOT OK"))
    return kept


def main() -> int:
    """Measure, compare."""
    plain, traced = pause_ms(False), pause_ms(True)
    print("pause of a pair, median of %d checkpoints: TCP %.2f ms, "
          "through xl colo-trace %.2f ms" % (CHECKPOINTS, plain, traced))
    kept = [verdict("times as short as over plain TCP", plain / traced,
                    PAUSE_LEAST)]
    found: Dict[str, List[float]] = {"direct": [], "trace": []}
    if hasattr(os, "splice"):
        found["splice"] = []
    for _ in range(ROUNDS):
        for how, times in found.items():
            times.append(transfer_s(how))
    speed = {how: RAM_OCTETS / median(times) / 1e9
             for how, times in found.items()}
    for how, value in speed.items():
        print("RAM of 2 GiB, %-6s %6.2f GB/s" % (how, value))
    if "splice" in speed:
        kept.append(verdict("xl colo-trace / splice()",
                            speed["trace"] / speed["splice"], SPEED_LEAST))
    else:
        print("xl colo-trace / splice()  skipped: Python is older than 3.10")
    (TOP / "build/bench_trace.json").write_text(json.dumps(
        {"pause_ms": {"tcp": plain, "trace": traced}, "GB_per_s": speed},
        indent=1) + "\n")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
