#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""`xl colo-replay` with a secondary that does anything wrong, and which pages
it sends; what both commands say to a command line that they don't understand.
No QEMU: both sides are stubs."""
from __future__ import annotations

import subprocess
import unittest
from typing import Callable, Set, Tuple

from qemukit import wire
from qemukit.kept import (ENDS, PAGE, XL, apply, fill, held, replay,
                          with_pages)
from qemukit.machine import Folder
from qemukit.peers import Listener, Sink

SILENCE_MS = 400
ATTEMPTS = 5    # a stub that was late itself has another


class Secondary(unittest.TestCase):
    CAPTURE = wire.corpus("none")

    def run_one(self, what: Callable[[Sink], None], line: str,
                *options: str) -> None:
        with Folder() as folder, Listener(folder.uri("m")) as listener:
            fill(folder, self.CAPTURE, 2)
            process = replay(folder.file("kept"), folder.uri("m"), *options)
            with listener.accept() as peer:
                try:
                    what(peer)
                except ENDS:
                    pass
            _, err = process.communicate()
            self.assertRegex(err.decode(), "^xl colo-replay: %s\n$" % line)
            self.assertEqual(process.returncode, 1)

    @staticmethod
    def until(peer: Sink, message: int) -> None:
        """All that is right before @message has its turn."""
        peer.precopy()
        if message == wire.READY:
            return
        peer.say(wire.READY)
        peer.expect(wire.REQUEST)
        if message == wire.REPLY:
            return
        peer.say(wire.REPLY)
        peer.expect(wire.SEND)
        peer.ram()
        peer.expect(wire.SIZE)
        peer.state()
        if message == wire.LOADED:
            peer.say(wire.RECEIVED)

    ANSWERS = (wire.READY, wire.REPLY, wire.RECEIVED, wire.LOADED)

    def test_closes(self) -> None:
        for message in self.ANSWERS:
            self.run_one(lambda peer: self.until(peer, message),
                         "waiting for %s: the secondary closed the connection"
                         % wire.NAMES[message])

    def test_says_another_message(self) -> None:
        def wrong(peer: Sink) -> None:
            self.until(peer, message)
            peer.say(wire.SIZE)
            peer.closed()

        for message in self.ANSWERS:
            self.run_one(wrong, "the secondary said vmstate-size, and %s has "
                         "its turn" % wire.NAMES[message])

    def test_says_no_message(self) -> None:
        def wrong(peer: Sink) -> None:
            self.until(peer, wire.REPLY)
            peer.say(7)
            peer.closed()

        self.run_one(wrong, "the secondary: .*")

    def test_says_its_reply_twice(self) -> None:
        def twice(peer: Sink) -> None:
            self.until(peer, wire.REPLY)
            peer.say(wire.REPLY)
            peer.say(wire.REPLY)
            peer.closed()

        self.run_one(twice, "the secondary said checkpoint-reply, and "
                     "vmstate-received has its turn")

    def silent(self, message: int) -> bool:
        """False: the stub was late before that."""
        with Folder() as folder, Listener(folder.uri("m")) as listener:
            fill(folder, self.CAPTURE, 2)
            process = replay(folder.file("kept"), folder.uri("m"),
                             "--silence-ms", str(SILENCE_MS))
            with listener.accept() as peer:
                try:
                    self.until(peer, message)
                except ENDS:
                    process.communicate()
                    return False
                peer.closed()
            _, err = process.communicate()
        self.assertEqual(err.decode(), "xl colo-replay: waiting for %s: the "
                         "secondary: nothing for %d ms\n" % (
                             wire.NAMES[message], SILENCE_MS))
        self.assertEqual(process.returncode, 1)
        return True

    def test_is_silent(self) -> None:
        for message in self.ANSWERS:
            self.assertTrue(any(self.silent(message)
                                for _ in range(ATTEMPTS)))

    def test_nobody_is_there(self) -> None:
        with Folder() as folder:
            fill(folder, self.CAPTURE, 1)
            process = replay(folder.file("kept"), folder.uri("m"))
            self.assertRegex(process.communicate()[1].decode(),
                             "^xl colo-replay: can't connect to unix:.*: "
                             "No such file or directory\n$")


class Pages(unittest.TestCase):
    def sent(self, capture: wire.Capture, checkpoints: int,
             keep: int) -> Tuple[Set[int], "dict[int, bytes]"]:
        """The numbers of the pages besides precopy, and all memory."""
        with Folder() as folder, Listener(folder.uri("m")) as listener:
            fill(folder, capture, checkpoints, options=("--keep", str(keep)))
            process = replay(folder.file("kept"), folder.uri("m"))
            with listener.accept() as peer:
                peer.precopy()
                peer.say(wire.READY)
                memory: "dict[int, bytes]" = {}
                apply(peer.checkpoint().ram, memory)
                process.communicate()
            return ({offset // PAGE for offset in memory},
                    held(folder, folder.file("kept"))[0])

    def capture(self, *checkpoints: "dict[int, bytes]") -> wire.Capture:
        capture = wire.corpus("none-empty")
        capture.checkpoints = [with_pages(capture, pages, b"state")
                               for pages in checkpoints]
        return capture

    FULL = b"\xaa" * PAGE
    ZERO = bytes(PAGE)

    def test_only_what_differs_comes_out_of_the_image(self) -> None:
        capture = self.capture({1: self.FULL, 2: self.FULL}, {2: self.ZERO},
                               {3: self.FULL}, {4: self.ZERO})
        pages, memory = self.sent(capture, 4, 1)
        # 2 is as in precopy; 4 is of the checkpoint that isn't in the image.
        self.assertEqual(pages, {1, 3, 4})
        self.assertEqual({n // PAGE for n in memory if any(memory[n])},
                         {1, 3})

    def test_a_page_that_precopy_leaves_out(self) -> None:
        capture = self.capture({15: self.FULL}, {1: self.FULL},
                               {1: self.ZERO})
        end = capture.precopy.index(
            (15 * PAGE | 0x22).to_bytes(8, "big") + b"\0")
        capture.precopy = capture.precopy[:end] + capture.precopy[end + 9:]
        pages, memory = self.sent(capture, 3, 1)
        self.assertEqual(pages, {1, 15})
        self.assertEqual(memory[15 * PAGE], self.FULL)
        capture.checkpoints = capture.checkpoints[1:] * 2
        self.assertEqual(self.sent(capture, 4, 1)[0], {1})


class Words(unittest.TestCase):
    def refused(self, *words: str) -> None:
        with Folder() as folder:
            done = subprocess.run(
                [XL, *(word.replace("DIR", folder.file("kept"))
                       for word in words)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 2, words)
            self.assertNotEqual(done.stderr, b"")
            self.assertRaises(FileNotFoundError, open,
                              folder.file("kept"))

    def test_addresses(self) -> None:
        for address in ("", "tcp", "tcp:", "tcp:host", "tcp:h:",
                        "tcp:h:65536", "tcp:h:1x", "unix:", "exec:true",
                        "unix:" + "x" * 108, "tcp:" + "h" * 160 + ":1"):
            self.refused("colo-sink", address, "DIR")
            self.refused("colo-replay", "DIR", address)

    def test_options(self) -> None:
        for option, bad in (("--keep", "0"), ("--keep", "1001"),
                            ("--silence-ms", "0"), ("--idle-ms", "x"),
                            ("--state-max-mb", "0"), ("--nonsense", "1")):
            self.refused("colo-sink", option, bad, "unix:DIR", "DIR")
        for option, bad in (("--checkpoint", "0"), ("--silence-ms", "-1")):
            self.refused("colo-replay", option, bad, "DIR", "unix:DIR")

    def test_arguments(self) -> None:
        self.refused("colo-sink", "unix:DIR")
        self.refused("colo-replay", "DIR")
        self.refused("colo-sink", "unix:DIR", "DIR", "more")


if __name__ == "__main__":
    unittest.main()
