# SPDX-License-Identifier: LGPL-2.1-only
"""The script: options, what it prints where, and exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from typing import Any, Dict, List, Optional, Tuple

import streams
from streams import build, build_back, with_optional, xc, xl

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      os.pardir, os.pardir, "python", "verify-stream-v2")


def run(*args: str, octets: bytes = b"", cwd: Optional[str] = None,
        script: str = SCRIPT) -> Tuple[int, str, str]:
    """Run the script; return its exit code, stdout and stderr."""
    done = subprocess.run([sys.executable, script, *args], input=octets,
                          capture_output=True, timeout=60, cwd=cwd)
    return (done.returncode, done.stdout.decode("latin-1"),
            done.stderr.decode("latin-1"))


class WithFile(unittest.TestCase):
    """Has a directory for files."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name: str, octets: bytes) -> str:
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(octets)
        return path


class Results(WithFile):
    """Good and bad streams."""

    def test_good(self) -> None:
        octets = bytes(build())
        path = self.file("stream", octets)
        line = "good: xl stream, x86 HVM, plain, 10 pages, %d bytes\n" % (
            len(octets))
        for args, given in (((), octets), (("-i", "0"), octets),
                            (("-i", path), b""), (("--in", path), b""),
                            (("-f", "xl", "--mode", "plain"), octets)):
            with self.subTest(args):
                self.assertEqual(run(*args, octets=given), (0, line, ""))
        self.assertEqual(run("-q", octets=octets), (0, "", ""))

    def test_good_kinds(self) -> None:
        note = "note: cut off right after a complete checkpoint\n"
        empty = build()
        empty.replace("HVM_PARAMS", xc("HVM_PARAMS", streams.params()))
        for octets, args, line, more in (
                (build("remus", streams.PV, outer="libxl"), (),
                 "good: libxl stream, x86 PV, Remus, 3 epochs, 30 pages",
                 note),
                (build("colo"), (),
                 "good: xl stream, x86 HVM, COLO, 3 epochs, 30 pages", note),
                (build("remus", epochs=1), (),
                 "good: xl stream, x86 HVM, Remus or COLO, 1 epoch, "
                 "10 pages", note),
                (build("remus", outer="libxc"), (),
                 "good: libxc stream, x86 HVM, Remus or COLO, 3 epochs, "
                 "30 pages", note),
                (empty, (), "good: xl stream, x86 HVM, plain, 10 pages",
                 "note: 1 record without content, as Xen 4.6 to 4.8 could "
                 "write them\n"),
                (build_back("colo"), ("--back-channel",),
                 "good: back channel, COLO, 3 epochs", ""),
                (build_back(epochs=0), ("--back-channel",),
                 "good: back channel, Remus or COLO, 0 epochs", "")):
            with self.subTest(line):
                self.assertEqual(
                    run(*args, octets=bytes(octets)),
                    (0, "%s, %d bytes\n" % (line, len(bytes(octets))), more))

    def test_bad(self) -> None:
        stream = build()
        where = stream.replace("PAGE_DATA", xc("PAGE_DATA", b"", length=12))
        self.assertEqual(run(octets=bytes(stream)), (
            1, "", "verify-stream-v2: offset %d: libxc record 4 type 0x1 "
            "(PAGE_DATA): broken rule: body_length is one that the record "
            "may have; it is 12 here [libxc-length, see libxc: Records]\n"
            % where[0]))
        self.assertEqual(run("-q", octets=b"x" * 48), (
            1, "", "verify-stream-v2: offset 0: xl: broken rule: the stream "
            "begins with xl's magic [xl-magic, see xl: Header]\n"))
        stream = build()
        where = stream.after("X86_TSC_INFO", xc("x", type=0x77))
        self.assertIn("record 11 type 0x77 (unknown): broken",
                      run(octets=bytes(stream))[2])

    def test_syslog(self) -> None:
        """Nothing is printed; the exit code tells."""
        for args in ((), ("-v",), ("--json", "--stats"), ("-q",)):
            self.assertEqual(
                run("--syslog", *args, octets=bytes(build("remus"))),
                (0, "", ""))
            self.assertEqual(run("--syslog", *args, octets=b"x" * 48),
                             (1, "", ""))

    def test_complete(self) -> None:
        code, out, err = run("--complete", octets=bytes(build("remus")))
        self.assertEqual((code, out), (1, ""))
        self.assertIn("[stream-incomplete, see libxl: Legal sequences]", err)

    def test_pipe_and_large_file(self) -> None:
        """Both are more than what is read at once."""
        stream = build()
        stream.before("X86_TSC_INFO", *(
            xc("PAGE_DATA", streams.pages(pfn)) for pfn in range(2000)))
        octets = bytes(stream)
        path = self.file("large", octets)
        expected = run(octets=octets)
        self.assertIn("2010 pages", expected[1])
        self.assertEqual(run("-i", path), expected)
        with open(path, "rb") as file:
            done = subprocess.run([sys.executable, SCRIPT], stdin=file,
                                  capture_output=True, timeout=60)
        self.assertEqual(done.stdout.decode(), expected[1])


class Listings(WithFile):
    """-v, --json and --stats."""

    def test_verbose(self) -> None:
        stream = build("colo", epochs=2)
        code, out, err = run("-v", octets=bytes(stream))
        lines = out.splitlines()
        records = [i for i, part in enumerate(stream.parts)
                   if part.type is not None]
        self.assertEqual((code, err, len(lines)), (0, "", len(records)))
        for line, index in zip(lines, records):
            offset, layer, number, kind = stream.where(index)
            self.assertTrue(line.startswith(
                "offset %d: %s record %d type 0x%x (%s), length " % (
                    offset, layer, number, kind or 0,
                    stream.parts[index].name)), line)
        self.assertIn(", length 4, NEW\n", out)
        self.assertIn("(PAGE_DATA), length 4112, count 1\n", out)

    def objects(self, *args: str,
                octets: bytes) -> Tuple[int, List[Dict[str, Any]]]:
        code, out, _err = run("--json", *args, octets=octets)
        return code, [json.loads(line) for line in out.splitlines()]

    def test_json(self) -> None:
        stream = with_optional(build("colo", epochs=2))
        code, found = self.objects(octets=bytes(stream))
        self.assertEqual(code, 0)
        last = found.pop()
        self.assertEqual(
            (last["result"], last["note"], last["mode"], last["epochs"]),
            ("good", "cut off right after a complete checkpoint", "colo", 2))
        data = found.pop(1)
        self.assertEqual((data["name"], data["config_len"]),
                         ("optional data", len(streams.CONFIG)))
        self.assertEqual(len(found), len(stream.parts))
        for index, told in enumerate(found):
            self.assertEqual(
                (told["offset"], told["layer"], told["record"],
                 told["type"]), stream.where(index))
        by_name = {told["name"]: told for told in found}
        self.assertEqual(by_name["headers"]["guest_type"], 2)
        self.assertEqual(by_name["PAGE_DATA"]["count"], 2)
        self.assertEqual(by_name["CHECKPOINT_STATE"]["state"], "NEW")
        self.assertEqual(by_name["CHECKPOINT_STATE"]["control_id"], 0)
        self.assertEqual(by_name["PEER_INFO"]["peer_name"], "alpha")
        self.assertEqual(by_name["HELLO"]["generation"], 3)
        self.assertEqual(by_name["HELLO"]["features"], 1 << 31)
        self.assertEqual(by_name["X86_TSC_INFO"]["khz"], 2400000)

    def test_json_bad(self) -> None:
        stream = build()
        where = stream.replace("X86_TSC_INFO",
                               xc("X86_TSC_INFO", streams.tsc(1)))
        code, found = self.objects(octets=bytes(stream))
        self.assertEqual(code, 1)
        self.assertEqual(found[-1], {"result": "bad", "error": {
            "offset": where[0], "layer": "libxc", "record": where[2],
            "type": 8, "name": "X86_TSC_INFO",
            "rule": "libxc-tsc-info-reserved",
            "section": "libxc: X86_TSC_INFO",
            "text": "the last word is zero"}})
        code, found = self.objects(octets=b"x" * 48)
        self.assertEqual(found, [{"result": "bad", "error": {
            "offset": 0, "layer": "xl", "record": 0, "type": None,
            "name": None, "rule": "xl-magic", "section": "xl: Header",
            "text": "the stream begins with xl's magic"}}])

    def test_statistics(self) -> None:
        stream = build("remus", epochs=50)
        octets = bytes(stream)
        code, out, _err = run("--stats", octets=octets)
        lines = [line.split() for line in out.splitlines()]
        self.assertEqual(code, 0)
        self.assertIn(["libxc", "0x1", "PAGE_DATA", "300"], lines)
        self.assertIn("pages: 500, 350 with data, 150 without", out)
        self.assertIn("epochs: 50", out)
        self.assertEqual(
            [line[0] for line in lines if len(line) == 3
             and line[0].isdigit()],
            [str(n) for n in (*range(1, 11), *range(41, 51))])
        self.assertIn(["...", ], lines)
        later = str(stream.offset(stream.find("CHECKPOINT_END", 1))
                    - stream.offset(stream.find("CHECKPOINT_END")))
        self.assertIn(["minimum", "10", later], lines)
        self.assertIn(["median", "10", later], lines)
        self.assertIn(["16384", "to", "32767", "50"], lines)
        code, found = self.objects("--stats", octets=octets)
        told = found[-2]["statistics"]
        self.assertEqual(told["octets"], len(octets))
        self.assertEqual(told["epoch_sizes"],
                         [{"from": 16384, "epochs": 50}])
        self.assertEqual(found[-1]["result"], "good")

    def test_statistics_of_plain(self) -> None:
        code, out, _err = run("--stats", octets=bytes(with_optional(build())))
        self.assertIn("epochs: 0", out)
        self.assertIn("unknown", out)


class Failures(WithFile):
    """What isn't the fault of a stream has exit code 2."""

    def test_usage(self) -> None:
        for args in (("--no-such-option",), ("-f", "qemu"), ("--mode", "x"),
                     ("surplus",), ("--batch", "--live"),
                     ("--back-channel", "--mode", "plain"),
                     ("--back-channel", "-f", "xl"),
                     ("--batch", "--batch-archive", "x"),
                     ("--batch", "-i", "0")):
            with self.subTest(args):
                code, out, err = run(*args)
                self.assertEqual((code, out), (2, ""))
                self.assertIn("verify-stream-v2: error: ", err)
        self.assertEqual(run("-h")[0], 0)

    def test_input(self) -> None:
        for name, reason in (("nothing", "No such file or directory"),
                             ("", "Is a directory")):
            path = os.path.join(self.folder, name)
            code, out, err = run("-i", path)
            self.assertEqual((code, out), (2, ""))
            self.assertEqual(len(err.splitlines()), 1)
            self.assertIn(reason, err)
        self.assertEqual(run("-i", "77"), (
            2, "", "verify-stream-v2: Bad file descriptor\n"))

    def test_stdout_is_gone(self) -> None:
        """A reader of the listing that ends is no reason for a traceback."""
        read_fd, write_fd = os.pipe()
        os.close(read_fd)
        for option in ("-v", "--live"):
            done = subprocess.run(
                [sys.executable, SCRIPT, option], input=bytes(build()),
                stdout=write_fd, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual(done.returncode, 2)
            self.assertNotIn(b"Traceback", done.stderr)
        os.close(write_fd)

    def test_interrupt(self) -> None:
        """And what is there is passed on before more is waited for."""
        octets = bytes(build())[:1000]
        with subprocess.Popen(
                [sys.executable, SCRIPT, "--live"], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdin and process.stdout and process.stderr
            process.stdin.write(octets)
            process.stdin.flush()
            self.assertTrue(process.stdout.read(len(octets)) == octets)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(60), 2)
            self.assertEqual(process.stderr.read(),
                             b"verify-stream-v2: interrupted\n")

    def test_installed_package_is_not_hidden(self) -> None:
        """Modules of another `xen` package can be imported as well."""
        os.makedirs(os.path.join(self.folder, "xen", "migration"))
        for name in ("xen/__init__.py", "xen/lowlevel.py",
                     "xen/migration/__init__.py", "xen/migration/legacy.py"):
            self.file(name, b"")
        code = ("import sys; sys.path[:0] = %r; import xen.lowlevel, "
                "xen.migration.legacy, xen.migration.verify as v; "
                "print(v.Verifier.__name__)" % (
                    [os.path.dirname(SCRIPT), self.folder],))
        done = subprocess.run([sys.executable, "-c", code],
                              capture_output=True, timeout=60)
        self.assertEqual(done.stdout.strip(), b"Verifier", done.stderr)


class LiveScript(WithFile):
    """--live writes the stream to stdout, and reports to stderr."""

    def test_good(self) -> None:
        octets = bytes(build())
        done = subprocess.run(
            [sys.executable, SCRIPT, "--live", "-v"], input=octets,
            capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0)
        self.assertTrue(done.stdout == octets)
        self.assertIn(b"(PAGE_DATA)", done.stderr)

    def test_bad(self) -> None:
        stream = build()
        where = stream.after("X86_TSC_INFO", xl("x", type=0x40))
        done = subprocess.run(
            [sys.executable, SCRIPT, "--live"], input=bytes(stream),
            capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout == bytes(stream)[:where[0]])
        self.assertIn(b"[libxc-type-unknown, ", done.stderr)


if __name__ == "__main__":
    unittest.main()
