"""Changes to a network file from outside: `--set populations.E.params.tau_m=20`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from neuromorph.errors import InputError, Problem, suggestion

#: tables whose keys are not the file's but a model's, a rule's or the user's
_FREE = ("params", "initial", "attributes", "plasticity")
_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^.\[\]"']+)|\[(\d+)\])\s*(?:\.|(?=\[)|$)""")


def apply_settings(data: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return the tables of a network file with some values changed.

    settings : texts `path=value`; the path as messages write it (`projections[0].weight`, `run.seed`), a projection
        also by its name or source_target; the value as TOML, or plain text
    Raises InputError for a text that is no setting and for a path that the file cannot have.
    """
    result = dict(data)
    problems: list[Problem] = []
    for setting in settings:
        path, equals, text = setting.partition("=")
        parts = _split(path)
        if not equals or len(parts) < 2:
            problems.append(Problem("not a setting", "--set", setting, "path=value, such as run.seed=2"))
            continue
        try:
            result = _changed(result, parts, _value(text), ())
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(*problems)
    return result


def _split(path: str) -> list[str]:
    parts, place = [], 0
    while place < len(path):
        match = _PART.match(path, place)
        if match is None or match.end() == place:
            return []
        parts.append(next(group for group in match.groups() if group is not None).strip())
        place = match.end()
    return parts


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _changed(table: Any, parts: list[str], value: Any, path: tuple[str | int, ...]) -> Any:
    """A copy of nested tables with one value changed; what is not on the way is shared."""
    part: Any = _index(table, parts[0], path) if isinstance(table, list) else _key(table, parts[0], path)
    copy: Any = list(table) if isinstance(table, list) else dict(table)
    here = (*path, part)
    if len(parts) == 1:
        copy[part] = value
        return copy
    below = copy[part] if isinstance(copy, list) else copy.get(part, {})
    if not isinstance(below, Mapping | list):
        raise _problem("holds a value, not a table", here, below)
    copy[part] = _changed(below, parts[1:], value, here)
    return copy


def _index(items: list[Any], part: str, path: tuple[str | int, ...]) -> int:
    """Position in a list: a number, or for projections a name or source_target that only one has."""
    if part.isdigit() and int(part) < len(items):
        return int(part)
    names: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        if isinstance(item, Mapping) and "source" in item:
            name = item.get("name", f"{item['source']}_{item.get('target')}")
            names.setdefault(str(name), []).append(index)
    if len(names.get(part, ())) == 1:
        return names[part][0]
    if part in names:
        raise _problem(f"several are called '{part}'", path, names[part], "Say which, such as projections[0].")
    what = f"there is no '{part}'"
    raise _problem(what, path, fix=suggestion(part, names) if names else f"It has {len(items)} entries, from 0.")


def _key(table: Mapping[str, Any], part: str, path: tuple[str | int, ...]) -> str:
    """A key that the table has or could have."""
    from neuromorph.graph.schema import NAMED, known_keys

    if part in table or any(step in _FREE for step in path):
        return part
    if path and path[0] in NAMED and len(path) == 1:
        known = list(table)
    else:
        known = known_keys(path)
        if part in known:
            return part
    raise _problem(f"unknown '{part}'", (*path, part), fix=suggestion(part, known))


def _problem(what: str, path: tuple[str | int, ...], value: Any = None, fix: str = "") -> InputError:
    from neuromorph.graph.schema import spelled

    fields = {} if value is None else {"value": value}
    return InputError(Problem(what, f"--set {spelled(path)}".strip(), fix=fix, **fields))
