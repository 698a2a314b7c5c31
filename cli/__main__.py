"""`python -m cli`: the command line; each command is imported only when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

# command -> (module, what it does); the help page is built from this without importing anything.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("cli.demo", "Run the whole cycle for a fictitious brand on embedded servers."),
    "up": ("cli.up", "Web, workers and clock in one terminal."),
    "init": ("cli.team", "Make the first workspace and its owner."),
    "user": ("cli.team", "Add and list people."),
    "brand": ("cli.brand", "Add, list, show and edit brands."),
    "account": ("cli.account", "Connect and list channel accounts."),
    "run": ("cli.run", "Start a period of a brand and watch it."),
    "review": ("cli.review", "List what waits for you, and decide."),
    "publish": ("cli.publish", "Send an approved post now, or show the exact request (--dry-run)."),
    "act": ("cli.act", "Like, unlike, delete, or write a published post anew; each is reviewed."),
    "repeat": ("cli.repeat", "Let a post come again; list, pause, resume, stop."),
    "report": ("cli.report", "Show the evaluation of a brand."),
    "doctor": ("cli.doctor", "Check settings, servers, model, channels and clock."),
    "stop": ("cli.stop", "Turn the stop switch on or off."),
    "web": ("cli.up", "The web server alone."),
    "worker": ("cli.up", "The workers alone."),
    "clock": ("cli.up", "The clock alone."),
    "migrate": ("cli.up", "Bring the database to the newest revision."),
}


class LazyGroup(click.Group):
    """A group whose help needs no imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table of commands, from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings are HUMAS_* variables; docs/settings.md lists them all.",
)
@click.version_option("0.1.0", prog_name="humas")
def main() -> None:
    """Humas runs an organisation's social media: agents do the legwork, people decide."""


def run() -> None:
    """Run a command; errors that people can act on are shown without a traceback."""
    try:
        code = main(prog_name="humas", standalone_mode=False)
        sys.stdout.flush()
        if isinstance(code, int):  # what `ctx.exit` was given
            sys.exit(code)
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing more may be written at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except Exception as error:
        from cli.errors import explain

        text = explain(error)
        if text is None:
            raise
        click.echo(f"humas: {text}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
