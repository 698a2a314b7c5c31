"""Which slots of a brand's week are free: for the plan of a period, and for one more post."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.brand import BrandProfile
from domain.errors import InvalidInput
from domain.rhythm import SEARCH_DAYS, next_free_slot, spread_slots, week_slots
from domain.slot import Slot
from storage.tables import ChannelAccount, Cycle
from storage.uow import UnitOfWork


def period_slots(
    uow: UnitOfWork, now: datetime, cycle: Cycle, profile: BrandProfile
) -> tuple[Slot, ...]:
    """The slots of a period's posts.

    A rhythm says when to post, and `posts_per_period` how often at most: slots of it that have
    passed, or that another post has, are not made up for.

    Raises:
        ValueError: there is no slot left, or too few of the posting times.
    """
    start = max(cycle.period_start, now)
    end = start + timedelta(days=max(1, (cycle.period_end - start).days))
    if not profile.rhythm:
        free = week_slots(profile.week, profile.time_zone, start, end)
        return spread_slots(free, profile.posts_per_period)
    end = max(cycle.period_end, end)
    taken: set[datetime] = set()
    for account in uow.brands.accounts(cycle.brand_id):
        taken |= uow.recurrences.taken(account.id, start)
    free = [
        slot
        for slot in week_slots(profile.week, profile.time_zone, start, end)
        if slot.instant not in taken
    ]
    return spread_slots(free, max(1, min(profile.posts_per_period, len(free))))


def next_free(
    uow: UnitOfWork,
    account: ChannelAccount,
    after: datetime,
    *,
    but: str | None = None,
) -> Slot:
    """The next slot of the brand's week on which an account has no post.

    Locks the account's row, so that two posts at the same moment get two slots.

    Args:
        uow: the unit of work; the slot is free until it commits.
        account: the account.
        after: aware instant, left out itself.
        but: a recurrence whose own next slot does not count as taken.

    Raises:
        InvalidInput: there is none within a year.
    """
    account = uow.brands.account(account.id, lock=True)
    profile = uow.brands.profile(account.brand_id)
    taken = uow.recurrences.taken(account.id, after, but=but)
    slot = next_free_slot(profile.week, profile.time_zone, after, taken)
    if slot is None:
        raise InvalidInput(
            f"No slot of {profile.name} is free in the next {SEARCH_DAYS} days. Add posting times or "
            "slots to its rhythm, or choose a date and time."
        )
    return slot
