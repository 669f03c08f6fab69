# SPDX-License-Identifier: LGPL-2.1-only
"""What the checks play on: the lab's hosts, one guest, and its client.

Brings hosts that were killed up again, keeps the guest of the last check
when it is still good, ends whatever a check left running.  Never judges the
product, but for domains(), only_on() and their like.  Called by lab-check.
"""
from __future__ import annotations

import json
import random
import time
from typing import Any, Dict, List, Optional, Sequence

from labkit import LabError, guests
from labkit.agent import STATUS_TIMEOUT
from labkit.host import HOSTS

from . import evidence
from .harness import Failure, expect, promise
from .protection import Protection, Remote
from .witness import Witness

STOCK = "/usr/sbin/xl"
SILENCE_MS = 500
MEMORY_MB = {"pvh": 96, "hvm": 96}
SH_LIMIT_S = 60
# Linux's netfront loses the memory of its ring, 1 MiB, each time it connects
# anew (after stock save and restore as well), and a lab guest has 11 or 12 to
# spare: without them its kernel kills the service. Enough for two connections
# and the 3 MiB that the kernel keeps.
FREE_KIB, PAGE_KIB = 5 * 1024, 4


class Stage:
    """One lab and what runs on it now."""

    def __init__(self, lab: Any, seed: int, slow: float) -> None:
        self.lab = lab
        self.seed = seed
        self.slow = slow
        self.chance = random.Random(seed)
        self.current: Optional[Any] = None
        self.first = 1
        self.src, self.dst = "a", "b"
        self.remotes: List[Remote] = []
        self.writers: List[Any] = []
        self.watches: List[Witness] = []

    # Time.

    @property
    def silence_ms(self) -> int:
        return int(SILENCE_MS * self.slow)

    @property
    def takeover_s(self) -> float:
        """The limit on a take-over, from the moment of the kill."""
        return self.silence_ms / 1000.0 + 2.0 * self.slow

    def s(self, seconds: float) -> float:
        """A limit in seconds on this machine."""
        return seconds * self.slow

    def pause(self) -> float:
        """A random while, so that the moment that follows is random."""
        while_s = self.chance.uniform(0.4, 2.4)
        time.sleep(while_s)
        return while_s

    # Hosts.

    def sh(self, host: str, *argv: str, env: Optional[Dict[str, str]] = None,
           limit_s: float = SH_LIMIT_S) -> Any:
        done = self.lab.sh(host, *argv, env=env, timeout=self.s(limit_s))
        expect(done.status != STATUS_TIMEOUT, "on %s: %s has not ended",
               host, " ".join(argv))
        return done

    def ready(self) -> None:
        """Both hosts up, both links up."""
        started = []
        for name in HOSTS:
            host = self.lab.host(name)
            if host.alive() and host.state() != "running":
                host.kill()
            self.lab.link(name, "up")
            if not host.alive():
                host.start()
                started.append(name)
        for name in started:
            self.lab.wait_host(name)

    def domains(self, host: str) -> List[str]:
        """The names of the domains on a host, without dom0."""
        text = self.sh(host, STOCK, "list").text
        return [line.split()[0] for line in text.splitlines()[1:]
                if line.split() and line.split()[0] != "Domain-0"]

    def empty(self, host: str) -> None:
        """Ends everything on a host: sessions, then domains."""
        for word in ("xl", "lab-connect", "lab-cut"):
            self.sh(host, "killall", "-9", word)
        for line in self.sh(host, STOCK, "list").text.splitlines()[1:]:
            fields = line.split()
            if len(fields) > 1 and fields[0] != "Domain-0":
                self.sh(host, STOCK, "destroy", fields[1])

    def reset(self) -> None:
        """After a failure nothing is trusted."""
        self.finish()
        self.current = None
        for name in HOSTS:
            self.lab.host(name).kill()
        for name in list(guests.known(self.lab)):
            guests.forget(self.lab, name)

    # The guest.

    def has_room(self, pages: int) -> bool:
        """Whether its memory lasts for a check that dirties `pages`."""
        need = FREE_KIB + pages * PAGE_KIB
        try:
            return bool(self.current.free_kib(self.s(1)) >= need)
        except (OSError, ValueError):
            return False

    def place(self) -> Optional[str]:
        """Where the guest of the last check is, if that is clear."""
        guest = self.current
        if not guest:
            return None
        found = {h: self.domains(h) for h in HOSTS}
        alone = [h for h in HOSTS if found[h] == [guest.name]]
        others = [h for h in HOSTS if not found[h]]
        if len(alone) == 1 and len(others) == 1 and guest.answers(1.0):
            return alone[0]
        return None

    def guest(self, kind: str = "pvh", fresh: bool = False,
              memory_mb: int = 0, pages: int = 0) -> Any:
        """A guest that answers; sets src (where it is) and dst.

        One of another size is a fresh one that boots, and isn't kept; `pages`
        of it will be dirtied. Other PVH guests start from a saved state.
        """
        fresh = fresh or memory_mb > 0
        here = None if fresh else self.place()
        if not here or self.current.kind != kind or not self.has_room(pages):
            for name in HOSTS:
                self.empty(name)
            for name in list(guests.known(self.lab)):
                guests.forget(self.lab, name)
            here = "a"
            warm = kind == "pvh" and not memory_mb
            self.current = self.lab.guest(kind, host=here,
                                          memory=memory_mb or
                                          MEMORY_MB[kind],
                                          is_warm=warm)
            self.first = 1
        self.src, self.dst = here, "b" if here == "a" else "a"
        self.idle(self.current)
        return self.current

    def idle(self, guest: Any) -> None:
        """No workload; the probe calibrates before it answers."""
        limit = time.monotonic() + self.s(10)
        while True:
            try:
                guest.dirty(0)
                return
            except OSError:
                if time.monotonic() > limit:
                    raise
                time.sleep(0.1)

    def writer(self, guest: Any, **options: Any) -> Any:
        """A client that writes; it has been answered already."""
        options.setdefault("connect_timeout", 0.6 * self.slow)
        options.setdefault("reply_timeout", 0.8 * self.slow)
        options.setdefault("verify_seconds", 20 * self.slow)
        writer = self.lab.writer(guest.address, first=self.first, **options)
        self.writers.append(writer)
        writer.wait_acks(20, self.s(30))
        return writer

    def stop_writer(self, writer: Any) -> Dict[str, Any]:
        """Its report; the next one starts with fresh numbers."""
        self.writers.remove(writer)
        acks = writer.acks()
        report = writer.stop()
        if acks:
            self.first = acks[-1][1] + 1000
        return report

    # Protection.

    def command(self, guest: Any, fence: bool, interval_ms: int,
                options: Sequence[str], ssh: str, ours: bool,
                traced: bool = False) -> List[str]:
        argv = ["xl", "-vvv" if traced else "-v", "remus", "-i", str(interval_ms), "-s", ssh]
        argv += ["--step-ms", str(int(10000 * self.slow))]
        if ours:
            argv += ["--silence-ms", str(self.silence_ms)]
        if fence:
            argv += ["--fence", "lab-fence"]
        return argv + list(options) + [guest.name, self.dst]

    def protect(self, guest: Any, fence: bool = True, interval_ms: int = 100,
                options: Sequence[str] = (), ssh: str = "lab-connect",
                ours: bool = True, env: Optional[Dict[str, str]] = None,
                wait: bool = True, traced: bool = False) -> Protection:
        """xl remus of ours, from src to dst; `ours`: the receiver too."""
        p = Protection(self.lab, self.src, self.command(
            guest, fence, interval_ms, options, ssh, ours, traced), env)
        self.remotes.append(p)
        if wait:
            p.wait_state("protected", self.s(60))
        return p

    def stop(self, host: str, guest: Any, *options: str) -> None:
        """colo-stop there, which ends well."""
        done = self.sh(host, "xl", "colo-stop", *options, guest.name)
        expect(done.status == 0, "colo-stop on %s ended with %d: %s", host,
               done.status, done.err.decode().strip())

    def remote(self, host: str, *argv: str,
               env: Optional[Dict[str, str]] = None) -> Remote:
        r = Remote(self.lab, host, argv, env)
        self.remotes.append(r)
        return r

    def watch(self, guest: Any) -> Witness:
        """Which hosts the guest speaks from, from now on."""
        w = Witness(self.lab.run.namespace, guest.address)
        self.watches.append(w)
        return w

    def status(self, host: str, name: str) -> Dict[str, Any]:
        """What colo-status says of a session; empty when there is none."""
        done = self.sh(host, "xl", "colo-status", "-j", name)
        if done.status:
            return {}
        return json.loads(done.text)[0]

    def wait_status(self, host: str, name: str, state: str,
                    limit_s: float) -> Dict[str, Any]:
        limit = time.monotonic() + limit_s
        while True:
            seen = self.status(host, name)
            if seen.get("state") == state:
                return seen
            if time.monotonic() > limit:
                raise Failure("colo-status on %s says %s, not %s" % (
                    host, seen.get("state", "nothing"), state))
            time.sleep(0.1)

    # What is true afterwards.

    def only_on(self, guest: Any, host: Optional[str],
                limit_s: float = 10) -> None:
        """Exactly one domain of its name, on `host`; no other domain."""
        limit = time.monotonic() + self.s(limit_s)
        while True:
            found = {h: self.domains(h) for h in HOSTS
                     if self.lab.host(h).alive()
                     and self.lab.host(h).state() == "running"}
            wanted = {h: [guest.name] if h == host else [] for h in found}
            if found == wanted and (host in found or host is None):
                return
            if time.monotonic() > limit:
                raise Failure("domains are %s, not %s" % (found, wanted))
            time.sleep(0.2)

    def speaks_from(self, guest: Any, host: str) -> None:
        """Exactly one copy speaks, and from there."""
        limit = time.monotonic() + self.s(5)
        seen = ""
        while not seen and time.monotonic() < limit:
            seen = Witness(self.lab.run.namespace, guest.address).seen()
        promise(len(seen) < 2, "it speaks from the hosts '%s'", seen)
        expect(seen == host, "it speaks from '%s', not from %s", seen, host)

    def flows(self, writer: Any, more: int = 10,
              limit_s: float = 30) -> None:
        """Writes are acknowledged now, at the rate of some epoch each."""
        try:
            writer.wait_acks(more, self.s(limit_s))
        except LabError:
            raise Failure("output doesn't flow: no %d writes acknowledged "
                          "within %g s" % (more, self.s(limit_s))) from None

    def quiet(self, writer: Any, since: float, while_s: float) -> None:
        """No write is acknowledged for a while after `since`."""
        time.sleep(max(0.0, since + while_s - time.time()))
        late = [t for t, _ in writer.acks() if since < t < since + while_s]
        promise(not late, "%d writes were acknowledged in %g s though output "
                "is to be held", len(late), while_s)

    def proven(self, writer: Any) -> Dict[str, Any]:
        """Ends the writer; no acknowledged write is lost."""
        report = self.stop_writer(writer)
        expect(report["verified"], "the client can't verify: no answer")
        promise(not report["lost"], "%d acknowledged writes lost, first %s",
               report["lost"], report["lost_first"])
        promise(not report["changed"], "%d writes changed", report["changed"])
        promise(not report["conflicts"], "conflicts: %s", report["conflicts"])
        promise(len(report["boots"]) == 1, "boot ids: %s", report["boots"])
        return report

    # Ends.

    def finish(self) -> None:
        """Ends whatever the check left running."""
        for watch in self.watches:
            watch.end()
        for writer in self.writers:
            if writer.process.poll() is None:
                writer.process.kill()
            writer.process.communicate()
        for remote in self.remotes:
            remote.end()
        self.watches, self.writers, self.remotes = [], [], []

    def evidence(self) -> List[str]:
        """What may tell why a check failed."""
        lines = []
        for remote in self.remotes:
            lines += ["%s: %s" % (remote.host, t) for t in remote.tail()]
            if isinstance(remote, Protection):
                lines += ["%s: %.2f s ago: %s" % (
                    remote.host, time.time() - t, text)
                    for t, text in list(remote.lines)[-3:]]
        for writer in self.writers:
            if writer.process.poll() is not None:
                lines.append("client: its program has ended")
            lines += ["client: write %d acknowledged %.2f s ago" % (
                number, time.time() - t)
                for t, number in writer.acks()[-3:]]
        for name in HOSTS:
            try:
                if self.lab.host(name).state() != "running":
                    lines.append("host %s is off or frozen" % name)
                    continue
                found = self.domains(name)
                lines.append("host %s has %s" % (name, found))
                lines.append("host %s: %s" % (name, self.sh(
                    name, "xl", "colo-status", "-j").text.strip()))
                text = self.lab.sh(name, "tail", "-n", "8",
                                   "/var/log/lab-connect.log",
                                   timeout=10).text
                lines += ["%s log: %s" % (name, t)
                          for t in text.splitlines()]
                lines += evidence.of_network(self.lab, name)
                if self.current and self.current.name in found:
                    lines += evidence.of_guest(self.lab, name, self.current)
            except (LabError, Failure, OSError) as e:
                lines.append("host %s: %s" % (name, e))
        return lines
