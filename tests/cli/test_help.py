"""Help, version and completion: what answers at once."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest

from neuromorph import __version__
from neuromorph_cli.main import COMMANDS, cli

HEAVY = {
    "numpy",
    "numba",
    "networkx",
    "h5py",
    "rich",
    "pydantic",
    "sklearn",
    "matplotlib",
    "pandas",
    "pyarrow",
    "neo",
    "pynwb",
}


def commands() -> list[list[str]]:
    """Every command and subcommand."""
    found = []
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        found.append([name])
        if isinstance(command, click.Group):
            found += [[name, below] for below in command.commands]
    return found


def test_every_command_is_listed(call):
    out = call("--help").out
    for name, (_, text) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(text)}$", out, re.M), name


@pytest.mark.parametrize("command", [[], *commands()], ids=" ".join)
def test_help_has_an_example_and_says_what_each_option_does(call, command):
    answer = call(*command, "--help")
    assert (answer.code, answer.err) == (0, "")
    assert call(*command, "-h") == answer
    example = answer.out.partition("Example:\n")[2].partition("\nOptions:")[0]
    assert "neuromorph " + " ".join(command) in example
    options = answer.out.partition("Options:\n")[2].partition("\nCommands:")[0]
    for line in re.findall(r"^  -.*(?:\n {6,}.*)*", options, re.M):
        assert re.search(r"\S {2,}\S|\n +\S", line), f"no help: {line}"
    assert max(map(len, answer.out.splitlines())) <= 80


@pytest.mark.parametrize(("command", "lead"), [([], "neuromorph"), (["plot"], "plot"), (["models"], "models")])
def test_a_group_alone_shows_its_help(call, command, lead):
    answer = call(*command)
    assert "Commands:" in answer.out + answer.err
    assert lead in answer.out + answer.err
    assert "Traceback" not in answer.err


def test_version(call):
    assert call("--version") == (0, f"neuromorph, version {__version__}\n", "")


@pytest.mark.parametrize("arguments", ["['--help']", "['--version']", "['run', '--help']", "['learn', '--help']"])
def test_help_imports_nothing_heavy(arguments):
    """So that it answers within 0.15 s (0.06 s where this was written, Python's own start included)."""
    code = f"import sys; from neuromorph_cli.main import main; main({arguments}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout
    assert not HEAVY & set(done.stderr.split())


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("neuromorph ru", ["run", "rules"]),
        ("neuromorph plot r", ["raster", "rates"]),
        ("neuromorph run --rec", ["--record"]),
        ("neuromorph learn m", ["mnist"]),
        ("neuromorph learn digits --top-down ", ["fixed", "direct", "wake", "mirror", "transpose"]),
        ("neuromorph learn digits --rule pa", ["pair_stdp"]),
        ("neuromorph models show lif_ex", ["lif_exp"]),
        ("neuromorph rules show mir", ["mirror"]),
        ("neuromorph completion f", ["fish"]),
    ],
)
def test_bash_completes(call, monkeypatch, words, completed):
    parts = words.split(" ")
    monkeypatch.setenv("_NEUROMORPH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(parts) - 1))
    assert call().out.split() == [f"plain,{word}" for word in completed]


def test_zsh_and_fish_complete(call, monkeypatch):
    monkeypatch.setenv("COMP_WORDS", "neuromorph an")
    monkeypatch.setenv("COMP_CWORD", "1")
    monkeypatch.setenv("_NEUROMORPH_COMPLETE", "zsh_complete")
    assert call().out.splitlines()[:2] == ["plain", "analyze"]
    monkeypatch.setenv("_NEUROMORPH_COMPLETE", "fish_complete")
    monkeypatch.setenv("COMP_CWORD", "an")
    assert call().out.replace("\t", ",").split(",")[1].split()[0] == "analyze"


def test_files_are_completed_where_a_file_is_meant(call, monkeypatch):
    monkeypatch.setenv("_NEUROMORPH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_CWORD", "2")
    for words in ("neuromorph run ti", "neuromorph info ti"):
        monkeypatch.setenv("COMP_WORDS", words)
        assert call().out == "file,ti\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_asks_neuromorph(call, shell):
    out = call("completion", shell).out
    assert f"_NEUROMORPH_COMPLETE={shell}_complete" in out


def test_the_script_works_in_bash(call, tmp_path):
    """The function that the script defines, called as the shell would call it."""
    script = call("completion", "bash").out
    name = re.search(r"complete -o nosort -F (\w+) neuromorph", script)
    assert name is not None
    command = tmp_path / "neuromorph"
    command.write_text(f"#!{sys.executable}\nfrom neuromorph_cli.main import main\nmain()\n")
    command.chmod(0o755)
    lines = [
        f"PATH={tmp_path}:$PATH",
        script,
        "COMP_WORDS=(neuromorph mo); COMP_CWORD=1",
        f'{name[1]} neuromorph; echo "${{COMPREPLY[@]}}"',
    ]
    done = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "models", done.stderr
