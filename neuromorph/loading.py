"""Running a stranger's module: for a limited time, what it prints on standard error, and no exception gets past."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from neuromorph.errors import InputError, Problem

T = TypeVar("T")
#: seconds that a module may take to load; NEUROMORPH_PLUGIN_TIMEOUT says otherwise, 0 lifts the limit
TIMEOUT = 10.0
_VARIABLE = "NEUROMORPH_PLUGIN_TIMEOUT"


class LoadingError(Exception):
    """A module could not be loaded: `reason` in words, `place` (FILE:LINE if it is known), `cause` what it raised."""

    def __init__(self, reason: str, place: str, cause: BaseException) -> None:
        super().__init__(reason)
        self.reason, self.place, self.cause = reason, place, cause


class TooLong(BaseException):
    """The module had its time. No Exception, so that a loop that catches all of those ends too."""


def load(act: Callable[[], T]) -> T:
    """Return `act()`, which imports somebody's module.

    Raises LoadingError for whatever it raises (SystemExit and a KeyboardInterrupt of its own too), and where it takes
    longer than TIMEOUT. The limit holds in the main thread of systems that have SIGALRM, and only for Python code.
    """
    seconds = limit()
    with _listening() as came:
        try:
            with _limited(seconds), contextlib.redirect_stdout(sys.stderr):
                return act()
        except BaseException as error:
            if came:  # Ctrl-C is the user's, and not the module's
                raise
            raise LoadingError(_reason(error), _place(error), error) from error


def limit() -> float:
    """Seconds that a module may take; raises InputError where the environment says something else than a number."""
    text = os.environ.get(_VARIABLE, "")
    try:
        seconds = float(text) if text else TIMEOUT
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise InputError(Problem("not a time", _VARIABLE, text, "seconds, such as 60; 0 for no limit"))
    return seconds


def _reason(error: BaseException) -> str:
    if isinstance(error, TooLong):
        return f"not loaded after {limit():g} s"
    if isinstance(error, SystemExit):
        return f"SystemExit: it asked the program to end (code {error.code})"
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _place(error: BaseException) -> str:
    """The last line of the stranger's own that was run, `` where there is none."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno or 1}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _ours(frame.filename)]
    return f"{frames[-1].filename}:{frames[-1].lineno or 1}" if frames else ""


def _ours(file: str) -> bool:
    """Whether a line of this file is the machinery of imports, and not the module's."""
    folder = Path(file).parent
    return file.startswith("<frozen") or "importlib" in folder.parts[-2:] or folder == Path(__file__).parent


def _main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def _listening() -> Iterator[list[int]]:
    """The signals that came meanwhile; each goes on to whom it was for."""
    came: list[int] = []
    before: dict[int, Any] = {}

    def pass_on(number: int, frame: FrameType | None) -> None:
        came.append(number)
        before[number](number, frame)

    if _main_thread():
        for number in map(int, (signal.SIGINT, signal.SIGTERM)):
            if callable(signal.getsignal(number)):
                before[number] = signal.signal(number, pass_on)
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raises TooLong in what runs longer than the limit, and again each second for code that catches even that."""
    if not seconds or not _main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    running = True

    def ring(number: int, frame: FrameType | None) -> None:
        if running:
            raise TooLong

    before = signal.signal(signal.SIGALRM, ring)
    began = time.monotonic()
    rest, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        running = False
        # an alarm of somebody else's rings when it would have, or at once where that is past
        left = max(rest - (time.monotonic() - began), 1e-3) if rest else 0.0
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left, interval)
