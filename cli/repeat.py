"""`repeat`: posts that come again. Each time is a new post for an approval of its own."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from cli.desk import common, desk, find, inherited
from cli.ids import short
from cli.options import as_option, json_option, workspace_option
from cli.output import listed, print_json, say, when

if TYPE_CHECKING:
    from cli.decide import Desk
    from storage.tables import Action, Recurrence
    from storage.uow import UnitOfWork

BEGIN = "begin"
SHOWN = 20  # occurrences of one, in JSON


class ItemOrCommand(click.Group):
    """A group whose first word may also be an item's id: `repeat ITEM` is `repeat begin ITEM`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of the first word; `begin` where it is none."""
        if args[0] not in self.commands:
            args = [BEGIN, *args]
        return super().resolve_command(ctx, args)


@click.group(cls=ItemOrCommand, subcommand_metavar="ITEM | COMMAND [ARGS]...")
def repeat() -> None:
    """Let an approved or published post come again; list, pause, resume, stop.

    `humas repeat ITEM --every-days 7` proposes it anew each week at the same time of day, with
    --evergreen into free slots of the brand's week, at least so many days apart. Each time is a
    new post that waits for an approval of its own; the language model varies its words, or you do.
    """


@repeat.command(BEGIN)
@common
@click.option(
    "--every-days", type=int, required=True, metavar="N", help="Days from one to the next."
)
@click.option(
    "--evergreen", is_flag=True, help="Into free slots, at least so many days apart, not fixed."
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The last day on which it may come, such as 2026-12-31.",
)
def begin(
    item_id: str,
    every_days: int,
    evergreen: bool,
    until: datetime | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Let a post come again; the same as `humas repeat ITEM`."""
    from cli.session import acting_user
    from domain.errors import InvalidInput
    from workflows.recurring import repeat_post
    from workflows.recurring_dates import lead_time

    with desk(*inherited(given)) as at:
        item = find(at, item_id)
        if item.kind != "action":
            raise InvalidInput("Only a post can come again.")
        with at.services.database.unit(at.workspace_id) as uow:
            row = repeat_post(
                uow,
                at.services.clock.now(),
                lead_time(at.services),
                acting_user(uow, at.email),
                item.id,
                "evergreen" if evergreen else "recurring",
                every_days,
                until.date() if until else None,
            )
            _told(uow, row, as_json=as_json)


@repeat.command("list")
@click.option("--brand", metavar="SLUG", help="Only this brand.")
@workspace_option
@json_option
def list_(brand: str | None, workspace: str | None, as_json: bool) -> None:
    """Show what comes again, what is next first."""
    with desk(workspace, None) as at, at.services.database.unit(at.workspace_id) as uow:
        only = uow.brands.by_slug(brand).id if brand else None
        rows = uow.recurrences.find(brand_id=only)
        if as_json:
            print_json([_data(uow, row) for row in rows])
        elif not rows:
            say("Nothing comes again. Begin with `humas repeat ITEM --every-days 7`.")
        else:
            slugs = {item.id: item.slug for item in uow.brands.all()}
            for row in rows:
                _print(uow, row, slugs[row.brand_id])


def _verb(name: str, text: str) -> None:
    """A subcommand that takes the id of a repetition and changes it."""

    @repeat.command(name, help=text)
    @click.argument("repeat_id", metavar="ID")
    @workspace_option
    @as_option
    @json_option
    def command(repeat_id: str, workspace: str | None, as_email: str | None, as_json: bool) -> None:
        with (
            desk(workspace, as_email) as at,
            at.services.database.unit(at.workspace_id) as uow,
        ):
            _told(uow, _change(at, uow, name, repeat_id), as_json=as_json)


_verb("pause", "Propose nothing until it is resumed. What is proposed already stays.")
_verb("resume", "Go on with the next date that is still to come.")
_verb("stop", "End it for good. What is proposed already stays and can be rejected.")


def _change(at: Desk, uow: UnitOfWork, verb: str, repeat_id: str) -> Recurrence:
    from cli.session import acting_user
    from workflows import recurring
    from workflows.recurring_dates import lead_time

    user = acting_user(uow, at.email)
    row = _find(uow, repeat_id)
    if verb == "pause":
        return recurring.pause(uow, user, row.id)
    if verb == "stop":
        return recurring.stop(uow, user, row.id)
    return recurring.resume(uow, at.services.clock.now(), lead_time(at.services), user, row.id)


def _find(uow: UnitOfWork, text: str) -> Recurrence:
    """The repetition of a (short) id.

    Raises:
        InvalidInput: it is no id, or fits several.
        NotFound: there is none.
    """
    from domain.errors import InvalidInput, NotFound

    wanted = text.strip().lower()
    if not re.fullmatch("[0-9a-f-]{4,36}", wanted):
        raise InvalidInput(f"{text!r} is not an id. `humas repeat list` lists them.")
    found = uow.recurrences.by_suffix(wanted)
    if not found:
        raise NotFound(f"Nothing that comes again has the id {text}. See `humas repeat list`.")
    if len(found) > 1:
        raise InvalidInput(f"{text} is ambiguous; give more digits of the id.")
    return found[0]


def _told(uow: UnitOfWork, row: Recurrence, *, as_json: bool) -> None:
    if as_json:
        uow.session.flush()
        print_json(_data(uow, row))
    elif row.state == "active":
        day = _next_date(row)
        say(f"{short(row.id)} comes again, {_how(row)}; next on {day}, after an approval.")
    else:
        say(f"{short(row.id)}: {row.state}. {row.reason}")


def _how(row: Recurrence) -> str:
    days = "1 day" if row.every_days == 1 else f"{row.every_days} days"
    return f"evergreen, at least {days} apart" if row.kind == "evergreen" else f"every {days}"


def _next_date(row: Recurrence) -> str:
    from storage.repositories.recurrences import next_slot

    slot = next_slot(row)
    return f"{when(slot.instant, ZoneInfo(slot.zone))} ({slot.zone})"


def _print(uow: UnitOfWork, row: Recurrence, slug: str) -> None:
    from cli.item_view import action_texts

    source = uow.actions.get(row.source_id)
    coming = "" if row.state == "ended" else f"next on {_next_date(row)}"
    listed(
        short(row.id),
        [
            (" · ".join((slug, row.state, _how(row), f"proposed {row.occurrence} so far")), ""),
            (coming, "dim"),
            ("\n---\n".join(action_texts(uow, source)), ""),
            (f"({row.reason})" if row.reason else "", "yellow"),
        ],
    )


def _data(uow: UnitOfWork, row: Recurrence) -> dict[str, Any]:
    """For `--json`: the next date as instant, wall time and zone."""
    from storage.repositories.recurrences import last_day, next_slot

    slot = None if row.state == "ended" else next_slot(row)
    last = last_day(row)
    return {
        "id": row.id,
        "short": short(row.id),
        "brand_id": row.brand_id,
        "source": row.source_id,
        "kind": row.kind,
        "every_days": row.every_days,
        "state": row.state,
        "reason": row.reason,
        "next": slot.instant if slot else None,
        "next_wall": slot.wall_text if slot else None,
        "zone": row.zone,
        "propose_at": row.propose_at,
        "last_day": last.isoformat() if last else None,
        "count": row.occurrence,
        "occurrences": [_occurrence(item) for item in uow.recurrences.occurrences(row.id, SHOWN)],
    }


def _occurrence(item: Action) -> dict[str, Any]:
    return {"id": item.id, "number": item.occurrence, "state": item.state, "slot": item.slot_at}
