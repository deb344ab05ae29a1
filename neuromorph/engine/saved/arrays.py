"""Arrays of a checkpoint: taken out only where they fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import ABSENT, InputError, Problem

#: arrays and numbers of numpy by name
Arrays = dict[str, Any]
Saved = Mapping[str, Any]


def under(name: str, arrays: Saved) -> Arrays:
    """The arrays, each with `name` and a slash before its own name."""
    return {f"{name}/{key}": np.asarray(values) for key, values in arrays.items()}


def taken(saved: Saved, name: str, shape: tuple[int | None, ...], kind: str | None = None) -> NDArray[Any]:
    """An array of a checkpoint; InputError where it is missing, or of another shape (None: any) or kind of number.

    kind : "i" for integers, "f" for floats; either by default
    """
    if name not in saved:
        raise InputError(Problem("the checkpoint is of another network", name, "nothing", f"{_words(shape)}"))
    found = saved[name]
    fits = found.ndim == len(shape) and all(want in (None, n) for want, n in zip(shape, found.shape))
    if not fits or found.dtype.kind not in (kind or "iufb"):
        what = f"{found.dtype.name} of shape {found.shape}"
        raise InputError(Problem("the checkpoint is of another network", name, what, f"{_words(shape)}"))
    return found


def indices(saved: Saved, name: str, shape: tuple[int | None, ...], below: int) -> NDArray[Any]:
    """An array of whole numbers from 0 to below - 1: kernels follow them without looking; raises as `taken` does."""
    found = taken(saved, name, shape, "i")
    check_indices(found, name, below)
    return found


def check_indices(found: NDArray[Any], name: str, below: int) -> None:
    """InputError for an index out of range."""
    if found.size and (found.min() < 0 or found.max() >= below):
        wrong = int(found.min() if found.min() < 0 else found.max())
        raise damaged("an index out of range", name, wrong, f"below {below}")


def check_lengths(columns: Saved, name: str) -> None:
    """InputError for columns of unequal length."""
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise damaged("columns of unequal length", name, lengths)


def damaged(what: str, name: str, found: object = ABSENT, allowed: str = "") -> InputError:
    """What is said of a checkpoint that kernels could not follow."""
    fix = "Go on from the checkpoint before it, or run again."
    return InputError(Problem(f"the checkpoint is damaged: {what}", name, found, allowed, fix))


def fill(into: Any, saved: Saved, name: str) -> None:
    """Overwrite an array by that of a checkpoint."""
    kind = into.dtype.kind
    into[...] = taken(saved, name, into.shape, kind if kind in "if" else None)


def _words(shape: tuple[int | None, ...]) -> str:
    return f"an array of shape ({', '.join('any' if n is None else str(n) for n in shape)})"
