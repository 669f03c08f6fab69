# SPDX-License-Identifier: LGPL-2.1-only
"""`xl colo-sink` and `xl colo-replay` as processes, and what a directory of
checkpoints holds, seen from outside: through a replay.

Called by tests.
"""
from __future__ import annotations

import os
import resource
import socket
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from . import wire
from .machine import Folder
from .peers import Listener, Peer, connect
from .qmp import LIMIT_S

XL = os.environ.get("XL") or str(
    Path(__file__).resolve().parents[4] / "build" / "xl")
# Below what a state may have, and far below what a stub says that it has.
MEMORY_MAX = 256 << 20
PAGE = 4096
ZERO, FULL, LIST, EOS, CONTINUE = 0x02, 0x08, 0x04, 0x10, 0x20

Memory = Dict[int, bytes]    # of a machine with one block, by offset


def records(data: bytes, at: int, memory: Memory) -> int:
    """Write the pages from @at to an end of section into @memory."""
    while True:
        word = wire.number(data, at, 8)
        flags, offset = word & (PAGE - 1), word & ~(PAGE - 1)
        at += 8
        if flags & EOS:
            return at + 5
        if flags & LIST:
            at += 1 + data[at] + 8
            continue
        if not flags & CONTINUE:
            at += 1 + data[at]
        if flags & FULL:
            memory[offset] = data[at:at + PAGE]
        else:
            memory[offset] = bytes(PAGE)
        at += PAGE if flags & FULL else 1


def precopy_memory(data: bytes) -> Memory:
    """Of a precopy: behind the header come sections; RAM is over at the
    first device."""
    memory: Memory = {}
    at = 8
    while True:
        kind = data[at]
        if kind == 7:
            at += 5 + wire.number(data, at + 1, 4)
        elif kind == 8:
            at += 5 + wire.number(data, at + 3, 2)
        elif kind == 1:
            at = records(data, at + 5 + 1 + data[at + 5] + 8, memory)
        elif kind in (2, 3):
            at = records(data, at + 5, memory)
        else:
            return memory


def apply(ram: bytes, memory: Memory) -> None:
    """The RAM of one checkpoint."""
    at = 0
    while ram[at]:
        at = records(ram, at + 5, memory)


def bounded() -> None:
    """Before a process of ours begins; a sanitizer's wants room."""
    if "XL" not in os.environ:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))


class Sink:
    """A running `xl colo-sink`; a context manager that kills it."""

    def __init__(self, folder: Folder, name: str = "kept",
                 options: Sequence[str] = (), fault: str = "",
                 listen: Optional[str] = None, **more: Any) -> None:
        env = dict(os.environ, **({"XL_COLO_FAULT": fault} if fault else {}))
        env.update(more.pop("env", {}))
        more.setdefault("preexec_fn", bounded)
        self.process = subprocess.Popen(
            [XL, "colo-sink", *options, listen or folder.uri("sink"),
             folder.file(name)], stdin=subprocess.DEVNULL, env=env,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        assert self.process.stdout
        line = self.process.stdout.readline().decode()
        self.address = line.split()[-1] if line else ""

    def __enter__(self) -> "Sink":
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self) -> Tuple[int, str, str]:
        """Until it ends by itself: exit code, stdout, stderr."""
        out, err = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, out.decode(), err.decode()


def replay(path: str, address: str,
           *options: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [XL, "colo-replay", *options, path, address],
        preexec_fn=bounded, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)


class Nothing(Exception):
    """The directory has no complete checkpoint."""


def held(folder: Folder, path: str,
         *options: str) -> Tuple[Memory, bytes]:
    """RAM and state of the newest checkpoint, as a secondary gets them."""
    with Listener(folder.uri("replay")) as listener:
        process = replay(path, folder.uri("replay"), *options)
        peer = None
        listener.sock.settimeout(0.01)
        while not peer:
            ended = process.poll() is not None
            try:
                peer = listener.accept()
            except socket.timeout:
                if not ended:
                    continue
                _, err = process.communicate()
                if b"no complete checkpoint" in err:
                    raise Nothing(err.decode()) from None
                raise AssertionError(err.decode()) from None
        with peer:
            memory = precopy_memory(peer.precopy())
            peer.say(wire.READY)
            got = peer.checkpoint()
            apply(got.ram, memory)
            assert peer.closed()
        out, err = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0, (out, err)
    return memory, got.state


ENDS: Tuple[type, ...] = (EOFError, ConnectionError)


def with_pages(capture: wire.Capture, pages: "Dict[int, bytes]",
               state: bytes) -> wire.Checkpoint:
    """A checkpoint of the machine of @capture, with these pages, by number;
    their block is the one that precopy named last."""
    ram = capture.checkpoints[0].ram[:5]
    for page, data in pages.items():
        kind = FULL if any(data) else ZERO
        ram += (page * PAGE | kind | CONTINUE).to_bytes(8, "big")
        ram += data if any(data) else b"\0"
    ram += EOS.to_bytes(8, "big") + b"\x7e" + ram[1:5] + b"\0"
    return wire.Checkpoint(ram, state)


def expected(capture: wire.Capture) -> "List[Tuple[Memory, bytes]]":
    """Memory and state at each checkpoint of @capture; [0] is nobody's."""
    memory = precopy_memory(capture.precopy)
    all_of_them: "List[Tuple[Memory, bytes]]" = [({}, b"")]
    for checkpoint in capture.checkpoints:
        apply(checkpoint.ram, memory)
        all_of_them.append((dict(memory), checkpoint.state))
    return all_of_them


def primary(peer: Peer, capture: wire.Capture, checkpoints: int) -> int:
    """As many as go; how many were acknowledged."""
    acknowledged = 0
    try:
        peer.send(capture.precopy)
        peer.expect(wire.READY)
        for which in range(checkpoints):
            request, send, ram, size, state = \
                capture.checkpoints[which].parts()
            peer.send(request)
            peer.expect(wire.REPLY)
            peer.send(send + ram + size + state)
            peer.expect(wire.RECEIVED)
            acknowledged += 1
            peer.expect(wire.LOADED)
    except ENDS:
        pass
    return acknowledged


def fill(folder: Folder, capture: wire.Capture, checkpoints: int,
         **more: Any) -> None:
    """A session in which nothing goes wrong."""
    with Sink(folder, **more) as sink:
        with connect(sink.address) as peer:
            assert primary(peer, capture, checkpoints) == checkpoints
        assert sink.end()[0] == 0
