"""The files of a new package with one rule or one model: `neuromorph rules new`, `neuromorph models new`."""

from __future__ import annotations

import importlib.util
import keyword
import re
from dataclasses import dataclass
from pathlib import Path

from neuromorph._version import __version__
from neuromorph.errors import InputError, Problem

#: kind -> the folder of templates beside this file, and the entry-point group
KINDS = {"rules": ("rule", "neuromorph.learning_rules"), "models": ("model", "neuromorph.neuron_models")}
TEMPLATES = Path(__file__).parent / "templates"
_LONGEST = 40


@dataclass(frozen=True)
class Package:
    """What a package with one rule or model is called."""

    kind: str
    name: str

    @property
    def distribution(self) -> str:
        """What pip calls it."""
        return f"neuromorph-{self.name.replace('_', '-')}"

    @property
    def module(self) -> str:
        """What Python calls it: with a prefix, for `random` or `oja` may be somebody else's."""
        return f"neuromorph_{self.name}"

    @property
    def class_name(self) -> str:
        """The name in CamelCase."""
        return "".join(part[:1].upper() + part[1:] for part in self.name.split("_"))

    def files(self) -> dict[str, str]:
        """Text of every file by its path in the package."""
        what, group = KINDS[self.kind]
        values = {
            "NAME": self.name, "MODULE": self.module, "DISTRIBUTION": self.distribution, "CLASS": self.class_name,
            "WHAT": what, "KIND": self.kind, "GROUP": group, "RELEASE": ".".join(__version__.split(".")[:2]),
        }  # fmt: skip
        found = {}
        for folder in ("common", what):
            for template in sorted((TEMPLATES / folder).rglob("*.txt")):
                path = _filled(str(template.relative_to(TEMPLATES / folder))[: -len(".txt")], values)
                found[path] = _filled(template.read_text(), values)
        return found


def named(kind: str, name: str, known: list[str]) -> Package:
    """The package of a new name; raises InputError where it is no name, or somebody else's."""
    allowed = f"small letters, digits and underscores, a letter first, at most {_LONGEST} of them, such as my_rule"
    if not re.fullmatch(rf"[a-z][a-z0-9_]{{0,{_LONGEST - 1}}}", name) or keyword.iskeyword(name) or name.endswith("_"):
        raise InputError(Problem("not a name", f"{kind} new", name, allowed))
    if name in known:
        fix = f"Choose another one; see: neuromorph {kind} list."
        raise InputError(Problem(f"a {KINDS[kind][0]} called '{name}' is registered already", f"{kind} new", fix=fix))
    package = Package(kind, name)
    if importlib.util.find_spec(package.module) is not None:
        fix = "Choose another name."
        raise InputError(Problem(f"a module called '{package.module}' is installed already", f"{kind} new", fix=fix))
    return package


def write(package: Package, folder: Path, force: bool) -> list[Path]:
    """Write the package and return the files; raises InputError where the folder exists, but for `force`."""
    if folder.exists() and not force:
        fix = "Choose another folder with -o, or overwrite files in it with --force."
        raise InputError(Problem("exists already", str(folder), fix=fix))
    written = []
    for path, text in package.files().items():
        file = folder / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        except OSError as error:
            fix = "Choose another folder with -o."
            raise InputError(Problem(f"cannot be written: {error.strerror}", str(file), fix=fix)) from error
        written.append(file)
    return written


def _filled(text: str, values: dict[str, str]) -> str:
    """`@NAME@` and the like by their values."""
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text
