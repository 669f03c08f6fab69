# SPDX-License-Identifier: LGPL-2.1-only
"""Tests of the hosts: running commands, copying files, lab-connect.

Needs no guest.  Called by test_lab.py.
"""
from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from labkit import Lab

from . import LAB_COMMAND, RUN, lab_command, median_s, test


@test
def errors_are_one_clear_line(_lab: Lab) -> None:
    for args, status in ((["nonsense"], 2), (["sh", "c", "true"], 2),
                         (["sh", "a"], 2), (["link", "a", "sideways"], 2),
                         (["up"], 1), (["guest", "vax"], 2),
                         (["get", "a", "/no/such", "/tmp/x"], 1)):
        done = lab_command(*args)
        assert done.returncode == status, (args, done)
        assert done.stderr.count(b"\n") == 1, (args, done.stderr)


@test
def sh_carries_status_and_both_outputs(_lab: Lab) -> str:
    done = lab_command("sh", "a", "sh", "-c", "echo o; echo e >&2; exit 37",
                       stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout, done.stderr) == \
        (37, b"o\n", b"e\n"), done
    done = lab_command("sh", "a", "sh", "-c", "kill -9 $$",
                       stdin=subprocess.DEVNULL)
    assert done.returncode == 137
    assert lab_command("sh", "a", "no-such-thing").returncode == 127
    inside = median_s(9, lambda: _lab.sh("a", "true"))
    outside = median_s(5, lambda: lab_command("sh", "-n", "a", "true"))
    return "%.0f ms in a program, %.0f ms as a command" % (
        inside * 1000, outside * 1000)


@test
def sh_arguments_survive_exactly(lab: Lab) -> str:
    seed = int(os.environ.get("SEED", time.time_ns() % 10 ** 6))
    chance = random.Random(seed)
    octets = [bytes(chance.randrange(1, 256) for _ in range(1000))
              for _ in range(20)]
    args = octets + [b"", b" ", b"$(id) `id` \"'\\\n*", b"-n", b"--",
                     b"y" * 100_000, b"z" * 100_000]
    script = 'for a in "$@"; do printf "%s\\0" "$a"; done'
    done = lab_command("sh", "-n", "a", "sh", "-c", script, "x", *args)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"".join(a + b"\0" for a in args), "seed %d" % seed
    assert lab.sh("a", "sh", "-c", "exit $(( $# - 200 ))", "x",
                  *["arg"] * 242).status == 42
    return "seed %d, %d octets" % (seed, sum(map(len, args)))


@test
def sh_passes_stdin(lab: Lab) -> str:
    data = os.urandom(4 << 20)
    started = time.monotonic()
    result = lab.sh("a", "cat", stdin=data)
    assert result.out == data
    took = time.monotonic() - started
    done = lab_command("sh", "a", "sha256sum", input=data)
    assert len(done.stdout.split()[0]) == 64
    return "%.0f MB/s there and back" % (len(data) / took / 1e6)


def remote_count(lab: Lab, mark: str) -> int:
    text = lab.sh("a", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' "
                  "'\\n' | grep -cx %s" % mark).text
    return int(text)


def gone(lab: Lab, mark: str) -> bool:
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        if remote_count(lab, mark) == 0:
            return True
        time.sleep(0.2)
    return False


@test
def sh_times_out_and_ends_the_command(lab: Lab) -> None:
    done = lab_command("sh", "--timeout", "1", "a", "sleep", "7777")
    assert done.returncode == 124, done
    assert gone(lab, "7777")


@test
def sh_passes_an_interrupt_on(lab: Lab) -> None:
    child = subprocess.Popen([str(LAB_COMMAND), "--run", str(RUN), "sh",
                              "a", "sleep", "8888"],
                             stdin=subprocess.DEVNULL)
    limit = time.monotonic() + 10
    while remote_count(lab, "8888") == 0 and time.monotonic() < limit:
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    assert child.wait(10) == 130, child.returncode
    assert gone(lab, "8888")


@test
def put_and_get_round_trip(_lab: Lab) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, two = Path(folder, "one"), Path(folder, "two")
        one.write_bytes(os.urandom(3 << 20))
        one.chmod(0o750)
        assert lab_command("put", "b", one, "/tmp/there").returncode == 0
        assert lab_command("get", "b", "/tmp/there", two).returncode == 0
        assert one.read_bytes() == two.read_bytes()
        assert _lab.sh("b", "stat", "-c", "%a",
                       "/tmp/there").text == "750\n"


@test
def both_hosts_share_a_folder(lab: Lab) -> None:
    lab.sh("a", "sh", "-c", "echo from-a >/host/word", check=True)
    assert lab.sh("b", "cat", "/host/word").text == "from-a\n"
    assert (lab.run.share / "word").read_text() == "from-a\n"


@test
def xl_is_the_product_when_there_is_one(lab: Lab) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fake = Path(folder, "xl")
        for word in ("one", "two"):
            fake.write_text("#!/bin/sh\necho %s $0 $*\n" % word)
            lab.refresh(fake)
            text = lab.sh("a", "xl", "some", "words").text.split()
            assert text[0] == word and text[2:] == ["some", "words"], text
            assert text[1].endswith("/xl"), text
        lab.refresh(Path(folder, "none"))
    assert "Domain-0" in lab.sh("a", "xl", "list").text
    lab.refresh()


@test
def lab_connect_behaves_like_ssh(lab: Lab) -> str:
    script = ("echo hello | lab-connect b sh -c 'cat; hostname; exit 7'; "
              "echo $?; lab-connect b sh -c 'exec >&-; cat >/dev/null; "
              "echo late >&2' </dev/null; echo $?; lab-connect b none "
              "</dev/null; echo $?")
    assert lab.sh("a", "sh", "-c", script, timeout=60).text.split() == \
        ["hello", "b", "7", "0", "127"]
    limit = time.monotonic() + 5
    while lab.sh("b", "grep", "-q", "none",
                 "/var/log/lab-connect.log").status:
        assert time.monotonic() < limit, "no stderr in the log"
    started = time.monotonic()
    text = lab.sh("a", "sh", "-c", "dd if=/dev/zero bs=1M count=128 | "
                  "lab-connect b sh -c 'cat >/tmp/big; stat -c %s /tmp/big; "
                  "rm /tmp/big'", timeout=120, check=True).text
    took = time.monotonic() - started
    assert text.strip() == "134217728", text
    return "%.0f MB/s" % (134 / took)


@test
def lab_connect_ends_with_its_caller(lab: Lab) -> None:
    lab.sh("a", "sh", "-c", "sleep 100 | lab-connect b sh -c "
           "'cat >/dev/null; touch /tmp/saw-end' & sleep 1; "
           "killall -9 lab-connect", timeout=20)
    limit = time.monotonic() + 10
    while lab.sh("b", "test", "-e", "/tmp/saw-end").status:
        assert time.monotonic() < limit, "the far command saw no end"
        time.sleep(0.1)
