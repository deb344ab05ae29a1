from __future__ import annotations

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromorph.errors import DescriptionError
from neuromorph.graph import toml

keys = st.text(min_size=1, max_size=5)
scalars = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.just(""), st.text("\x00\x1f\x7f\\\"'\n\t")
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)


@given(
    st.dictionaries(
        keys, st.dictionaries(keys, values, max_size=3) | st.lists(st.dictionaries(keys, values), max_size=3)
    )
)
def test_what_is_written_is_read_again(data):
    assert tomllib.loads(toml.dumps(data)) == data


def test_not_a_number_survives_and_none_is_left_out():
    read = tomllib.loads(toml.dumps({"a": {"x": math.nan, "y": None, "z": {"q": None}}}))
    assert math.isnan(read["a"].pop("x"))
    assert read == {"a": {"z": {}}}


def test_sections_are_easy_to_read():
    data = {
        "populations": {"E": {"size": 3}, "odd name": {"size": 4}},
        "projections": [{"source": "E", "params": {"a": 1}}],
    }
    assert toml.dumps(data) == (
        '[populations.E]\nsize = 3\n\n[populations."odd name"]\nsize = 4\n\n'
        '[[projections]]\nsource = "E"\nparams = { a = 1 }\n'
    )


def test_other_things_cannot_be_written():
    with pytest.raises(DescriptionError, match="cannot be written as TOML, found None"):
        toml.dumps({"a": {"b": [None]}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[a]\nb = 20 ms\n", "f.toml:2: not TOML: Expected newline or end of document after a statement"),
        ("[a]\n\nb = fast\n", 'f.toml:3: not TOML: Invalid value. Text needs quotes, as in "20 ms".'),
        ("[a]\nb = 1\nb = 2\n", "f.toml:3: not TOML: Cannot overwrite a value"),
        ("[a\n", "f.toml:1: not TOML: Expected ']'"),
        ("a = [1,\n", "f.toml:1: not TOML: Invalid value"),
    ],
)
def test_broken_syntax_is_one_problem_with_its_line(text, words):
    with pytest.raises(DescriptionError) as error:
        toml.loads(text, "f.toml")
    assert words in str(error.value)
    assert len(error.value.problems) == 1
