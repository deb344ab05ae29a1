"""A pytest plugin for runs without the compiler: notes which tests must be run compiled in their place.

Those are tests that take too long, which are stopped and said to be skipped, and tests that fail, because the compiler
is what they test. What they have run until then counts as run: they go to their end compiled.
"""

from __future__ import annotations

import os
import signal
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

#: seconds of this process's own time, and of waiting for others
LIMITS = ((signal.SIGPROF, signal.ITIMER_PROF, 4), (signal.SIGALRM, signal.ITIMER_REAL, 15))


class TooSlow(BaseException):
    """No test may catch it."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Let fixtures run for so long."""
    yield from limited(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Let a test run for so long."""
    yield from limited(item)


def limited(item: pytest.Item) -> Iterator[None]:
    """Stop what is run meanwhile at LIMITS, and skip the test."""

    def stop(signal_: int, frame: types.FrameType | None) -> Any:
        raise TooSlow

    before = [signal.signal(which, stop) for which, _, _ in LIMITS]
    for _, clock, seconds in LIMITS:
        signal.setitimer(clock, seconds, 1.0)  # again, where it was raised in what lets nothing out
    try:
        yield
    except TooSlow:
        left(item.nodeid)
        pytest.skip("takes too long without the compiler")
    finally:
        for (which, clock, _), handler in zip(LIMITS, before):
            signal.setitimer(clock, 0)
            signal.signal(which, handler)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test that fails without the compiler is tried with it."""
    if report.failed:
        left(report.nodeid)


def left(test: str) -> None:
    """Note a test in the file that $NEUROMORPH_LEFT names."""
    with Path(os.environ["NEUROMORPH_LEFT"]).open("a") as file:
        file.write(f"{test}\n")
