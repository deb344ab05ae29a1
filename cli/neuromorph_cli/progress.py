"""Progress on standard error, summaries, and what Ctrl-C and SIGTERM do."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@contextmanager
def bar(shown: bool) -> Iterator[Callable[[str, float, str], None]]:
    """A progress bar: call it with (what, fraction done, rate); nothing is drawn where stderr is no terminal."""
    if not shown or not sys.stderr.isatty():
        yield lambda what, done, rate: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=1.0, rate="")

        def tell(what: str, done: float, rate: str) -> None:
            if progress.tasks[0].description != what:
                progress.reset(task, description=what, total=1.0, rate="")
            progress.update(task, completed=done, rate=rate)

        yield tell


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[Callable[[], int]]:
    """Let Ctrl-C and SIGTERM call `stop`; yields what returns the exit code (0 where neither came)."""
    came: list[int] = []

    def handle(number: int, frame: Any) -> None:
        came.append(number)
        stop()

    before = {number: signal.signal(number, handle) for number in CODES}
    try:
        yield lambda: CODES[signal.Signals(came[0])] if came else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Rate:
    """Calls a function at most ten times a second."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._next = time.perf_counter()

    def __call__(self) -> None:
        now = time.perf_counter()
        if now >= self._next:
            self._next = now + 0.1
            self._call()


def table(rows: list[tuple[str, str]]) -> None:
    """Two columns on standard output."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}")


def number(value: float) -> str:
    """1234567 as 1,234,567."""
    return f"{value:,.0f}"
