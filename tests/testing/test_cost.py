"""What cost is measured against: pair STDP by hand is pair STDP."""

from __future__ import annotations

import re

import numpy as np
import pytest

from neuromorph.learning import registry
from neuromorph.models import registry as models
from neuromorph.testing import cost, model_cost
from neuromorph.testing.by_hand import pair_stdp_by_hand
from neuromorph.testing.networks import setting
from neuromorph.testing.report import NotApplicable


def test_the_loop_by_hand_comes_to_the_same_weights(monkeypatch):
    """At 150 Hz, so that cells fire more often between two spikes of a source than are tried at once."""
    monkeypatch.setattr(cost, "SIZE", 40)
    monkeypatch.setattr(cost, "INDEGREE", 20)
    monkeypatch.setattr(cost, "RATE", 150.0)
    chosen = setting(registry.get("pair_stdp"))
    generated = cost.made("pair_stdp", chosen)
    with pair_stdp_by_hand():
        by_hand = cost.made("pair_stdp", chosen)
    modules = [simulation.plastic["measured"][0].module for simulation in (generated, by_hand)]
    assert modules[0].visit is not modules[1].visit
    before = generated.weights("measured").copy()
    for simulation in (generated, by_hand):
        simulation.run(600.0)  # beyond what decays are tabulated for
    assert cost.same_weights(generated, by_hand)
    assert np.mean(generated.weights("measured") != before) > 0.9
    generated.run(50.0)
    assert not cost.same_weights(generated, by_hand)


def test_a_rule_whose_sources_are_cells_has_no_cost_here():
    rule = registry.get("mirror")
    with pytest.raises(NotApplicable, match="has Poisson sources"):
        cost.measure(rule, setting(rule))


def test_measuring_gives_figures(monkeypatch):
    for name, value in {"SIZE": 20, "INDEGREE": 10, "CHUNK": 5.0}.items():
        monkeypatch.setattr(cost, name, value)
    rule = registry.get("pair_stdp")
    text = str(cost.measure(rule, setting(rule), rounds=2))
    assert "ns per synaptic event (a static synapse " in text
    assert "pair STDP by hand " in text


def test_what_a_cell_costs(monkeypatch):
    for name, value in {"SIZE": 20, "CHUNK": 1.0, "ROUNDS": 1}.items():
        monkeypatch.setattr(model_cost, name, value)
    text = model_cost.measure(models.get("lif_delta"), {})
    assert re.fullmatch(r"\d+\.\d\d ns per cell and tick \(lif_exp \d+\.\d\d\)", text)
    with pytest.raises(NotApplicable, match="cells on the grid are measured"):
        model_cost.measure(models.get("poisson"), {})
