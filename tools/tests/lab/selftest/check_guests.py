# SPDX-License-Identifier: LGPL-2.1-only
"""Tests of guests, of what their clients see, and of the networks.

Called by test_lab.py.
"""
from __future__ import annotations

import subprocess
import time
from typing import List

from labkit import Lab, arp, guests, net

from . import SHARED, lab_command, pvh, test


@test
def pvh_guest_serves_clients(lab: Lab) -> str:
    started = time.monotonic()
    guest = pvh(lab)
    took = time.monotonic() - started
    page = subprocess.run(net.command(lab.run.namespace, [
        "curl", "-s", "-m", "10", "http://%s/" % guest.address]),
        stdout=subprocess.PIPE).stdout
    assert b"contiguous 0" in page, page
    assert arp.answers(lab.run.namespace, guest.address) == 1
    return "%.1f s" % took


@test
def writer_finds_every_write(lab: Lab) -> str:
    guest = pvh(lab)
    writer = lab.writer(guest.address)
    writer.wait_acks(100)
    report = writer.stop()
    assert report["verified"] and report["acknowledged"] >= 100, report
    assert report["lost"] == report["changed"] == 0, report
    assert len(report["boots"]) == 1, report
    return "%d writes" % report["acknowledged"]


@test
def probe_sees_a_pause_of_the_guest(lab: Lab) -> str:
    guest = pvh(lab)
    guest.dirty(500)
    guest.gaps()
    for word in ("pause", "unpause"):
        lab.sh("a", guests.XL, word, guest.name, check=True)
        time.sleep(1.5)
    longest = max(guest.stalls_ms())
    assert longest > 1300, longest
    guest.dirty(0)
    return "%.0f ms" % longest


def await_free(guest: guests.Guest, low: int, high: int) -> int:
    """KiB free as soon as they are between, or after a while."""
    limit = time.monotonic() + 10
    now = -1
    while not low <= now <= high and time.monotonic() < limit:
        time.sleep(0.1)
        try:
            now = guest.free_kib()
        except ConnectionRefusedError:    # it calibrates
            pass
    return now


@test
def dirtied_memory_is_given_back(lab: Lab) -> str:
    guest = pvh(lab)
    before = await_free(guest, 0, 10 ** 6)
    guest.dirty(1000)
    held = await_free(guest, 0, before - 3500)
    guest.dirty(0)
    after = await_free(guest, held + 3500, before + 500)
    text = "%d, then %d, then %d KiB free" % (before, held, after)
    assert before - held >= 3500 and after - held >= 3500, text
    return text


def reaches(lab: Lab, address: str) -> bool:
    return lab.sh("a", "ping", "-c", "1", "-W", "2",
                  address).status == 0


@test
def link_goes_down_slow_and_up(lab: Lab) -> None:
    assert reaches(lab, "b")
    for host in "ab":
        lab.link(host, "down")
        assert not reaches(lab, "b")
        assert lab.sh("b", "ping", "-c", "1", "192.0.2.1").status == 0
        assert lab.sh("a", "cat", "/sys/class/net/eth1/carrier"
                      ).text == "1\n"
        lab.link(host, "up")
        assert reaches(lab, "b")
    lab.link("a", "slow", delay_ms=300)
    text = lab.sh("a", "ping", "-c", "2", "b").text
    lab.link("a", "up")
    trip = float(text.rsplit("=", 1)[1].split("/")[0])
    assert trip >= 300, text


def uptime(lab: Lab, host: str) -> float:
    return float(lab.sh(host, "cat", "/proc/uptime").text.split()[0])


@test
def freeze_stops_service_and_thaw_resumes_it(lab: Lab) -> str:
    writer = lab.writer(pvh(lab).address, first=100000)
    writer.wait_acks(20)
    up = uptime(lab, "a")
    assert lab_command("freeze", "a").returncode == 0
    frozen = time.time()
    assert lab.host("a").state() == "frozen"
    time.sleep(3)
    assert lab_command("thaw", "a").returncode == 0
    writer.wait_acks(20)
    before, after = writer.around(frozen + 1)
    report = writer.stop()
    assert report["lost"] == 0 and report["reply_timeouts"] > 0, report
    assert before and after and after - before >= 3
    assert uptime(lab, "a") - up >= 3    # its clock went on
    return "gap %.1f s" % (after - before)


@test
def stock_remus_runs_over_lab_connect(lab: Lab) -> str:
    guest = pvh(lab)
    guest.gaps()
    lab.sh("a", "sh", "-c", "LAB_REMOTE_XL=/usr/sbin/xl setsid /usr/sbin/xl "
           "remus -F -n -d -i 500 -s lab-connect %s b >/tmp/remus.log 2>&1 "
           "& echo $! >/tmp/remus.pid" % guest.name, check=True)
    stalls: List[float] = []
    limit = time.monotonic() + 180
    while len(stalls) < 6 and time.monotonic() < limit:
        time.sleep(3)
        stalls += [s for s in guest.stalls_ms() if s > 150]
    log = lab.sh("a", "cat", "/tmp/remus.log").text
    assert len(stalls) >= 6, log
    assert guest.name + "--incoming" in lab.sh("b", guests.XL, "list").text
    lab.sh("a", "sh", "-c", "kill -9 $(pidof xl) $(pidof lab-connect) "
           "$(pidof libxl-save-helper)")
    for name in (guest.name, guest.name + "--incoming"):
        lab.sh("b", guests.XL, "destroy", name)
    guests.destroy(lab, guest.name)
    del SHARED["pvh"]
    return "%d checkpoints, median stall %.0f ms" % (
        len(stalls), sorted(stalls[1:])[len(stalls) // 2])


@test
def hvm_guest_serves_clients(lab: Lab) -> str:
    started = time.monotonic()
    guest = lab.guest("hvm", name="two", host="b")
    took = time.monotonic() - started
    writer = lab.writer(guest.address)
    writer.wait_acks(30, 60)
    report = writer.stop()
    assert report["verified"] and report["lost"] == 0, report
    assert guest.control("id") == report["boot"], report
    guests.destroy(lab, "two")
    return "%.1f s" % took


@test
def warm_hvm_guest_serves_clients(lab: Lab) -> str:
    times = []
    for name in ("three", "four"):
        started = time.monotonic()
        guest = lab.guest("hvm", name=name, host="b", is_warm=True)
        times.append(time.monotonic() - started)
        assert guest.ask(guests.ACK_PORT, "W 1 x").startswith("A 1 ")
        guests.destroy(lab, name)
    return "first %.1f s, then %.1f s" % tuple(times)
