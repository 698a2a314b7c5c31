"""What the commands on items share: the item, who decides, the version they saw, the risk they accept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from cli.ids import Item, find_item, short
from cli.options import Function, as_option, at_terminal, json_option, workspace_option
from cli.output import print_json, say, words

if TYPE_CHECKING:
    from cli.decide import Desk

# Verbs that take nothing away and let nothing out: they need no look at the current version.
HARMLESS = frozenset({"hold", "release", "retry", "reopen", "reschedule"})


@contextmanager
def desk(workspace: str | None, email: str | None) -> Iterator[Desk]:
    """Services, workspace and person of a command."""
    from cli.decide import Desk
    from cli.session import opened, workspace_of

    with opened() as services:
        yield Desk(services, workspace_of(services, workspace), email)


def find(at: Desk, item_id: str) -> Item:
    """The item of a (short) id."""
    with at.services.database.unit(at.workspace_id) as uow:
        return find_item(uow, item_id)


def seen_version(at: Desk, item: Item, verb: str, seen: int | None) -> int:
    """The version the person decides on: as given, or shown now and confirmed.

    Raises:
        click.UsageError: nobody can look at it here, and --seen was not given.
        click.Abort: the person does not want it after all.
    """
    from cli.item_view import show_item

    if seen is not None:
        return seen
    with at.services.database.unit(at.workspace_id) as uow:
        if verb in HARMLESS and item.kind == "action":
            return uow.actions.get(item.id).version
        if not at_terminal():
            raise click.UsageError(
                f"Say which version you saw with --seen N (`humas review show {short(item.id)}` tells), or "
                "run this at a terminal, which shows it first."
            )
        version = show_item(uow, item)
    click.confirm(f"\n{words(verb).capitalize()} exactly this?", abort=True)
    return version


def done(item: Item, verb: str, state: str, *, as_json: bool) -> None:
    """Tell what came of a decision."""
    if as_json:
        print_json({"id": item.id, "verb": verb, "state": state})
        return
    say(f"{short(item.id)}: {words(state)}")


def common(function: Function) -> Function:
    """ID, -w, --as and --json of the subcommands."""
    for decorate in (json_option, as_option, workspace_option):
        function = decorate(function)
    return click.argument("item_id", metavar="ID")(function)


def inherited(given: dict[str, Any]) -> tuple[str | None, str | None]:
    """Workspace and person: as given here, else before the subcommand."""
    before = click.get_current_context().obj or {}
    workspace = given.pop("workspace") or before.get("workspace")
    return workspace, given.pop("as_email") or before.get("as_email")


no_claim_option = click.option(
    "--no-claim",
    is_flag=True,
    help="It makes no factual claim (a greeting, a question, an opinion); needed without a source.",
)


def claims_nothing(at: Desk, item: Item) -> bool:
    """Ask the person where a text has no source and nobody has said that it needs none."""
    if item.kind != "action" or not at_terminal():
        return False
    with at.services.database.unit(at.workspace_id) as uow:
        version = uow.actions.version(uow.actions.get(item.id))
        if version is None or version.evidence or version.no_claim:
            return False
    return click.confirm(
        "No source stands behind it. Does it make no factual claim (a greeting, a question, an opinion)?"
    )


accept_option = click.option(
    "--accept-risk",
    "accept",
    is_flag=True,
    help="You accept that it could be published a second time; kept in the log.",
)


def risking(decide: Callable[[bool], str], *, accept: bool) -> str:
    """Decide; where the verb could publish something twice, ask the person at the terminal.

    Args:
        decide: does it, given whether the risk is accepted.
        accept: what the option said.

    Raises:
        click.UsageError: there is a risk, nobody accepted it, and nobody can be asked.
    """
    from domain.errors import RiskNotAccepted

    try:
        return decide(accept)
    except RiskNotAccepted as risk:
        if not at_terminal():
            raise click.UsageError(f"{risk} With --accept-risk it goes on.") from risk
        click.confirm(f"{risk} Do you accept it?", abort=True)
        return decide(True)


def why(verb: str) -> str:
    """Why a person decides so, asked where there is a terminal."""
    if not at_terminal():
        raise click.UsageError(f"Say why with --comment: {words(verb)} needs a reason.")
    answer: str = click.prompt("Why")
    return answer
