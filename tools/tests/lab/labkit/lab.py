# SPDX-License-Identifier: LGPL-2.1-only
"""One lab: two hosts, their networks, the power switch, the shared folder.

`with Lab() as lab:` brings it up and cleans it up whatever happens; attach()
uses one that is up already.  Never builds the product.  Called by cli.py and
by test programs.
"""
from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

from . import guests, images, net, power
from .agent import Call, Text
from .client import Writer
from .errors import LabError
from .host import CPU, HOSTS, Host
from .rundir import IMAGES, ROOT, RunDir, end_all

BOOT_S = 120
LINK_STATES = ("up", "down", "slow", "oneway", "noaddr")
DEFAULTS = {"memory": 1536, "dom0_memory": 800, "nic": "virtio-net-pci",
            "verbose": False}


@dataclass
class Result:
    """How a command ended."""
    status: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode(errors="replace")


def complain(text: str) -> None:
    print("lab: " + text, file=sys.stderr, flush=True)


class Lab:
    """Everything that can be done to a lab."""

    def __init__(self, run: Optional[Union[str, Path]] = None,
                 say: Any = complain, **options: Any) -> None:
        self.run = RunDir(Path(run) if run else None)
        self.say = say
        self.options = dict(DEFAULTS, **options)
        self.hosts = {name: Host(self.run, name) for name in HOSTS}
        self._old_signals: Dict[int, Any] = {}

    # Up and down.

    @classmethod
    def attach(cls, run: Optional[Union[str, Path]] = None) -> "Lab":
        lab = cls(run)
        lab.need_up()
        lab.options = lab.run.load("options")
        return lab

    def is_up(self) -> bool:
        return self.run.exists() and net.exists(self.run.namespace)

    def need_up(self) -> None:
        if not self.is_up():
            raise LabError("the lab isn't up (lab up)")

    def up(self) -> None:
        net.check_root()
        images.check_tools()
        with self.run.locked():
            if self.is_up():
                raise LabError("the lab in %s is up already (lab down)"
                               % self.run.path)
            self._clean()
            started = time.monotonic()
            try:
                self._start()
            except BaseException:
                self._clean()
                raise
            self.say("up after %.1f s" % (time.monotonic() - started))

    def _start(self) -> None:
        folder = images.ensure(IMAGES, self.say)
        self.run.share.mkdir(parents=True, exist_ok=True)
        self.run.sockets.mkdir(mode=0o700)
        (self.run.path / "images").symlink_to(folder)
        self.run.save("options", self.options)
        net.create(self.run.namespace)
        self.run.save("state", {"namespace": self.run.namespace})
        power.start(self.run)
        self.refresh()
        for host in self.hosts.values():
            host.start()
        for name in HOSTS:
            self.wait_host(name)

    def down(self) -> None:
        with self.run.locked():
            self._clean()

    def _clean(self) -> None:
        """Ends and removes whatever there is; keeps the logs."""
        if net.exists(self.run.namespace):
            end_all(net.processes(self.run.namespace))
        for host in self.hosts.values():
            host.kill()
        power.stop(self.run)
        net.remove(self.run.namespace)
        shutil.rmtree(self.run.sockets, ignore_errors=True)
        shutil.rmtree(self.run.share, ignore_errors=True)
        (self.run.path / "images").unlink(missing_ok=True)
        for name in ("state", "options", "links", "guests", "host-a",
                     "host-b"):
            self.run.forget(name)

    def __enter__(self) -> "Lab":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                self._old_signals[number] = signal.signal(number, _leave)
        self.up()
        return self

    def __exit__(self, *_: Any) -> None:
        old_int = None
        if self._old_signals:
            old_int = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.down()
        finally:
            for number, handler in self._old_signals.items():
                signal.signal(number, handler)
            if old_int is not None:
                signal.signal(signal.SIGINT, old_int)

    # Hosts.

    def host(self, name: str) -> Host:
        if name not in self.hosts:
            raise LabError("no host '%s': a or b" % name, 2)
        return self.hosts[name]

    def wait_host(self, name: str, limit_s: float = BOOT_S) -> None:
        """Until the host's agent answers."""
        limit = time.monotonic() + limit_s
        host = self.host(name)
        while time.monotonic() < limit:
            if not host.alive():
                break
            try:
                if self.sh(name, "true", connect_s=0.5).status == 0:
                    return
            except LabError:
                time.sleep(0.1)
        raise LabError("host %s doesn't come up; the end of its console:\n%s"
                       % (name, host.console_tail()))

    def kill(self, name: str) -> None:
        self.need_up()
        self.host(name).kill()

    def boot(self, name: str, cpu: str = CPU) -> None:
        self.need_up()
        with self.run.locked():
            self.host(name).start(cpu)
        self.wait_host(name)

    def freeze(self, name: str) -> None:
        self.need_up()
        self.host(name).freeze()

    def thaw(self, name: str) -> None:
        self.need_up()
        self.host(name).thaw()

    def link(self, name: str, state: str, delay_ms: float = 50,
             rate_mbit: float = 10, loss_percent: float = 0) -> None:
        """down: packets vanish; slow: netem in dom0; oneway: what this host
        sends vanishes; noaddr: its address is taken away; up: none of it."""
        self.need_up()
        if state not in LINK_STATES:
            raise LabError("link state '%s': %s" % (
                state, ", ".join(LINK_STATES)), 2)
        host = self.host(name)
        links = self.run.load("links")
        address = host.link + "/24"
        if state == "slow":
            self._netem(name, "delay", "%gms" % delay_ms, "rate",
                        "%gmbit" % rate_mbit, "loss", "%g%%" % loss_percent)
        elif state == "oneway":
            self._netem(name, "loss", "100%")
        elif links.get(name) in ("slow", "oneway") and \
                host.state() == "running":
            self.sh(name, "/usr/sbin/tc", "qdisc", "del", "dev", "eth1",
                    "root")
        if state == "noaddr":
            self.sh(name, "ip", "addr", "del", address, "dev", "eth1",
                    check=True)
        elif links.get(name) == "noaddr" and host.state() == "running":
            self.sh(name, "ip", "addr", "add", address, "dev", "eth1")
        net.connect_link(self.run.namespace, name, state != "down")
        links[name] = state
        self.run.save("links", links)

    def _netem(self, name: str, *what: str) -> None:
        self.sh(name, "/usr/sbin/tc", "qdisc", "replace", "dev", "eth1",
                "root", "netem", "limit", "20000", *what, check=True)

    # Commands and files.

    def call(self, name: str, argv: Sequence[Text],
             env: Optional[Dict[str, str]] = None,
             connect_s: float = 3.0) -> Call:
        host = self.host(name)
        self.need_up()
        if not host.alive():
            raise LabError("host %s is off" % name, 255)
        return Call(self.run.namespace, name, host.address, argv, env,
                    connect_s)

    def sh(self, name: str, *argv: Text, stdin: Union[bytes, int, None] = None,
           timeout: Optional[float] = None, check: bool = False,
           env: Optional[Dict[str, str]] = None,
           connect_s: float = 3.0) -> Result:
        """Runs a command in a dom0 and collects its output."""
        out: List[bytes] = []
        err: List[bytes] = []
        call = self.call(name, argv, env, connect_s)
        call.feed(stdin)
        status = call.wait(out.append, err.append, timeout,
                           self.host(name).alive)
        result = Result(status, b"".join(out), b"".join(err))
        if check and status:
            raise LabError("on host %s: %s: exit %d: %s" % (
                name, os.fsdecode(argv[0]), status,
                result.err.decode(errors="replace").strip()))
        return result

    def put(self, name: str, source: Union[str, Path], target: str) -> None:
        try:
            with open(source, "rb") as f:
                mode = os.fstat(f.fileno()).st_mode & 0o777
                self.sh(name, "sh", "-c", 'if [ -d "$1" ]; then '
                        'set -- "$1/$2" "$2" "$3"; fi; '
                        'cat >"$1.lab-new" && chmod "$3" "$1.lab-new" && '
                        'mv "$1.lab-new" "$1"', "put", target,
                        os.path.basename(str(source)), "%o" % mode,
                        stdin=f.fileno(), check=True)
        except OSError as e:
            raise LabError("%s: %s" % (source, e.strerror)) from None

    def get(self, name: str, source: str, target: Union[str, Path]) -> None:
        if os.path.isdir(target):
            target = os.path.join(target, os.path.basename(source))
        fresh = "%s.lab-new" % target
        try:
            with open(fresh, "wb") as f:
                err: List[bytes] = []
                call = self.call(name, ["cat", "--", source])
                call.feed(None)
                status = call.wait(lambda d: f.write(d) and None, err.append,
                                   None, self.host(name).alive)
            if status:
                raise LabError("get: %s" % b"".join(err).decode().strip())
            os.rename(fresh, target)
        except OSError as e:
            raise LabError("%s: %s" % (target, e.strerror)) from None
        finally:
            Path(fresh).unlink(missing_ok=True)

    def refresh(self, product: Path = ROOT / "build" / "xl") -> bool:
        """Copies the product's xl to the share; False if there is none."""
        self.need_up()
        mark = self.run.share / "xl.id"
        if not product.exists():
            mark.unlink(missing_ok=True)
            return False
        data = product.read_bytes()
        tag = hashlib.sha256(data).hexdigest()[:12]
        for path, content in ((self.run.share / ("xl-" + tag), data),
                              (mark, tag.encode() + b"\n")):
            fresh = path.with_suffix(".new")
            fresh.write_bytes(content)
            fresh.chmod(0o755)
            fresh.rename(path)
        return True

    # Guests and clients.

    def guest(self, kind: str, **options: Any) -> "guests.Guest":
        self.need_up()
        return guests.create(self, kind, **options)

    def client(self, argv: Sequence[str], **options: Any
               ) -> "subprocess.Popen[bytes]":
        """Starts a command in the client namespace."""
        self.need_up()
        return subprocess.Popen(net.command(self.run.namespace, list(argv)),
                                **options)

    def writer(self, address: str, **options: Any) -> Writer:
        """Starts a writer in the client namespace (client.py)."""
        self.need_up()
        return Writer(self.run, address, **options)


def _leave(number: int, _frame: object) -> None:
    sys.exit(128 + number)
