"""How names become classes: entry points of installed distributions, classes of a local file, or both.

Built-in models and rules are listed in our own entry points and come in as a stranger's do. Each is imported when it
is asked for, alone, so that a broken one hurts nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from neuromorph.errors import PluginError, Problem, suggestion


@dataclass(frozen=True)
class Entry:
    """One registered name: where it comes from, and either its class or what is wrong with it."""

    name: str
    origin: str
    cls: type | None = None
    error: PluginError | None = None


class Registry:
    """Names of one entry-point group, with their classes checked when they are loaded.

    group : entry-point group
    what : what a member is called in messages
    check : called as check(cls, where); raises PluginError where the class breaks its contract
    """

    def __init__(self, group: str, what: str, check: Callable[[type, str], None]) -> None:
        self.group = group
        self.what = what
        self._check = check
        self._installed: dict[str, list[EntryPoint]] | None = None
        self._local: dict[str, Entry] = {}
        self._loaded: dict[str, Entry] = {}

    def names(self) -> list[str]:
        """Every registered name, sorted; imports nothing."""
        return sorted({*self._entry_points(), *self._local})

    def __contains__(self, name: object) -> bool:
        return name in self._local or name in self._entry_points()

    def get(self, name: str) -> type:
        """Return the class registered as `name`.

        Raises PluginError for an unknown name (with a suggestion), for one that cannot be imported, and for a class
        that does not keep its contract.
        """
        entry = self.entry(name)
        if entry.error is not None:
            raise entry.error
        assert entry.cls is not None
        return entry.cls

    def entries(self) -> list[Entry]:
        """All entries, loaded one by one; those that cannot be used carry their error."""
        return [self.entry(name) for name in self.names()]

    def entry(self, name: str) -> Entry:
        """The entry called `name`, loaded; raises PluginError where there is none."""
        if name in self._local:
            return self._local[name]
        if name not in self._loaded:
            points = self._entry_points().get(name)
            if points is None:
                fix = suggestion(name, self.names()) or "None is installed: run `pip install -e .` in the checkout."
                raise PluginError(Problem(f"unknown {self.what} '{name}'", fix=fix))
            self._loaded[name] = self._load(name, points)
        return self._loaded[name]

    def add(self, classes: Mapping[str, type], origin: str) -> None:
        """Register classes of a local file (or of a running program); they win over installed ones.

        Raises PluginError with everything that is wrong with any of them, and then registers none.
        """
        problems = self.problems(classes, origin)
        if problems:
            raise PluginError(*problems)
        self._local.update({name: Entry(name, origin, cls) for name, cls in classes.items()})

    def problems(self, classes: Mapping[str, type], origin: str) -> list[Problem]:
        """Everything in which the classes break their contract."""
        problems: list[Problem] = []
        for cls in dict.fromkeys(classes.values()):
            try:
                self._check(cls, origin)
            except PluginError as error:
                problems += error.problems
        return problems

    @contextmanager
    def override(self, classes: Mapping[str, type], origin: str = "override") -> Iterator[None]:
        """Register classes for the length of a `with` block."""
        before = dict(self._local)
        try:
            self.add(classes, origin)
            yield
        finally:
            self._local = before

    def _entry_points(self) -> dict[str, list[EntryPoint]]:
        if self._installed is None:
            found: dict[str, list[EntryPoint]] = {}
            for point in entry_points(group=self.group):
                # A checkout beside its own installation lists everything twice.
                if point.value not in [other.value for other in found.setdefault(point.name, [])]:
                    found[point.name].append(point)
            self._installed = found
        return self._installed

    def _load(self, name: str, points: list[EntryPoint]) -> Entry:
        origins = [f"{point.dist.name if point.dist else 'unknown distribution'} ({point.value})" for point in points]
        if len(points) > 1:
            what = f"{self.what} '{name}' is offered more than once: by {' and by '.join(origins)}"
            return Entry(name, origins[0], error=PluginError(Problem(what, fix="Uninstall one of them.")))
        origin = origins[0]
        try:
            cls = points[0].load()
        except Exception as error:  # a stranger's module may raise anything
            what = f"{self.what} '{name}' cannot be imported: {type(error).__name__}: {error}"
            return Entry(name, origin, error=PluginError(Problem(what, origin)))
        try:
            self._check(cls, origin)
        except PluginError as error:
            return Entry(name, origin, error=error)
        return Entry(name, origin, cls)


def registered_name(cls: type) -> str:
    """The name under which a class of a local file is registered: its `name`, else its class name in snake_case."""
    name = getattr(cls, "name", "")
    if isinstance(name, str) and name:
        return name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()
