"""Every message of an error has a test that knows its words: three of them, side by side, stand in a test.

That is the cheap half. `python tests/measure/words.py` is the other: it takes the words away, and a test must fail.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import neuromorph
import neuromorph_cli
import neuromorph_plugins
from measure.sites import read

TESTS = Path(__file__).parents[1]
FOLDERS = [Path(str(package.__file__)).parent for package in (neuromorph, neuromorph_cli, neuromorph_plugins)]
#: messages without a test, by the beginning of their words; it may only shrink
UNTESTED: set[str] = set()
MOST_UNTESTED = 0


def literal(node: ast.expr) -> list[str]:
    """The literal pieces of a text: of an f-string, a sum, a choice; of an exception, those of its arguments."""
    match node:
        case ast.Constant(str(text)):
            return [text]
        case ast.JoinedStr(parts):
            return [piece for part in parts if isinstance(part, ast.Constant) for piece in literal(part)]
        case ast.BinOp(left, _, right):
            return literal(left) + literal(right)
        case ast.IfExp(_, one, other):
            return literal(one) + literal(other)
        case ast.Call(_, arguments, _):
            return [piece for argument in arguments for piece in literal(argument)]
    return []


def assigned(function: ast.AST, name: str) -> Iterator[ast.expr]:
    """What a name is set to in a function, alone or with others."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                match target, node.value:
                    case ast.Name(found), value if found == name:
                        yield value
                    case ast.Tuple(targets), ast.Tuple(values):
                        yield from (v for t, v in zip(targets, values) if isinstance(t, ast.Name) and t.id == name)


def messages() -> Iterator[tuple[str, list[str]]]:
    """Where each message is made, and its literal pieces; one that a variable holds counts once for each value."""
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*.py")):
            made: list[ast.expr] = []
            tree, _ = read(path, path.name, lambda site, expression, made=made: made.append(expression) or expression)
            functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
            for expression in made:
                where = f"{path.relative_to(folder.parent)}:{expression.lineno}"
                if isinstance(expression, ast.Name):
                    around = [f for f in functions if any(n is expression for n in ast.walk(f))][-1:]
                    for value in assigned(around[0], expression.id) if around else ():
                        yield where, literal(value)
                else:
                    yield where, literal(expression)


def known_text() -> str:
    """All that tests say in strings, a line each; regular expressions without their backslashes."""
    said = []
    for path in sorted(TESTS.rglob("*.py")):
        if path != Path(__file__):
            strings = [n for n in ast.walk(ast.parse(path.read_bytes())) if isinstance(n, ast.Constant)]
            said += [n.value for n in strings if isinstance(n.value, str)]
    return "\n".join(plain(text) for text in said)


def plain(text: str) -> str:
    """Its words, in lower case, one blank between them."""
    return " ".join(re.findall(r"[\w'`]+", text.replace("\\", "").replace("`", "").lower()))


def stretches(pieces: list[str]) -> list[str]:
    """Every three words side by side of the pieces; a whole piece where none has three."""
    split = [plain(piece).split() for piece in pieces]
    three = [" ".join(words[k : k + 3]) for words in split for k in range(len(words) - 2)]
    return three or [" ".join(words) for words in split if words]


def test_every_message_has_a_test_that_knows_its_words() -> None:
    known = known_text()
    missing = {}
    for where, pieces in messages():
        found = stretches(pieces)
        if found and not any(stretch in known for stretch in found):
            missing[plain(" ".join(pieces))[:60]] = where
    assert {words: where for words, where in missing.items() if words not in UNTESTED} == {}
    assert set(missing) >= UNTESTED, "these have a test now: take them off the list"
    assert len(UNTESTED) <= MOST_UNTESTED
