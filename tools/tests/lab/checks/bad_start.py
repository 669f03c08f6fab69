# SPDX-License-Identifier: LGPL-2.1-only
"""Protections that can't begin: one clear line, exit 1, the guest runs on.

Called through the harness.
"""
from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Sequence

from .harness import check, expect
from .stage import STOCK

DISK, LOOP = "/root/disk", "/dev/loop0"
# Xen's own wants more programs than dom0 has here. The loop device is 7:0.
DISK_SCRIPT = """#!/bin/sh
[ "$1" = add ] || exit 0
xenstore-write "$XENBUS_PATH/physical-device" 7:0 \\
    "$XENBUS_PATH/hotplug-status" connected
"""
USER = "nobody:x:65534:65534::/:/bin/sh"
NOBODY = ("start-stop-daemon", "-S", "-c", "nobody", "-x",
          "/usr/local/sbin/xl", "--")


def refused(stage: Any, argv: Sequence[str], *wanted: str,
            env: Optional[Dict[str, str]] = None, host: str = "",
            prefix: str = "xl remus: ") -> str:
    """The line of the error: the only one of this xl's own, exit 1."""
    done = stage.sh(host or stage.src, *argv, env=env)
    lines = done.err.decode(errors="replace").strip().splitlines()
    own = [t for t in lines if t.startswith(prefix) and "warning" not in t]
    text = " | ".join(lines) or "nothing"
    expect(done.status == 1, "it ended with %d and said %s", done.status,
           text)
    expect(len(own) == 1, "not one line of error: %s", text)
    for word in wanted:
        expect(re.search(word, own[0], re.I), "the error doesn't say '%s': "
               "%s", word, own[0])
    return own[0]


def remus(*rest: str, ssh: str = "lab-connect") -> List[str]:
    return ["xl", "remus", "-i", "100", "-s", ssh] + list(rest)


def unharmed(stage: Any, guest: Any, writer: Any) -> None:
    """Still here, here only, and its output flows."""
    stage.flows(writer)
    stage.only_on(guest, stage.src)
    stage.proven(writer)


@check()
def bad_domain(stage: Any) -> str:
    """An unknown domain"""
    stage.guest("pvh")
    return refused(stage, remus("no-such-one", stage.dst), "no-such-one")


@check()
def bad_receiver(stage: Any) -> str:
    """A host without a receiver: connection refused"""
    guest = stage.guest("pvh")
    writer = stage.writer(guest)
    line = refused(stage, remus(guest.name, "client"), "client")
    unharmed(stage, guest, writer)
    return line


@check()
def bad_banner(stage: Any) -> str:
    """Something else answers than a receiver"""
    guest = stage.guest("pvh")
    writer = stage.writer(guest)
    liar = stage.lab.run.share / "liar"
    liar.write_text("#!/bin/sh\necho 'Welcome to our host!'\nexec cat\n")
    liar.chmod(0o755)
    line = refused(stage, remus(guest.name, stage.dst, ssh="/host/liar"),
                   "Welcome")
    refused(stage, remus(guest.name, stage.dst, ssh="echo hello;:"))
    unharmed(stage, guest, writer)
    return line


@check()
def bad_privilege(stage: Any) -> str:
    """Not root"""
    guest = stage.guest("pvh")
    stage.sh(stage.src, "xl", "colo-status")   # now nobody finds it, too
    stage.sh(stage.src, "sh", "-c", "grep -q ^nobody: /etc/passwd || echo "
             "\"$1\" >>/etc/passwd", "sh", USER)
    line = refused(stage, [*NOBODY, "remus", "-s", "lab-connect", guest.name,
                           stage.dst], "privilege|root")
    refused(stage, [*NOBODY, "migrate-receive", "-r"], "privilege|root",
            prefix="xl migrate-receive: ")
    stage.only_on(guest, stage.src)
    return line


@check()
def bad_staging(stage: Any) -> str:
    """Memory for staging that dom0 hasn't: it says how much"""
    guest = stage.guest("pvh")
    writer = stage.writer(guest)
    line = refused(stage, remus("--staging-mb", "100000", guest.name,
                                stage.dst), "100000 MiB", r"has \d+ MiB")
    unharmed(stage, guest, writer)
    return line


@check()
def bad_second(stage: Any) -> str:
    """A second protection of the same domain; the first goes on"""
    guest = stage.guest("pvh")
    writer = stage.writer(guest)
    p = stage.protect(guest)
    line = refused(stage, remus(guest.name, stage.dst), "already")
    p.wait_epochs(5, stage.s(30))
    stage.flows(writer)
    p.signal()
    expect(p.wait_end(stage.s(15)) == 0, "the first ended with %s", p.status)
    unharmed(stage, guest, writer)
    return line


@check()
def bad_disk(stage: Any) -> str:
    """A writable disk that isn't declared shared: refused by its name"""
    guest = stage.guest("pvh")
    writer = stage.writer(guest)
    script = stage.lab.run.share / "disk-script"
    script.write_text(DISK_SCRIPT)
    script.chmod(0o755)
    for argv in (("dd", "if=/dev/zero", "of=" + DISK, "bs=1M", "count=1"),
                 ("losetup", LOOP, DISK),
                 (STOCK, "block-attach", guest.name, "format=raw,vdev=xvdb,"
                  "access=rw,script=/host/disk-script,target=" + DISK)):
        done = stage.sh(stage.src, *argv)
        expect(done.status == 0, "%s: %s", argv[0],
               done.err.decode().strip())
    line = refused(stage, remus(guest.name, stage.dst), "disk", "xvdb")
    unharmed(stage, guest, writer)
    # The guest has no driver that would let go of it.
    stage.current = None
    stage.empty(stage.src)
    stage.sh(stage.src, "losetup", "-d", LOOP)
    stage.sh(stage.src, "rm", "-f", DISK)
    return line
