#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""`xl colo-sink` when its primary does anything wrong, and when the disk is
full: one line, and the directory holds the checkpoint that was acknowledged
last. `xl colo-replay` on what no sink left. No QEMU: the primary is a stub
that sends what one sent."""
from __future__ import annotations

import os
import resource
import subprocess
import unittest
from typing import Callable, List

from qemukit import wire
from qemukit.kept import (ENDS, Nothing, Sink, expected, fill, held, primary,
                          replay)
from qemukit.machine import Folder
from qemukit.peers import Listener, Peer, connect

SILENCE_MS = 700
SILENCE = ("--silence-ms", str(SILENCE_MS))
ATTEMPTS = 5    # a stub that was late itself has another

class Cut(unittest.TestCase):
    """A checkpoint that ends too early, at every octet."""

    def test_at_each_octet(self) -> None:
        capture = wire.corpus("none-empty")
        wanted = expected(capture)
        octets = b"".join(capture.checkpoints[1].parts())
        with Folder() as folder:
            for cut in range(1, len(octets)):
                self.cut(folder, capture, octets[:cut])
                self.assertEqual(held(folder, folder.file("kept")),
                                 wanted[1], cut)

    def cut(self, folder: Folder, capture: wire.Capture,
            octets: bytes) -> None:
        with Sink(folder) as sink:
            with connect(sink.address) as peer:
                self.assertEqual(primary(peer, capture, 1), 1)
                peer.send(octets[:4])
                if len(octets) > 4:
                    peer.expect(wire.REPLY)
                    peer.send(octets[4:])
            rc, _, err = sink.end()
            self.assertEqual(rc, 1, len(octets))
            self.assertRegex(err, r"^xl colo-sink: the primary closed the "
                             r"connection, (inside|before) .* of checkpoint "
                             r"2\n$")


def zero_page(offset: int = 0, name: bytes = b"m") -> bytes:
    return (offset | 2).to_bytes(8, "big") + bytes([len(name)]) + name + b"\0"


class Wrong(unittest.TestCase):
    """A primary that does something wrong in its second checkpoint."""

    CAPTURE = wire.corpus("none")
    SIZE_LIMIT = 1 << 50

    def run_one(self, what: Callable[[Peer], None], line: str) -> None:
        with Folder() as folder, Sink(folder) as sink:
            with connect(sink.address) as peer:
                self.assertEqual(primary(peer, self.CAPTURE, 1), 1)
                try:
                    what(peer)
                except ENDS:
                    pass
            self.check(folder, sink, line)

    def check(self, folder: Folder, sink: Sink, line: str) -> None:
        rc, _, err = sink.end()
        self.assertRegex(err, "^xl colo-sink: %s\n$" % line)
        self.assertEqual(rc, 1)
        self.assertEqual(held(folder, folder.file("kept")),
                         expected(self.CAPTURE)[1])

    def hang(self, what: Callable[[Peer], None], line: str) -> None:
        """The same with somebody who then says nothing."""
        for _ in range(ATTEMPTS):
            with Folder() as folder, Sink(folder, options=SILENCE) as sink:
                with connect(sink.address) as peer:
                    if primary(peer, self.CAPTURE, 1) == 1:
                        what(peer)
                        peer.closed()
                        self.check(folder, sink, line)
                        return
        self.fail("the stub was late each time")

    def parts(self) -> List[bytes]:
        return self.CAPTURE.checkpoints[1].parts()

    def up_to_ram(self, peer: Peer) -> bytes:
        """Request and reply; the octets from vmstate-send to RAM's end."""
        request, send, ram, _, _ = self.parts()
        peer.send(request)
        peer.expect(wire.REPLY)
        return send + ram

    def section(self, records: bytes) -> bytes:
        """vmstate-send and the begin of RAM, with the capture's number."""
        return wire.word(wire.SEND) + self.parts()[2][:5] + records

    def test_another_message(self) -> None:
        self.run_one(lambda peer: peer.say(wire.SEND),
                     ".*vmstate-send came, and checkpoint-request has its "
                     r"turn \[colo-message-turn\]")

    def test_no_message(self) -> None:
        for value in (7, 8, 1 << 31, (1 << 32) - 1):
            self.run_one(lambda peer: peer.say(value),
                         r".*this is 0x%x \[colo-message\]" % value)

    def test_closes_inside_ram(self) -> None:
        self.run_one(lambda peer: peer.send(self.up_to_ram(peer)[:-3000]),
                     "the primary closed the connection, inside RAM of "
                     "checkpoint 2")

    def test_no_size(self) -> None:
        self.run_one(lambda peer: peer.send(self.up_to_ram(peer) +
                                            wire.word(wire.REQUEST)),
                     ".*checkpoint-request came, and vmstate-size has its "
                     "turn .*")

    def test_a_size_above_the_limit(self) -> None:
        for size in (self.SIZE_LIMIT, (512 << 20) + 1, (1 << 64) - 1):
            self.run_one(lambda peer: peer.send(self.up_to_ram(peer) +
                                                wire.size(size)),
                         r".*it is %d here, the limit 536870912 "
                         r"\[colo-vmstate-limit\]" % size)

    def test_octets_behind_the_end(self) -> None:
        _, _, _, size, state = self.parts()
        self.run_one(lambda peer: peer.send(self.up_to_ram(peer) + size +
                                            state + b"\0\0\0"),
                     "3 octets behind the device state came before its "
                     "answer")

    def test_doesnt_wait_for_the_reply(self) -> None:
        request, send, ram, _, _ = self.parts()
        self.run_one(lambda peer: peer.send(request + send + ram[:99]),
                     "vmstate-send came before the answer to what was "
                     "before it")

    def test_silence_inside_ram(self) -> None:
        self.hang(lambda peer: peer.send(self.up_to_ram(peer)[:-3000]),
                  "the primary: nothing for %d ms, inside RAM of "
                  "checkpoint 2" % SILENCE_MS)

    def test_silence_before_the_pages(self) -> None:
        def request(peer: Peer) -> None:
            peer.say(wire.REQUEST)
            peer.expect(wire.REPLY)

        self.hang(request, "the primary: nothing for %d ms, before "
                  "vmstate-send of checkpoint 2" % SILENCE_MS)

    def test_more_pages_than_ram(self) -> None:
        self.run_one(lambda peer: peer.send(
            self.up_to_ram(peer)[:0] + self.section(zero_page() * 17)),
            "more pages in a checkpoint than the 16 that RAM has")

    def test_pages_that_cant_be_kept(self) -> None:
        xbzrle = (0x40).to_bytes(8, "big") + b"\1m" + b"\1\0\1\0"
        compressed = (0x100).to_bytes(8, "big") + b"\1m" + b"\0\0\0\1\0"
        for data, name in ((xbzrle, "xbzrle"), (compressed, "compress")):
            self.run_one(lambda peer: peer.send(
                self.up_to_ram(peer)[:0] + self.section(data)),
                "the primary compresses pages, which can't be kept: turn its "
                "capability %s off" % name)


class WrongPrecopy(unittest.TestCase):
    """A first copy that can't be kept: what was there before stays."""

    CAPTURE = wire.corpus("none-empty")

    def run_one(self, data: bytes, line: str, *options: str) -> None:
        with Folder() as folder:
            fill(folder, self.CAPTURE, 2)
            with Sink(folder, options=options) as sink:
                with connect(sink.address) as peer:
                    try:
                        peer.send(data)
                        peer.closed()
                    except ENDS:
                        pass
                rc, _, err = sink.end()
            self.assertRegex(err, "^xl colo-sink: %s\n$" % line)
            self.assertEqual(rc, 1)
            self.assertEqual(held(folder, folder.file("kept")),
                             expected(self.CAPTURE)[2])

    @staticmethod
    def corpus(name: str) -> bytes:
        return (wire.CORPUS / "precopy" / (name + ".bin")).read_bytes()

    def test_garbage(self) -> None:
        self.run_one(b"GET / HTTP/1.0\r\n", r".*\[qemu-magic\]")

    def test_silence(self) -> None:
        self.run_one(b"", "the primary: nothing for 100 ms, before the "
                     "header", "--silence-ms", "100")
        # A stub that is late is silent before the header.
        self.run_one(self.CAPTURE.precopy[:-1], "the primary: nothing for %d "
                     "ms, (before the header|inside device state of precopy)"
                     % SILENCE_MS, *SILENCE)

    def test_return_path(self) -> None:
        self.run_one(self.corpus("return-path"), ".*capability return-path "
                     "off")

    def test_compressed(self) -> None:
        self.run_one(self.corpus("compress"), ".*capability compress off")

    def test_shared_ram(self) -> None:
        self.run_one(self.corpus("subsections"), ".*capability "
                     "x-ignore-shared off")

    def test_no_pages(self) -> None:
        whole = self.CAPTURE.precopy
        part = whole.index(b"\2\0\0\0", 60)
        at = part + 5
        while not wire.number(whole, at, 8) & 0x10:
            at += 8 + (0 if wire.number(whole, at, 8) & 0x20 else
                       1 + whole[at + 8]) + 1
        self.run_one(whole[:part + 5] + whole[at:], ".*capability multifd "
                     "off")

    def test_without_a_description(self) -> None:
        with Folder() as folder, Sink(folder) as sink:
            with connect(sink.address) as peer:
                peer.send(self.corpus("no-description"))
                peer.expect(wire.READY)
            self.assertEqual(sink.end()[0], 1)    # before its first one


class Full(unittest.TestCase):
    CAPTURE = wire.corpus("none")

    def run_one(self, folder: Folder, sink: Sink, line: str) -> None:
        """Until there is no room; what was acknowledged is there."""
        with sink:
            with connect(sink.address) as peer:
                acknowledged = primary(peer, self.CAPTURE, 4)
            rc, _, err = sink.end()
        self.assertRegex(err, "^xl colo-sink: .*%s\n$" % line)
        self.assertEqual(rc, 1)
        wanted = expected(self.CAPTURE)[acknowledged]
        if acknowledged:
            self.assertEqual(held(folder, folder.file("kept")), wanted)
        else:
            with self.assertRaises(Nothing):
                held(folder, folder.file("kept"))

    def test_a_file_has_a_limit(self) -> None:
        for limit in (0, 4096, 9115, 9116, 65535):
            def limited() -> None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

            with Folder() as folder:
                self.run_one(folder, Sink(folder, preexec_fn=limited),
                             "File too large")

    def test_the_disk_is_full(self) -> None:
        with Folder() as folder:
            path = folder.file("kept")
            os.mkdir(path)
            for size in range(16, 120, 8):
                mounted = subprocess.run(
                    ["mount", "-t", "tmpfs", "-o", "size=%dk" % size, "none",
                     path], stderr=subprocess.PIPE)
                if mounted.returncode:
                    self.skipTest("no tmpfs: not root?")
                try:
                    if self.fits(folder):
                        return
                finally:
                    subprocess.run(["umount", path], check=True)
        self.fail("never enough room")

    def fits(self, folder: Folder) -> bool:
        sink = Sink(folder)
        with connect(sink.address) as peer:
            acknowledged = primary(peer, self.CAPTURE, 5)
        rc, _, err = sink.end()
        if rc == 0:
            return True
        self.assertRegex(err, r"^xl colo-sink: .*/colo-v1-000001/"
                         r".*: No space left on device\n$")
        if acknowledged:
            self.assertEqual(held(folder, folder.file("kept")),
                             expected(self.CAPTURE)[acknowledged])
        return False


class Damaged(unittest.TestCase):
    """Directories that no sink left: an error before anybody is asked."""

    CAPTURE = wire.corpus("none")

    def run_one(self, damage: Callable[[str], None], line: str) -> None:
        with Folder() as folder, Listener(folder.uri("m")) as listener:
            fill(folder, self.CAPTURE, 3)
            damage(folder.file("kept/colo-v1-000001"))
            process = replay(folder.file("kept"), folder.uri("m"))
            _, err = process.communicate()
            self.assertRegex(err.decode(), "^xl colo-replay: .*%s\n$" % line)
            self.assertEqual(process.returncode, 1)
            listener.sock.settimeout(0)
            with self.assertRaises(BlockingIOError):
                listener.accept()

    @staticmethod
    def shorten(name: str) -> Callable[[str], None]:
        def damage(path: str) -> None:
            file = os.path.join(path, name)
            os.truncate(file, os.path.getsize(file) - 1)
        return damage

    def test_cut(self) -> None:
        self.run_one(self.shorten("checkpoint-00000003"),
                     "checkpoint-00000003: it ends inside device state of "
                     "checkpoint 2")
        self.run_one(lambda path: os.truncate(path + "/checkpoint-00000003",
                                              0),
                     "checkpoint-00000003: it ends before checkpoint-request "
                     "of checkpoint 2")
        self.run_one(self.shorten("precopy"),
                     "precopy: it ends inside device state of precopy")
        self.run_one(self.shorten("ram"), "ram isn't of RAM's size, 65536 "
                     "octets")

    def test_gone(self) -> None:
        self.run_one(lambda path: os.unlink(path + "/precopy"),
                     "precopy: No such file or directory")
        self.run_one(lambda path: os.unlink(path + "/ram"),
                     "ram: No such file or directory")

    def test_nothing(self) -> None:
        with Folder() as folder:
            with self.assertRaises(Nothing):
                os.mkdir(folder.file("kept"))
                held(folder, folder.file("kept"))

    def test_in_use(self) -> None:
        with Folder() as folder, Sink(folder):
            process = replay(folder.file("kept"), folder.uri("m"))
            self.assertIn(b"another process is at work there",
                          process.communicate()[1])
            other = Sink(folder, listen=folder.uri("other"))
            self.assertIn("another process is at work there",
                          other.end()[2])


if __name__ == "__main__":
    unittest.main()
