"""neuromorph completion bash|zsh|fish."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, options and names; put the example in its start-up file.

    \b
    Example:
      eval "$(neuromorph completion bash)"
      neuromorph completion fish > ~/.config/fish/completions/neuromorph.fish
    """
    from click.shell_completion import get_completion_class

    from neuromorph_cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "neuromorph", "_NEUROMORPH_COMPLETE").source())
