"""`act`: what is done to posts that are out. Each becomes an item that waits for an approval."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from cli.desk import common, desk, find, inherited, no_claim_option
from cli.ids import Item, short
from cli.output import print_json, say

if TYPE_CHECKING:
    from cli.decide import Desk


@click.group()
def act() -> None:
    """Like, unlike, delete, or write a published post anew; each waits for an approval."""


def _told(action_id: str, verb: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": action_id, "verb": verb, "state": "in_review"})
    else:
        say(f"{short(action_id)} waits for approval now.")


@act.command("like")
@common
def like(item_id: str, as_json: bool, **given: Any) -> None:
    """Like a comment of the public."""
    with desk(*inherited(given)) as at:
        action_id = at.act_on_comment(find(at, item_id), "like")
    _told(action_id, "like", as_json=as_json)


@act.command("unlike")
@common
def unlike(item_id: str, as_json: bool, **given: Any) -> None:
    """Take back the like of a comment."""
    with desk(*inherited(given)) as at:
        action_id = at.act_on_comment(find(at, item_id), "unlike")
    _told(action_id, "unlike", as_json=as_json)


@act.command("delete")
@common
@click.option(
    "--part", type=int, default=1, metavar="N", help="Which part of a thread; 1 is first."
)
def delete(item_id: str, part: int, as_json: bool, **given: Any) -> None:
    """Delete a published post or reply of ours on the platform."""
    with desk(*inherited(given)) as at:
        action_id = at.delete(find(at, item_id), part)
    _told(action_id, "delete", as_json=as_json)


@act.command("again")
@common
@click.option(
    "--text",
    "texts",
    metavar="TEXT",
    multiple=True,
    help="The new text; once per part of a thread; - reads standard input. Without it, $EDITOR.",
)
@no_claim_option
def again(
    item_id: str, texts: tuple[str, ...], no_claim: bool, as_json: bool, **given: Any
) -> None:
    """Write a new post from a published one. The published one stays as it is."""
    with desk(*inherited(given)) as at:
        item = find(at, item_id)
        action_id = at.again(item, _texts(at, item, texts), no_claim=no_claim)
    _told(action_id, "again", as_json=as_json)


def _texts(at: Desk, item: Item, texts: tuple[str, ...]) -> tuple[str, ...]:
    from cli.review import in_editor

    if not texts:
        return in_editor(at, item)[1]
    return tuple(sys.stdin.read().strip() if text == "-" else text for text in texts)
