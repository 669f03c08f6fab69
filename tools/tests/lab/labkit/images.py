# SPDX-License-Identifier: LGPL-2.1-only
"""Builds what the hosts and guests boot from, once, into build/lab/images.

The folder's name is a hash of everything that goes in, so a changed script
or an upgraded kernel makes new images.  Never starts a host.  Called by
lab.py.
"""
from __future__ import annotations

import fcntl
import glob
import gzip
import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import List

from . import kernel as kern
from .cpio import Tree, run
from .errors import LabError

LAB = Path(__file__).resolve().parent.parent
FORMAT = "1"
KEEP = 3  # image folders beyond these are removed after a day
DAY_S = 86400

EARLY = ["xen-evtchn", "xen-privcmd", "xenfs", "xen-gntdev", "xen-gntalloc",
         "virtio_pci", "virtio_net", "e1000", "bridge", "9p", "9pnet_virtio"]
LATE = ["xen-netback", "xen-blkback", "tun", "loop", "sch_plug", "sch_netem",
        "ifb", "act_mirred", "act_gact", "veth", "cls_matchall", "cls_u32",
        "sch_ingress", "sch_prio", "nbd", "virtio_blk"]
GUEST = ["xen-netfront", "e1000", "xen-gntalloc"]

XEN_PROGRAMS = ["xl", "libxl-save-helper", "xenconsole", "xenconsoled",
                "xenstored", "xen-init-dom0", "xenctx", "xen-hvmctx",
                "xen-diag"]
PROGRAMS = ["/usr/sbin/ip", "/usr/sbin/tc", "/usr/sbin/bridge",
            "/usr/bin/bash", "/usr/bin/dash", "/usr/bin/socat",
            "/usr/bin/strace", "/usr/bin/kmod"]
LIBRARIES = ["libxenctrl.so.4*", "libxenguest.so.4*",
             "libxenforeignmemory.so.1", "libxenlight.so.4*",
             "libxlutil.so.4*", "libxenstore.so.4", "libxentoollog.so.1",
             "libxendevicemodel.so.1", "libxenevtchn.so.1",
             "libxengnttab.so.1", "libxencall.so.1", "libyajl.so.2",
             "libev.so.4", "libnl-3.so.200", "libnl-route-3.so.200",
             "libgcc_s.so.1", "libm.so.6", "libpthread.so.0"]
DEVICE_MODEL = "/usr/libexec/xen-qemu-system-i386"
MODEL_DATA = ["/usr/share/seabios/*.bin", "/usr/share/qemu/*boot*.bin",
              "/usr/share/qemu/kvmvapic.bin", "/usr/share/qemu/pvh.bin",
              "/usr/share/qemu/keymaps/en-us",
              "/usr/lib/ipxe/qemu/efi-e1000.rom"]
XL_CONF = 'autoballoon="0"\nlockfile="/run/lock/xl"\n'
HOSTS = ("127.0.0.1 localhost\n198.51.100.11 a\n198.51.100.12 b\n"
         "192.0.2.1 client\n192.0.2.11 a-client\n192.0.2.12 b-client\n")


def _sources() -> List[Path]:
    files = [LAB / "labkit" / n for n in ("images.py", "cpio.py",
                                          "kernel.py")]
    for folder in ("dom0", "guest"):
        files += sorted(p for p in (LAB / folder).iterdir() if p.is_file())
    return files


def _inputs() -> List[str]:
    """Files of Debian's whose change has to make new images."""
    tools = kern.find_xen_tools()
    kernel = kern.find_kernel()
    version = kern.kernel_version(kernel)
    found = [str(kernel), str(kern.find_xen()), DEVICE_MODEL,
             "/usr/bin/busybox", "/lib/modules/%s/modules.dep" % version]
    found += glob.glob(str(tools / "bin" / "*"))
    found += [p for pattern in LIBRARIES
              for p in glob.glob("/usr/lib/x86_64-linux-gnu/" + pattern)]
    return sorted(found)


def key() -> str:
    digest = hashlib.sha256(FORMAT.encode())
    for path in _sources():
        digest.update(path.name.encode() + path.read_bytes())
    for name in _inputs():
        if os.path.exists(name):
            s = os.stat(name)
            digest.update(("%s %d %d" % (name, s.st_size,
                                         int(s.st_mtime))).encode())
    return digest.hexdigest()[:16]


def ensure(images: Path, say=lambda text: None) -> Path:
    """The folder with the images of now, built when it isn't there yet."""
    images.mkdir(parents=True, exist_ok=True)
    with open(images / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = images / key()
        if not done.is_dir():
            say("building images in %s" % done)
            work = Path(tempfile.mkdtemp(prefix="new-", dir=images))
            try:
                _build(work)
                os.chmod(work, 0o755)
                work.rename(done)
            finally:
                shutil.rmtree(work, ignore_errors=True)
        os.utime(done)
        _prune(images)
    return done


def _prune(images: Path) -> None:
    """Keeps the newest folders; a lab may still run from a younger one."""
    folders = sorted((p for p in images.iterdir() if p.is_dir()),
                     key=lambda p: p.stat().st_mtime, reverse=True)
    for old in folders[KEEP:]:
        if time.time() - old.stat().st_mtime > DAY_S:
            shutil.rmtree(old, ignore_errors=True)


def _build(out: Path) -> None:
    kernel = kern.find_kernel()
    with gzip.open(kern.find_xen()) as packed:
        (out / "xen").write_bytes(packed.read())
    shutil.copyfile(kernel, out / "vmlinuz")
    image = kern.extract_elf(kernel)
    (out / "vmlinux").write_bytes(image or kernel.read_bytes())
    _compile(out)
    with open(out / "dom0.cpio", "wb") as f:
        _dom0_tree(out, kern.kernel_version(kernel)).write(f)
    with open(out / "guest.cpio", "wb") as f:
        _guest_tree(out, kern.kernel_version(kernel)).write(f)
    # An HVM guest's BIOS reads it octet by octet: the fewer the better.
    (out / "guest.cpio.gz").write_bytes(
        gzip.compress((out / "guest.cpio").read_bytes(), mtime=0))


def _compile(out: Path) -> None:
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]
    for name in ("agent", "connectd", "connect", "fence"):
        run("gcc", *flags, "-o", str(out / name),
            str(LAB / "dom0" / (name + ".c")))
    for name in ("ackd", "probe"):
        run("gcc", *flags, "-static", "-o", str(out / name),
            str(LAB / "guest" / (name + ".c")), str(LAB / "guest/line.c"))
    for name in ("agent", "connectd", "connect", "fence", "ackd", "probe"):
        run("strip", str(out / name))


def _applets(tree: Tree, folder: str) -> None:
    """busybox and a link for each applet that no real program provides."""
    tree.file("/usr/bin/busybox", folder + "/busybox", 0o755)
    for name in run("busybox", "--list").split():
        taken = any(tree.merged(d + name) in tree.nodes for d in
                    ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"))
        if not taken:
            tree.link("%s/%s" % (folder, name), "busybox")


def _modules(tree: Tree, out: Path, version: str) -> None:
    """The module tree with depmod's tables, so that modprobe works."""
    stage = out / "stage"
    source = Path("/lib/modules") / version
    target = stage / "lib/modules" / version
    for name in kern.module_files(version, EARLY + LATE):
        copy = target / os.path.relpath(os.path.realpath(name),
                                        os.path.realpath(source))
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(name, copy)
    for name in ("modules.builtin", "modules.order",
                 "modules.builtin.modinfo"):
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)
    run("depmod", "-b", str(stage), version)
    for path in sorted(target.rglob("*")):
        if path.is_file():
            name = "/usr/lib/modules/%s/%s" % (version,
                                               path.relative_to(target))
            tree.text(name, "")
            tree.nodes[name] = (0o100644, path.read_bytes())
    shutil.rmtree(stage)


def _dom0_tree(out: Path, version: str) -> Tree:
    tree = Tree()
    tools = kern.find_xen_tools()
    for path in ("/proc", "/sys", "/run", "/var/lib/xen", "/var/log/xen",
                 "/var/lib/xenstored", "/root", "/mnt", "/usr/local/sbin",
                 "/var/run/xen"):
        tree.directory(path)
    del tree.nodes["/var/run/xen"], tree.nodes["/var/run"]
    tree.link("/var/run", "../run")
    tree.link("/var/lock", "../run/lock")
    tree.directory("/tmp", 0o1777)
    for name in XEN_PROGRAMS:
        tree.program(tools / "bin" / name)
    for name in ("xl", "xenstored", "xenconsoled", "xen-init-dom0"):
        tree.link("/usr/sbin/" + name, "../lib/%s/bin/%s" % (tools.name,
                                                           name))
    for name in glob.glob("/usr/bin/xenstore*"):
        tree.program(name)
    for name in PROGRAMS:
        tree.program(name)
    tree.link("/usr/bin/sh", "dash")
    for name in ("modprobe", "insmod", "lsmod", "rmmod", "modinfo"):
        tree.link("/usr/sbin/" + name, "../bin/kmod")
    for pattern in LIBRARIES:
        pattern = "/usr/lib/x86_64-linux-gnu/" + pattern
        tree.files(pattern)
        tree.libraries(glob.glob(pattern))
    tree.files("/etc/xen/scripts/*")
    tree.program(DEVICE_MODEL)
    tree.files(str(tools / "boot/hvmloader"))
    for pattern in MODEL_DATA:
        tree.files(pattern)
    _modules(tree, out, version)
    _applets(tree, "/usr/bin")
    tree.text("/etc/xen/xl.conf", XL_CONF)
    tree.text("/etc/hosts", HOSTS)
    tree.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    tree.text("/etc/group", "root:x:0:\n")
    tree.text("/etc/nsswitch.conf", "hosts: files\n")
    tree.text("/etc/lab/modules.early", "\n".join(EARLY) + "\n")
    tree.text("/etc/lab/modules.late", "\n".join(LATE) + "\n")
    tree.file(LAB / "dom0/init", "/init", 0o755)
    tree.file(LAB / "dom0/xl", "/usr/local/sbin/xl", 0o755)
    for name, place in (("agent", "lab-agent"), ("connectd", "lab-connectd"),
                        ("connect", "lab-connect"), ("fence", "lab-fence")):
        tree.file(out / name, "/usr/sbin/" + place, 0o755)
    return tree


def _guest_tree(out: Path, version: str) -> Tree:
    tree = Tree()
    for path in ("/proc", "/sys", "/root", "/tmp", "/dev"):
        tree.directory(path)
    files = kern.module_files(version, GUEST)
    for name in files:
        tree.file(name, "/modules/" + os.path.basename(name))
    tree.text("/modules.list",
              "".join(os.path.basename(name) + "\n" for name in files))
    _applets(tree, "/usr/bin")
    # What the kernel runs when Xen asks it to power off.
    tree.directory("/usr/sbin")
    tree.link("/sbin", "usr/sbin")
    tree.text("/usr/sbin/poweroff",
              "#!/bin/busybox sh\nexec /bin/busybox poweroff -f\n", 0o755)
    tree.file(LAB / "guest/init", "/init", 0o755)
    tree.file(out / "ackd", "/ackd", 0o755)
    tree.file(out / "probe", "/probe", 0o755)
    return tree


def missing_tools() -> List[str]:
    """Programs of the outer machine that the lab can't do without."""
    needed = ["qemu-system-x86_64", "ip", "gcc", "strip", "modprobe",
              "depmod", "busybox", "ldd"]
    return [name for name in needed if not shutil.which(name)]


def check_tools() -> None:
    missing = missing_tools()
    if missing:
        raise LabError("missing here: %s; install the packages listed in "
                       "tools/packages" % " ".join(missing))
