# SPDX-License-Identifier: LGPL-2.1-only
"""The power switch in the lab's third place: each host may cut the other's.

Serves one request at a time, so that of two hosts fencing each other exactly
one wins.  A requester is known by its client address; one that was cut
itself gets no answer.  Never reboots a host.  Run by lab.py inside the
client namespace; its caller is dom0/fence.c.
"""
from __future__ import annotations

import socket
import subprocess
import sys
import time
from typing import Optional

from . import net
from .errors import LabError
from .host import HOSTS, Host, client_address
from .rundir import LAB, RunDir, end_process, is_ours, record

PORT = 7003
REQUEST_S = 0.5


def start(run: RunDir) -> None:
    argv = net.command(run.namespace, [
        sys.executable, str(LAB / "lab"), "--run", str(run.path), "_power"])
    with open(run.path / "power.log", "ab") as log:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log,
                                 start_new_session=True)
    run.save("power", record(child.pid))
    limit = time.monotonic() + 10
    while not (run.path / "power.ready").exists():
        if child.poll() is not None or time.monotonic() > limit:
            raise LabError("the power switch doesn't start; see %s"
                           % (run.path / "power.log"))
        time.sleep(0.02)


def stop(run: RunDir) -> None:
    end_process(run.load("power"))
    run.forget("power")
    (run.path / "power.ready").unlink(missing_ok=True)


def running(run: RunDir) -> bool:
    return is_ours(run.load("power"))


def _log(text: str) -> None:
    now = time.time()
    print("%s.%03d %.3f %s" % (
        time.strftime("%H:%M:%S", time.localtime(now)),
        int(now * 1000) % 1000, now, text), flush=True)


def _read_line(peer: socket.socket) -> str:
    peer.settimeout(REQUEST_S)
    data = b""
    while b"\n" not in data and len(data) < 128:
        more = peer.recv(128)
        if not more:
            break
        data += more
    return data.decode("ascii", "replace").strip()


def _answer(run: RunDir, requester: Optional[str], request: str) -> str:
    """What to reply; nothing for a requester that was cut."""
    if requester and not Host(run, requester).alive():
        return ""
    words = request.split()
    if len(words) != 2 or words[0] != "cut" or words[1] not in HOSTS:
        return "bad request"
    if words[1] == requester:
        return "won't cut the requester"
    try:
        Host(run, words[1]).kill()
    except LabError as e:
        return str(e)
    return "ok"


def serve(run: RunDir) -> None:
    """The daemon; never returns."""
    known = {client_address(h): h for h in HOSTS}
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((net.CLIENT_ADDRESS, PORT))
    listener.listen(16)
    (run.path / "power.ready").touch()
    while True:
        peer, address = listener.accept()
        with peer:
            requester = known.get(address[0])
            who = requester or address[0]
            try:
                request = _read_line(peer)
                _log("%s asks: %s" % (who, request))
                reply = _answer(run, requester, request)
                _log("%s gets: %s" % (who, reply or "nothing: it was cut"))
                if reply:
                    peer.sendall(reply.encode() + b"\n")
            except OSError as e:
                _log("%s: %s" % (who, e))
