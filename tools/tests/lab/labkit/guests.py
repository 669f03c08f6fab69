# SPDX-License-Identifier: LGPL-2.1-only
"""Guests of the lab: their configuration, creation and service.

Uses the stock xl always, so that a lab without the product works.  Never
protects a guest.  Called by lab.py.
"""
from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from . import net, warm
from .errors import LabError

ACK_PORT = 7101
PROBE_PORT = 7102
CONTROL_PORT = 7103
FIRST_ADDRESS = 101
LAST_ADDRESS = 250
START_S = {"pvh": 150, "pv": 150, "hvm": 480}
XL = "/usr/sbin/xl"

# Xen emulates the TSC where the host's isn't marked invariant, as QEMU's is
# not: each reading, many in a timer's tick, is then a trap.  Told to leave it
# alone it does what it does on a processor of today.
COMMON = """name="%(name)s"
type="%(kind)s"
memory=%(memory)d
vcpus=1
cpus="1"
on_crash="destroy"
tsc_mode="native"
"""
PARAVIRTUAL = """kernel="/images/vmlinux"
ramdisk="/images/guest.cpio"
extra="console=hvc0 rdinit=/init quiet rodata=off mitigations=off \
lab.ip=%(address)s"
vif=["bridge=xenbr0,mac=%(mac)s"]
"""
HVM = """kernel="/images/vmlinuz"
ramdisk="/images/guest.cpio.gz"
extra="console=ttyS0 rdinit=/init quiet rodata=off mitigations=off \
nokaslr xen_nopv lab.ip=%(address)s"
vif=["bridge=xenbr0,mac=%(mac)s,type=ioemu,model=e1000"]
xen_platform_pci=0
serial="pty"
vga="none"
vnc=0
"""


@dataclass
class Guest:
    """A guest that this lab created."""
    lab: Any
    name: str
    kind: str
    address: str
    host: str  # where it was created

    def _say(self, port: int, line: str, timeout: float) -> socket.socket:
        """A connection to one of its services, and one line sent there."""
        with net.inside(self.lab.run.namespace):
            s = socket.socket()
        try:
            s.settimeout(timeout)
            s.connect((self.address, port))
            s.sendall(line.encode() + b"\n")
        except OSError:
            s.close()
            raise
        return s

    def ask(self, port: int, line: str, timeout: float = 5.0) -> str:
        """One line to one of its services; one line back."""
        with self._say(port, line, timeout) as s:
            answer = s.makefile("r").readline()
        if not answer.endswith("\n"):
            raise ConnectionError("short answer from %s" % self.name)
        return answer.strip()

    def answers(self, timeout: float = 0.5) -> bool:
        try:
            return self.ask(ACK_PORT, "R", timeout).startswith("R ")
        except OSError:
            return False

    def wait(self, limit_s: float) -> float:
        """Seconds until the service answered."""
        started = time.monotonic()
        while time.monotonic() - started < limit_s:
            if self.answers():
                return time.monotonic() - started
            time.sleep(0.1)
        raise LabError("guest %s doesn't answer after %d s" % (self.name,
                                                              limit_s))

    def tell(self, what: str) -> None:
        """control() whose answer isn't waited for: it may be held."""
        self._say(CONTROL_PORT, what, 5.0).close()

    def control(self, what: str) -> str:
        """poweroff, reboot, crash, or id."""
        answer = self.ask(CONTROL_PORT, what)
        if not answer.startswith("ok"):
            raise LabError("guest %s: %s" % (self.name, answer))
        return answer[3:]

    def probe(self, line: str, timeout: float = 5.0) -> None:
        """A setting of the probe, see guest/probe.c."""
        if self.ask(PROBE_PORT, line, timeout) != "ok":
            raise LabError("guest %s: bad probe setting %s" % (self.name,
                                                              line))

    def dirty(self, pages: int) -> None:
        self.probe("D %d" % pages)

    def free_kib(self, timeout: float = 5.0) -> int:
        """Its memory that nothing uses."""
        return int(self.ask(PROBE_PORT, "F", timeout))

    def grow_grants(self, count: int) -> None:
        """Use so many grants at once: the guest's grant table grows.  The
        pages that are granted make a large epoch, which holds the answer."""
        self.probe("A %d" % count, 30.0)

    def gaps(self) -> Dict[str, Any]:
        """What the probe recorded since the last call (guest/probe.c)."""
        return json.loads(self.ask(PROBE_PORT, "G", 10.0))

    def stalls_ms(self) -> List[float]:
        return [length / 1000.0 for _, length in self.gaps()["gaps"]]


def mac_of(address: str) -> str:
    return "00:16:3e:00:02:%02x" % int(address.rpartition(".")[2])


def known(lab: Any) -> Dict[str, Dict[str, str]]:
    return lab.run.load("guests")


def find(lab: Any, name: str) -> Guest:
    entry = known(lab).get(name)
    if not entry:
        raise LabError("no guest '%s'" % name)
    return Guest(lab, name, **entry)


def _claim(lab: Any, kind: str, host: str, name: Optional[str]
           ) -> Tuple[str, str]:
    """A free name and address, recorded."""
    with lab.run.locked():
        entries = known(lab)
        used = {e["address"] for e in entries.values()}
        for number in range(FIRST_ADDRESS, LAST_ADDRESS):
            address = "192.0.2.%d" % number
            if address not in used:
                break
        else:
            raise LabError("no free guest address")
        name = name or "%s%d" % (kind, number)
        if name in entries:
            raise LabError("there is a guest '%s' already" % name)
        entries[name] = {"kind": kind, "address": address, "host": host}
        lab.run.save("guests", entries)
    return name, address


def forget(lab: Any, name: str) -> None:
    with lab.run.locked():
        entries = known(lab)
        entries.pop(name, None)
        lab.run.save("guests", entries)


def config(kind: str, name: str, address: str, memory: int,
           extra: str = "") -> str:
    text = COMMON + (HVM if kind == "hvm" else PARAVIRTUAL)
    return text % {"name": name, "kind": kind, "memory": memory,
                   "address": address, "mac": mac_of(address)} + extra


def create(lab: Any, kind: str, name: Optional[str] = None,
           memory: Optional[int] = None, host: str = "a", extra: str = "",
           wait: bool = True, is_warm: bool = False) -> Guest:
    """Creates a guest and waits until its service answers the clients."""
    if kind not in START_S:
        raise LabError("guest type '%s': pvh, hvm or pv" % kind, 2)
    lab.host(host)
    name, address = _claim(lab, kind, host, name)
    guest = Guest(lab, name, kind, address, host)
    memory = memory or 96
    path = lab.run.share / (name + ".cfg")
    path.write_text(config(kind, name, address, memory, extra))
    try:
        state = warm.saved_state(lab, kind, memory, address)
        if is_warm and state.exists():
            warm.restore(lab, host, name, state)
        else:
            lab.sh(host, XL, "create", "/host/%s.cfg" % name, check=True,
                   timeout=START_S[kind])
        if wait or is_warm:
            guest.wait(START_S[kind])
        if is_warm and not state.exists():
            warm.keep(lab, host, name, state)
            guest.wait(START_S[kind])
    except BaseException:
        try:
            lab.sh(host, XL, "destroy", name)
        except LabError:
            pass
        forget(lab, name)
        raise
    return guest


def destroy(lab: Any, name: str) -> None:
    """Destroys the guest wherever it is."""
    for host in lab.hosts.values():
        if host.alive() and host.state() == "running":
            lab.sh(host.name, XL, "destroy", name)
    forget(lab, name)
