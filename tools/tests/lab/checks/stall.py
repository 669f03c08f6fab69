# SPDX-License-Identifier: LGPL-2.1-only
"""How long the guest stands still per epoch, measured by itself.

Stock's remus and ours, in the same lab run, same guest, same workload, both
sending to the other host over a link that is to this lab's emulated CPUs what
one of 1 Gbit/s is to real ones.  Called through the harness.
"""
from __future__ import annotations

import json
import time
from statistics import median
from typing import Any, Dict, List

from .harness import Failure, check, expect
from .stage import STOCK
from .tools import tool
from .verdict import settled

PAGE_BYTES = 4096
DIRTY_PAGES = 1500       # every 10 ms
INTERVAL_MS = 1000       # what an epoch changes is through the link by then
# A page on the wire takes so many times what memcpy() takes for it: 33 us and
# a quarter of one with 1 Gbit/s and a CPU of today.
LINK_PER_COPY = 130
STEP_BACK = 5
STOCK_GAP_MS = 150.0     # no shorter stall of stock's is an epoch
MEASURE_S = 18.0
STOCK_S = 24.0           # it stands still for a third of it
FEWEST = 12
MOST_OF_STOCK = 1 / 6.0
# Where plain memcpy() takes MEMCPY_US for a page; other machines by ratio.
FIXED_MS, PAGE_MS, MEMCPY_US = 5.0, 0.002, 2.4
MEMCPY_RUNS = 7
BOUND_MS, BOUND_EPOCHS = 3000, 8
PHASES = ("ack", "suspend", "bitmap", "copy", "context", "device", "resume",
          "send", "ready")
EPOCHS = "/run/lab/epochs.json"


def own_epochs(stage: Any) -> List[Dict[str, float]]:
    text = stage.sh(stage.src, "cat", EPOCHS).text
    return [json.loads(line) for line in text.splitlines()]


def memcpy_us(stage: Any) -> float:
    """What a page costs by plain memcpy() in this dom0, nothing else on."""
    return median(float(stage.sh(stage.src, tool(stage, "memcpy")).text)
                  for _ in range(MEMCPY_RUNS))


def measure_ours(stage: Any, guest: Any) -> Dict[str, Any]:
    """Gaps of the guest and epochs of ours in the same while."""
    stage.sh(stage.src, "rm", "-f", EPOCHS)
    p = stage.protect(guest, interval_ms=INTERVAL_MS,
                      options=["--json-epochs", EPOCHS])
    guest.dirty(DIRTY_PAGES)
    p.wait_epochs(3, stage.s(30))
    guest.gaps()
    before = len(own_epochs(stage))
    time.sleep(MEASURE_S)
    gaps = guest.stalls_ms()
    epochs = own_epochs(stage)[before:]
    guest.dirty(0)
    stage.stop(stage.src, guest)
    p.wait_end(stage.s(15))
    expect(epochs, "no epochs of ours in %g s", MEASURE_S)
    # As many gaps as there were epochs; shorter ones are the machine's.
    gaps = sorted(gaps, reverse=True)[:len(epochs)]
    expect(gaps, "the guest saw no stall")
    return {"gaps": gaps, "epochs": epochs}


def measure_stock(stage: Any, guest: Any) -> List[float]:
    """The guest's gaps under stock's remus; the guest is lost by it."""
    guest.dirty(DIRTY_PAGES)
    guest.gaps()
    stage.remote(stage.src, STOCK, "remus", "-F", "-n", "-d",
                 "-i", str(INTERVAL_MS), "-s", "lab-connect", guest.name,
                 stage.dst,
                 env={"LAB_REMOTE_XL": STOCK})
    seen = 0
    limit = time.monotonic() + stage.s(60)
    while seen < 3:
        if time.monotonic() > limit:
            raise Failure("stock's remus makes no checkpoints")
        time.sleep(1)
        seen += sum(g > STOCK_GAP_MS for g in guest.stalls_ms())
    guest.gaps()
    time.sleep(STOCK_S)
    gaps = [g for g in guest.stalls_ms() if g > STOCK_GAP_MS]
    # Its receiver takes over as soon as the stream ends, and doesn't notice
    # a power cut: this order leaves no two copies.
    stage.lab.kill(stage.src)
    stage.empty(stage.dst)
    stage.current = None
    return gaps


def breakdown(epochs: List[Dict[str, float]]) -> str:
    return ", ".join("%s %.2f" % (name, median(e[name + "_ms"]
                                               for e in epochs))
                     for name in PHASES)


def own_work(epochs: List[Dict[str, float]], memcpy: float) -> str:
    """What isn't the guest's own suspend and thaw, against its limit."""
    work = median(e["bitmap_ms"] + e["copy_ms"] + e["context_ms"] +
                  e["resume_ms"] for e in epochs)
    pages = median(e["pages"] for e in epochs)
    limit = (FIXED_MS + PAGE_MS * pages) * memcpy / MEMCPY_US
    text = ("bitmap+copy+context+resume %.2f ms for %d pages (limit %.2f, "
            "memcpy() %.2f us a page)" % (work, pages, limit, memcpy))
    expect(work <= limit, text)
    return text


@check()
def dirty_bound(stage: Any) -> str:
    """--max-dirty-pages: epochs end before their time"""
    guest = stage.guest("pvh", pages=DIRTY_PAGES)
    boot = guest.control("id")
    writer = stage.writer(guest)
    p = stage.protect(guest, interval_ms=BOUND_MS, options=[
        "--max-dirty-pages", str(DIRTY_PAGES // 2)])
    guest.dirty(DIRTY_PAGES)
    stage.flows(writer)
    p.wait_epochs(3, stage.s(30))    # from the first count on it is clean
    begun = time.time()
    p.wait_epochs(BOUND_EPOCHS, stage.s(60))
    each = 1000 * (time.time() - begun) / BOUND_EPOCHS
    pages = median([ep["pages"] for ep in p.epochs()[-BOUND_EPOCHS:]])
    guest.dirty(0)
    expect(each < BOUND_MS / 2, "an epoch every %.0f ms, limit %g", each,
           BOUND_MS / 2)
    stage.stop(stage.src, guest)
    settled(stage, guest, writer, stage.src, boot)
    return "an epoch every %.0f of %d ms, %d pages each" % (
        each, BOUND_MS, pages)


@check()
def stall(stage: Any) -> str:
    """The guest's stall per epoch: at most 1/6 of stock's"""
    guest = stage.guest("pvh", pages=DIRTY_PAGES)
    memcpy = memcpy_us(stage)
    rate = round(8 * PAGE_BYTES / (LINK_PER_COPY * memcpy))
    for host in (stage.src, stage.dst):
        stage.lab.link(host, "slow", delay_ms=0, rate_mbit=rate)
    # Two hosts share this machine's CPUs, which real ones don't: the other
    # one takes what this one, whose guest is measured, leaves.
    far = stage.lab.host(stage.dst)
    far.step_back(STEP_BACK)
    try:
        ours = measure_ours(stage, guest)
        stock = measure_stock(stage, guest)
    finally:
        far.step_back(0)
    own, other = median(ours["gaps"]), median(stock or [0.0])
    print("#   memcpy() %.2f us a page, link %d Mbit/s" % (memcpy, rate))
    print("#   stock, every %d ms: median %.0f ms of %d" % (
        INTERVAL_MS, other, len(stock)))
    print("#   ours, every %d ms, output held: median %.0f ms of %d; %s ms" % (
        INTERVAL_MS, own, len(ours["gaps"]), breakdown(ours["epochs"])))
    expect(min(len(stock), len(ours["gaps"])) >= FEWEST,
           "too few samples: %d of stock, %d of ours", len(stock),
           len(ours["gaps"]))
    ratio = own / other
    text = "ours %.0f ms (%d), stock %.0f ms (%d), ratio 1/%.1f; " % (
        own, len(ours["gaps"]), other, len(stock), 1 / ratio)
    text += own_work(ours["epochs"], memcpy)
    expect(ratio <= MOST_OF_STOCK, text + ": more than 1/6")
    return text
