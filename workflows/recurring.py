"""Posts that come again, as people want it: begin, pause, resume, stop.

Each occurrence is a new post for an approval of its own; `workflows.proposals` makes it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

from config.i18n import N_
from domain.action import ActionKind, ActionState
from domain.errors import InvalidInput, TransitionRefused
from domain.team import Right, Role, require
from storage.repositories.recurrences import next_slot
from storage.tables import Action, Recurrence, User, new_id
from storage.uow import UnitOfWork
from workflows.recurring_dates import (
    disconnected,
    end_of,
    following,
    log_change,
    plan,
    planned,
    rest,
)

Kind = Literal["recurring", "evergreen"]
KINDS: tuple[Kind, ...] = ("recurring", "evergreen")
REPEATABLE = frozenset({ActionState.PUBLISHED, ActionState.SCHEDULED, ActionState.APPROVED})
MOST_DAYS = 366
# Stored in English and shown in the reader's language: see `config.i18n.translate_stored`.
_PAUSED, _STOPPED = N_("paused it"), N_("stopped it")
LAST_YEAR = 2200  # of a last day; a year of more than four digits is a slip of the finger


def repeat_post(
    uow: UnitOfWork,
    now: datetime,
    lead: timedelta,
    user: User,
    action_id: str,
    kind: str,
    every_days: int,
    until: date | None = None,
) -> Recurrence:
    """Let a post come again.

    Args:
        uow: the unit of work; its owner commits.
        now: business time.
        lead: how long before its slot an occurrence is proposed.
        user: who wants it.
        action_id: the post.
        kind: `recurring`: every so many days at the wall time of the post's slot; `evergreen`:
            into free slots of the brand's week, at least so many days apart.
        every_days: how many days.
        until: the last day on which it may come, on the clocks of its zone.

    Raises:
        NotPermitted: the role does not allow it.
        TransitionRefused: the post cannot be repeated, or is already.
        InvalidInput: a value cannot be used.
    """
    require(Role(user.role), Right.WRITE)
    source = uow.actions.get(action_id, lock=True)
    if kind not in KINDS:
        raise InvalidInput(
            f"{kind!r} is no way to repeat a post; choose one of {', '.join(KINDS)}."
        )
    if not 1 <= every_days <= MOST_DAYS:
        raise InvalidInput(f"Give the days between two posts as a number from 1 to {MOST_DAYS}.")
    if until is not None and until.year > LAST_YEAR:
        raise InvalidInput(f"Give a last day before the year {LAST_YEAR + 1}, or none at all.")
    refusal = why_not_repeated(uow, source)
    if refusal is not None:
        raise TransitionRefused(refusal)
    account = uow.brands.account(source.account_id)
    anchor = planned(uow, source, now)
    row = Recurrence(
        id=new_id(),
        workspace_id=uow.workspace_id,
        brand_id=source.brand_id,
        account_id=source.account_id,
        source_id=source.id,
        created_by=user.id,
        kind=kind,
        every_days=every_days,
        state="active",
        next_wall=anchor.wall_text,
        zone=anchor.zone,
        occurrence=0,
        ends_at=end_of(until, anchor.zone) if until else None,
        reason="",
    )
    plan(row, following(uow, row, account, anchor, now, lead), lead)
    if row.state == "ended":
        raise InvalidInput(
            f"It would not come once: its next slot is on {row.next_wall[:10]}, after the last day. "
            "Choose a later last day, or fewer days."
        )
    uow.recurrences.add(row)
    log_change(uow, row, "repeat", user.id, source=source.id, kind=kind, every_days=every_days)
    return row


def pause(uow: UnitOfWork, user: User, recurrence_id: str) -> Recurrence:
    """Propose nothing until it is resumed. What is proposed already stays.

    Raises:
        TransitionRefused: it is not active.
    """
    row = _mine(uow, user, recurrence_id, "active")
    rest(row, "paused", f"{user.name}: {_PAUSED}")
    log_change(uow, row, "pause", user.id)
    return row


def resume(
    uow: UnitOfWork, now: datetime, lead: timedelta, user: User, recurrence_id: str
) -> Recurrence:
    """Go on with the next date that is still to come.

    Raises:
        TransitionRefused: it is not paused, or its account is disconnected.
    """
    row = _mine(uow, user, recurrence_id, "paused")
    account = uow.brands.account(row.account_id)
    if account.disabled_at is not None:
        raise TransitionRefused(disconnected(account))
    slot = next_slot(row)
    if slot.instant <= now:
        slot = following(uow, row, account, slot, now, lead)
    row.state, row.reason = "active", ""
    plan(row, slot, lead)
    log_change(uow, row, "resume", user.id)
    return row


def stop(uow: UnitOfWork, user: User, recurrence_id: str) -> Recurrence:
    """End it for good. What is proposed already stays and can be rejected.

    Raises:
        TransitionRefused: it has ended already.
    """
    row = _mine(uow, user, recurrence_id, "active", "paused")
    rest(row, "ended", f"{user.name}: {_STOPPED}")
    log_change(uow, row, "stop", user.id)
    return row


def why_not_repeated(uow: UnitOfWork, source: Action) -> str | None:
    """Why a post cannot be made to come again, in words; None where it can."""
    if source.kind != ActionKind.POST.value or ActionState(source.state) not in REPEATABLE:
        return "Only a post that is approved or published can be repeated."
    if source.recurrence_id is not None:
        return "This post is a repetition itself. Change what it comes from."
    if any(row.state != "ended" for row in uow.recurrences.find(source_id=source.id)):
        return "This post is repeated already. Stop that first."
    account = uow.brands.account(source.account_id)
    if account.disabled_at is not None:
        return f"The account {account.handle} is disconnected. Connect it again first."
    return None


def _mine(uow: UnitOfWork, user: User, recurrence_id: str, *states: str) -> Recurrence:
    row = uow.recurrences.get(recurrence_id, lock=True)
    require(Role(user.role), Right.WRITE)
    if row.state not in states:
        raise TransitionRefused(f"That is not possible: the repetition is {row.state}.")
    return row
