"""Posts that come again, and which slots of an account are taken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from domain.action import ActionKind, ActionState
from domain.rhythm import SEARCH_DAYS, SEARCH_STEP
from domain.slot import Slot
from storage.repositories.base import Repository
from storage.tables import Action, Recurrence

# What is in these states will not leave at its slot any more, so the slot is free.
GIVEN_UP = (ActionState.REJECTED.value, ActionState.EXPIRED.value, ActionState.FAILED.value)


class Recurrences(Repository):
    """The repetitions of one workspace."""

    def add(self, row: Recurrence) -> Recurrence:
        """A new one."""
        self.session.add(row)
        self.session.flush()
        return row

    def get(self, recurrence_id: str, *, lock: bool = False) -> Recurrence:
        """One by its id; `lock` holds its row until the transaction ends."""
        return self.row(Recurrence, recurrence_id, lock=lock)

    def find(
        self, *, brand_id: str | None = None, source_id: str | None = None
    ) -> Sequence[Recurrence]:
        """Those of a brand or a post, or all: what comes next first, what has ended last."""
        query = select(Recurrence).where(Recurrence.workspace_id == self.workspace_id)
        if brand_id is not None:
            query = query.where(Recurrence.brand_id == brand_id)
        if source_id is not None:
            query = query.where(Recurrence.source_id == source_id)
        query = query.order_by(Recurrence.propose_at.asc().nulls_last(), Recurrence.id.desc())
        return self.session.scalars(query).all()

    def by_suffix(self, suffix: str) -> Sequence[Recurrence]:
        """Those whose id ends so."""
        query = select(Recurrence).where(
            Recurrence.workspace_id == self.workspace_id,
            func.right(cast(Recurrence.id, Text), len(suffix)) == suffix,
        )
        return self.session.scalars(query).all()

    def occurrences(self, recurrence_id: str, limit: int) -> Sequence[Action]:
        """The posts that it became, newest first."""
        query = (
            select(Action)
            .where(Action.workspace_id == self.workspace_id, Action.recurrence_id == recurrence_id)
            .order_by(Action.occurrence.desc())
            .limit(limit)
        )
        return self.session.scalars(query).all()

    def last(self, recurrence_id: str) -> Action | None:
        """The newest post that it became."""
        return next(iter(self.occurrences(recurrence_id, 1)), None)

    def published(self, row: Recurrence, limit: int) -> Sequence[Action]:
        """What of it is on the platform, the post that it began with included; newest first."""
        query = (
            select(Action)
            .where(
                Action.workspace_id == self.workspace_id,
                (Action.recurrence_id == row.id) | (Action.id == row.source_id),
                Action.account_id == row.account_id,
                Action.state == ActionState.PUBLISHED.value,
            )
            .order_by(Action.published_at.desc())
            .limit(limit)
        )
        return self.session.scalars(query).all()

    def taken(
        self, account_id: str, after: datetime, *, but: str | None = None
    ) -> frozenset[datetime]:
        """Instants from one on that posts of an account have: planned, or coming by repetition.

        What comes at fixed steps has all of its dates, as far as free slots are looked for; what
        comes into free slots has its next one only, since the others move.

        Args:
            account_id: the account.
            after: aware instant.
            but: a recurrence whose own slots do not count.
        """
        query = select(Action.slot_at).where(
            Action.workspace_id == self.workspace_id,
            Action.account_id == account_id,
            Action.kind == ActionKind.POST.value,
            Action.slot_at >= after,
            Action.slot_wall.is_not(None),
            Action.state.not_in(GIVEN_UP),
        )
        found = {at for at in self.session.scalars(query) if at is not None}
        coming = select(Recurrence).where(
            Recurrence.workspace_id == self.workspace_id,
            Recurrence.account_id == account_id,
            Recurrence.state == "active",
        )
        for row in self.session.scalars(coming):
            if row.id != but:
                found |= _dates(row, after + timedelta(days=SEARCH_DAYS + SEARCH_STEP))
        return frozenset(found)


def _dates(row: Recurrence, until: datetime) -> set[datetime]:
    slot = next_slot(row)
    found = {slot.instant}
    while row.kind == "recurring" and slot.instant < min(until, row.ends_at or until):
        found.add(slot.instant)
        slot = slot.next_same_wall(row.every_days)
    return found


def next_slot(row: Recurrence) -> Slot:
    """When the next occurrence is to come; the instant follows from wall time and zone."""
    return Slot.of_wall(datetime.fromisoformat(row.next_wall), row.zone)


def last_day(row: Recurrence) -> date | None:
    """The last day on which it may come, on the clocks of its zone."""
    if row.ends_at is None:
        return None
    return (row.ends_at - timedelta(seconds=1)).astimezone(ZoneInfo(row.zone)).date()


def due_recurrences(session: Session, now: datetime, limit: int) -> list[tuple[str, str, int]]:
    """(workspace id, id, last occurrence) of those to propose now, over all workspaces."""
    query = (
        select(Recurrence.workspace_id, Recurrence.id, Recurrence.occurrence)
        .where(Recurrence.propose_at <= now)
        .order_by(Recurrence.propose_at)
        .limit(limit)
    )
    return [(workspace, row_id, number) for workspace, row_id, number in session.execute(query)]
