"""Every message of an error has a test that knows its words: three of them, side by side, stand in a test.

That is the cheap half. `python tests/measure/words.py` is the other: it takes the words away, and a test must fail.
"""

from __future__ import annotations

import ast
from pathlib import Path

import neuromorph
import neuromorph_cli
import neuromorph_plugins
from measure.texts import messages, plain, stretches

TESTS = Path(__file__).parents[1]
FOLDERS = [Path(str(package.__file__)).parent for package in (neuromorph, neuromorph_cli, neuromorph_plugins)]
#: messages without a test, by the beginning of their words; it may only shrink
UNTESTED: set[str] = set()
MOST_UNTESTED = 0


def known_text() -> str:
    """All that tests say in strings, a line each; regular expressions without their backslashes."""
    said = []
    for path in sorted(TESTS.rglob("*.py")):
        if path != Path(__file__):
            strings = [n for n in ast.walk(ast.parse(path.read_bytes())) if isinstance(n, ast.Constant)]
            said += [n.value for n in strings if isinstance(n.value, str)]
    return "\n".join(plain(text) for text in said)


def test_every_message_has_a_test_that_knows_its_words() -> None:
    known = known_text()
    missing = {}
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*.py")):
            for site, pieces in messages(path, str(path.relative_to(folder.parent))):
                found = stretches(pieces)
                if found and not any(stretch in known for stretch in found):
                    missing[plain(" ".join(pieces))[:60]] = str(site)
    assert {words: where for words, where in missing.items() if words not in UNTESTED} == {}
    assert set(missing) >= UNTESTED, "these have a test now: take them off the list"
    assert len(UNTESTED) <= MOST_UNTESTED
