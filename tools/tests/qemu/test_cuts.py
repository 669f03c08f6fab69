#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""A connection that ends at any octet of a checkpoint, in either direction:
with what a real secondary takes over then, and that our table chooses the
same memory. There is one place where either is right."""
from __future__ import annotations

import os
import socket
import unittest
from typing import Tuple

from qemukit import choice, wire
from qemukit.case import REQUEST, Case
from qemukit.machine import PAGE, Machine
from qemukit.peers import Peer

EVERY = 512   # octets of a page, at which it is cut


class Cuts(unittest.TestCase):
    ZEROS = Case()
    PAGE = Case(b"3" * PAGE)

    @classmethod
    def setUpClass(cls) -> None:
        choice.build()

    def ours(self, of: Case, cut: int) -> Tuple[str, str, bytes]:
        """The table's states, at rest and amid its own work; its memory."""
        octets = of.begin + of.octets[:cut]
        state, got = choice.choice(of.capture, octets)
        busy, other = choice.choice(of.capture, octets, True)
        self.assertEqual(got, other, cut)
        return state, busy, got

    def states(self, of: Case, cut: int) -> Tuple[str, str]:
        request, send, ram, size, state = [len(part) for part in of.parts]
        if cut < request:
            return "run", "run" if cut else "load"    # the first one
        if cut < request + send:
            return "await-send", "suspend" if cut == request else "await-send"
        for length, name in ((ram, "buffer-ram"), (size, "await-size"),
                             (state, "buffer-state")):
            request += length
            if cut < request + send:
                return name, name
        return "run", "load"

    def cut(self, of: Case, cut: int) -> None:
        """Behind @cut octets of the second checkpoint."""
        def end(_: Machine, peer: Peer) -> None:
            of.send(peer, of.octets[:cut])
            if whole:
                peer.expect(wire.RECEIVED)

        whole = cut == len(of.octets)
        *states, got = self.ours(of, cut)
        self.assertEqual(tuple(states), self.states(of, cut), cut)
        self.assertEqual(got, of.new if whole else of.old, cut)
        self.assertEqual(of.run(end), got, cut)

    def test_at_each_octet(self) -> None:
        """Of 240: those of an empty checkpoint and two records."""
        self.assertEqual(len(self.ZEROS.octets), 222 + 2 * 9)
        for cut in range(len(self.ZEROS.octets) + 1):
            self.cut(self.ZEROS, cut)

    def test_inside_a_page(self) -> None:
        """With CUTS=all at each octet of it, and all that is around it."""
        page = self.PAGE.octets.index(b"3" * PAGE)
        cuts = range(page, page + PAGE + 1, EVERY)
        if os.environ.get("CUTS") == "all":
            cuts = range(len(self.PAGE.octets) + 1)
        for cut in cuts:
            self.cut(self.PAGE, cut)

    def closes_behind(self, said: int, read: int) -> None:
        """When so many answers have come, @read octets of the last one."""
        case = self.ZEROS
        cut = REQUEST if said == 1 else len(case.octets)

        def end(_: Machine, peer: Peer) -> None:
            case.send(peer, case.octets[:cut])
            before = 4 if said == 3 else 0
            peer.sock.recv(before + 4, socket.MSG_PEEK | socket.MSG_WAITALL)
            peer.sock.recv(before + read)

        got = self.ours(case, cut)[2]
        self.assertEqual(got, case.new if said > 1 else case.old)
        self.assertEqual(case.run(end), got, (said, read))

    def test_at_each_octet_that_comes_back(self) -> None:
        for said in (1, 2, 3):
            for read in range(5):
                self.closes_behind(said, read)

    def test_where_either_is_right(self) -> None:
        """The last octet and the end come at once. All of the checkpoint is
        there, so it may be taken; the primary never hears vmstate-received,
        so no output has left, and it may be forgotten. QEMU says
        vmstate-received before it writes: a unix socket refuses the word, TCP
        takes it. Our table doesn't ask whether the word went out."""
        case = self.ZEROS

        def end(s: Machine, peer: Peer) -> None:
            case.send(peer, case.octets[:-1])
            with s.frozen():
                peer.send(case.octets[-1:])
                peer.close()

        self.assertEqual(self.ours(case, len(case.octets))[2], case.new)
        self.assertEqual(case.run(end), case.old)
        self.assertEqual(case.run(end, True), case.new)


if __name__ == "__main__":
    unittest.main()
