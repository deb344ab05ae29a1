"""TOML text from tables and back."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from neuromorph import limits
from neuromorph.errors import DescriptionError, Problem

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LINE = re.compile(r"\(?at line (\d+), column \d+\)?")
#: more parts of a key than tables may be deep: tomllib takes the square of their number, in time and memory
_DEEP_KEY = re.compile(rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*"|'[^'\n]*')[ \t]*+\.[ \t]*+){{{limits.DEPTH}}}""")


def loads(text: str, file: str) -> dict[str, Any]:
    """Read TOML; raises DescriptionError with the line where it is no TOML, and for tables without end."""
    deep = _DEEP_KEY.search(text)
    if deep is not None:
        raise _nested(f"{file}:{text.count(chr(10), 0, deep.start()) + 1}")
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise _nested(file) from None
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        line = int(found[1]) if found else len(text.splitlines())
        what = _LINE.sub("", str(error)).strip().rstrip(".")
        unquoted = "Invalid value" in what or "Expected newline" in what
        fix = 'Text needs quotes, as in "20 ms".' if unquoted else ""
        raise DescriptionError(Problem(f"not TOML: {what}", f"{file}:{line}", fix=fix)) from error
    except ValueError as error:  # a whole number of more than 4,300 digits
        raise DescriptionError(Problem(f"not TOML: {str(error).partition(';')[0]}", file)) from error
    if limits.too_deep(data):
        raise _nested(file)
    return data


def _nested(where: str) -> DescriptionError:
    return DescriptionError(Problem("tables nested too deeply", where, allowed=f"at most {limits.DEPTH} levels"))


def dumps(data: Mapping[str, Any]) -> str:
    """Write tables as TOML: tables of tables and lists of tables under headers, everything below them inline."""
    blocks: list[str] = []
    for name, value in data.items():
        if isinstance(value, Mapping) and value and all(isinstance(item, Mapping) for item in value.values()):
            blocks += [_block(f"[{key(name)}.{key(inner)}]", item) for inner, item in value.items()]
        elif isinstance(value, Mapping):
            blocks.append(_block(f"[{key(name)}]", value))
        elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            blocks += [_block(f"[[{key(name)}]]", item) for item in value]
        else:
            blocks.insert(0, f"{key(name)} = {inline(value)}\n")
    return "\n".join(blocks)


def _block(header: str, table: Mapping[str, Any]) -> str:
    lines = [f"{key(name)} = {inline(value)}" for name, value in table.items() if value is not None]
    return "\n".join([header, *lines]) + "\n"


def key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else _text(name)


def inline(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(inline(item) for item in value)}]"
    if isinstance(value, Mapping):
        items = [f"{key(name)} = {inline(item)}" for name, item in value.items() if item is not None]
        return f"{{ {', '.join(items)} }}" if items else "{}"
    raise DescriptionError(Problem("cannot be written as TOML", value=value, allowed="number, text, list or table"))


def _text(text: str) -> str:
    # JSON and TOML differ in DEL alone: it is a control character to TOML.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
