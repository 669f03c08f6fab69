# SPDX-License-Identifier: LGPL-2.1-only
"""The lab's two networks, in one network namespace of its own.

br-client (192.0.2.0/24, our end 192.0.2.1) and br-link (198.51.100.0/24, no
end of ours), with a tap of each for each host.  Never touches the machine's
own network.  Called by lab.py and agent.py.
"""
from __future__ import annotations

import ctypes
import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List

from .errors import LabError

CLIENT_ADDRESS = "192.0.2.1"
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def ip(*args: str, check: bool = True) -> str:
    done = subprocess.run(("ip",) + args, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if check and done.returncode:
        raise LabError("ip %s: %s" % (" ".join(args), done.stderr.strip()))
    return done.stdout


def exists(namespace: str) -> bool:
    return os.path.exists("/run/netns/" + namespace)


def create(namespace: str) -> None:
    ip("netns", "add", namespace)
    inside_ns = ("-n", namespace)
    for name in ("all", "default"):
        subprocess.run(["ip", "netns", "exec", namespace, "sh", "-c",
                        "echo 1 >/proc/sys/net/ipv6/conf/%s/disable_ipv6"
                        % name], check=False, stderr=subprocess.DEVNULL)
    ip(*inside_ns, "link", "set", "lo", "up")
    for bridge in ("br-client", "br-link"):
        ip(*inside_ns, "link", "add", bridge, "type", "bridge",
           "forward_delay", "0", "mcast_snooping", "0")
        ip(*inside_ns, "link", "set", bridge, "up")
    for host in "ab":
        for net in ("client", "link"):
            tap = "%s-%s" % (net, host)
            ip(*inside_ns, "tuntap", "add", tap, "mode", "tap", "vnet_hdr")
            ip(*inside_ns, "link", "set", tap, "master", "br-" + net, "up")
    ip(*inside_ns, "addr", "add", CLIENT_ADDRESS + "/24", "dev",
       "br-client")


def processes(namespace: str) -> List[int]:
    return [int(n) for n in ip("netns", "pids", namespace,
                               check=False).split()]


def remove(namespace: str) -> None:
    """Removes the namespace and returns once its devices are gone."""
    if not exists(namespace):
        return
    for device in ("client-a", "client-b", "link-a", "link-b", "br-client",
                   "br-link"):
        ip("-n", namespace, "link", "del", device, check=False)
    ip("netns", "del", namespace, check=False)
    limit = time.monotonic() + 5
    while exists(namespace) and time.monotonic() < limit:
        time.sleep(0.05)


def connect_link(namespace: str, host: str, connected: bool) -> None:
    """Plugs or unplugs a host's link cable; the host notices nothing."""
    tap = "link-" + host
    if connected:
        ip("-n", namespace, "link", "set", tap, "master", "br-link")
    else:
        ip("-n", namespace, "link", "set", tap, "nomaster")


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread is in the namespace for the while; sockets stay there."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        target = os.open("/run/netns/" + namespace, os.O_RDONLY)
    except FileNotFoundError:
        os.close(own)
        raise LabError("the lab isn't up (lab up)") from None
    try:
        _setns(target)
        try:
            yield
        finally:
            _setns(own)
    finally:
        os.close(target)
        os.close(own)


def _setns(fd: int) -> None:
    if _libc.setns(fd, CLONE_NEWNET):
        code = ctypes.get_errno()
        raise LabError("setns: %s; the lab needs root" % os.strerror(code))


def command(namespace: str, argv: List[str]) -> List[str]:
    """The argv that runs `argv` inside the namespace (by exec: same pid)."""
    return ["ip", "netns", "exec", namespace] + argv


def check_root() -> None:
    if os.geteuid() != 0:
        raise LabError("the lab needs root (network namespaces, taps)")
    if not Path("/dev/net/tun").exists():
        raise LabError("the lab needs /dev/net/tun")
