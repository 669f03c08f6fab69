# SPDX-License-Identifier: LGPL-2.1-only
"""Where one copy of the lab keeps what belongs to it.

Every name that leaves the folder (network namespace, socket folder) derives
from its path, so that copies don't meet and `down` finds everything even
when the record was lost.  Called by every other module.
"""
from __future__ import annotations

import fcntl
import hashlib
import json
import os
import select
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

from .errors import LabError

LAB = Path(__file__).resolve().parent.parent
ROOT = LAB.parent.parent.parent
BUILD = ROOT / "build" / "lab"
IMAGES = BUILD / "images"
DEATH_S = 15


def default_run() -> Path:
    tag = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
    return Path(os.environ.get("LAB_RUN") or BUILD / ("run-" + tag))


class RunDir:
    """Paths and small JSON records of one lab."""

    def __init__(self, path: Optional[Path] = None) -> None:
        self.path = Path(os.path.abspath(path or default_run()))
        self.id = hashlib.sha256(str(self.path).encode()).hexdigest()[:8]
        self.namespace = "xlab-" + self.id
        self.sockets = Path("/tmp/xlab-" + self.id)
        self.share = self.path / "share"

    def exists(self) -> bool:
        return (self.path / "state.json").exists()

    def load(self, name: str) -> Dict[str, Any]:
        try:
            return json.loads((self.path / (name + ".json")).read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def save(self, name: str, value: Dict[str, Any]) -> None:
        target = self.path / (name + ".json")
        fresh = self.path / (".%s.%d" % (name, os.getpid()))
        fresh.write_text(json.dumps(value, indent=1) + "\n")
        fresh.rename(target)

    def forget(self, name: str) -> None:
        (self.path / (name + ".json")).unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One command at a time changes a lab."""
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.path / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def start_time(pid: int) -> Optional[int]:
    """When the process started, in ticks; None if it is gone or a zombie."""
    try:
        text = Path("/proc/%d/stat" % pid).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def record(pid: int) -> Dict[str, Any]:
    """What to save about a process of ours, to know it again later."""
    return {"pid": pid, "start": start_time(pid)}


def is_ours(entry: Dict[str, Any]) -> bool:
    """True while the recorded process lives: same pid, same start."""
    pid = entry.get("pid")
    if not pid:
        return False
    started = start_time(pid)
    return started is not None and started == entry.get("start")


def end_process(entry: Dict[str, Any]) -> None:
    """Kills a recorded process and returns once all of it is dead."""
    if not entry.get("pid"):
        return
    try:
        handle = os.pidfd_open(entry["pid"])
    except OSError:
        return
    try:
        if is_ours(entry):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            if not select.select([handle], [], [], DEATH_S)[0]:
                raise LabError("process %d doesn't die" % entry["pid"])
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)
    reap(entry["pid"])


def reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def end_all(pids: List[int]) -> None:
    for pid in pids:
        if pid != os.getpid():
            end_process(record(pid))
