"""triplet_stdp on the experiment that it was made for: pairings at several frequencies in visual cortex."""

from __future__ import annotations

import numpy as np
import pytest

from library.same_spikes import learnt, network_of

#: Sjoestroem, Turrigiano & Nelson 2001, doi:10.1016/S0896-6273(01)00542-6, as Pfister & Gerstner 2006 took them:
#: relative change by 60 pairings and its standard error, at 10 ms (pre first) and -10 ms, by frequency (Hz)
MEASURED = {
    0.1: ((-0.04, 0.05), (-0.29, 0.08)),
    10.0: ((0.14, 0.10), (-0.41, 0.11)),
    20.0: ((0.29, 0.14), (-0.34, 0.10)),
    40.0: ((0.53, 0.11), (0.56, 0.32)),
    50.0: ((0.56, 0.26), (0.75, 0.19)),
}


def changes(rule, params):
    """Relative change of the weight by 60 pairings: float[frequencies, 2]; a target's spike is seen after 1 ms."""
    pre, post = [], []
    for frequency in MEASURED:
        for lag in (10.0, -10.0):
            starts = 100.0 + np.arange(60) * 1e3 / frequency
            pre.append(starts)
            post.append(starts + lag - 1.0)
    network = network_of(pre, post, 1.0, 1.0, {"rule": rule, "params": params, "w_max": 10.0})
    return learnt(network, [max(map(max, pre)) + 100.0], 1.0)[0].reshape(-1, 2) - 1.0


def misfit(found):
    """Mean squared deviation from the measurements in units of their standard errors."""
    mean, error = np.moveaxis(np.array(list(MEASURED.values())), 2, 0)
    return np.mean(((found - mean) / error) ** 2), np.abs((found - mean) / error).max()


def test_pairings_change_weights_as_they_did_in_visual_cortex():
    """The defaults, the full all-to-all model of the paper, fit all ten measurements within 1.3 standard errors."""
    found = changes("triplet_stdp", {})
    mean, largest = misfit(found)
    assert mean < 0.4
    assert largest < 1.3
    assert np.all(np.diff(found[:, 0]) > 0.0)  # more potentiation at every step of the frequency
    assert abs(found[0, 0]) < 0.01  # and none at 0.1 Hz, although the presynaptic spike comes first
    assert found[2, 1] < 0.0 < found[3, 1]  # depression turns into potentiation between 20 and 40 Hz


def test_pairs_alone_do_not_explain_the_frequencies():
    """With more spikes in reach of each other a pair rule depresses more, whatever their order: the paper's point."""
    assert misfit(changes("pair_stdp", {"a_plus": 0.01, "a_minus": 0.0105}))[0] > 10.0


def test_sixty_pairings_far_apart_by_hand():
    """At 0.1 Hz nothing is left of one pairing at the next: 60 times a pair of each kind."""
    found = changes("triplet_stdp", {"a2_plus": 0.004, "a3_plus": 0.0, "a3_minus": 0.0})[0]
    expected = [60 * 0.004 * np.exp(-10.0 / 16.8), -60 * 7e-3 * np.exp(-10.0 / 33.7)]
    assert found == pytest.approx(expected, abs=2e-6)
