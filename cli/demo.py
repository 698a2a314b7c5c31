"""`humas demo`: the whole cycle for a fictitious brand, on embedded servers and a loopback network."""

from __future__ import annotations

import shlex
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # the command's help needs none of this
    from cli.demo_parts.screen import Screen
    from cli.demo_parts.stand import Stand

HOME = Path(__file__).resolve().parent.parent / ".humas" / "demo"


@click.command()
@click.option(
    "--auto/--no-auto",
    default=None,
    help="A scripted reviewer decides, and the command ends by itself; "
    "the default where no terminal is attached.",
)
@click.option("--model", help="A model of the catalogue, or the path of a GGUF file.")
@click.option("--keep", is_flag=True, help="Go on with the data of the last run.")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=HOME,
    show_default=".humas/demo",
    help="The demonstration's own folder.",
)
def demo(auto: bool | None, model: str | None, keep: bool, home: Path) -> None:
    """Run the whole cycle for a fictitious coffee roaster.

    Research, plan, approvals, posts, comments, replies, evaluation: a week in minutes, on this machine
    alone. You approve in the browser; with --auto a script does, through the same forms.
    """
    from rich.console import Console

    from cli.demo_parts.screen import Screen
    from cli.up import until_told

    if auto is None:
        auto = not (sys.stdin.isatty() and sys.stdout.isatty())
    _choose_model(model, auto=auto)
    screen = Screen(Console(highlight=False))
    with until_told() as stop:
        try:
            finished = _run(screen, stop, home, auto=auto, keep=keep)
        finally:
            screen.close()
    if not finished:
        click.echo("Stopped. `--keep` goes on from here.", err=True)
        sys.exit(130)


def _choose_model(model: str | None, *, auto: bool) -> None:
    from config.settings import pass_on, settings
    from embedded.catalogue import load_catalogue

    config = settings()
    if model is not None:
        if config.llm_base_url is not None:
            raise click.UsageError(
                "--model serves a model locally, but HUMAS_LLM_BASE_URL (or OPENAI_BASE_URL) names an "
                "endpoint. Unset it, or choose the endpoint's model with HUMAS_LLM_MODEL."
            )
        known = load_catalogue()
        if model not in known and not Path(model).expanduser().is_file():
            raise click.UsageError(
                f"{model!r} is neither a file nor a model of the catalogue: {', '.join(known)}."
            )
        pass_on(demo_model=model)
    elif config.llm_base_url not in (None, "off"):
        if config.llm_base_url and config.llm_model is None:
            from agents.discovery import only_model

            key = config.llm_api_key.get_secret_value() if config.llm_api_key else "none"
            pass_on(llm_model=only_model(config.llm_base_url, key))
    elif auto and config.model_off:
        raise click.UsageError(
            "Without a model somebody has to write dossier, plan and posts. Run with --no-auto, or unset "
            "HUMAS_LLM_BASE_URL."
        )


def _run(screen: Screen, stop: threading.Event, home: Path, *, auto: bool, keep: bool) -> bool:
    from cli.demo_parts.errors import DemoError
    from cli.demo_parts.memory import EMAIL
    from cli.demo_parts.reviewer import Reviewer
    from cli.demo_parts.stand import begin, stand
    from cli.demo_parts.story import Story
    from config.logging import setup_logging

    screen.stage("Servers")
    with stand(home, keep=keep, tell=screen.say, quiet=not screen.console.is_terminal) as on:
        setup_logging("ERROR", process="demo")
        if stop.is_set():
            return False
        begin(on, by_hand=on.services.model_off)
        _invite(screen, on, auto=auto)
        reviewer = Reviewer(on.web_url, EMAIL, on.password) if auto else None
        story = Story(on, screen, reviewer)
        screen.open()
        try:
            finished = story.run(stop)
        except DemoError as error:
            raise DemoError(f"{error}\nThe processes' log is {on.log}.") from error
        if not finished:
            return False
        screen.close()
        _summary(screen, on, story.first_draft)
        if auto:
            _look_again(screen, on)
            return True
        screen.console.print("\nEverything stays up until you press Ctrl-C.")
        while not stop.wait(2.0):
            on.keep_up()
        return True


def _invite(screen: Screen, on: Stand, *, auto: bool) -> None:
    from cli.demo_parts.memory import EMAIL

    who = "A scripted reviewer decides; you may look on." if auto else "Decide in the browser."
    screen.console.print(
        f"\n  [bold]{who}[/bold]\n"
        f"  review queue  {on.web_url}/\n"
        f"  login         {EMAIL}\n"
        f"  password      {on.password}\n"
        f"  website       {on.site_url}\n"
        f"  network       {on.instance.url}/\n",
        soft_wrap=True,
    )
    if on.continued:
        screen.say("Going on with the period of the last run")


def _summary(screen: Screen, on: Stand, first_draft: float | None) -> None:
    from cli.demo_parts.summary import lines, summarise

    summary = summarise(
        on.services.database,
        on.workspace_id,
        on.cycle_id,
        on.home,
    )
    screen.console.print("\n[bold]Done.[/bold]")
    for line in lines(summary, screen.stages, first_draft, on.web_url):
        screen.console.print(f"  {line}", soft_wrap=True, markup=False)


def _look_again(screen: Screen, on: Stand) -> None:
    values = {
        "HUMAS_HOME": str(on.home),
        "HUMAS_CLOCK_FILE": str(on.home / "clock"),
        "HUMAS_WEB_PORT": str(on.services.settings.web_port),
    }
    command = " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items())
    screen.console.print(
        "\nThe servers end now. To look at the pages again with the same login:\n"
        f"  {command} bin/humas up --no-model",
        soft_wrap=True,
        markup=False,
    )
