"""examples/spiking_rbm.py: pixels that are left out are completed."""

from __future__ import annotations

import itertools
import runpy
from pathlib import Path

import numpy as np


def test_contrastive_divergence_learns_to_complete_bars_and_stripes() -> None:
    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "spiking_rbm.py"))
    images = {tuple(image) for image in example["bars_and_stripes"]().tolist()}
    lines = list(itertools.product([0, 1], repeat=4))
    assert images == {line * 4 for line in lines} | {tuple(np.repeat(line, 4)) for line in lines}
    assert len(images) == 30
    untrained, trained = example["train"](1), example["train"](300)
    up = trained["visible_hidden"].reshape(32, -1)
    down = trained["hidden_visible"].reshape(-1, 32).T
    assert np.corrcoef(up.ravel(), down.ravel())[0, 1] > 0.95  # both ways see the same pairs, but for the delays
    chance = example["completed"](untrained)  # 600 pixels: a standard deviation of 0.02
    assert 0.35 < chance < 0.65
    assert example["completed"](trained) > chance + 0.1
