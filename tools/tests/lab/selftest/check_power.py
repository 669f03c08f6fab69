# SPDX-License-Identifier: LGPL-2.1-only
"""Tests of fencing, power cuts and of cleaning up.  These end the hosts.

Called by test_lab.py, last.
"""
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time

from labkit import Lab, LabError
from labkit.rundir import BUILD, RunDir

from . import LAB_COMMAND, lab_command, leftovers, test


@test
def fence_is_ok_only_when_the_peer_is_dead(lab: Lab) -> str:
    started = time.monotonic()
    done = lab.sh("a", "lab-fence", "198.51.100.12", timeout=10)
    took = time.monotonic() - started
    assert done.status == 0, done
    assert not lab.host("b").alive()
    assert lab.sh("a", "lab-fence", "b", timeout=10).status == 0
    assert lab.sh("a", "lab-fence", "a", timeout=10).status == 1
    assert lab_command("sh", "b", "true").returncode == 255
    started = time.monotonic()
    lab.boot("b")
    return "%.0f ms, boot %.1f s" % (took * 1000,
                                     time.monotonic() - started)


@test
def of_two_hosts_that_fence_each_other_one_wins(lab: Lab) -> None:
    script = "while [ ! -e /host/go ]; do :; done; lab-fence $1"
    calls = {host: lab.call(host, ["sh", "-c", script, "x", peer])
             for host, peer in (("a", "b"), ("b", "a"))}
    for call in calls.values():
        call.feed(None)
    time.sleep(0.5)
    (lab.run.share / "go").touch()
    statuses = {}
    for host, call in calls.items():
        try:
            statuses[host] = call.wait(lambda _: None, lambda _: None, 10,
                                       lab.host(host).alive)
        except LabError:
            statuses[host] = -1
    alive = [h for h in "ab" if lab.host(h).alive()]
    assert len(alive) == 1, statuses
    assert statuses[alive[0]] == 0, statuses
    other = "b" if alive == ["a"] else "a"
    assert statuses[other] != 0, statuses


@test
def kill_ends_the_service(lab: Lab) -> None:
    for host in "ab":
        if lab.host(host).alive():
            assert lab_command("kill", host).returncode == 0
        assert not lab.host(host).alive()
    assert b"host a: off" in lab_command("status").stdout


@test
def down_leaves_nothing_even_without_records(lab: Lab) -> None:
    lab.host("a").start()
    for path in lab.run.path.glob("*.json"):
        path.unlink()
    assert lab_command("down").returncode == 0
    assert leftovers(lab.run) == [], leftovers(lab.run)


@test
def interrupted_up_leaves_nothing(_lab: Lab) -> None:
    other = RunDir(BUILD / ("run-selftest-%d-c" % os.getpid()))
    child = subprocess.Popen([str(LAB_COMMAND), "--run", str(other.path),
                              "up"], stderr=subprocess.PIPE)
    limit = time.monotonic() + 60
    while not (other.path / "host-b.json").exists():
        assert time.monotonic() < limit and child.poll() is None
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, text = child.communicate(timeout=30)
    assert child.returncode == 130, (child.returncode, text)
    assert leftovers(other) == [], leftovers(other)
    shutil.rmtree(other.path)
