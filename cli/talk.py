"""Going through what waits, item by item, with one key each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.desk import claims_nothing, risking
from cli.ids import Item
from cli.item_view import show_item
from cli.output import note, say, words
from cli.review import in_editor

if TYPE_CHECKING:
    from cli.decide import Desk
    from cli.waiting import Line
    from storage.uow import UnitOfWork

# Key -> verb, in the order of offering.
KEYS = {
    "a": "approve",
    "e": "edit",
    "c": "request_changes",
    "r": "reject",
    "h": "hold",
    "l": "release",
    "t": "retry",
    "o": "reopen",
}


def talk(at: Desk, lines: list[Line]) -> None:
    """Show each item and ask; an item that cannot be decided so is shown again."""
    from domain.errors import HumasError

    for number, line in enumerate(lines, start=1):
        while True:
            say(f"\n── {number} of {len(lines)} " + "─" * 40, style="dim")
            with at.services.database.unit(at.workspace_id) as uow:
                version = show_item(uow, line.item)
                keys = offered(line.item, _state(line.item, uow))
            try:
                answer = _ask(keys)
                if answer == "q":
                    return
                if answer == "s" or _act(at, line.item, answer, version):
                    break
            except (HumasError, click.ClickException) as error:
                text = error.format_message() if isinstance(error, click.ClickException) else error
                note(f"humas: {text}")
    say("\nThat was all.")


def offered(item: Item, state: str) -> dict[str, str]:
    """Key -> what it does, for an item in a state."""
    from domain.action import ActionState
    from domain.approval import verbs_from

    if item.kind == "interaction":
        keys = {"w": "write a reply", "n": "no answer"}
    elif item.kind == "paper":
        keys = {"a": "approve", "c": "request changes"}
    else:
        possible = {verb.value for verb in verbs_from(ActionState(state))}
        keys = {key: words(verb) for key, verb in KEYS.items() if verb in possible}
    return keys | {"s": "skip", "q": "quit"}


def _state(item: Item, uow: UnitOfWork) -> str:
    return str(uow.actions.get(item.id).state) if item.kind == "action" else ""


def _ask(keys: dict[str, str]) -> str:
    say("\n" + "  ".join(f"[{key}] {text}" for key, text in keys.items()))
    answer: str = click.prompt("Key", type=click.Choice(list(keys)), show_choices=False)
    return answer


def _act(at: Desk, item: Item, key: str, version: int) -> bool:
    """Do what the key says; True when the item is done with."""
    from domain.approval import NEEDS_COMMENT, Verb

    if key == "w":
        at.reply(item, click.prompt("Reply"), no_claim=False)
        say("It waits for approval now.")
        return True
    if key == "n":
        at.no_answer(item, click.prompt("Why", default="", show_default=False))
        return True
    verb = Verb(KEYS[key])
    texts = None
    if verb is Verb.EDIT:
        version, texts = in_editor(at, item)
    comment = click.prompt("Why") if verb in NEEDS_COMMENT else ""
    stated = verb is Verb.APPROVE and claims_nothing(at, item)
    state = risking(
        lambda accepted: at.decide(
            item,
            verb,
            version,
            comment=comment,
            texts=texts,
            no_claim=stated,
            accept=accepted,
        ),
        accept=False,
    )
    say(f"Done: {words(state)}")
    return verb is not Verb.EDIT  # after an edit the new version is shown, to approve or not
