# SPDX-License-Identifier: LGPL-2.1-only
"""One Xen host: a QEMU process under TCG, and its QMP socket.

Never talks to what runs inside; agent.py does.  Called by lab.py and
power.py.
"""
from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List

from . import net
from .errors import LabError
from .rundir import RunDir, end_process, is_ours, record

HOSTS = ("a", "b")
NUMBER = {"a": 11, "b": 12}
QMP_LIMIT_S = 5
CPU = "qemu64,+svm,+npt"
# Without these a boot takes four seconds longer under TCG.
KERNEL_OPTIONS = ("console=hvc0 rdinit=/init quiet rodata=off nokaslr "
                  "mitigations=off audit=0 apparmor=0")


def client_address(host: str) -> str:
    return "192.0.2.%d" % NUMBER[host]


def link_address(host: str) -> str:
    return "198.51.100.%d" % NUMBER[host]


class Host:
    """A host of a lab, running or not."""

    def __init__(self, run: RunDir, name: str) -> None:
        if name not in HOSTS:
            raise LabError("no host '%s': a or b" % name, 2)
        self.run = run
        self.name = name
        self.address = client_address(name)
        self.link = link_address(name)
        self.qmp_path = run.sockets / (name + ".qmp")
        self.console = run.path / (name + ".console.log")

    def start(self, cpu: str = CPU) -> None:
        if self.alive():
            raise LabError("host %s is running already" % self.name)
        self.qmp_path.unlink(missing_ok=True)
        self.console.unlink(missing_ok=True)
        argv = net.command(self.run.namespace, self._argv(cpu))
        with open(self.run.path / (self.name + ".qemu.log"), "ab") as log:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log,
                                     start_new_session=True)
        self.run.save("host-" + self.name, record(child.pid))

    def _argv(self, cpu: str) -> List[str]:
        options = self.run.load("options")
        images = self.run.path / "images"
        levels = "loglvl=all guest_loglvl=all" if options.get("verbose") \
            else "loglvl=warning guest_loglvl=none"
        dom0 = options["dom0_memory"]
        argv = ["qemu-system-x86_64", "-accel", "tcg,thread=multi",
                "-cpu", cpu, "-smp", "2",
                "-m", str(options["memory"]), "-display", "none",
                "-nodefaults", "-no-reboot",
                "-name", "lab-%s-%s" % (self.run.id, self.name),
                "-kernel", str(images / "xen"), "-append",
                "dom0_max_vcpus=1 dom0_vcpus_pin dom0_mem=%dM,max:%dM "
                "console=com1 com1=115200,8n1 %s noreboot cpuidle=0 "
                "bootscrub=0" % (dom0, dom0, levels),
                "-initrd", "%s %s lab.host=%s,%s" % (
                    images / "vmlinux", KERNEL_OPTIONS, self.name,
                    images / "dom0.cpio"),
                "-serial", "file:%s" % self.console,
                "-qmp", "unix:%s,server=on,wait=off" % self.qmp_path]
        for kind, octet in (("client", 2), ("link", 3)):
            argv += ["-netdev", "tap,id=%s,ifname=%s-%s,script=no,"
                     "downscript=no" % (kind, kind, self.name),
                     "-device", "%s,netdev=%s,romfile=,"
                     "mac=52:54:00:00:%02x:%02x" % (
                         options.get("nic", "virtio-net-pci"), kind, octet,
                         NUMBER[self.name])]
        for tag, folder, extra in (
                ("host", self.run.share, ""),
                ("images", os.path.realpath(images), ",readonly=on")):
            argv += ["-virtfs", "local,path=%s,mount_tag=%s,id=%s,"
                     "security_model=none%s" % (folder, tag, tag, extra)]
        return argv

    def entry(self) -> Dict[str, Any]:
        return self.run.load("host-" + self.name)

    def alive(self) -> bool:
        return is_ours(self.entry())

    def step_back(self, level: int) -> None:
        """Lets what else runs on this machine go first, as by nice; 0 as it
        boots.  It is a session, so the kernel may take it as a group."""
        pid = int(self.entry()["pid"])
        for task in Path("/proc/%d/task" % pid).iterdir():
            os.setpriority(os.PRIO_PROCESS, int(task.name), level)
        group = Path("/proc/%d/autogroup" % pid)
        if group.exists():
            group.write_text("%d" % level)

    def kill(self) -> None:
        """Cuts the power; returns once the host is certainly dead."""
        end_process(self.entry())

    def freeze(self) -> None:
        """Stands still at once, as a host that hangs: its clock goes on."""
        if self.state() != "running":
            raise LabError("host %s isn't running" % self.name)
        os.kill(int(self.entry()["pid"]), signal.SIGSTOP)
        while self.alive() and not self._is_stopped():
            time.sleep(0.001)

    def thaw(self) -> None:
        if not self.alive():
            raise LabError("host %s isn't running" % self.name)
        os.kill(int(self.entry()["pid"]), signal.SIGCONT)

    def _is_stopped(self) -> bool:
        stat = Path("/proc/%d/stat" % int(self.entry()["pid"])).read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def qmp(self, command: str) -> Any:
        """One QMP command; its return value."""
        if not self.alive():
            raise LabError("host %s isn't running" % self.name)
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(QMP_LIMIT_S)
                s.connect(str(self.qmp_path))
                lines = s.makefile("rw")
                for word in ("qmp_capabilities", command):
                    lines.write(json.dumps({"execute": word}) + "\n")
                    lines.flush()
                    answer = self._answer(lines)
                return answer
        except OSError as e:
            raise LabError("QMP of host %s: %s" % (self.name, e)) from None

    def _answer(self, lines: Any) -> Any:
        for line in lines:
            message = json.loads(line)
            if "error" in message:
                raise LabError("QMP of host %s: %s" % (
                    self.name, message["error"].get("desc")))
            if "return" in message:
                return message["return"]
        raise LabError("QMP of host %s closed" % self.name)

    def state(self) -> str:
        """running, frozen or off."""
        if not self.alive():
            return "off"
        if self._is_stopped():
            return "frozen"
        status = self.qmp("query-status")["status"]
        return "running" if status == "running" else "frozen"

    def console_tail(self, lines: int = 12) -> str:
        try:
            text = self.console.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])
