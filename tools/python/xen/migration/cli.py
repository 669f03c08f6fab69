# SPDX-License-Identifier: LGPL-2.1-only
"""The command line of the verifier.

It parses options, opens the input, chooses what is printed where, and
returns the exit code: 0 for a good stream, 1 for a bad one, 2 for everything
else. It knows no rule of a stream. The script `verify-stream-v2` calls it.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from typing import List, Optional, Union

from xen.migration import batch, report
from xen.migration.layer import AUTO, COLO, PLAIN, REMUS, Options
from xen.migration.public import LIBXC, LIBXL, XL, Source, StreamError
from xen.migration.report import PROGRAM, Output, SyslogOutput
from xen.migration.source import PipeSource, open_source
from xen.migration.stats import Statistics
from xen.migration.verify import Listener, Result, Verifier

GOOD, BAD, FAILED = 0, 1, 2

_EPILOG = """\
Exit codes: 0 the stream is good, 1 it is bad, 2 it could not be checked.
A regular file must not become shorter while it is checked."""


def _input(text: str) -> Union[int, str]:
    return int(text) if text.isascii() and text.isdigit() else text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, allow_abbrev=False, epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Checks a migration stream of version 2 or 3, plain, "
                    "Remus or COLO.")
    add = parser.add_argument
    add("-i", "--in", dest="input", metavar="FD|FILE", type=_input,
        help="read this descriptor or file (default: stdin)")
    add("-v", "--verbose", action="store_true", help="print every record")
    add("-q", "--quiet", action="store_true", help="print only errors")
    add("-f", "--format", choices=(AUTO, LIBXC, LIBXL, XL), default=AUTO,
        help="the outermost layer (default: by its first octets)")
    add("--syslog", action="store_true",
        help="log messages instead of printing them")
    add("--mode", choices=(AUTO, PLAIN, REMUS, COLO), default=AUTO,
        help="what the stream is known to be (default: let it settle that)")
    add("--complete", action="store_true",
        help="a checkpointed stream that was cut off is bad")
    add("--back-channel", action="store_true",
        help="the input comes from a secondary and goes to its primary")
    add("--json", action="store_true",
        help="print every header and record, and the result, as JSON")
    add("--stats", action="store_true",
        help="print statistics of records, pages and epochs")
    add("--live", action="store_true",
        help="write to stdout what is read, up to a fault; print to stderr")
    add("--batch", action="store_true",
        help="read names of files from stdin, `back NAME' for a back "
             "channel, and print one line for each")
    add("--batch-archive", metavar="FILE",
        help="print one line for each stream in an archive")
    return parser


def _usage_fault(args: argparse.Namespace) -> Optional[str]:
    """Return what is wrong with a combination of options."""
    if args.back_channel:
        if args.mode == PLAIN:
            return "a plain stream has no back channel"
        if args.format not in (AUTO, LIBXL):
            return "a back channel has no %s header" % args.format
    if args.batch or args.batch_archive is not None:
        if args.batch and args.batch_archive is not None:
            return "--batch and --batch-archive exclude each other"
        for option in ("input", "live", "json", "stats", "back_channel"):
            value = getattr(args, option)
            if value is not None and value is not False:
                return "a batch and --%s exclude each other" % (
                    option.replace("_", "-").replace("input", "in"))
    return None


def _output(args: argparse.Namespace) -> Output:
    if args.syslog:
        return SyslogOutput(args.quiet)
    return Output(args.quiet, args.live)


def _source(args: argparse.Namespace) -> Source:
    where = 0 if args.input is None else args.input
    if not args.live:
        return open_source(where)
    if isinstance(where, str):
        where = os.open(where, os.O_RDONLY)
    return PipeSource(where, out_fd=1)


def _check(args: argparse.Namespace, output: Output) -> int:
    """Check one stream, and print what was asked for."""
    listener: Optional[Listener] = None
    if args.json and not args.quiet:
        listener = report.JsonListener(output)
    elif args.verbose and not args.quiet:
        listener = report.TextListener(output)
    statistics = Statistics() if args.stats else None
    options = Options(args.format, args.mode, args.back_channel,
                      args.complete, handshake=args.live)
    source = _source(args)
    verifier = Verifier(source, options, listener, statistics)
    result: Optional[Result] = None
    error: Optional[StreamError] = None
    try:
        result = verifier.run()
    except StreamError as fault:
        error = fault
    if statistics is not None:
        _print_statistics(args, output, statistics, verifier, source.offset)
    if error is not None:
        if args.json:
            output.line(report.bad_json(error))
        output.error("%s: %s" % (PROGRAM, error))
        return BAD
    assert result is not None
    if args.json:
        output.line(report.good_json(result))
    elif not args.verbose:
        output.line(report.good_line(result))
        if result.note is not None:
            output.note(result.note)
        if result.empty:
            output.note(report.empty_note(result.empty))
    return GOOD


def _print_statistics(args: argparse.Namespace, output: Output,
                      statistics: Statistics, verifier: Verifier,
                      octets: int) -> None:
    state = verifier.state
    counts = octets, state.pages, state.holes
    if args.json:
        output.line(report.statistics_json(statistics, *counts))
    else:
        for line in report.statistics_lines(statistics, *counts):
            output.line(line)


def _run(args: argparse.Namespace, output: Output) -> int:
    if not args.batch and args.batch_archive is None:
        return _check(args, output)
    options = Options(args.format, args.mode, False, args.complete)
    if args.batch:
        # A file's name may be any octets.
        for stream in (sys.stdin, sys.stdout):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="surrogateescape")
        return batch.check_files(
            sys.stdin, options, output.line,
            lambda text: output.error("%s: %s" % (PROGRAM, text)))
    return batch.check_archive(args.batch_archive, options, output.line)


def _failure(failure: BaseException) -> str:
    """Return the line about something other than a fault of a stream."""
    if isinstance(failure, KeyboardInterrupt):
        return "interrupted"
    if isinstance(failure, batch.ArchiveError):
        return str(failure)
    if isinstance(failure, OSError):
        name = "%s: " % failure.filename if failure.filename else ""
        return name + (failure.strerror or str(failure))
    return "internal error: %s: %s" % (type(failure).__name__, failure)


def main(argv: Optional[List[str]] = None) -> int:
    """Run the verifier; return the exit code."""
    parser = _parser()
    args = parser.parse_args(argv)
    fault = _usage_fault(args)
    if fault is not None:
        parser.error(fault)
    output = Output()
    try:
        output = _output(args)
        code = _run(args, output)
        sys.stdout.flush()
        return code
    except BrokenPipeError as failure:
        if args.live:
            output.error("%s: stdout: %s" % (PROGRAM, failure.strerror))
        # Who read the output has gone: there is nobody to tell, and the
        # interpreter shouldn't try again when it flushes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (Exception, KeyboardInterrupt) as failure:
        output.error("%s: %s" % (PROGRAM, _failure(failure)))
        if args.verbose:
            traceback.print_exc()
        return FAILED
