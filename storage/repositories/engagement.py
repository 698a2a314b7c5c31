"""Interactions, the people behind them, metric snapshots."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from domain.action import ActionKind, ActionState
from domain.conversation import ANSWERABLE, Interaction, Person
from storage.repositories.base import Repository
from storage.tables import (
    Action,
    ChannelAccount,
    InteractionRow,
    MetricSnapshot,
    PersonRow,
    SegmentRow,
    new_id,
)

# What JSON can carry and PostgreSQL cannot hold; one such text may not stop all later ones.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """A text of the public with U+FFFD in place of characters that are none."""
    return _NOT_STORABLE.sub("\ufffd", text)


class Interactions(Repository):
    """What the public does. Erased people stay erased, whatever is read again."""

    def receive(self, account: ChannelAccount, item: Interaction, now: datetime) -> str | None:
        """Store an interaction once.

        Returns:
            Its id when it is new; None when it is known or its author was erased.
        """
        person = self._person(account.platform, item.person)
        if person is None:
            return None
        row_id = new_id()
        query = (
            insert(InteractionRow)
            .values(
                id=row_id,
                workspace_id=self.workspace_id,
                brand_id=account.brand_id,
                account_id=account.id,
                person_id=person,
                remote_id=item.remote_id,
                kind=item.kind.value,
                text=None if item.text is None else storable(item.text),
                url=item.url,
                target_remote_id=item.target_remote_id,
                root_remote_id=item.root_remote_id,
                occurred_at=item.occurred_at,
                received_at=now,
                state="new" if item.kind in ANSWERABLE else "noted",
                language=item.languages[0] if item.languages else None,
                sentiment="unknown",
                intent="other",
                triage_reason="",
                row_version=1,
            )
            .on_conflict_do_nothing(index_elements=["workspace_id", "account_id", "remote_id"])
            .returning(InteractionRow.id)
        )
        return self.session.scalars(query).one_or_none()

    def _person(self, platform: str, person: Person) -> str | None:
        handle, name = storable(person.handle), storable(person.name)
        query = (
            insert(PersonRow)
            .values(
                id=new_id(),
                workspace_id=self.workspace_id,
                platform=platform,
                remote_id=person.remote_id,
                handle=handle,
                name=name,
                row_version=1,
            )
            .on_conflict_do_update(
                index_elements=["workspace_id", "platform", "remote_id"],
                set_={"handle": handle, "name": name},
                where=PersonRow.erased_at.is_(None),
            )
            .returning(PersonRow.id)
        )
        return self.session.scalars(query).one_or_none()

    def get(self, interaction_id: str, *, lock: bool = False) -> InteractionRow:
        """An interaction by its id."""
        return self.row(InteractionRow, interaction_id, lock=lock)

    def person(self, person_id: str) -> PersonRow:
        """A member of the public by our id."""
        return self.row(PersonRow, person_id)

    def window(self, brand_id: str, start: datetime, end: datetime) -> Sequence[InteractionRow]:
        """Interactions that occurred in [start, end), oldest first."""
        query = (
            select(InteractionRow)
            .where(
                InteractionRow.workspace_id == self.workspace_id,
                InteractionRow.brand_id == brand_id,
                InteractionRow.occurred_at >= start,
                InteractionRow.occurred_at < end,
            )
            .order_by(InteractionRow.occurred_at)
        )
        return self.session.scalars(query).all()

    def of_brand(self, brand_id: str | None = None, limit: int = 200) -> Sequence[InteractionRow]:
        """Interactions, newest first."""
        query = select(InteractionRow).where(InteractionRow.workspace_id == self.workspace_id)
        if brand_id is not None:
            query = query.where(InteractionRow.brand_id == brand_id)
        return self.session.scalars(
            query.order_by(InteractionRow.occurred_at.desc()).limit(limit)
        ).all()

    def answers(self, brand_id: str, start: datetime, end: datetime) -> dict[str, datetime]:
        """When our answer was published, by id of interactions that occurred in [start, end)."""
        query = (
            select(InteractionRow.id, func.min(Action.published_at))
            .join(
                Action,
                (Action.interaction_id == InteractionRow.id)
                & (Action.workspace_id == InteractionRow.workspace_id),
            )
            .where(
                InteractionRow.workspace_id == self.workspace_id,
                InteractionRow.brand_id == brand_id,
                InteractionRow.occurred_at >= start,
                InteractionRow.occurred_at < end,
                Action.kind == ActionKind.REPLY.value,
                Action.state == ActionState.PUBLISHED.value,
                Action.published_at.is_not(None),
            )
            .group_by(InteractionRow.id)
        )
        return {row_id: at for row_id, at in self.session.execute(query) if at is not None}

    def people_before(self, brand_id: str, before: datetime) -> set[str]:
        """Ids of everybody who did something to the brand before that time."""
        query = (
            select(InteractionRow.person_id)
            .where(
                InteractionRow.workspace_id == self.workspace_id,
                InteractionRow.brand_id == brand_id,
                InteractionRow.occurred_at < before,
            )
            .distinct()
        )
        return set(self.session.scalars(query))

    def authors(self, brand_id: str, remote_ids: Sequence[str]) -> dict[tuple[str, str], str]:
        """Person id by (account id, remote id), for those of the remote ids that are the public's."""
        query = select(
            InteractionRow.account_id, InteractionRow.remote_id, InteractionRow.person_id
        ).where(
            InteractionRow.workspace_id == self.workspace_id,
            InteractionRow.brand_id == brand_id,
            InteractionRow.remote_id.in_(remote_ids),
        )
        return {
            (account, remote): person for account, remote, person in self.session.execute(query)
        }


class Metrics(Repository):
    """Figures of posts and accounts; snapshots are never overwritten."""

    def add(
        self,
        account_id: str,
        action_id: str | None,
        name: str,
        value: int | None,
        status: str,
        now: datetime,
    ) -> None:
        """Store a figure, or the reason why there is none (`value` None)."""
        self.session.add(
            MetricSnapshot(
                id=new_id(),
                workspace_id=self.workspace_id,
                account_id=account_id,
                action_id=action_id,
                name=name,
                value=value,
                status=status,
                taken_at=now,
            )
        )

    def latest(self, account_id: str) -> Sequence[MetricSnapshot]:
        """The newest snapshot of each figure of an account and of what Humas published there."""
        newest = (
            select(
                MetricSnapshot.id,
                func.row_number()
                .over(
                    partition_by=(MetricSnapshot.action_id, MetricSnapshot.name),
                    order_by=(MetricSnapshot.taken_at.desc(), MetricSnapshot.id.desc()),
                )
                .label("rank"),
            )
            .where(
                MetricSnapshot.workspace_id == self.workspace_id,
                MetricSnapshot.account_id == account_id,
                MetricSnapshot.outside_id.is_(None),
            )
            .subquery()
        )
        query = select(MetricSnapshot).join(newest, MetricSnapshot.id == newest.c.id)
        return self.session.scalars(query.where(newest.c.rank == 1)).all()

    def published(
        self, brand_id: str, start: datetime | None = None, end: datetime | None = None
    ) -> Sequence[Action]:
        """Posts and replies of a brand published in [start, end), whoever began them; oldest first."""
        query = select(Action).where(
            Action.workspace_id == self.workspace_id,
            Action.brand_id == brand_id,
            Action.state == ActionState.PUBLISHED.value,
            Action.kind.in_([ActionKind.POST.value, ActionKind.REPLY.value]),
            Action.published_at.is_not(None),
        )
        if start is not None:
            query = query.where(Action.published_at >= start)
        if end is not None:
            query = query.where(Action.published_at < end)
        return self.session.scalars(query.order_by(Action.published_at, Action.id)).all()

    def remote_ids(self, actions: Sequence[Action]) -> dict[str, tuple[str, ...]]:
        """The platform's ids of what each action published, in order; a thread has several."""
        query = (
            select(SegmentRow.action_id, SegmentRow.remote_id)
            .join(
                Action,
                (Action.id == SegmentRow.action_id)
                & (Action.workspace_id == SegmentRow.workspace_id)
                & (Action.version == SegmentRow.version),
            )
            .where(
                SegmentRow.workspace_id == self.workspace_id,
                SegmentRow.action_id.in_([action.id for action in actions]),
                SegmentRow.remote_id.is_not(None),
            )
            .order_by(SegmentRow.action_id, SegmentRow.ordinal)
        )
        found: dict[str, list[str]] = {}
        for action_id, remote_id in self.session.execute(query):
            assert remote_id is not None
            found.setdefault(action_id, []).append(remote_id)
        for action in actions:  # settled by a person: only the action knows its id
            if action.id not in found and action.remote_id is not None:
                found[action.id] = [action.remote_id]
        return {action_id: tuple(ids) for action_id, ids in found.items()}
