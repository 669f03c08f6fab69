# SPDX-License-Identifier: LGPL-2.1-only
"""How much of this machine's processors others took from us.

A virtual machine may get less than it asks for (steal time of /proc/stat):
then nothing that is timed here says anything.  What we ourselves run beside
a check doesn't count: that is no excuse.  Called by the harness.
"""
from __future__ import annotations

import threading
from pathlib import Path
from typing import List, Tuple

STAT = Path("/proc/stat")
# More than this and a check's limits mean nothing; a machine that is left
# alone has 0 to 2 %.
DISTURBED = 0.10
# What a check times is a matter of seconds, so it is the worst of them that
# counts, not the mean of the whole check.
EVERY_S = 0.5
WINDOW = 6
FEW = 100    # ticks: less than a second isn't a share of anything


def ticks(text: str) -> Tuple[int, int]:
    """Ticks that were stolen, and that were wanted: all but the idle ones.

    >>> ticks("cpu  70 1 9 800 20 0 0 20 0 0\\ncpu0 1 1 1 1\\n")
    (20, 100)
    """
    fields = [int(word) for word in text.splitlines()[0].split()[1:9]]
    return fields[7], sum(fields) - fields[3] - fields[4]


def worst(samples: List[Tuple[int, int]], window: int) -> float:
    """The largest share of any `window` steps, or of all if they are fewer.

    >>> worst([(0, 0), (0, 100), (50, 200), (50, 300), (50, 500)], 2)
    0.25
    >>> worst([(0, 0), (5, 10)], 2)
    0.05
    """
    if len(samples) < 2:
        return 0.0
    window = min(window, len(samples) - 1)
    shares = [(b[0] - a[0]) / max(FEW, b[1] - a[1])
              for a, b in zip(samples, samples[window:])]
    return max(shares)


class Withheld(threading.Thread):
    """The share of the wanted processor time that was withheld, at worst."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.samples = [ticks(STAT.read_text())]
        self.over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.over.wait(EVERY_S):
            self.samples.append(ticks(STAT.read_text()))

    def end(self) -> None:
        self.over.set()
        self.join()

    def share(self) -> float:
        """What it was until now; ends the watching."""
        self.end()
        self.samples.append(ticks(STAT.read_text()))
        return worst(self.samples, WINDOW)
