# SPDX-License-Identifier: LGPL-2.1-only
"""Guests that start from a saved state instead of booting.

Under TCG a PVH guest boots in 20 s, an HVM one in 90.  The first warm start
of a (type, memory, address) boots it, saves it with the stock xl next to the
images, and every start from then on is a stock `xl restore`.  Such a guest
has the boot id of the one that was saved, and Xen may emulate its TSC, so it
isn't for measuring.  Called by guests.py.
"""
from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

XL = "/usr/sbin/xl"
LIMIT_S = 240


def place(source: Path, target: Path) -> None:
    """The same file under another name: a link, or a copy elsewhere."""
    fresh = target.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    try:
        os.link(source, fresh)
    except OSError:
        shutil.copyfile(source, fresh)
    fresh.rename(target)


def saved_state(lab: Any, kind: str, memory: int, address: str) -> Path:
    folder = Path(os.path.realpath(lab.run.path / "images")) / "warm"
    folder.mkdir(exist_ok=True)
    return folder / ("%s-%d-%s.save" % (kind, memory, address))


def keep(lab: Any, host: str, name: str, target: Path) -> None:
    """Saves the running guest, which goes on, as `target`.

    By way of a tmpfs: a foreign mapping can't be written into 9p.
    """
    shared = lab.run.share / ("%s.save" % name)
    lab.sh(host, "sh", "-c", '"$1" save -c "$2" /tmp/warm.save && '
           'cp /tmp/warm.save "/host/$2.save"; s=$?; rm -f /tmp/warm.save; '
           'exit $s', "keep", XL, name, check=True, timeout=LIMIT_S)
    place(shared, target)
    shared.unlink()


def restore(lab: Any, host: str, name: str, source: Path) -> None:
    """Starts guest `name`, whose configuration is in the share already."""
    shared = lab.run.share / source.name
    if not shared.exists():
        place(source, shared)
    lab.sh(host, XL, "restore", "/host/%s.cfg" % name,
           "/host/" + source.name, check=True, timeout=LIMIT_S)
