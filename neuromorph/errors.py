"""Everything that can go wrong, said in one form: what, where, value, allowed, how to fix."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

ABSENT = object()
#: names beyond these are not compared with others: that takes the square of their length
_LONGEST, _MANY = 100, 500
#: control characters but line ends and tabs, marks that turn the direction of writing, and halves of characters
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Problem:
    """One mistake: `where: what, found VALUE (allowed: RANGE). FIX`."""

    what: str
    where: str = ""
    value: object = ABSENT
    allowed: str = ""
    fix: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.value is not ABSENT:
            text += f", found {_short(self.value)}"
        if self.allowed:
            text += f" (allowed: {self.allowed})"
        return printable(f"{text}. {self.fix}".rstrip() if self.fix else text)


class NeuromorphError(Exception):
    """Base of every error that neuromorph raises on purpose; carries its problems."""

    exit_code = 1

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(p if isinstance(p, Problem) else Problem(p) for p in problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class RunError(NeuromorphError):
    """The run itself failed (exit code 1)."""


class InputError(NeuromorphError):
    """What the user gave cannot be used (exit code 2)."""

    exit_code = 2


class DescriptionError(InputError):
    """A network description is wrong; lists every mistake at once."""


class PluginError(InputError):
    """A rule or model does not keep its contract."""


class TraceError(InputError):
    """A trace file cannot be read or written."""


class ContractWarning(DeprecationWarning):
    """A rule or model is written for a version of the contract that will not load much longer."""


class AttributeWarning(UserWarning):
    """A graph has an attribute that is not read, but nearly bears the name of one that is."""


class TraceWarning(UserWarning):
    """Something has happened to the file into which a run records."""


class NotFinite(UserWarning):
    """A run went on with weights that are no numbers any more."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `Did you mean 'x'?`, or the list of known names where none is near."""
    names = sorted(str(k) for k in known)
    name = str(name)[:_LONGEST]
    near = difflib.get_close_matches(name, [n for n in names[:_MANY] if len(n) <= _LONGEST], n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    more = f" and {len(names) - _MANY:,} more" if len(names) > _MANY else ""
    return f"Known: {', '.join(_cut(n, _LONGEST) for n in names[:_MANY])}{more}." if names else ""


def printable(text: str) -> str:
    """The text with what would command a terminal (and not be seen) spelled out, such as \\x1b; lines stay lines."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def _short(value: object, limit: int = 80) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # whole numbers of more than 4,300 digits, and tables without end
        text = f"a number of {value.bit_length()} bits" if isinstance(value, int) else f"a {type(value).__name__}"
    return _cut(text, limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
