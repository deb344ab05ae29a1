"""Ctrl-C and SIGTERM: before anything was simulated they end the command at once, later they end the run."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Protocol

import click

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


class Interrupted(BaseException):
    """A signal came and nothing was simulated yet. No KeyboardInterrupt: click makes another exception of that."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


class Stoppable(Protocol):
    """What can be asked to end between two windows of the simulation, such as a Simulation."""

    @property
    def time(self) -> float:
        """Simulated time in ms."""

    def stop(self) -> None:
        """Ask it to end soon."""


class Interrupts:
    """Catches the signals within a `with` block; there is one for a whole command (the object of click's context).

    running : what is asked to stop; as long as there is none, or it has not simulated anything, Interrupted is raised
    code : exit code that the first signal stands for, 0 where none came; later signals change nothing
    """

    def __init__(self) -> None:
        self.running: Stoppable | None = None
        self.code = 0

    def __enter__(self) -> Interrupts:
        # Who started us may have had a signal ignored (nohup, a script's background job): then we do too.
        caught = [number for number in CODES if signal.getsignal(number) != signal.SIG_IGN]
        self._before: dict[signal.Signals, Any] = {number: signal.signal(number, self._come) for number in caught}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # After the first signal the process is on its way out, and another one must not change its exit code.
            signal.signal(number, signal.SIG_IGN if self.code else handler)

    def _come(self, number: int, frame: FrameType | None) -> None:
        if self.code:
            return
        self.code = CODES[signal.Signals(number)]
        if self.running is None or not self.running.time:
            raise Interrupted(self.code)
        self.running.stop()

    @classmethod
    def of_command(cls) -> Interrupts:
        """The one of the present command."""
        return click.get_current_context().ensure_object(cls)

    def check(self) -> None:
        """Ask again, after each window: whoever has just begun to run may have missed the first time."""
        if self.code and self.running is not None:
            self.running.stop()
