"""Checkpoints of a run: every so often, and when a signal asks for one."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from time import monotonic
from types import FrameType, TracebackType
from typing import Any

import click

from neuromorph.errors import InputError, Problem

_EVERY = re.compile(r"^\s*(\d+(?:\.\d*)?|\.\d+)\s*(ms|s|min|h)\s*$")
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}

option = click.option(
    "--checkpoint-every", "every", metavar="TIME",
    help="Save the run beside its trace: every 60s, 5min, 1h of wall time, or every 1000ms of simulated time.",
)  # fmt: skip


def interval(text: str | None) -> tuple[float, float]:
    """(seconds of wall time, ms of simulated time) between checkpoints; infinite where there are none."""
    if text is None:
        return float("inf"), float("inf")
    match = _EVERY.match(text)
    if match is None or not float(match[1]):
        allowed = "wall time such as 60s, 5min, 1h, or simulated time such as 1000ms"
        raise InputError(Problem("not an interval", "--checkpoint-every", text, allowed))
    value, unit = float(match[1]), match[2]
    return (float("inf"), value) if unit == "ms" else (value * _SECONDS[unit], float("inf"))


class Checkpoints:
    """Saves a run within a `with` block: `check` is called after each window, `save` at any time between two.

    about : what the head of a checkpoint says beside the state, for `neuromorph resume`
    """

    def __init__(self, trace: Path, every: str | None, about: dict[str, Any]) -> None:
        from neuromorph.checkpoints import beside

        self.path = beside(trace)
        self.seconds, self.milliseconds = interval(every)
        self.saved = False
        self._about = about
        self._asked = False
        self._since = monotonic()
        self._number = 1  # of the next instant of simulated time at which it is saved

    def __enter__(self) -> Checkpoints:
        if hasattr(signal, "SIGUSR1"):
            self._before = signal.signal(signal.SIGUSR1, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if hasattr(signal, "SIGUSR1"):
            signal.signal(signal.SIGUSR1, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    def begin(self, time: float) -> None:
        """Count from a simulated time on."""
        self._since = monotonic()
        while self.next_ms <= time:
            self._number += 1

    @property
    def next_ms(self) -> float:
        """The next instant of simulated time at which the run is to be saved."""
        return self._number * self.milliseconds

    def check(self, simulation: Any) -> None:
        """Save the run if it is time to, or if it was asked for."""
        if self._asked or monotonic() - self._since >= self.seconds:
            self._write(simulation)

    def save(self, simulation: Any) -> None:
        """Save the run at an instant that was to be one."""
        self._write(simulation)
        self._number += 1  # the tick may lie a little before it

    def _write(self, simulation: Any) -> None:
        self._asked = False
        try:
            simulation.save(self.path, self._about)
            self.saved = True
        except InputError as error:  # a full disk: the run itself may still come to its end
            for problem in error.problems:
                click.echo(f"neuromorph: {problem}", err=True)
        self._since = monotonic()
