"""Rules of the house that a machine can check: imports go one way, files and functions stay small."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import neuromorph
import neuromorph.testing

ROOT = Path(neuromorph.__file__).parent
#: room -> rooms that it may import (itself and the shared files aside)
ALLOWED = {
    "kernels": {"models", "learning"},  # contracts only: templates ask a model or rule for its names
    "models": {"kernels", "learning", "registration", "contract_checks"},
    "learning": {"registration", "contract_checks"},
    "equations": {"kernels", "models", "learning"},
    "graph": {"models", "learning"},
    "lowered": {"graph", "models", "learning", "kernels"},
    "engine": {"lowered", "kernels", "graph", "models", "learning"},
    "traces": {"engine"},
    "analysis": {"traces"},
    "report": {"traces", "analysis"},
    "export": {"traces", "analysis"},
    "tasks": {"simulate", "engine", "graph"},
    "why": {
        "simulate",
        "recorded",
        "registration",
        "traces",
        "engine",
        "lowered",
        "graph",
        "models",
        "kernels",
        "learning",
        "debugging",
    },
    "testing": {
        "simulate",
        "engine",
        "graph",
        "kernels",
        "learning",
        "models",
        "plugin_files",
        "registration",
    },
}
SHARED = {"errors", "limits", "new_files", "numpy_files", "private", "units", "parameters", "_version"}
LOOSE = sorted(ROOT.rglob("*.py"))


def imports(file: Path) -> set[str]:
    """Rooms (or top-level files) of neuromorph that a file imports, type checking aside."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("neuromorph."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("neuromorph.")}
    return found


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_imports_go_one_way(room: str) -> None:
    for file in (ROOT / room).rglob("*.py"):
        extra = imports(file) - SHARED - {room} - ALLOWED[room]
        assert not extra, f"{file.name} of {room} imports {sorted(extra)}"


def test_only_traces_imports_h5py() -> None:
    for file in LOOSE:
        if file.parent.name != "traces":
            assert not re.search(r"^\s*(import|from) h5py", file.read_text(), re.M), file


def test_only_equations_import_sympy() -> None:
    for file in LOOSE:
        if file.name != "algebra.py":
            assert not re.search(r"^\s*(import|from) sympy", file.read_text(), re.M), file


def test_core_knows_no_learning_task() -> None:
    words = re.compile(r"mnist|learn_digits|softmax|backprop|\bimages?\b|classif", re.I)
    for room in ("models", "kernels", "engine", "lowered", "learning"):
        for file in (ROOT / room).rglob("*.py"):
            assert not words.search(file.read_text()), file


@pytest.mark.parametrize("file", LOOSE, ids=lambda f: str(f.relative_to(ROOT)))
def test_files_and_functions_are_small(file: Path) -> None:
    text = file.read_text()
    assert text.count("\n") <= 450, f"{file} has {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= 80, f"{file.name}: {node.name} has {length} lines"


def test_public_functions_have_docstrings() -> None:
    for file in LOOSE:
        tree = ast.parse(file.read_text())
        assert ast.get_docstring(tree) is not None, file
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{file.name}: {node.name}"


def test_import_is_light() -> None:
    code = (
        "import sys, neuromorph, neuromorph_cli.main;"
        "print(sorted({'numpy', 'numba', 'h5py', 'networkx', 'pydantic', 'rich', 'sympy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Netwrok'"):
        neuromorph.Netwrok  # noqa: B018
    with pytest.raises(AttributeError, match="module 'neuromorph.testing' has no attribute 'rule_conformanse'"):
        neuromorph.testing.rule_conformanse  # noqa: B018
