"""What a command at work shows on standard error."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from neuromorph.errors import printable
from neuromorph_cli import text

PAUSE = 0.1  # seconds between two updates of the bar


class Progress:
    """A bar with rate and remaining time where standard error is a terminal, and lines everywhere.

    shown : with False, nothing is ever written
    """

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._bar: Any = None
        self._next = 0.0

    def __enter__(self) -> Progress:
        if self._shown and sys.stderr.isatty():
            self._bar = _bar()
            self._bar.add_task("", total=None, detail="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def wait(self, what: str) -> None:
        """Say what is going on where nobody knows how long it takes."""
        if self._bar is not None:
            self._bar.reset(self._bar.task_ids[0], description=printable(what), total=None, detail="")

    def due(self) -> bool:
        """Whether it is time to `show` something again."""
        now = time.perf_counter()
        if self._bar is None or now < self._next:
            return False
        self._next = now + PAUSE
        return True

    def show(self, what: str, done: float, detail: str) -> None:
        """Draw which fraction is done; remaining time is told from how fast that has grown."""
        if self._bar is not None:
            self._bar.update(
                self._bar.task_ids[0], description=printable(what), total=1.0, completed=done, detail=detail
            )

    def line(self, message: str) -> None:
        """A line that stays, above the bar."""
        if self._bar is not None:
            self._bar.console.print(message, highlight=False, markup=False, soft_wrap=True)
        elif self._shown:
            click.echo(message, err=True)


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, ProgressColumn, Task, TaskProgressColumn, TextColumn
    from rich.progress import Progress as RichProgress
    from rich.table import Column
    from rich.text import Text

    class Remaining(ProgressColumn):
        max_refresh = 0.5

        def render(self, task: Task) -> Text:
            left = task.time_remaining
            return Text("" if left is None or task.finished else f"{text.clock(left)} left", style="cyan")

    whole, cut = Column(no_wrap=True), Column(no_wrap=True, overflow="ellipsis")
    columns = (
        TextColumn("{task.description}", markup=False, table_column=whole), BarColumn(16),
        TaskProgressColumn("{task.percentage:>3.0f} %", text_format_no_percentage="", table_column=whole),
        Remaining(table_column=whole), TextColumn("{task.fields[detail]}", markup=False, style="dim", table_column=cut),
    )  # fmt: skip
    return RichProgress(*columns, console=Console(stderr=True), transient=True)
