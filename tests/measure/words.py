"""Which words of errors are checked by a test: `python tests/measure/words.py [--likely] [what pytest takes]`.

Every place with words (sites.py) is run as it is first. Then, for each place that a test has reached, that test runs
once more with the words of that place replaced by a dash; the words are checked where it fails. This is mutation
testing, of messages alone. Words that only another process says are not seen. `--kept FILE` keeps what was found from
one run to the next, so that tests may be run in parts; `--likely` runs only tests that hold three words, side by side,
of a message that is not checked yet.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import copy
import functools
import importlib.abc
import importlib.machinery
import inspect
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

sys.path.insert(0, str(Path(__file__).parents[1]))
from measure.sites import FOLDERS, ROOT, Site, files, read
from measure.texts import messages, plain, stretches

MOST_TRIES = 25


class Spoken:
    """The hook in every place: notes that it was reached, and takes the words away from the one that is `silenced`."""

    def __init__(self) -> None:
        self.reached: dict[str, None] = {}
        self.silenced = ""

    def __call__(self, site: str, made: Any) -> Any:
        self.reached[site] = None
        return _without_words(made) if site == self.silenced else made


def _without_words(made: Any) -> Any:
    if isinstance(made, str):
        return "-"
    if not isinstance(made, BaseException):
        return made
    made = copy.copy(made)  # it may be kept, to be raised again
    if hasattr(made, "problems"):
        made.problems = (type(made.problems[0])("-"),) if made.problems else ()
    for name, value in vars(made).items():
        if isinstance(value, str):
            setattr(made, name, "-")
    if isinstance(made, OSError):
        made.strerror = "-"
    made.args = tuple("-" if isinstance(a, str) else a for a in made.args)
    return made


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a file with the hook in every place."""

    def get_code(self, fullname: str) -> Any:
        """Compile it anew; line numbers are those of the file."""
        path = Path(self.path)
        tree, _ = read(path, str(path.relative_to(ROOT)), _hooked)
        return compile(tree, self.path, "exec", dont_inherit=True)


def _hooked(site: Site, made: ast.expr) -> ast.expr:
    return ast.Call(ast.Name("__spoken__", ast.Load()), [ast.Constant(f"{site.kind} {site}"), made], [])


class Finder(importlib.abc.MetaPathFinder):
    """Finds our packages, and has them loaded so."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """As Python finds it, with another loader."""
        if name.split(".")[0] not in {folder.name for folder in FOLDERS}:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec and spec.origin and spec.origin.endswith(".py") and Path(spec.origin).is_relative_to(ROOT):
            spec.loader = Loader(name, spec.origin)
        return spec


class Checked:
    """A pytest plugin that runs each test again without the words of one place that it reached."""

    def __init__(self, spoken: Spoken, likely: bool) -> None:
        self.spoken = spoken
        self.by: dict[str, str] = {}  # place -> the test that checks its words
        self.tries: Counter[str] = Counter()
        self.reached: dict[str, list[str]] = {}
        self.likely = likely

    def load(self, file: Path) -> None:
        """Go on from an earlier run."""
        if file.exists():
            kept = json.loads(file.read_text())
            self.by, self.reached = kept["by"], kept["reached"]

    def save(self, file: Path) -> None:
        """Keep it for a later run."""
        file.write_text(json.dumps({"by": self.by, "reached": self.reached}, indent=1))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> bool:
        """Run one test as it is, and again for each place whose words nothing has checked yet."""
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        self.spoken.reached.clear()
        reports = runtestprotocol(item, nextitem=nextitem)
        reached = list(self.spoken.reached)
        if all(report.passed for report in reports):
            for site in reached:
                self.reached.setdefault(site, []).append(item.nodeid)
            open_ = [site for site in reached if site not in self.by and self.tries[site] < MOST_TRIES]
            if open_ and not self._fails(item, nextitem, ""):  # else it cannot be run twice
                for site in open_:
                    self.tries[site] += 1
                    if self._fails(item, nextitem, site):
                        self.by[site] = item.nodeid
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _fails(self, item: Any, nextitem: Any, silenced: str) -> bool:
        self.spoken.silenced = silenced
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        self.spoken.silenced = ""
        return any(report.failed for report in reports)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leave out, if asked to, tests that know no words of a place that is not checked yet."""
        if not self.likely:
            return
        open_ = [(site, p) for file, path in files() for site, p in messages(path, file)]
        known = {
            s for site, pieces in open_ if f"{site.kind} {site}" not in self.by for s in stretches(pieces) if " " in s
        }
        items[:] = [item for item in items if not known.isdisjoint(_said(item))]


def _said(item: Any) -> set[str]:
    """All that a test says, one to three words at a time: in its body, and in its own parameters."""
    given = getattr(item, "callspec", None)
    own = _runs_of_words(" ".join(map(str, given.params.values()))) if given else set()
    return own | _body(item.function) if isinstance(item, pytest.Function) else own


@functools.cache
def _body(function: Any) -> set[str]:
    return _runs_of_words("".join(inspect.getsourcelines(function)[0]).partition("def ")[2])


def _runs_of_words(text: str) -> set[str]:
    words = plain(text).split()
    return {" ".join(words[k : k + n]) for n in (1, 2, 3) for k in range(len(words) - n + 1)}


def report(checked: Checked) -> str:
    """Every place whose words no test checks, and the figures."""
    lines, counts = [], Counter[str]()
    for file, path in files():
        _, words = read(path, file)
        for site in dict.fromkeys(words.sites):
            key = f"{site.kind} {site}"
            what = "checked" if key in checked.by else "reached" if key in checked.reached else "missed"
            counts[what] += 1
            if what != "checked":
                tests = checked.reached.get(key, [])
                lines.append(f"{what} {key}  {' '.join(tests[:2])}")
        for site, reason in words.silent.items():
            counts["silent"] += 1
            lines.append(f"silent raise {site}  {reason}")
    return "\n".join([*sorted(lines), str(dict(counts))])


def main() -> int:
    """Measure, and print what is missing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--likely", action="store_true")
    given, rest = parser.parse_known_args()
    spoken = Spoken()
    builtins.__spoken__ = spoken  # type: ignore[attr-defined]
    sys.meta_path.insert(0, Finder())
    checked = Checked(spoken, given.likely)
    if given.kept:
        checked.load(given.kept)
    code = pytest.main(["-p", "no:cacheprovider", *rest], plugins=[checked])
    if given.kept:
        checked.save(given.kept)
    print(report(checked))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
