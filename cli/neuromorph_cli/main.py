"""The group of commands, loaded one by one, and the one place where errors become exit codes."""

from __future__ import annotations

import errno
import importlib
import sys
import warnings
from typing import Any

import click

from neuromorph._version import __version__
from neuromorph.errors import printable
from neuromorph_cli import options
from neuromorph_cli.interrupts import Interrupted, Interrupts

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)

#: command -> (module:object, what it does)
COMMANDS = {
    "run": ("neuromorph_cli.run:run", "Run a network file and record it in a trace."),
    "resume": ("neuromorph_cli.resume:resume", "Go on with a run from its newest checkpoint."),
    "branch": ("neuromorph_cli.branch:branch", "Go on from an instant of a recorded run with a change."),
    "verify": ("neuromorph_cli.verify:verify", "Run a recorded run again and compare every byte."),
    "learn": ("neuromorph_cli.learn:learn", "Train a network of spiking cells to read digits."),
    "claims": ("neuromorph_cli.claims:claims", "Run the lecture's ten claims as small experiments."),
    "info": ("neuromorph_cli.info:info", "Say what a trace holds."),
    "repair": ("neuromorph_cli.repair:repair", "Make the recording of a killed run a finished trace."),
    "analyze": ("neuromorph_cli.analyze:analyze", "Statistics of what a trace has recorded."),
    "compare": ("neuromorph_cli.compare:compare", "Say whether two traces are identical, and where they part."),
    "plot": ("neuromorph_cli.plot:plot", "Draw figures from a trace."),
    "report": ("neuromorph_cli.report:report", "Write a page of HTML that shows a trace and opens offline."),
    "view": ("neuromorph_cli.view:view", "Show a trace in a browser, also while it is recorded."),
    "export": ("neuromorph_cli.export:export", "Write a trace for other programs."),
    "why": ("neuromorph_cli.why:why", "Why a neuron fired, or why a weight is what it is."),
    "why-not": ("neuromorph_cli.why:why_not", "How close a silent neuron came to a spike."),
    "models": ("neuromorph_cli.registered:models", "List, show, write and check neuron models and inputs."),
    "rules": ("neuromorph_cli.registered:rules", "List, show, write and check learning rules."),
    "trace-rule": ("neuromorph_cli.trace_rule:trace_rule", "Show what a rule does to one synapse, event by event."),
    "warmup": ("neuromorph_cli.warmup:warmup", "Compile the usual kernels ahead."),
    "bench": ("neuromorph_cli.bench:bench", "Measure a case here and, side by side, a peer."),
    "completion": ("neuromorph_cli.completion:completion", "Print the completion script of a shell."),
}


class LazyGroup(options.Group):
    """Imports a command when it is used, so that help answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="neuromorph")
def cli() -> None:
    """neuromorph: an event-driven neuromorphic emulator.

    \b
    Example:
      neuromorph learn digits
      neuromorph run examples/brunel.toml -o traces/brunel.h5
      neuromorph analyze traces/brunel.h5
    """


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 the run failed, 2 bad input, 130 or 143 interrupted."""
    from neuromorph.errors import ContractWarning, NeuromorphError

    try:
        with warnings.catch_warnings(), Interrupts() as interrupts:
            warnings.showwarning = _warn
            warnings.simplefilter("default", ContractWarning)  # Python hides deprecations outside of __main__
            code = cli.main(arguments, prog_name="neuromorph", standalone_mode=False, obj=interrupts)
    except click.ClickException as error:
        _say(_usage(error))
        return error.exit_code
    except NeuromorphError as error:
        for problem in error.problems:
            _say(str(problem))
        return error.exit_code
    except MemoryError as error:
        _say(_out_of_memory(error))
        return 1
    except OSError as error:
        if error.errno not in FULL:
            raise
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{where}{error.strerror}. Make room; compiled kernels go to where $NEUROMORPH_CACHE_DIR says.")
        return 1
    except Exception as error:
        said = _of_others(error)
        if not said:
            raise
        _say(said)
        return 1
    except (Interrupted, click.Abort) as error:
        _say("interrupted before anything was simulated or written.")
        return error.code if isinstance(error, Interrupted) else 130
    return code if isinstance(code, int) else 0


def _out_of_memory(error: MemoryError) -> str:
    """What was asked for, how much the process has and may have, what is kept, and what to do."""
    import resource

    peak, limit = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, resource.getrlimit(resource.RLIMIT_AS)[0]
    allowed = "" if limit == resource.RLIM_INFINITY else f" and may have {limit / 1e9:.2f} GB (ulimit -v)"
    had = f"the process had {peak / 1e6:.2f} GB{allowed}"  # ru_maxrss is in kB on Linux
    advice = "Make the network smaller or its longest delay shorter, record less, or allow more."
    asked = f" {str(error).rstrip('.')};" if str(error) else ""
    return " ".join([f"out of memory:{asked} {had}.", *getattr(error, "__notes__", ()), advice])


def _of_others(error: Exception) -> str:
    """What code that is neither ours nor a library's raised, and where: that of a plugin; "" of anything else."""
    import sysconfig
    import traceback
    from pathlib import Path

    last = traceback.extract_tb(error.__traceback__)[-1]
    ours = [Path(str(sys.modules[name].__file__)).parents[0] for name in ("neuromorph", "neuromorph_cli")]
    known = [*ours, *(Path(path) for path in sysconfig.get_paths().values())]
    if any(Path(last.filename).is_relative_to(folder) for folder in known) or not Path(last.filename).exists():
        return ""
    return f"{last.filename}, line {last.lineno}: {last.name} raised {type(error).__name__}: {error}."


def _usage(error: click.ClickException) -> str:
    """What click says in four lines, in one; the help of a group without a command as it is."""
    message, context = error.format_message(), getattr(error, "ctx", None)
    if "\n" in message:
        return message
    stop = "" if message.endswith((".", "?")) else "."
    return f"{message}{stop} See: {context.command_path if context else 'neuromorph'} --help"


def _say(message: str) -> None:
    name = "" if "\n" in message else click.style("neuromorph: ", fg="red", bold=True)
    click.echo(f"{name}{printable(message)}", err=True)


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    text = printable(str(message))
    text += "" if text.endswith(("?", ".", ")")) else "."
    click.echo(f"{click.style('neuromorph: warning:', fg='yellow', bold=True)} {text}", err=True)
