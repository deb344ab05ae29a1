from __future__ import annotations

import copy

import pytest

from neuromorph.errors import InputError
from neuromorph.graph.settings import apply_settings

DATA = {
    "populations": {"E": {"model": "tiny", "params": {"tau_m": 5}}, "odd name": {"model": "tiny"}},
    "projections": [
        {"source": "E", "target": "E", "weight": 1.0},
        {"source": "E", "target": "odd name", "name": "x"},
        {"source": "E", "target": "E", "plasticity": {"rule": "hebb"}},
    ],
    "signals": {"r": {"times": [1.0]}},
    "record": [{"population": "E", "indices": [1, 2]}],
}


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("populations.E.params.tau_m=20", ("populations", "E", "params", "tau_m"), 20),
        ("populations.E.params.tau_m = 20 ms", ("populations", "E", "params", "tau_m"), "20 ms"),
        ("populations.E.params.V_th=[1, 2]", ("populations", "E", "params", "V_th"), [1, 2]),
        ("populations.E.size=7", ("populations", "E", "size"), 7),
        ('populations."odd name".size=7', ("populations", "odd name", "size"), 7),
        ("populations.odd name.initial.V_m='V_th'", ("populations", "odd name", "initial", "V_m"), "V_th"),
        ("projections[0].weight=2e-1", ("projections", 0, "weight"), 0.2),
        ("projections.0.delay=3", ("projections", 0, "delay"), 3),
        ("projections.x.weight=3", ("projections", 1, "weight"), 3),
        ("projections[2].plasticity.w_max=3", ("projections", 2, "plasticity", "w_max"), 3),
        ("run.seed=2", ("run", "seed"), 2),
        ("run.resolution=exact", ("run", "resolution"), "exact"),
        ("network.name=a=b", ("network", "name"), "a=b"),
        ("record[0].indices[1]=5", ("record", 0, "indices", 1), 5),
        ("signals.r.delay=true", ("signals", "r", "delay"), True),
    ],
)
def test_a_setting_changes_one_value(setting, path, value):
    before = copy.deepcopy(DATA)
    result = apply_settings(DATA, [setting])
    for step in path:
        result = result[step]
    assert result == value
    assert type(result) is type(value)
    assert before == DATA


def test_settings_are_applied_in_order():
    result = apply_settings(DATA, ["run.seed=1", "run.seed=2", "run.duration=1 s"])
    assert result["run"] == {"seed": 2, "duration": "1 s"}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("run.seed", "--set: not a setting, found 'run.seed' (allowed: path=value, such as run.seed=2)"),
        ("seed=1", "--set: not a setting, found 'seed=1'"),
        ("run..seed=1", "--set: not a setting, found 'run..seed=1'"),
        ("run.sed=1", "--set run.sed: unknown 'sed'. Did you mean 'seed'?"),
        ("runn.seed=1", "--set runn: unknown 'runn'. Did you mean 'run'?"),
        ("populations.Ex.size=1", "--set populations.Ex: unknown 'Ex'. Did you mean 'E'?"),
        ("populations.E.parms.tau_m=1", "--set populations.E.parms: unknown 'parms'. Did you mean 'params'?"),
        ("populations.E.model.x=1", "--set populations.E.model: holds a value, not a table, found 'tiny'"),
        ("projections[3].weight=1", "--set projections: there is no '3'. Known: E_E, x."),
        (
            "projections.E_E.weight=1",
            "--set projections: several are called 'E_E', found [0, 2]. Say which, such as projections[0].",
        ),
        ("projections.xx.weight=1", "--set projections: there is no 'xx'. Did you mean 'x'?"),
        ("record[1].interval=1", "--set record: there is no '1'. It has 1 entries, from 0."),
    ],
)
def test_wrong_settings_name_what_is_near(setting, words):
    with pytest.raises(InputError) as error:
        apply_settings(DATA, [setting])
    assert words in str(error.value)


def test_all_wrong_settings_are_reported():
    with pytest.raises(InputError) as error:
        apply_settings(DATA, ["run.sed=1", "x", "run.seed=3"])
    assert len(error.value.problems) == 2
