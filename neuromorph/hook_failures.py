"""Hooks that raise in compiled code, which has nobody to tell: the run ends where the window began in which one did."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.errors import NeuromorphError, Problem, RunError

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine


class HookFailures:
    """Takes what compiled hooks of an engine raise; Python only prints what comes out of code called by address.

    found : the first exception that nobody else has got, None where there was none
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.found: BaseException | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Raise at the end of the block what compiled code could not; RunError for what a hook raised."""
        before = sys.unraisablehook

        def note(unraisable: Any) -> None:
            if "numba" not in str(unraisable.object):
                before(unraisable)
            elif self.found is None:
                self.found = unraisable.exc_value

        sys.unraisablehook = note
        try:
            yield
            self.check()
        except NeuromorphError:
            raise
        except Exception as error:
            if error is not self.found and not self._of_plugin(error):
                raise
            self.found = None
            self._drop_spikes()
            if isinstance(error, MemoryError):
                raise
            raise self._said(error) from error
        finally:
            sys.unraisablehook = before

    def guarded(self, advance: Callable[..., None]) -> Callable[..., None]:
        """`advance` that ends with what a hook raised within it, so that the engine's time stays where it was."""

        def guarded(*instants: Any) -> None:
            advance(*instants)
            self.check()

        return guarded

    def check(self) -> None:
        """Raise what was found."""
        if self.found is not None:
            raise self.found

    def _drop_spikes(self) -> None:
        """Leave only spikes up to the engine's time to the recorder: later ones are of a window that went wrong."""
        calendar, (base, offset) = self.engine.calendar, self.engine.now
        new = slice(calendar.taken, calendar.closed)
        late = (calendar.base[new] > base) | ((calendar.base[new] == base) & (calendar.offset[new] > offset))
        calendar.closed -= int(np.count_nonzero(late))

    def _of_plugin(self, error: Exception) -> bool:
        """Whether it was raised in the file of one of the network's rules or models."""
        network = self.engine.network
        described: list[Any] = [*network.neurons, *network.inputs, *network.currents]
        plugins: list[type] = [item.model for item in described]
        plugins += [p.plasticity.rule for p in network.projections if p.plasticity is not None]
        frames = traceback.extract_tb(error.__traceback__)
        return bool(frames) and frames[-1].filename in {inspect.getsourcefile(plugin) for plugin in plugins}

    def _said(self, error: Exception) -> RunError:
        last = traceback.extract_tb(error.__traceback__)[-1]
        known = last.filename != __file__  # else it came without a place, and was raised here alone
        where = f"{last.filename}, line {last.lineno}" if known else "a compiled hook"
        what = f"{last.name if known else 'it'} raised {type(error).__name__}: {error}"
        fix = "Hooks must not raise; --debug (debug=True) shows what this one saw."
        return RunError(
            Problem(f"{what}, after {self.engine.time:.12g} ms, up to which all is recorded", where, fix=fix)
        )
