# SPDX-License-Identifier: LGPL-2.1-only
"""A client of QMP: commands, and the events that came with the answers.

Never retries a command; who made the socket closes it.  Called by machine.py.
"""
from __future__ import annotations

import json
import socket
import time
from typing import Any, Callable, Dict, List, Optional

LIMIT_S = 60.0    # for what would never come, on a machine that does much


class QmpError(Exception):
    """QEMU said no, is gone, or didn't answer."""


class Qmp:
    """One connection; with @oob commands may go out of band."""

    def __init__(self, sock: socket.socket, name: str,
                 oob: bool = False) -> None:
        self.events: List[Dict[str, Any]] = []
        self.name = name    # of the machine, for messages
        self.pending = b""
        self.sock = sock
        self.sock.settimeout(LIMIT_S)
        self._receive()
        self("qmp_capabilities", **({"enable": ["oob"]} if oob else {}))

    def __call__(self, command: str, **arguments: Any) -> Any:
        """The command's return value; underscores stand for hyphens in the
        names of arguments."""
        return self._run("execute", command, arguments)

    def oob(self, command: str, **arguments: Any) -> Any:
        """The same for one that is carried out even if QEMU hangs."""
        return self._run("exec-oob", command, arguments)

    def wait_event(self, name: str,
                   limit_s: float = LIMIT_S) -> Dict[str, Any]:
        """The first event of that name that came, taken from the list."""
        end = time.monotonic() + limit_s
        while True:
            for i, event in enumerate(self.events):
                if event["event"] == name:
                    return self.events.pop(i)
            left = end - time.monotonic()
            if left <= 0:
                raise QmpError("%s: no %s" % (self.name, name))
            self._take(left)

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        """Until a state is there that QEMU has no event for."""
        end = time.monotonic() + LIMIT_S
        while not holds():
            if time.monotonic() > end:
                raise QmpError("%s: never %s" % (self.name, what))
            time.sleep(0.002)

    def silent(self, limit_s: float) -> bool:
        """Whether a query isn't answered within so long.  After True only
        oob() is of use, and its answer may come behind the query's."""
        self._send("execute", "query-status", {}, "silent")
        end = time.monotonic() + limit_s
        while True:
            message = self._take(max(end - time.monotonic(), 0.001))
            if message is None:
                return True
            if message.get("id") == "silent":
                return False

    def _run(self, kind: str, command: str,
             arguments: Dict[str, Any]) -> Any:
        self._send(kind, command, arguments, command)
        while True:
            message = self._take(LIMIT_S)
            if message is None:
                raise QmpError("%s: no answer" % command)
            if message.get("id") != command:
                continue
            if "error" in message:
                raise QmpError("%s: %s" % (command,
                                           message["error"].get("desc")))
            return message["return"]

    def _send(self, kind: str, command: str, arguments: Dict[str, Any],
              number: str) -> None:
        message: Dict[str, Any] = {kind: command, "id": number}
        if arguments:
            message["arguments"] = {k.replace("_", "-"): v
                                    for k, v in arguments.items()}
        try:
            self.sock.sendall(json.dumps(message).encode() + b"\n")
        except OSError as e:
            raise QmpError("%s: %s" % (command, e)) from None

    def _take(self, limit_s: float) -> Optional[Dict[str, Any]]:
        """The next message, events put aside; None when the time is up."""
        self.sock.settimeout(limit_s)
        try:
            message = self._receive()
        except socket.timeout:
            return None
        if "event" in message:
            self.events.append(message)
        return message

    def _receive(self) -> Dict[str, Any]:
        while b"\n" not in self.pending:
            try:
                data = self.sock.recv(65536)
            except socket.timeout:
                raise
            except OSError as e:
                raise QmpError("%s: %s" % (self.name, e)) from None
            if not data:
                raise QmpError("%s: QEMU is gone" % self.name)
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\n")
        return json.loads(line)
