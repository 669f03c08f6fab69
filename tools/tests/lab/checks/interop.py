# SPDX-License-Identifier: LGPL-2.1-only
"""Our two ends against stock's, and our bytes against Debian's verifier.

Called through the harness.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .harness import Skip, check, expect, promise
from .stage import STOCK
from .streams import PLAIN_END, walk_to_checkpoint
from .verdict import await_takeover

XEN = Path("/usr/lib/xen-4.17")
VERIFIER = XEN / "bin/verify-stream-v2"
TEE = shutil.which("tee")     # busybox's moves 1 KiB at a time
TEE_CONNECT = """#!/bin/sh
/usr/bin/tee /root/sent | exec lab-connect "$@"
"""
IMAGE = "/root/saved"
MIB = 1 << 20
FIN_S = 0.2          # for the end of the stream to reach the other host


def cut_off(stage: Any) -> float:
    """The primary's host goes; stock never notices that by itself.

    So its stream ends first, as when the kernel of a dying host closes it.
    """
    stage.sh(stage.src, "killall", "-9", "lab-connect")
    moment = time.time()
    time.sleep(stage.s(FIN_S))
    stage.lab.kill(stage.src)
    return moment


def survived(stage: Any, guest: Any, writer: Any, boot: str, moment: float
             ) -> str:
    """The copy answers; stock can't promise that no write is lost."""
    took = await_takeover(stage, writer, moment, 0.05)
    stage.flows(writer)
    stage.only_on(guest, stage.dst)
    now = guest.control("id")
    promise(now == boot, "boot id was %s and is %s", boot, now)
    report = stage.stop_writer(writer)
    return "answers %.2f s after the end of its stream, %d of %d writes " \
        "lost" % (took, report.get("lost", -1), report["acknowledged"])


@check()
def interop_sender(stage: Any) -> str:
    """A stock xl migrate-receive -r takes our stream and takes over"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    p = stage.protect(guest, fence=False, ours=False, interval_ms=200,
                      env={"LAB_REMOTE_XL": STOCK})
    p.wait_epochs(5, stage.s(30))
    said = p.errors + [t for _, t in p.lines if t.startswith("message ")]
    expect(any("acknowledge" in t for t in said),
           "it doesn't say what isn't guaranteed")
    stage.flows(writer)
    count = len(p.epochs())
    return "%d epochs; %s" % (count, survived(stage, guest, writer, boot,
                                              cut_off(stage)))


@check()
def interop_receiver(stage: Any) -> str:
    """Our receiver takes stock's xl remus stream and takes over"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    writer = stage.writer(guest)
    stage.remote(stage.src, STOCK, "remus", "-F", "-n", "-d", "-i", "500",
                 "-s", "lab-connect", guest.name, stage.dst)
    stage.wait_status(stage.dst, guest.name, "protecting", stage.s(60))
    before = stage.status(stage.dst, guest.name)["epoch"]
    time.sleep(stage.s(4))
    after = stage.status(stage.dst, guest.name)["epoch"]
    expect(after > before, "no epochs arrive: %s, then %s", before, after)
    stage.flows(writer)
    return "%d epochs; %s" % (after, survived(stage, guest, writer, boot,
                                              cut_off(stage)))


@check()
def interop_restore(stage: Any) -> str:
    """A stock xl save file starts by our xl restore"""
    guest = stage.guest("pvh")
    boot = guest.control("id")
    stage.sh(stage.src, STOCK, "save", guest.name, IMAGE)
    stage.only_on(guest, None)
    started = time.monotonic()
    done = stage.sh(stage.src, "xl", "restore", IMAGE)
    stage.sh(stage.src, "rm", "-f", IMAGE)
    expect(done.status == 0, "xl restore: %s", done.err.decode().strip())
    guest.wait(stage.s(20))
    took = time.monotonic() - started
    stage.only_on(guest, stage.src)
    now = guest.control("id")
    promise(now == boot, "boot id was %s and is %s", boot, now)
    return "answers after %.1f s" % took


def verify(data: Path) -> "subprocess.CompletedProcess[str]":
    env = dict(os.environ, PYTHONPATH=str(XEN / "lib/python"))
    return subprocess.run([sys.executable, str(VERIFIER), "-i", str(data),
                           "-f", "xl", "-v"], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@check()
def interop_verifier(stage: Any) -> str:
    """Debian's verify-stream-v2 finds nothing before the first CHECKPOINT

    To a stock receiver: the verifier doesn't know optional records.
    """
    if not VERIFIER.exists():
        raise Skip("no %s (package xen-utils-4.17)" % VERIFIER)
    guest = stage.guest("pvh")
    stage.lab.put(stage.src, TEE, "/usr/bin/tee")
    tee = stage.lab.run.share / "tee-connect"
    tee.write_text(TEE_CONNECT)
    tee.chmod(0o755)
    p = stage.protect(guest, interval_ms=500, ssh="/host/tee-connect",
                      fence=False, ours=False, env={"LAB_REMOTE_XL": STOCK})
    p.wait_epochs(2, stage.s(30))
    stage.sh(stage.src, "xl", "colo-stop", guest.name)
    p.wait_end(stage.s(15))
    sent = stage.lab.run.path / "sent"
    stage.lab.get(stage.src, "/root/sent", sent)
    stage.sh(stage.src, "rm", "-f", "/root/sent")
    data = sent.read_bytes()
    end, records = walk_to_checkpoint(data)
    sent.write_bytes(data[:end] + PLAIN_END)
    done = verify(sent)
    lines = done.stdout.strip().splitlines() or [""]
    expect(done.returncode == 0, "exit %d: %s", done.returncode, lines[-1])
    sent.write_bytes(data)
    whole = verify(sent).stdout.strip().splitlines() or ["nothing"]
    sent.unlink()
    stage.only_on(guest, stage.src)
    return "%d records, %.1f MiB are good; of the whole stream it says: %s" \
        % (len(records), end / MIB, whole[-1])
