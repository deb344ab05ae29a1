from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromorph.errors import Problem
from neuromorph.graph import toml
from neuromorph.graph.locate import Origin, line_index

TEXT = '''# a comment with [brackets] and "quotes
[network]
name = "x" # [not.a.table]
description = """
[populations.fake]
model = "no"
"""
[populations.E]
model = 'tiny'
params = { tau_m = [1,
  2, # ] still inside
  3], V_th = 5 }
size = 3

[inputs."odd name"]
model = "source"
[[projections]]
source = "E"
plasticity.rule = "hebb"
[[projections]]
source = "E"
delay = 2
  [projections.plasticity]
  w_max = 3
[signals]
reward.delay = 3
'''


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("network.name", 3),
        ("populations.E", 8),
        ("populations.E.model", 9),
        ("populations.E.params.tau_m[1]", 10),
        ("populations.E.size", 13),
        ("populations.E.initial.V_m", 8),
        ("populations.fake", 8),
        ("inputs.odd name.model", 16),
        ("projections[0].plasticity.rule", 19),
        ("projections[0].delay", 17),
        ("projections[1].delay", 22),
        ("projections[1].plasticity.w_max", 24),
        ("projections[1].plasticity.w_min", 23),
        ("signals.reward.delay", 26),
        ("record[0]", None),
        ("", None),
    ],
)
def test_lines_are_those_where_things_are_written(where, line):
    assert Origin("f.toml", TEXT).line(where) == line


def test_problems_are_placed_and_sorted_by_line():
    problems = [Problem("b", "projections[1].delay"), Problem("a", "network.name"), Problem("c", "elsewhere")]
    assert [str(p) for p in Origin("f.toml", TEXT).placed(problems)] == [
        "f.toml: elsewhere: c",
        "f.toml:3: network.name: a",
        "f.toml:22: projections[1].delay: b",
    ]


names = st.text("abc-_ .[]\"'#=\\é", min_size=1, max_size=4)
leaves = st.one_of(st.text("ab\n\"'#[]={}\\", max_size=6), st.integers(), st.lists(st.integers(), max_size=3))


@given(st.dictionaries(names, st.dictionaries(names, leaves, min_size=1, max_size=3), min_size=1, max_size=3))
def test_every_key_that_is_written_is_found_on_its_line(tables):
    text = toml.dumps(tables)
    index = line_index(text)
    lines = text.splitlines()
    for table, keys in tables.items():
        for key in keys:
            assert lines[index[table, key] - 1].startswith(f"{toml.key(key)} = ")
