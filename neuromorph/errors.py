"""Everything that can go wrong, said in one form: what, where, value, allowed, how to fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

ABSENT = object()


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
        return f"{text}. {self.fix}".rstrip() if self.fix else text


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


class TraceWarning(UserWarning):
    """Something has happened to the file into which a run records."""


class NotFinite(UserWarning):
    """A run went on with weights that are no numbers any more."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `Did you mean 'x'?`, or the list of known names where none is near."""
    names = sorted(str(k) for k in known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Known: {', '.join(names)}." if names else ""


def _short(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
