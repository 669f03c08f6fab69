# SPDX-License-Identifier: LGPL-2.1-only
"""What the verifier prints: records, faults, results and statistics.

`Output` knows where a line goes; everything else here makes lines of what
`verify` found out. Nothing here reads a stream or sets an exit code. The
command line, `cli`, is the only caller.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List

from xen.migration.layer import COLO, PLAIN, REMUS, Details
from xen.migration.public import (
    CHECKPOINT_STATE, GUEST_NAMES, LIBXC, LIBXL, PAGE_DATA, StreamError,
    type_name,
)
from xen.migration.stats import UNKNOWN, Range, Statistics
from xen.migration.verify import Listener, Result

PROGRAM = "verify-stream-v2"

_MODE_NAMES = {PLAIN: "plain", REMUS: "Remus", COLO: "COLO"}


class Output:
    """Lines for stdout and stderr, or for the system log."""

    def __init__(self, only_errors: bool = False,
                 to_stderr: bool = False) -> None:
        self._only_errors = only_errors
        self._to_stderr = to_stderr

    def line(self, text: str) -> None:
        """Print a report."""
        if not self._only_errors:
            print(text, file=sys.stderr if self._to_stderr else sys.stdout)

    def note(self, text: str) -> None:
        """Print what is worth knowing and no fault."""
        if not self._only_errors:
            self.error("note: " + text)

    def error(self, text: str) -> None:
        """Print a message."""
        sys.stdout.flush()
        print(text, file=sys.stderr, flush=True)


class SyslogOutput(Output):
    """All lines go to the system log."""

    def __init__(self, only_errors: bool = False) -> None:
        super().__init__(only_errors)
        # Not every platform has it.
        import syslog
        self._log = syslog.syslog
        self._priorities = syslog.LOG_INFO, syslog.LOG_NOTICE, syslog.LOG_ERR
        syslog.openlog(PROGRAM, syslog.LOG_PID, syslog.LOG_DAEMON)

    def line(self, text: str) -> None:
        """Log a report."""
        if not self._only_errors:
            self._log(self._priorities[0], text)

    def note(self, text: str) -> None:
        """Log what is worth knowing and no fault."""
        if not self._only_errors:
            self._log(self._priorities[1], "note: " + text)

    def error(self, text: str) -> None:
        """Log a message."""
        self._log(self._priorities[2], text)


class TextListener(Listener):
    """Prints a line for each record."""

    def __init__(self, output: Output) -> None:
        self._line = output.line

    def record(self, offset: int, layer: str, number: int, record_type: int,
               length: int, details: Details) -> None:
        """Print a record."""
        more = ""
        if details and layer == LIBXC and record_type == PAGE_DATA:
            more = ", count %d" % details["count"]
        elif details and layer == LIBXL and record_type == CHECKPOINT_STATE:
            more = ", " + details["state"]
        self._line("offset %d: %s record %d type 0x%x (%s), length %d%s" % (
            offset, layer, number, record_type,
            type_name(layer, record_type), length, more))


class JsonListener(Listener):
    """Prints an object for each header and record."""

    def __init__(self, output: Output) -> None:
        self._line = output.line

    def header(self, offset: int, layer: str, name: str, length: int,
               fields: Dict[str, Any]) -> None:
        """Print a header."""
        self._line(json.dumps({
            "offset": offset, "layer": layer, "record": 0, "type": None,
            "name": name, "length": length, **_fields(fields)}))

    def record(self, offset: int, layer: str, number: int, record_type: int,
               length: int, details: Details) -> None:
        """Print a record."""
        self._line(json.dumps({
            "offset": offset, "layer": layer, "record": number,
            "type": record_type, "name": type_name(layer, record_type),
            "length": length, **(details or {})}))


def _fields(fields: Dict[str, Any]) -> Dict[str, Any]:
    """Keep a header's own type apart from that of a record."""
    return {"guest_type" if name == "type" else name: value
            for name, value in fields.items()}


def good_line(result: Result) -> str:
    """Return the line about a good stream."""
    mode = _MODE_NAMES.get(result.mode or "")
    if mode is None:
        checkpointed = result.checkpointed or result.back
        mode = "Remus or COLO" if checkpointed else "mode not settled"
    if result.back:
        return "good: back channel, %s, %s, %s" % (
            mode, _count(result.epochs, "epoch"),
            _count(result.octets, "byte"))
    parts = ["%s stream" % result.layer]
    if result.guest:
        parts.append(GUEST_NAMES[result.guest])
    parts.append(mode)
    if result.checkpointed:
        parts.append(_count(result.epochs, "epoch"))
    parts.append(_count(result.pages, "page"))
    parts.append(_count(result.octets, "byte"))
    return "good: " + ", ".join(parts)


def empty_note(count: int) -> str:
    """Return the note about records without content."""
    return "%s without content, as Xen 4.6 to 4.8 could write them" % (
        _count(count, "record"))


def good_json(result: Result) -> str:
    """Return the last object about a good stream."""
    return json.dumps({
        "result": "good", "note": result.note, "mode": result.mode,
        "epochs": result.epochs, "layer": result.layer,
        "back_channel": result.back,
        "guest": GUEST_NAMES.get(result.guest), "pages": result.pages,
        "octets": result.octets,
        "empty_records": result.empty})


def bad_json(error: StreamError) -> str:
    """Return the last object about a bad stream."""
    return json.dumps({"result": "bad", "error": {
        "offset": error.offset, "layer": error.layer, "record": error.record,
        "type": error.type, "name": error.name, "rule": error.rule,
        "section": error.section, "text": error.text}})


def statistics_json(statistics: Statistics, octets: int, pages: int,
                    holes: int) -> str:
    """Return the statistics as one object."""
    found: Dict[str, Any] = {
        "octets": octets,
        "records": [
            {"layer": layer, "name": _type_text(layer, kind), "count": count,
             "type": None if kind == UNKNOWN else kind}
            for (layer, kind), count in sorted(statistics.records.items())],
        "pages": pages, "pages_with_data": pages - holes,
        "pages_without_data": holes, "epochs": statistics.count,
    }
    if statistics.count:
        found["epoch_table"] = [
            epoch._asdict() for epoch in statistics.table()]
        found["epoch_pages"] = statistics.page_range()._asdict()
        found["epoch_octets"] = statistics.octet_range()._asdict()
        found["epoch_sizes"] = [
            {"from": power, "epochs": count}
            for power, count in statistics.histogram()]
    return json.dumps({"statistics": found})


def statistics_lines(statistics: Statistics, octets: int, pages: int,
                     holes: int) -> List[str]:
    """Return the statistics as text."""
    lines = ["octets: %d" % octets, "records:"]
    for (layer, kind), count in sorted(statistics.records.items()):
        number = "" if kind == UNKNOWN else "0x%x" % kind
        lines.append("  %-5s  %-10s  %-25s  %10d" % (
            layer, number, _type_text(layer, kind), count))
    lines.append("pages: %d, %d with data, %d without" % (
        pages, pages - holes, holes))
    lines.append("epochs: %d" % statistics.count)
    if not statistics.count:
        return lines
    row = "  %10s  %12s  %16s"
    lines.append(row % ("epoch", "pages", "octets"))
    last = 0
    for epoch in statistics.table():
        if epoch.number != last + 1:
            lines.append("  %10s" % "...")
        last = epoch.number
        lines.append(row % tuple(epoch))
    lines += _range_lines(row, statistics.page_range(),
                          statistics.octet_range())
    lines.append("epochs by octets:")
    for power, count in statistics.histogram():
        lines.append("  %16d to %16d  %10d" % (power, 2 * power - 1, count))
    return lines


def _range_lines(row: str, pages: Range, octets: Range) -> List[str]:
    return [row % ("minimum", pages.low, octets.low),
            row % ("median", pages.median, octets.median),
            row % ("maximum", pages.high, octets.high)]


def _type_text(layer: str, kind: int) -> str:
    return "unknown" if kind == UNKNOWN else type_name(layer, kind)


def _count(number: int, noun: str) -> str:
    return "%d %s%s" % (number, noun, "" if number == 1 else "s")
