# SPDX-License-Identifier: LGPL-2.1-only
"""Writes a copy of the C sources that holds mutants of the streams' conditions.

clang's syntax tree tells where the conditions are; a leaf c becomes
m_(n, (c) != 0), which negates it when mutant n is asked for, and a < b also
(mutant_now == n + 1 ? (a <= b) : ...). Conditions of macros that the same file
defines are changed where they are defined, those of assert() are left alone.
The tool `mutants` calls it.
"""

from __future__ import annotations

import bisect
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

FOLDERS = ("base", "wire", "stream")
COMPARISONS = {"==", "!=", "<", ">", "<=", ">="}
BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
#: Which children of a statement are conditions.
ASKS = {"IfStmt": 0, "WhileStmt": 0, "DoStmt": 1, "ForStmt": 2,
        "ConditionalOperator": 0}
HEADER = """\
/* Made by mutant_source.py. */
extern int mutant_now;
extern unsigned char mutant_hits[];
static inline int m_(int n, int c)
{
    mutant_hits[n] = 1;
    return c ^ (mutant_now == n);
}
"""
SOURCE = """\
/* Made by mutant_source.py. */
#include <stdio.h>
#include <stdlib.h>
#include "mutant.h"
int mutant_now;
unsigned char mutant_hits[%(size)d];
static void leave(void)
{
    FILE *f = fopen(getenv("MUTANT_HITS"), "a");
    for (int i = 0; f && i < %(size)d; i++)
        if (mutant_hits[i])
            fprintf(f, "%%d\\n", i);
    if (f)
        fclose(f);
}
__attribute__((constructor)) static void enter(void)
{
    mutant_now = getenv("MUTANT") ? atoi(getenv("MUTANT")) : 0;
    if (getenv("MUTANT_HITS"))
        atexit(leave);
}
"""

Span = Tuple[int, int]


class Mutant(NamedTuple):
    """One mutant; its name doesn't depend on line numbers."""

    number: int
    leaf: int       # the number under which reaching it is noted
    name: str       # "pages.c take8: n < 8 -> <="
    file: str
    line: int


class Place(NamedTuple):
    """Where a token is spelled and where the macro is that it came from."""

    file: str
    offset: int
    size: int
    outer_file: str
    outer: int
    outer_size: int


class Leaf(NamedTuple):
    """A condition in the text, and its two sides if it compares."""

    span: Span
    sides: Optional[Tuple[Span, Span]]
    op: str


class Source:
    """The conditions of one file."""

    def __init__(self, path: Path, include: List[str]) -> None:
        self.path = path
        self.text = path.read_text()
        self.leaves: Dict[Span, Leaf] = {}
        self.skipped: Set[Tuple[int, int]] = set()
        self.functions: List[Tuple[int, str]] = [(0, "")]
        self.lines = [0] + [m.end() for m in re.finditer("\n", self.text)]
        self.macros = [(m.start(), m.end(), m.group(1)) for m in re.finditer(
            r"^#\s*define\s+(\w+)(?:.*\\\n)*.*$", self.text, re.M)]
        self._file = ""
        tree = json.loads(subprocess.run(
            ["clang", "-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", "-w",
             *include, "-Xclang", "-ast-dump=json", str(path)],
            stdout=subprocess.PIPE, check=True).stdout)
        self._walk(tree, False)

    # clang leaves out a file's name where it is the one printed before.
    def _bare(self, loc: Dict[str, Any]) -> Tuple[str, int, int]:
        self._file = loc.get("file", self._file)
        return self._file, loc.get("offset", -1), loc.get("tokLen", 0)

    def _place(self, loc: Dict[str, Any]) -> Place:
        if "spellingLoc" in loc:
            return Place(*self._bare(loc["spellingLoc"]),
                         *self._bare(loc["expansionLoc"]))
        bare = self._bare(loc)
        return Place(*bare, *bare)

    def _walk(self, node: Dict[str, Any], inside: bool) -> None:
        for key, value in list(node.items()):
            if key == "loc":
                node["at"] = self._place(value)
                continue
            if key == "range":
                node["ends"] = (self._place(value["begin"]),
                                self._place(value["end"]))
                inside = inside or self._function(node)
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, dict):
                    self._walk(child, inside)
        if inside:
            self._conditions(node)

    def _function(self, node: Dict[str, Any]) -> bool:
        begin = node["ends"][0]
        if (node.get("kind") != "FunctionDecl" or
                begin.outer_file != str(self.path)):
            return False
        self.functions.append((begin.outer, node["name"]))
        return True

    def _conditions(self, node: Dict[str, Any]) -> None:
        kind, inner = node.get("kind", ""), node.get("inner", [])
        if kind in ASKS and inner[ASKS[kind]]:
            self._leaf(inner[ASKS[kind]])
        elif kind == "BinaryOperator" and node["opcode"] in ("&&", "||"):
            self._leaf(inner[0])
            self._leaf(inner[1])
        elif kind == "BinaryOperator" and node["opcode"] in COMPARISONS:
            self._leaf(node)
        elif kind == "UnaryOperator" and node["opcode"] == "!":
            self._leaf(inner[0])

    def _leaf(self, node: Dict[str, Any]) -> None:
        kind, op = node["kind"], node.get("opcode", "")
        if kind in ("ParenExpr", "ImplicitCastExpr"):
            self._leaf(node["inner"][0])
            return
        if op in ("&&", "||", "!") or kind in ("ConditionalOperator",
                                               "IntegerLiteral"):
            return    # its own operands are leaves
        begin, end = node["ends"]
        spelled = begin.outer == end.outer and begin.outer != begin.offset
        if spelled and self.text.startswith("assert", begin.outer):
            return
        if spelled and not (begin.file == str(self.path) and any(
                a <= begin.offset and end.offset < b
                for a, b, _ in self.macros)):
            self.skipped.add((begin.outer, begin.offset))
            return
        span = self._span(node, spelled)
        sides = None
        if kind == "BinaryOperator" and op in BOUNDARY:
            sides = (self._span(node["inner"][0], spelled),
                     self._span(node["inner"][1], spelled))
        self.leaves[span] = Leaf(span, sides, op)

    def _span(self, node: Dict[str, Any], spelled: bool) -> Span:
        begin, end = node["ends"]
        if spelled:
            return begin.offset, end.offset + end.size
        to = end.outer + end.outer_size
        call = re.compile(r"\s*\(").match(self.text, to)
        if call and end.outer != end.offset:    # a macro with arguments
            depth, to = 1, call.end()
            while depth:
                depth += {"(": 1, ")": -1}.get(self.text[to], 0)
                to += 1
        return begin.outer, to

    def function_at(self, offset: int) -> str:
        for begin, end, name in self.macros:
            if begin <= offset < end:
                return name
        return self.functions[bisect.bisect(
            self.functions, (offset, "\x7f")) - 1][1]

    def changed(self, first: int) -> Tuple[str, List[Mutant]]:
        """Return the text with mutants from number @first on, and these."""
        order = sorted(self.leaves.values(),
                       key=lambda leaf: (leaf.span[0], -leaf.span[1]))
        number: Dict[Span, int] = {}
        mutants: List[Mutant] = []
        names: Dict[str, int] = {}
        for leaf in order:
            a, b = leaf.span
            n = number[leaf.span] = first + len(mutants)
            words = " ".join(self.text[a:b].replace("\\\n", " ").split())
            name = f"{self.path.name} {self.function_at(a)}: {words}"
            names[name] = names.get(name, 0) + 1
            if names[name] > 1:
                name += f" #{names[name]}"
            line = bisect.bisect(self.lines, a)
            changes = ["not"] + ([BOUNDARY[leaf.op]] if leaf.sides else [])
            mutants += [Mutant(n + i, n, f"{name} -> {change}",
                               f"tools/libxl/stream/{self.path.name}", line)
                        for i, change in enumerate(changes)]

        def render(a: int, b: int, within: Optional[Span]) -> str:
            out, at = "", a
            for leaf in order:
                if leaf.span[0] >= at and leaf.span[1] <= b and \
                        leaf.span != within:
                    out += self.text[at:leaf.span[0]] + one(leaf)
                    at = leaf.span[1]
            return out + self.text[at:b]

        def one(leaf: Leaf) -> str:
            a, b = leaf.span
            n = number[leaf.span]
            text = f"m_({n}, ({render(a, b, leaf.span)}) != 0)"
            if not leaf.sides:
                return text
            (a, left), (right, b) = leaf.sides
            gap = self.text[left:right].replace(
                leaf.op, BOUNDARY[leaf.op], 1)
            return (f"(mutant_now == {n + 1} ? ({render(a, left, None)}{gap}"
                    f"{render(right, b, None)}) : {text})")

        text = render(0, len(self.text), None)
        return f'#include "mutant.h"\n#line 1 "{self.path}"\n{text}', mutants


def _write(path: Path, text: str) -> None:
    """Write a file, unless it holds this already: make looks at times."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def write_tree(tree: Path, to: Path) -> Tuple[List[Mutant], int]:
    """Copy @tree; return the mutants, and how many conditions are none."""
    made = {to / "stream/mutant.c", to / "stream/mutant.h"}
    for path in sorted(tree.rglob("*.[ch]")):
        made.add(to / path.relative_to(tree))
        if path.suffix == ".h" or path.parent.name != "stream":
            _write(to / path.relative_to(tree), path.read_text())
    for old in set(to.rglob("*.[ch]")) - made:
        old.unlink()
    mutants: List[Mutant] = []
    skipped = 0
    include = [f"-I{tree / folder}" for folder in FOLDERS]
    for path in sorted((tree / "stream").glob("*.c")):
        source = Source(path, include)
        text, new = source.changed(1 + len(mutants))
        mutants += new
        skipped += len(source.skipped)
        _write(to / "stream" / path.name, text)
    _write(to / "stream/mutant.h", HEADER)
    _write(to / "stream/mutant.c", SOURCE % {"size": len(mutants) + 1})
    return mutants, skipped
