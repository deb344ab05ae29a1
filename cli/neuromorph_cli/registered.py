"""neuromorph models, neuromorph rules."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable, Sequence
from typing import Any

import click

from neuromorph_cli import author, options

#: what there is -> the module with its registry
REGISTRIES = {"models": "neuromorph.models.registry", "rules": "neuromorph.learning.registry"}


def names_of(what: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Complete the names of installed models or rules in the shell."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        return [name for name in _registry(what, ()).names() if name.startswith(incomplete)]

    return complete


def _group(what: str, kind: str, example: str) -> click.Group:
    """The commands `list` and `show` of models or of rules; `kind` says in the help what these are."""

    def text(first: str, *examples: str) -> str:
        return "\n".join([first, "", "\b", "Example:", *(f"  neuromorph {what} {one}" for one in examples)])

    @click.group(name=what, cls=options.Group, help=text(f"List {kind}, or show one.", "list", f"show {example}"))
    def group() -> None: ...

    @group.command(name="list", help=text(f"List {kind}: installed ones, and those of --plugin.", "list --json"))
    @options.plugin
    @options.json
    def list_(plugins: tuple[str, ...], as_json: bool) -> None:
        entries = _registry(what, plugins).entries()
        if as_json:
            click.echo(json.dumps([{"name": e.name, "origin": e.origin, "error": _error(e)} for e in entries]))
            return
        width = max((len(e.name) for e in entries), default=0)
        for entry in entries:
            text = _error(entry) or (inspect.getdoc(entry.cls) or "").split("\n")[0]
            click.echo(f"{entry.name:<{width}}  {text}")

    @group.command(help=text("Equations, parameters and source of one, or its code.", f"show {example} --code"))
    @click.argument("name", shell_complete=names_of(what))
    @options.plugin
    @options.json
    @click.option("--code", is_flag=True, help="Its Python code, written by hand or from equations.")
    def show(name: str, plugins: tuple[str, ...], as_json: bool, code: bool) -> None:
        cls = _registry(what, plugins).get(name)
        if code:
            text = getattr(cls, "code", "") or inspect.getsource(cls)
            click.echo(json.dumps({"name": name, "code": text}) if as_json else text.rstrip())
            return
        facts = _facts(name, cls)
        click.echo(json.dumps(facts) if as_json else _page(facts))

    author.add_to(group, what, example)
    return group


def _registry(what: str, plugins: Sequence[str]) -> Any:
    options.load_plugins(plugins)
    return importlib.import_module(REGISTRIES[what]).registry


def _error(entry: Any) -> str | None:
    return None if entry.error is None else f"cannot be used: {entry.error}"


def _facts(name: str, cls: Any) -> dict[str, Any]:
    parameters = [
        {"name": k, "default": q.default, "unit": q.unit, "allowed": q.allowed, "doc": q.doc}
        for k, q in cls.parameters().items()
    ]
    facts = {"name": name, "doc": inspect.getdoc(cls) or "", "parameters": parameters}
    for key in ("equations", "integration", "source", "resolutions"):
        if getattr(cls, key, ""):
            facts[key] = getattr(cls, key)
    if hasattr(cls, "receptors"):
        facts["variables"] = [{"name": k, "unit": v.unit, "doc": v.doc} for k, v in cls.variables().items()]
        facts["receptors"] = [{"name": r.name, "unit": r.unit, "doc": r.doc} for r in cls.receptors]
    if getattr(cls, "array_parameters", None):
        facts["arrays"] = [{"name": k, "unit": u, "doc": d} for k, (u, d) in cls.array_parameters.items()]
    if getattr(cls, "text_parameters", None):
        facts["texts"] = [{"name": k, "doc": d} for k, d in cls.text_parameters.items()]
    return facts


def _page(facts: dict[str, Any]) -> str:
    lines = [click.style(facts["name"], bold=True), "", facts["doc"]]
    for key in ("equations", "integration", "resolutions", "source"):
        if key in facts:
            value = facts[key] if isinstance(facts[key], str) else ", ".join(facts[key])
            lines += _section(key, [line.strip() for line in value.strip().split("\n")])
    for key in ("parameters", "arrays", "texts", "variables", "receptors"):
        if facts.get(key):
            heads = [_head(item) for item in facts[key]]
            width = max(map(len, heads))
            lines += _section(key, [f"{h:<{width}}  {_about(item)}".rstrip() for h, item in zip(heads, facts[key])])
    return "\n".join(lines)


def _section(name: str, lines: list[str]) -> list[str]:
    return ["", click.style(f"{name}:", bold=True), *(f"  {line}" for line in lines)]


def _head(item: dict[str, Any]) -> str:
    """`tau_m = 10 ms`, or `V_m (mV)` where there is no default."""
    unit = item.get("unit", "1")
    if "default" in item:
        return f"{item['name']} = {item['default']:g}" + ("" if unit == "1" else f" {unit}")
    return item["name"] if unit == "1" else f"{item['name']} ({unit})"


def _about(item: dict[str, Any]) -> str:
    return "; ".join(filter(None, [item["doc"], item.get("allowed", "")]))


models = _group("models", "neuron models and inputs", "lif_exp")
rules = _group("rules", "learning rules", "pair_stdp")
