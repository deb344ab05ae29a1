from __future__ import annotations

import sys

import pytest

from neuromorph.errors import PluginError
from neuromorph.registration import Registry, registered_name

GOOD = "class Thing:\n    pass\n\nclass Other:\n    pass\n"


def check(cls, where):
    if cls.__name__ == "Other":
        raise PluginError(f"{where}: Other is not good")


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry of two distributions, as if they were installed."""

    def install(distribution, entries, **modules):
        info = tmp_path / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in entries]
        (info / "entry_points.txt").write_text("\n".join(["[test.things]", *lines]))
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)

    install(
        "alpha",
        [("thing", "alpha_m:Thing"), ("other", "alpha_m:Other"), ("twice", "alpha_m:Thing"), ("same", "alpha_m:Thing")],
        alpha_m=GOOD,
    )
    install(
        "beta",
        [
            ("broken", "beta_m:Thing"),
            ("absent", "alpha_m:Nothing"),
            ("missing", "no_such_module:X"),
            ("twice", "beta_m:Thing"),
            ("same", "alpha_m:Thing"),
        ],
        beta_m="raise RuntimeError('beta is broken')\n",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Registry("test.things", "thing", check)
    for name in ("alpha_m", "beta_m"):
        sys.modules.pop(name, None)


def message(act):
    with pytest.raises(PluginError) as error:
        act()
    return str(error.value)


def test_names_are_known_without_importing_anything(registry):
    assert registry.names() == ["absent", "broken", "missing", "other", "same", "thing", "twice"]
    assert "thing" in registry
    assert "nothing" not in registry
    assert not {"alpha_m", "beta_m"} & set(sys.modules)


def test_a_name_becomes_its_class(registry):
    thing = registry.get("thing")
    assert (thing.__module__, thing.__name__) == ("alpha_m", "Thing")
    assert registry.get("same") is thing
    assert "beta_m" not in sys.modules
    assert registry.entry("thing").origin == "alpha 1.0 (alpha_m:Thing)"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("thin", "unknown thing 'thin'. Did you mean 'thing'?"),
        ("broken", "beta_m.py:1: thing 'broken' cannot be imported: RuntimeError: beta is broken"),
        ("absent", "alpha_m.py: thing 'absent' cannot be imported: AttributeError"),
        ("missing", "beta 1.0 (no_such_module:X): thing 'missing' cannot be imported: ModuleNotFoundError"),
        ("other", "alpha 1.0 (alpha_m:Other): Other is not good"),
        ("twice", "thing 'twice' is offered more than once: by"),
        ("twice", "Uninstall one of them, such as: pip uninstall "),
    ],
)
def test_a_name_that_cannot_be_used_says_why(registry, name, words):
    assert words in message(lambda: registry.get(name))


def test_broken_entries_are_listed_with_their_errors_and_hurt_no_others(registry):
    entries = {entry.name: entry for entry in registry.entries()}
    assert {name for name, entry in entries.items() if entry.error is None} == {"thing", "same"}
    assert entries["thing"].cls is registry.get("thing")
    assert all((entry.cls is None) != (entry.error is None) for entry in entries.values())


def test_an_empty_group_says_how_to_install():
    empty = Registry("test.no_such_group", "thing", check)
    assert message(lambda: empty.get("x")) == (
        "unknown thing 'x'. None is installed: run `pip install -e .` in the checkout."
    )


def test_local_classes_win_for_a_while(registry):
    class Mine:
        pass

    with registry.override({"thing": Mine, "mine": Mine}):
        assert registry.get("thing") is registry.get("mine") is Mine
        assert "mine" in registry.names()
    assert registry.get("thing") is not Mine
    assert "mine" not in registry


def test_nothing_is_registered_if_anything_is_wrong(registry):
    class Mine:
        pass

    class Other:
        pass

    assert message(lambda: registry.add({"mine": Mine, "other": Other}, "here")) == "here: Other is not good"
    assert "mine" not in registry
    with pytest.raises(PluginError), registry.override({"other": Other}):
        raise AssertionError("never entered")


@pytest.mark.parametrize(
    ("class_name", "name"),
    [
        ("PairSTDP", "pair_stdp"),
        ("STDPDerivative", "stdp_derivative"),
        ("Mirror", "mirror"),
        ("LifCondExp", "lif_cond_exp"),
    ],
)
def test_names_from_class_names(class_name, name):
    assert registered_name(type(class_name, (), {})) == name
    assert registered_name(type(class_name, (), {"name": "own"})) == "own"


def test_everything_of_our_own_is_registered_and_keeps_its_contract():
    from neuromorph.learning import registry as rules
    from neuromorph.models import registry as models

    assert {"lif_delta", "poisson", "dc_current"} <= set(models.names())
    assert "pair_stdp" in rules.names()
    for entry in [*models.entries(), *rules.entries()]:
        assert entry.error is None, str(entry.error)
    assert models.get("lif_delta").name == "lif_delta"
    assert rules.get("pair_stdp").__name__ == "PairSTDP"
