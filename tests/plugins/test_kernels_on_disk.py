"""Where generated kernels live, and under which key."""

from __future__ import annotations

import collections
import importlib
import itertools
import sys
import types
import warnings

import pytest

from neuromorph.kernels import codegen, jit

TEMPLATE = """
from neuromorph.kernels.jit import kernel


@kernel
def twice(x):
    return hook(hook(x))
"""
number = itertools.count()


def fresh():
    """A template that nobody compiled yet."""
    return TEMPLATE + f"# {next(number)}\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROMORPH_CACHE_DIR", str(tmp_path / "cache"))
    jit.cache_directory.cache_clear()
    yield
    jit.cache_directory.cache_clear()


def made(source, **names):
    """A function `hook` of this source, with these globals."""
    names["__name__"] = "somewhere"
    exec(source, names)
    return names["hook"]


def key(source, **names):
    return codegen.load(TEMPLATE, {"hook": made(source, **names)}, "a test").__name__


def test_a_hook_is_called_by_the_kernel_and_its_module_kept():
    template, hook = fresh(), made("def hook(x):\n    return 3.0 * x")
    module = codegen.load(template, {"hook": hook}, "a test")
    assert module.twice(2.0) == 18.0
    assert codegen.load(template, {"hook": hook}, "a test") is module
    assert module.__file__.startswith(str(jit.cache_directory()))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def hook(x):\n    return x + 2.0", {}),
        ("def hook(x):\n    return x - 1.0", {}),
        ("def hook(x, y=1.0):\n    return x + 1.0", {}),
        ("def hook(x):\n    return x + K", {"K": 1.0}),
        ("def hook(x):\n    return x + K", {"K": 2.0}),
        ("def hook(x):\n    return x + K", {"K": 1}),
        ("def hook(x):\n    return x + K[0]", {"K": (1.0, 2.0)}),
        ("def hook(x):\n    return x + K[0]", {"K": (1.0, 3.0)}),
        ("def hook(x):\n    return x + K(x)", {"K": made("def hook(x):\n    return 1.0")}),
        ("def hook(x):\n    return x + K(x)", {"K": made("def hook(x):\n    return 2.0")}),
        ("def hook(x):\n    return x + K(x)", {"K": made("def hook(x):\n    return L", L=2.0)}),
        ("def hook(x):\n    return x + K(x)", {"K": made("def hook(x):\n    return L", L=3.0)}),
    ],
)
def test_whatever_a_hook_refers_to_is_part_of_the_key(source, names):
    assert key(source, **names) == key(source, **names)
    assert key(source, **names) != key("def hook(x):\n    return x + 1.0")


def test_all_keys_of_the_cases_differ():
    marks = test_whatever_a_hook_refers_to_is_part_of_the_key.pytestmark
    (cases,) = [mark.args[1] for mark in marks if mark.name == "parametrize"]
    assert len({key(source, **names) for source, names in cases}) == len(cases)


FILES = {
    "a_rule_of_mine": "import a_helper_of_mine as helper\nfrom a_second_helper import often\n\n"
    "def hook(x):\n    return helper.gain(x) + often(x) + helper.deeper.LAST\n",
    "a_helper_of_mine": "import numba\nimport a_third_helper as deeper\nfrom a_third_helper import gain\n",
    "a_second_helper": "import numba\n\n@numba.njit\ndef often(x):\n    return 2.0 * x\n",
    "a_third_helper": "import numba\nLAST = 1.0\nK = 3.0\n\n@numba.njit\ndef gain(x):\n    return K * x\n",
}


@pytest.mark.parametrize(
    ("edited", "before", "after"),
    [
        ("a_second_helper", "2.0", "2.5"),
        ("a_second_helper", "@numba.njit", "@numba.njit(fastmath=True)"),
        ("a_third_helper", "K = 3.0", "K = 3.5"),
        ("a_third_helper", "K * x", "K + x"),
        ("a_third_helper", "LAST = 1.0", "LAST = 1.5"),
        ("a_rule_of_mine", "+ often", "- often"),
    ],
)
def test_helpers_in_other_files_are_part_of_the_key(tmp_path, monkeypatch, edited, before, after):
    """Imported by name or as modules, and what those import from a third file."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert before in FILES[edited]
    found = []
    for change in ((before, before), (before, before), (before, after)):
        for name, text in FILES.items():
            (tmp_path / f"{name}.py").write_text(text.replace(*change) if name == edited else text)
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        hook = importlib.import_module("a_rule_of_mine").hook
        found.append(codegen.load(TEMPLATE, {"hook": hook}, "a test").__name__)
    assert found[0] == found[1] != found[2]


def test_what_cannot_be_fingerprinted_is_compiled_anew_and_said():
    hook = made("def hook(x):\n    return K.get(x)", K=collections.OrderedDict())
    words = r"kernels of a test are compiled anew in each process: cannot hash OrderedDict"
    with pytest.warns(UserWarning, match=words):
        first = codegen.load(fresh(), {"hook": hook}, "a test")
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        assert codegen.load(fresh(), {"hook": hook}, "a test") is not first


def test_a_module_without_a_source_cannot_be_fingerprinted():
    hook = made("def hook(x):\n    return K.get(x)", K=types.ModuleType("made_of_nothing"))
    hook.__globals__["K"].__file__ = None
    with pytest.raises(codegen.Unfingerprintable, match="module made_of_nothing has no source file"):
        codegen._key("", {"hook": hook})


def test_a_damaged_module_is_written_again(monkeypatch):
    template, hook = fresh(), made("def hook(x):\n    return 3.0 * x")
    module = codegen.load(template, {"hook": hook}, "a test")
    with open(module.__file__, "w") as file:
        file.write("def twice(")
    monkeypatch.delitem(codegen.sys.modules, module.__name__)
    assert codegen.load(template, {"hook": hook}, "a test").twice(1.0) == 9.0


def test_where_nothing_can_be_written_kernels_go_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NEUROMORPH_CACHE_DIR", str(tmp_path / "file" / "inside"))
    folder = jit.cache_directory()
    assert folder.is_dir()
    assert str(tmp_path) not in str(folder)


def test_the_folder_is_named_by_the_fingerprint(tmp_path, monkeypatch):
    assert jit.cache_directory() == tmp_path / "cache" / f"kernels-{jit.fingerprint()}"
    monkeypatch.delenv("NEUROMORPH_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    jit.cache_directory.cache_clear()
    assert jit.cache_directory().parent == tmp_path / "home" / "neuromorph"


def test_a_kernel_of_a_models_file_is_compiled_anew_when_the_file_changes(tmp_path, monkeypatch):
    """Its own line is the same, and so are all files of kernels/: only the constant that it refers to is another."""
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    for constant in (2.0, 2.0, 30.0):
        text = f"from neuromorph.kernels.jit import kernel\nK = {constant}\n\n@kernel\ndef more(x):\n    return K * x\n"
        (tmp_path / "a_model_of_mine.py").write_text(text)
        jit._stamp.cache_clear()  # as in a new process
        sys.modules.pop("a_model_of_mine", None)
        importlib.invalidate_caches()
        module = importlib.import_module("a_model_of_mine")
        found.append((module.more(1.0), sum(module.more.stats.cache_hits.values())))
    assert found == [(2.0, 0), (2.0, 1), (30.0, 0)]
