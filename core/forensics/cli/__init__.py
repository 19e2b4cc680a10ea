"""The command line. Commands are imported when they are called, so that `--help` is quick."""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import Any

import click

from forensics.errors import ForensicsError

# name -> (module:attribute, the line that --help shows)
COMMANDS = {
    "run": ("forensics.cli.run:run", "Every attack against every model: the matrix."),
    "report": ("forensics.cli.run:report", "Print the matrix of an earlier run again."),
    "analyze": ("forensics.cli.analyze:analyze", "What every model says of image files."),
    "attack": ("forensics.cli.files:attack", "Attack image files."),
    "simulate": ("forensics.cli.files:simulate", "Put image files through a history."),
    "train": ("forensics.cli.train:train", "Train a model by its recipe."),
    "calibrate": (
        "forensics.cli.calibrate:calibrate",
        "Set a detector's threshold; scores to likelihood ratios.",
    ),
    "reproduce": ("forensics.cli.reproduce:reproduce", "The tables of a paper, run again."),
    "models": (
        "forensics.cli.models:models",
        "Detectors, estimators, localizers and attackers; `models NAME`: all about one.",
    ),
    "plugins": (
        "forensics.cli.listing:plugins",
        "Plugins and places; `plugins new NAME` writes one.",
    ),
    "traces": ("forensics.cli.listing:traces", "Traces with their histories and points."),
}

# Exit codes: 0 fine, 1 an error in the request, 2 usage (click's), 3 finished with losses.
LOSSES = 3


# Options of several commands.
VERBOSE = click.option("--verbose", is_flag=True, help="Name every file that was not looked at.")
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
FORMAT = click.option(
    "--format",
    "style",
    type=click.Choice(["table", "csv", "markdown", "latex"]),
    default="table",
    show_default=True,
)


class Command(click.Command):
    """A command that refuses an option given twice, of which click would take the last."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for option in given:
            if isinstance(option, click.Option) and not option.multiple and given.count(option) > 1:
                names = " or ".join([*option.opts, *option.secondary_opts])
                raise click.UsageError(f"{names} is given twice: leave one out", ctx)
        return super().parse_args(ctx, args)


class _Commands(click.Group):
    """A group that knows the names and summaries of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from forensics.errors import unknown

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(str(unknown("command", args[0], COMMANDS)), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="image-forensics", prog_name="forensics")
def cli(debug: bool) -> None:
    """Does this detector still work when somebody tries to fool it?

    \b
    forensics run --attack afcnn --detectors all
    forensics analyze photo.jpg
    """


def main(arguments: list[str] | None = None) -> None:
    """The entry point of the `forensics` command; ends the process with an exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    try:
        code: Any = cli.main(
            [a for a in arguments if a != "--debug"], "forensics", standalone_mode=False
        )
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except ForensicsError as error:
        if debug:
            traceback.print_exc()
        click.echo(f"error: {error}", err=True)
        code = 1
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped; what was finished is stored: the same command goes on", err=True)
        code = 1
    except BrokenPipeError:
        # The reader of our output (`| head`) has left; that is no error of ours.
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
