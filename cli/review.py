"""`review`: list what waits for people, and decide."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cli.desk import (
    accept_option,
    claims_nothing,
    common,
    desk,
    done,
    find,
    inherited,
    no_claim_option,
    risking,
    seen_version,
    why,
)
from cli.ids import Item, short
from cli.options import as_option, at_terminal, json_option, workspace_option
from cli.output import note, print_json, say

if TYPE_CHECKING:
    from cli.decide import Desk
    from domain.approval import Verb


@click.group(invoke_without_command=True)
@click.option("--brand", metavar="SLUG", help="Only this brand.")
@click.option("--all", "everything", is_flag=True, help="Also posts that wait for nobody.")
@click.option("--list", "only_list", is_flag=True, help="List, even at a terminal.")
@workspace_option
@as_option
@json_option
@click.pass_context
def review(
    ctx: click.Context,
    brand: str | None,
    everything: bool,
    only_list: bool,
    workspace: str | None,
    as_email: str | None,
    as_json: bool,
) -> None:
    """List what waits for people; at a terminal, go through it item by item.

    IDs are the last digits of an item's id, as the list shows them. -w and --as may stand before
    or after the subcommand.
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = {"workspace": workspace, "as_email": as_email}
        return
    from cli.waiting import print_lines, waiting

    with desk(workspace, as_email) as at:
        with at.services.database.unit(at.workspace_id) as uow:
            lines = waiting(uow, brand, everything=everything)
        if as_json:
            print_json([line.data() for line in lines])
        elif not lines:
            say("Nothing waits for you.")
        elif only_list or everything or not at_terminal():
            print_lines(lines)
            note(
                "\nDecide with `humas review approve ID --seen VERSION`; see `humas review --help`."
            )
        else:
            from cli.talk import talk

            talk(at, lines)


@review.command("show")
@common
def show(item_id: str, as_json: bool, **given: Any) -> None:
    """Show a post, a reply, a comment or a paper in full, with its sources."""
    from cli.item_view import item_data, show_item

    with desk(*inherited(given)) as at:
        item = find(at, item_id)
        with at.services.database.unit(at.workspace_id) as uow:
            if as_json:
                print_json(item_data(uow, item))
            else:
                show_item(uow, item)


def simple(name: str, verb: str, text: str, *, comment: str) -> Callable[..., None]:
    """A subcommand that takes a comment and the version seen, and nothing else.

    Args:
        name: of the subcommand.
        verb: the verb's value.
        text: the help.
        comment: "needed" or "possible".
    """

    @review.command(name, help=text)
    @common
    @click.option(
        "--comment",
        metavar="TEXT",
        default="",
        help="Why; needed." if comment == "needed" else "A remark for the log.",
    )
    @click.option("--seen", type=int, metavar="N", help="The version you saw.")
    def command(item_id: str, comment: str, seen: int | None, as_json: bool, **given: Any) -> None:
        from domain.approval import NEEDS_COMMENT, Verb

        what = Verb(verb)
        with desk(*inherited(given)) as at:
            item = find(at, item_id)
            version = seen_version(at, item, verb, seen)
            if what in NEEDS_COMMENT and not comment:
                comment = why(verb)
            state = at.decide(item, what, version, comment=comment)
        done(item, verb, state, as_json=as_json)

    return command


@review.command("approve")
@common
@no_claim_option
@accept_option
@click.option("--comment", metavar="TEXT", default="", help="A remark for the log.")
@click.option("--seen", type=int, metavar="N", help="The version you saw.")
def approve(
    item_id: str,
    no_claim: bool,
    accept: bool,
    comment: str,
    seen: int | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Approve exactly the version you saw of a post, reply, dossier or plan."""
    from domain.approval import Verb

    with desk(*inherited(given)) as at:
        item = find(at, item_id)
        version = seen_version(at, item, "approve", seen)
        stated = no_claim or claims_nothing(at, item)
        state = risking(
            lambda accepted: at.decide(
                item,
                Verb.APPROVE,
                version,
                comment=comment,
                no_claim=stated,
                accept=accepted,
            ),
            accept=accept,
        )
    done(item, "approve", state, as_json=as_json)


request_changes = simple(
    "request-changes",
    "request_changes",
    "Ask for changes to a post, reply, dossier or plan; the comment says which.",
    comment="needed",
)
reject = simple("reject", "reject", "Reject a post or reply for good.", comment="needed")
hold = simple("hold", "hold", "Keep what is approved from leaving.", comment="possible")
release = simple("release", "release", "Let what is on hold leave after all.", comment="possible")
retry = simple("retry", "retry", "Bring what has failed back into review.", comment="possible")
reopen = simple("reopen", "reopen", "Bring what has expired back into review.", comment="possible")


@review.command("edit")
@common
@click.option(
    "--text",
    "texts",
    metavar="TEXT",
    multiple=True,
    help="The new text; once per part of a thread; - reads standard input. Without it, $EDITOR.",
)
@no_claim_option
@click.option("--approve", "approving", is_flag=True, help="Approve what you wrote.")
@accept_option
@click.option("--comment", metavar="TEXT", default="", help="A remark for the log.")
@click.option("--seen", type=int, metavar="N", help="The version you saw.")
def edit(
    item_id: str,
    texts: tuple[str, ...],
    approving: bool,
    no_claim: bool,
    accept: bool,
    comment: str,
    seen: int | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Change the text of a post or reply: a new version, to be approved anew."""
    from domain.approval import Verb

    with desk(*inherited(given)) as at:
        item = find(at, item_id)
        if texts:
            version = seen_version(at, item, "edit", seen)
            new = tuple(sys.stdin.read().strip() if text == "-" else text for text in texts)
        else:
            version, new = in_editor(at, item)
            if seen is not None:
                version = seen
        state = risking(
            lambda accepted: at.decide(
                item,
                Verb.EDIT,
                version,
                comment=comment,
                texts=new,
                approve=approving,
                no_claim=no_claim,
                accept=accepted,
            ),
            accept=accept,
        )
    done(item, "edit", state, as_json=as_json)


def in_editor(at: Desk, item: Item) -> tuple[int, tuple[str, ...]]:
    """The current texts, changed in the person's editor; a line of --- parts them.

    Raises:
        InvalidInput: it is no post or reply.
        click.ClickException: nothing was changed, or there is no terminal.
    """
    from cli.item_view import action_texts
    from domain.errors import InvalidInput

    if item.kind != "action":
        raise InvalidInput("Papers are edited on the web pages; comments of the public never.")
    if not at_terminal():
        raise click.UsageError("No terminal is attached for an editor. Give the text with --text.")
    with at.services.database.unit(at.workspace_id) as uow:
        action = uow.actions.get(item.id)
        version, old = action.version, action_texts(uow, action)
    typed = click.edit("\n---\n".join(old) + "\n", extension=".txt")
    new = tuple(part.strip() for part in (typed or "").split("\n---\n"))
    if typed is None or list(new) == [text.strip() for text in old]:
        raise click.ClickException("Nothing was changed.")
    return version, new


@review.command("reschedule")
@common
@click.option("--date", "day", metavar="YYYY-MM-DD", required=True)
@click.option("--time", "at_time", metavar="HH:MM", required=True)
@click.option("--zone", metavar="ZONE", help="IANA name; the brand's own by default.")
@click.option("--seen", type=int, metavar="N", help="The version you saw.")
def reschedule(
    item_id: str,
    day: str,
    at_time: str,
    zone: str | None,
    seen: int | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Give a post another time; what was approved stays approved."""
    from domain.approval import Verb

    with desk(*inherited(given)) as at:
        item = find(at, item_id)
        version = seen_version(at, item, "reschedule", seen)
        state = at.decide(item, Verb.RESCHEDULE, version, slot=(day, at_time, zone))
    done(item, "reschedule", state, as_json=as_json)


@review.command("settle")
@common
@click.option("--published", metavar="URL", help="You found it: its address or id there.")
@click.option("--absent", is_flag=True, help="It is certainly not there; it will be sent again.")
@click.option("--failed", is_flag=True, help="Give it up.")
@accept_option
@click.option("--comment", metavar="TEXT", default="", help="How you know; needed.")
@click.option("--seen", type=int, metavar="N", help="The version you saw.")
def settle(
    item_id: str,
    published: str | None,
    absent: bool,
    failed: bool,
    accept: bool,
    comment: str,
    seen: int | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Say what became of an unconfirmed post, after looking on the platform."""
    from domain.approval import Verb

    if sum((published is not None, absent, failed)) != 1:
        raise click.UsageError("Give one of --published URL, --absent and --failed.")
    verb: Verb = Verb.SETTLE_FAILED
    if published is not None:
        verb = Verb.SETTLE_PUBLISHED
    elif absent:
        verb = Verb.SETTLE_ABSENT
    with desk(*inherited(given)) as at:
        item = find(at, item_id)
        version = seen_version(at, item, verb.value, seen)
        comment = comment or why(verb.value)
        state = risking(
            lambda accepted: at.decide(
                item, verb, version, comment=comment, remote_id=published, accept=accepted
            ),
            accept=accept,
        )
    done(item, verb.value, state, as_json=as_json)


@review.command("reply")
@common
@click.option("--text", metavar="TEXT", required=True, help="The reply; - reads standard input.")
@no_claim_option
def reply(item_id: str, text: str, no_claim: bool, as_json: bool, **given: Any) -> None:
    """Write a reply to a comment; it is reviewed like any other."""
    with desk(*inherited(given)) as at:
        item = find(at, item_id)
        typed = sys.stdin.read().strip() if text == "-" else text
        action_id = at.reply(item, typed, no_claim=no_claim)
    if as_json:
        print_json({"id": action_id, "verb": "reply", "state": "in_review"})
    else:
        say(f"The reply {short(action_id)} waits for approval now.")


@review.command("no-answer")
@common
@click.option("--comment", metavar="TEXT", default="", help="Why; for the log.")
def no_answer(item_id: str, comment: str, as_json: bool, **given: Any) -> None:
    """Say that a comment gets no answer."""
    with desk(*inherited(given)) as at:
        item = find(at, item_id)
        at.no_answer(item, comment)
    done(item, "no_answer", "no_answer", as_json=as_json)
