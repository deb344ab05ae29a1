"""Checkpoints of a training run: settings, curve and engine at the end of an epoch, in a .npz file beside its trace."""

from __future__ import annotations

import dataclasses
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuromorph import checkpoints
from neuromorph.errors import InputError, Problem
from neuromorph.numpy_files import ArrayFile, NotArrays
from neuromorph.tasks.images import Images
from neuromorph.tasks.settings import Settings, from_file

_HEAD = "training"


def beside(trace: str | Path) -> Path:
    """The file of a trace's checkpoint."""
    return checkpoints.beside(trace)


previous = checkpoints.previous


def fingerprint(images: Images) -> int:
    """What tells the training images of a run from others."""
    return zlib.crc32(images.train_labels.tobytes(), zlib.crc32(np.ascontiguousarray(images.train).tobytes()))


@dataclass(frozen=True)
class Checkpoint:
    """A training run at the end of an epoch: `result` is what it had come to, `arrays` are of engine.resume.snapshot.

    position : how far its trace was (TraceWriter.position)
    """

    task: str
    settings: Settings
    images: int
    result: dict[str, Any]
    arrays: Any
    position: dict[str, Any] | None = None

    def save(self, path: Path) -> None:
        """Write the file aside and put it in place whole, so that there is always one that can be read."""
        head = {"task": self.task, "settings": dataclasses.asdict(self.settings), "images": self.images}
        text = json.dumps(head | {"result": self.result, "position": self.position})
        checkpoints.put(path, {_HEAD: np.array(text), **self.arrays})

    @classmethod
    def load(cls, path: str | Path) -> Checkpoint:
        """Read a file that `save` wrote; raises InputError for any other."""
        try:
            arrays: Any = ArrayFile(path).read()
            head = json.loads(str(arrays.pop(_HEAD)))
            return cls(
                head["task"], from_file(head["settings"]), head["images"], head["result"], arrays, head["position"]
            )
        except OSError as error:
            raise InputError(Problem("cannot be read", str(path), error.strerror or str(error))) from None
        except (ValueError, KeyError, TypeError, RecursionError, NotArrays):
            fix = "`neuromorph learn` leaves one beside its trace: NAME.checkpoint.npz."
            raise InputError(Problem("is no checkpoint of a training run", str(path), fix=fix)) from None

    def of(self, images: Images) -> Checkpoint:
        """Itself; raises InputError where it was trained on other images."""
        if self.images != fingerprint(images):
            raise InputError(Problem("the checkpoint is of other training images", "--resume", images.name))
        return self
