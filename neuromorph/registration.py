"""How names become classes: entry points of installed distributions, classes of a local file, or both.

Built-in models and rules are listed in our own entry points and come in as a stranger's do. Each is imported when it
is asked for, alone, so that a broken one hurts nobody else.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, EntryPoints, distributions, entry_points

from neuromorph.errors import PluginError, Problem, suggestion
from neuromorph.loading import LoadingError, TooLong, load


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
            for point in _points(self.group):
                # A checkout beside its own installation lists everything twice.
                if point.value not in [other.value for other in found.setdefault(point.name, [])]:
                    found[point.name].append(point)
            self._installed = found
        return self._installed

    def _load(self, name: str, points: list[EntryPoint]) -> Entry:
        origins = [origin(point) for point in points]
        if len(points) > 1:
            what = f"{self.what} '{name}' is offered more than once: by {' and by '.join(origins)}"
            fix = f"Uninstall one of them, such as: pip uninstall {_distribution(points[-1])}."
            return Entry(name, origins[0], error=PluginError(Problem(what, fix=fix)))
        point, where = points[0], origins[0]
        try:
            cls = load(point.load)
        except LoadingError as error:
            what = f"{self.what} '{name}' cannot be imported: {error.reason}"
            file = error.place or getattr(sys.modules.get(point.value.split(":")[0]), "__file__", "")
            place = f"{where}, {file}" if file else where
            return Entry(name, where, error=PluginError(Problem(what, place, fix=_fix(error, point))))
        try:
            self._check(cls, where)
        except PluginError as error:
            return Entry(name, where, error=error)
        return Entry(name, where, cls)


def _points(group: str) -> EntryPoints | list[EntryPoint]:
    """All entry points of a group; a distribution whose list cannot be read is passed over, with a warning."""
    try:
        return entry_points(group=group)
    except Exception:  # importlib.metadata stops at the first malformed line of any distribution
        found: list[EntryPoint] = []
        for distribution in distributions():
            try:
                found += [p for p in distribution.entry_points if p.group == group]
            except Exception as error:
                text = f"the entry points of {_named(distribution)} cannot be read: {error}. Reinstall it"
                warnings.warn(text, stacklevel=4)
        return found


def origin(point: EntryPoint) -> str:
    """Where an entry point comes from: `distribution version (module:attribute)`."""
    return f"{_named(point.dist) if point.dist else 'unknown distribution'} ({point.value})"


def _named(distribution: Distribution) -> str:
    return f"{distribution.name} {distribution.version}"


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "it"


def _fix(error: LoadingError, point: EntryPoint) -> str:
    """What a user can do about a module that cannot be loaded."""
    name, cause = _distribution(point), error.cause
    if isinstance(cause, TooLong):
        return f"Look at that loop, or give it longer, such as NEUROMORPH_PLUGIN_TIMEOUT=60, or: pip uninstall {name}."
    if isinstance(cause, ModuleNotFoundError) and cause.name:
        own = cause.name.split(".")[0] == point.value.split(":")[0].split(".")[0]
        if own:
            return f"Its files are missing, or its entry point is misspelt: pip install --force-reinstall {name}."
        return f"Install {cause.name}, which it needs, or: pip uninstall {name}."
    if isinstance(cause, AttributeError) and not error.place:
        return (
            f"Its entry point '{point.name} = {point.value}' names what is not there: correct it, and reinstall {name}."
        )
    return f"Correct it, or: pip install --upgrade {name}, or: pip uninstall {name}."


def registered_name(cls: type) -> str:
    """The name under which a class of a local file is registered: its `name`, else its class name in snake_case."""
    name = getattr(cls, "name", "")
    if isinstance(name, str) and name:
        return name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()
