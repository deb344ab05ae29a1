"""Where in a TOML file something was written: tomllib does not say, so keys are found by reading the text again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from neuromorph.errors import Problem

Path = tuple[str | int, ...]

_PART = r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'"""
_KEY = re.compile(rf"\s*((?:{_PART})(?:\s*\.\s*(?:{_PART}))*)\s*")
_PARTS = re.compile(_PART)
_HEADER = re.compile(r"\s*(\[\[?)")
#: what can open or close a value that goes on over lines; single-line strings and comments are passed over whole
_TOKEN = re.compile(r""""{3}|'{3}|"(?:[^"\\]|\\.)*"|'[^']*'|\#.*|[\[\]{}]""")
_WHERE = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Origin:
    """The TOML file that a network came from."""

    file: str
    text: str

    @cached_property
    def lines(self) -> dict[Path, int]:
        """Line number of every table and key; read when the first problem asks."""
        return line_index(self.text)

    def placed(self, problems: Iterable[Problem]) -> list[Problem]:
        """The problems with `FILE:LINE: ` before their places, in the order of the lines."""
        named = [replace(problem, where=self._section(problem.where)) for problem in problems]
        found = sorted(((self.line(problem.where) or 0, problem) for problem in named), key=lambda pair: pair[0])
        return [
            replace(p, where=f"{self.file}:{line}: {p.where}" if line else f"{self.file}: {p.where}")
            for line, p in found
        ]

    def _section(self, where: str) -> str:
        """`inputs.x` for `populations.x` where that is what the file has: an unknown model may be either."""
        section, _, name = where.partition(".")
        key = name.partition(".")[0]
        is_input = section == "populations" and ("populations", key) not in self.lines and ("inputs", key) in self.lines
        return f"inputs.{name}" if is_input else where

    def line(self, where: str) -> int | None:
        """Line of the longest part of a place such as `projections[3].delay` that the file spells out; None if none."""
        path: Path = tuple(name or int(index) for name, index in _WHERE.findall(where))
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def line_index(text: str) -> dict[Path, int]:
    """Line number of every table and key of a TOML text, by path; the n-th `[[x]]` is ("x", n)."""
    index: dict[Path, int] = {}
    counts: Counter[Path] = Counter()
    table: Path = ()
    depth, quote = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        start = 0
        if not quote and depth == 0:
            header = _HEADER.match(line)
            key = _KEY.match(line, header.end() if header else 0)
            if key is None:
                continue
            path = tuple(_unquoted(part) for part in _PARTS.findall(key[1]))
            if header:
                table = _resolve(path, counts, repeated=header[1] == "[[")
                _record(index, table, number)
                continue
            _record(index, table + path, number)
            start = key.end()
        depth, quote = _scan(line[start:], depth, quote)
    return index


def _record(index: dict[Path, int], path: Path, number: int) -> None:
    for length in range(1, len(path) + 1):
        index.setdefault(path[:length], number)


def _resolve(path: tuple[str, ...], counts: Counter[Path], repeated: bool) -> Path:
    """The full path of a header: what names an array of tables means its last one."""
    full: Path = ()
    for part in path[:-1]:
        full += (part,)
        if counts[full]:
            full += (counts[full] - 1,)
    full += path[-1:]
    if repeated:
        counts[full] += 1
        full += (counts[full] - 1,)
    return full


def _scan(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Depth of brackets, and the quotes of an open multi-line string, after one more line."""
    place = 0
    while True:
        if quote:
            end = line.find(quote, place)
            if end < 0:
                return depth, quote
            quote, place = "", end + 3
        token = _TOKEN.search(line, place)
        if token is None:
            return depth, ""
        place = token.end()
        if token[0] in ('"""', "'''"):
            quote = token[0]
        elif token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1


def _unquoted(part: str) -> str:
    if part.startswith('"'):
        return re.sub(r"\\(.)", r"\1", part[1:-1])
    return part.strip("'")
