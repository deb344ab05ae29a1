"""A pytest plugin for runs without the compiler: a test that takes too long is stopped, and said to be skipped.

What it has run until then counts as run: the same test has gone to its end compiled.
"""

from __future__ import annotations

import signal
import types
from collections.abc import Iterator
from typing import Any

import pytest

SECONDS = 20


class TooSlow(BaseException):
    """No test may catch it."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Let a test run for so long."""

    def stop(signal_: int, frame: types.FrameType | None) -> Any:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        return (yield)
    except TooSlow:
        return pytest.skip(f"takes more than {SECONDS} s without the compiler")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
