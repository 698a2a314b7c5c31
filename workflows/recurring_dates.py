"""When a post comes again, and the small things that all changes of a repetition share."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from config.i18n import N_
from domain.slot import Slot
from storage.repositories.recurrences import last_day
from storage.tables import Action, ChannelAccount, Recurrence
from storage.uow import UnitOfWork
from workflows.free_slots import next_free
from workflows.services import Services

# So long after its slot the post before it is published, or something is wrong with it.
SETTLED = timedelta(hours=2)
_INSTANT = timedelta(seconds=1)
# Stored in English and shown in the reader's language: see `config.i18n.translate_stored`.
_OVER = N_("Its next date would be after its last day.")
_DISCONNECTED = N_("the account is disconnected, so connect it again and then resume")


def lead_time(services: Services) -> timedelta:
    """How long before its slot an occurrence is proposed, by the settings."""
    return timedelta(hours=services.settings.propose_ahead_hours)


def following(
    uow: UnitOfWork,
    row: Recurrence,
    account: ChannelAccount,
    before: Slot,
    now: datetime,
    lead: timedelta,
) -> Slot:
    """The first slot after a post's that is still to come.

    Recurring: the same wall time a number of steps later. Evergreen: a free slot of the brand's
    week, the step later or after it.

    Raises:
        InvalidInput: no slot of the week is free within a year.
    """
    slot = before.next_same_wall(row.every_days)
    if row.kind == "recurring":
        while slot.instant <= now:
            slot = slot.next_same_wall(row.every_days)
        return slot
    after = slot.instant - _INSTANT
    if after < now:  # late: people get the same time to look at it as ever
        after = now + lead_of(row, lead)
    return next_free(uow, account, after, but=row.id)


def plan(row: Recurrence, slot: Slot, lead: timedelta) -> None:
    """Note when it comes next and when that is proposed, or that it has ended."""
    last = last_day(row)
    if last is not None and slot.zone != row.zone:  # the brand moved; the day stays the last one
        row.ends_at = end_of(last, slot.zone)
    row.next_wall, row.zone = slot.wall_text, slot.zone
    if row.ends_at is not None and slot.instant >= row.ends_at:
        rest(row, "ended", _OVER)
        return
    row.propose_at = slot.instant - lead_of(row, lead)


def end_of(last: date, zone: str) -> datetime:
    """The instant at which a last day is over, on the zone's clocks."""
    return Slot.at(last + timedelta(days=1), time(), zone).instant


def lead_of(row: Recurrence, lead: timedelta) -> timedelta:
    """Never before the post before it is out: what comes daily cannot be proposed days ahead."""
    return min(lead, timedelta(days=row.every_days) - SETTLED)


def fits(uow: UnitOfWork, row: Recurrence, before: Action, slot: Slot, now: datetime) -> bool:
    """Whether an evergreen post may still have its slot: free, and far enough from the last one."""
    earliest = planned(uow, before, now).next_same_wall(row.every_days)
    taken = uow.recurrences.taken(row.account_id, slot.instant, but=row.id)
    return slot.instant not in taken and slot.instant >= earliest.instant


def planned(uow: UnitOfWork, action: Action, now: datetime) -> Slot:
    """The slot of a post; where it had none, the minute at which it was published."""
    if action.slot_at is not None and action.slot_wall is not None and action.slot_zone is not None:
        return Slot.stored(action.slot_at, action.slot_wall, action.slot_zone).refreshed()
    at = action.published_at or action.slot_at or now
    return Slot.of_instant(at, uow.brands.profile(action.brand_id).time_zone)


def rest(row: Recurrence, state: str, reason: str) -> None:
    """Stop proposing: `paused` until somebody resumes it, or `ended`."""
    row.state, row.reason, row.propose_at = state, reason, None


def disconnected(account: ChannelAccount) -> str:
    """Why nothing can come on an account."""
    return f"{account.handle}: {_DISCONNECTED}"


def log_change(
    uow: UnitOfWork, row: Recurrence, verb: str, actor: str = "system", **details: Any
) -> None:
    """Write what became of it into the audit."""
    uow.audit.write(actor, verb, "recurrence", row.id, **details)
