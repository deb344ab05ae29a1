"""neuromorph models, neuromorph rules."""

from __future__ import annotations

import inspect
import json
from typing import Any

import click

from neuromorph_cli import options


def _group(what: str, registry_module: str) -> click.Group:
    @click.group(name=what, help=f"List {what}, or show one.\n\n\b\nExample:\n  neuromorph {what} list")
    def group() -> None: ...

    @group.command(name="list", help=f"List all {what}.\n\n\b\nExample:\n  neuromorph {what} list --json")
    @options.plugin
    @options.json
    def list_(plugins: tuple[str, ...], as_json: bool) -> None:
        entries = _registry(registry_module, plugins).entries()
        if as_json:
            click.echo(json.dumps([{"name": e.name, "origin": e.origin, "error": _error(e)} for e in entries]))
            return
        width = max((len(e.name) for e in entries), default=0)
        for entry in entries:
            text = _error(entry) or (inspect.getdoc(entry.cls) or "").split("\n")[0]
            click.echo(f"{entry.name:<{width}}  {text}")

    @group.command(help=f"Equations, parameters and source of one.\n\n\b\nExample:\n  neuromorph {what} show NAME")
    @click.argument("name")
    @options.plugin
    @options.json
    def show(name: str, plugins: tuple[str, ...], as_json: bool) -> None:
        cls = _registry(registry_module, plugins).get(name)
        facts = _facts(name, cls)
        click.echo(json.dumps(facts) if as_json else _page(facts))

    return group


def _registry(module: str, plugins: tuple[str, ...]) -> Any:
    import importlib

    options.load_plugins(plugins)
    return importlib.import_module(module).registry


def _error(entry: Any) -> str | None:
    return None if entry.error is None else f"cannot be used: {entry.error}"


def _facts(name: str, cls: Any) -> dict[str, Any]:
    parameters = [
        {"name": k, "default": q.default, "unit": q.unit, "allowed": q.allowed, "doc": q.doc}
        for k, q in cls.parameters().items()
    ]
    facts = {"name": name, "doc": inspect.getdoc(cls) or "", "parameters": parameters}
    for key in ("equations", "source", "resolutions"):
        if getattr(cls, key, ""):
            facts[key] = getattr(cls, key)
    if hasattr(cls, "receptors"):
        facts["variables"] = [{"name": k, "unit": v.unit, "doc": v.doc} for k, v in cls.variables().items()]
        facts["receptors"] = [{"name": r.name, "unit": r.unit, "doc": r.doc} for r in cls.receptors]
    if getattr(cls, "array_parameters", None):
        facts["arrays"] = [{"name": k, "unit": u, "doc": d} for k, (u, d) in cls.array_parameters.items()]
    return facts


def _page(facts: dict[str, Any]) -> str:
    lines = [facts["name"], "", facts["doc"]]
    for key in ("equations", "resolutions", "source"):
        if key in facts:
            value = facts[key] if isinstance(facts[key], str) else ", ".join(facts[key])
            lines += ["", f"{key}:", *(f"  {line.strip()}" for line in value.strip().split("\n"))]
    for key in ("parameters", "arrays", "variables", "receptors"):
        if facts.get(key):
            lines += ["", f"{key}:"]
            for item in facts[key]:
                default = f" = {item['default']:g}" if "default" in item else ""
                allowed = f"; {item['allowed']}" if "allowed" in item else ""
                lines.append(f"  {item['name']}{default} [{item['unit']}]  {item['doc']}{allowed}")
    return "\n".join(lines)


models = _group("models", "neuromorph.models.registry")
rules = _group("rules", "neuromorph.learning.registry")
