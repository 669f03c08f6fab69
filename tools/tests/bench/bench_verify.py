#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only
"""How fast streams are checked: the C library, the Python verifier, stock's.

Two save files are made under build/, one with records of 1024 pages and one
with records of one page, and each checker reads each of them several times in
turn, with the files in the page cache. Prints times, speeds and peak memory,
`cat` of the same file beside them, and the ratios with their limits; exit 1
when a limit isn't kept. Without Debian's own verifier its ratios are skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Dict, List, NamedTuple, Optional

TOP = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tools/tests/python"))

from streams import build  # noqa: E402

STOCK = Path("/usr/lib/xen-4.17/bin/verify-stream-v2")
STOCK_LIBRARY = "/usr/lib/xen-4.17/lib/python"
PAGE = 4096
BUILD = TOP / "build"


class Took(NamedTuple):
    """One run: seconds, and KiB at the most."""

    seconds: float
    peak_kib: int


def write_stream(path: Path, records: int, pages: int) -> int:
    """A plain xl stream with so many PAGE_DATA records; its size."""
    parts = [part for part in build().parts
             if part.name != "EMULATOR_XENSTORE_DATA"]    # stock fails on it
    at = [i for i, part in enumerate(parts) if part.name == "PAGE_DATA"]
    before = b"".join(part.octets for part in parts[:at[0]])
    after = b"".join(part.octets for part in parts[at[-1] + 1:])
    body = 8 + pages * (8 + PAGE)
    data = bytes(range(256)) * (PAGE // 256) * pages
    with path.open("wb") as out:
        out.write(before)
        for number in range(records):
            first = number * pages
            out.write(struct.pack("<IIII", 1, body, pages, 0))
            out.write(struct.pack("<%dQ" % pages,
                                  *range(first, first + pages)))
            out.write(data)
        out.write(after)
        return out.tell()


def peak_kib(pid: int, before: int) -> int:
    """The most that a process has had in memory, as far as it is seen."""
    try:
        text = Path("/proc/%d/status" % pid).read_text()
    except OSError:
        return before
    found = [line.split()[1] for line in text.splitlines()
             if line.startswith("VmHWM:")]
    return max(before, int(found[0])) if found else before


def run(argv: List[str], watch: bool) -> Took:
    """Run a checker, which has to find the stream good; @watch its memory
    (which takes time from it)."""
    env = dict(os.environ)
    if argv[0] == str(STOCK):
        env["PYTHONPATH"] = STOCK_LIBRARY
        argv = [sys.executable] + argv
    start = time.monotonic()
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, env=env)
    peak = 0
    while watch and child.poll() is None:
        peak = peak_kib(child.pid, peak)
        time.sleep(0.001)
    errors = child.communicate()[1]
    took = Took(time.monotonic() - start, peak)
    if child.returncode:
        sys.exit("bench_verify: %s: %s" % (" ".join(argv),
                                           errors.decode().strip()))
    return took


def measure(path: Path, rounds: int) -> Dict[str, Took]:
    """Medians of each checker on one file."""
    name = str(path)
    commands = {
        "cat": ["cat", name],
        "C": [str(BUILD / "xl"), "stream-verify", "-i", name],
        "Python": [sys.executable, str(TOP / "tools/python/verify-stream-v2"),
                   "-i", name],
    }
    if STOCK.exists():
        commands["stock"] = [str(STOCK), "-f", "xl", "-i", name]
    found: Dict[str, List[Took]] = {who: [] for who in commands}
    for turn in range(rounds + 1):
        for who, argv in commands.items():
            found[who].append(run(argv, turn == 0))
    # The first one warmed the cache, and was watched.
    return {who: Took(median(t.seconds for t in times[1:]),
                      times[0].peak_kib)
            for who, times in found.items()}


def show(what: str, size: int, found: Dict[str, Took]) -> None:
    """One file's table."""
    print("%s, %.0f MB" % (what, size / 1e6))
    for who, took in found.items():
        print("  %-8s %7.3f s  %6.2f GB/s  peak %6.1f MiB" % (
            who, took.seconds, size / took.seconds / 1e9,
            took.peak_kib / 1024))


def ratio(what: str, found: Dict[str, Took], who: str, least: float
          ) -> Optional[bool]:
    """Whether `who` is so many times as fast as stock's."""
    if "stock" not in found:
        print("%-44s skipped: no %s" % (what, STOCK))
        return None
    times = found["stock"].seconds / found[who].seconds
    print("%-44s %6.2f x stock, at least %.2f  %s" % (
        what, times, least, "ok" if times >= least else "NOT OK"))
    return times >= least


def main() -> int:
    """Make the files, measure, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="the two files")
    args = parser.parse_args()
    large, single = BUILD / "bench_large", BUILD / "bench_single"
    try:
        sizes = [write_stream(large, 512, 1024),
                 write_stream(single, 131072, 1)]
        tables = [measure(path, args.rounds) for path in (large, single)]
    finally:
        if not args.keep:
            for path in (large, single):
                path.unlink(missing_ok=True)
    show("records of 1024 pages", sizes[0], tables[0])
    show("records of one page", sizes[1], tables[1])
    kept = [ratio("C, records of 1024 pages", tables[0], "C", 1.0),
            ratio("C, records of one page", tables[1], "C", 3.0),
            ratio("Python, records of 1024 pages", tables[0], "Python", 1.0),
            ratio("Python, records of one page", tables[1], "Python", 1.0)]
    (BUILD / "bench_verify.json").write_text(json.dumps(
        [{who: took._asdict() for who, took in table.items()}
         for table in tables], indent=1) + "\n")
    return 1 if False in kept else 0


if __name__ == "__main__":
    sys.exit(main())
