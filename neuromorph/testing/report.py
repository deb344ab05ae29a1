"""What the conformance kit found: one result a check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "not applicable"


#: checks without which the others cannot be run
GATES = ("contract", "compiles")


class Failed(Exception):
    """A check found something wrong; its text says what, and how to fix it."""


class NotApplicable(Exception):
    """A check has nothing to look at; its text says why."""


@dataclass(frozen=True)
class Result:
    """One line of a report: the check, the verdict, and what was found."""

    check: str
    verdict: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.check}: {self.verdict}" + (f": {self.text}" if self.text else "")


@dataclass(frozen=True)
class Report:
    """All results of one rule or model."""

    subject: str
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(result.verdict != FAILED for result in self.results)

    def __str__(self) -> str:
        counts = {v: sum(r.verdict == v for r in self.results) for v in (PASSED, FAILED, NOT_APPLICABLE)}
        lines = [f"  {result}" for result in self.results]
        return "\n".join([self.subject, *lines, ", ".join(f"{n} {verdict}" for verdict, n in counts.items())])

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        results = [{"check": r.check, "verdict": r.verdict, "text": r.text} for r in self.results]
        return {"subject": self.subject, "passed": self.passed, "results": results}


def result_of(name: str, check: Callable[[Any], str], subject: Any) -> Result:
    """Run one check on a subject."""
    try:
        return Result(name, PASSED, check(subject))
    except Failed as error:
        return Result(name, FAILED, str(error))
    except NotApplicable as error:
        return Result(name, NOT_APPLICABLE, str(error))


def results_of(checks: Mapping[str, Callable[[Any], str]], subject: Any) -> Iterator[Result]:
    """Run all checks; where one of GATES does not pass, those after it have nothing to stand on."""
    broken = ""
    for name, check in checks.items():
        result = Result(name, NOT_APPLICABLE, broken) if broken else result_of(name, check, subject)
        if result.verdict != PASSED and name in GATES and not broken:
            broken = f"{name} {'failed' if result.verdict == FAILED else 'is not applicable'}"
        yield result
