"""What an account published before Humas and beside it, with the platform's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storage.repositories.base import Repository
from storage.repositories.engagement import storable
from storage.tables import (
    Action,
    Attempt,
    ChannelAccount,
    MetricSnapshot,
    OutsidePost,
    SegmentRow,
    new_id,
)


@dataclass(frozen=True)
class OutsideText:
    """A post as it is to be kept; `figures` by the platform's own names."""

    remote_id: str
    kind: str
    text: str
    url: str | None
    posted_at: datetime
    figures: Mapping[str, int]


@dataclass(frozen=True)
class Window:
    """When something that Humas is sending, or may have sent, would appear."""

    since: datetime
    until: datetime | None  # None: it may still be under way


class Outside(Repository):
    """Posts that did not go out through Humas. What Humas sent is never among them."""

    def get(self, outside_id: str) -> OutsidePost:
        """A post by its id."""
        return self.row(OutsidePost, outside_id)

    def under_way(self, account_id: str) -> list[Window]:
        """Of segments whose outcome nobody knows yet: from when to when they would appear.

        Ask this before `ours`: an outcome recorded between the two questions is then found by one
        of them.
        """
        first = func.least(SegmentRow.client_time, func.min(Attempt.created_at))
        last = func.greatest(SegmentRow.client_time, func.max(Attempt.lease_until))
        query = (
            select(first, last, func.bool_or(Attempt.outcome.is_(None)))
            .join(Attempt, Attempt.segment_id == SegmentRow.id)
            .join(Action, Action.id == SegmentRow.action_id)
            .where(
                SegmentRow.workspace_id == self.workspace_id,
                Action.account_id == account_id,
                SegmentRow.state == "pending",
                or_(Attempt.outcome.is_(None), Attempt.outcome == "unknown"),
            )
            .group_by(SegmentRow.id)
        )
        return [
            Window(since, None if still else until)
            for since, until, still in self.session.execute(query)
        ]

    def ours(self, account_id: str, remote_ids: Sequence[str]) -> set[str]:
        """Which of the platform's ids are of posts that Humas sent from the account.

        Where the platform's id ends in our client-chosen key, also those still being sent.
        """
        if not remote_ids:
            return set()
        by_key = {remote_id.rpartition("/")[2]: remote_id for remote_id in remote_ids}
        segments = (
            select(SegmentRow.remote_id, SegmentRow.client_key)
            .join(Action, Action.id == SegmentRow.action_id)
            .where(
                SegmentRow.workspace_id == self.workspace_id,
                Action.account_id == account_id,
                or_(
                    SegmentRow.remote_id.in_(remote_ids),
                    SegmentRow.client_key.in_(list(by_key)),
                ),
            )
        )
        found = set()
        for remote_id, key in self.session.execute(segments):
            if remote_id is not None:
                found.add(remote_id)
            if key in by_key:
                found.add(by_key[key])
        settled = select(Action.remote_id).where(
            Action.workspace_id == self.workspace_id,
            Action.account_id == account_id,
            Action.remote_id.in_(remote_ids),
        )
        found.update(item for item in self.session.scalars(settled) if item is not None)
        return found

    def known(self, account_id: str, remote_ids: Sequence[str]) -> set[str]:
        """Which of the platform's ids are kept here already."""
        query = select(OutsidePost.remote_id).where(
            OutsidePost.workspace_id == self.workspace_id,
            OutsidePost.account_id == account_id,
            OutsidePost.remote_id.in_(remote_ids),
        )
        return set(self.session.scalars(query))

    def keep(self, account: ChannelAccount, post: OutsideText, now: datetime) -> str:
        """Store a post once, and its figures where they have changed; returns its id."""
        values = {"text": storable(post.text), "url": post.url}
        query = (
            insert(OutsidePost)
            .values(
                id=new_id(),
                workspace_id=self.workspace_id,
                brand_id=account.brand_id,
                account_id=account.id,
                remote_id=post.remote_id,
                kind=post.kind,
                posted_at=post.posted_at,
                seen_at=now,
                row_version=1,
                **values,
            )
            .on_conflict_do_update(
                index_elements=["workspace_id", "account_id", "remote_id"], set_=values
            )
            .returning(OutsidePost.id)
        )
        outside_id: str = self.session.execute(query).scalar_one()
        before = self.figures([outside_id]).get(outside_id, {})
        for name, value in post.figures.items():
            if before.get(name) != value:
                self.session.add(
                    MetricSnapshot(
                        id=new_id(),
                        workspace_id=self.workspace_id,
                        account_id=account.id,
                        outside_id=outside_id,
                        name=name,
                        value=value,
                        status="ok",
                        taken_at=now,
                    )
                )
        return outside_id

    def forget_ours(self, account_id: str) -> int:
        """Take out what turned out to be sent by Humas; returns how many there were."""
        query = select(OutsidePost.id).where(
            OutsidePost.workspace_id == self.workspace_id,
            OutsidePost.account_id == account_id,
            _sent_by_us(),
        )
        ids = list(self.session.scalars(query))
        if ids:
            for table, column in (
                (MetricSnapshot, MetricSnapshot.outside_id),
                (OutsidePost, OutsidePost.id),
            ):
                self.session.execute(
                    delete(table)
                    .where(table.workspace_id == self.workspace_id, column.in_(ids))
                    .execution_options(synchronize_session=False)
                )
        return len(ids)

    def count(self, account_id: str) -> int:
        """How many posts of an account are kept."""
        query = select(func.count()).where(
            OutsidePost.workspace_id == self.workspace_id, OutsidePost.account_id == account_id
        )
        return self.session.scalar(query) or 0

    def find(
        self,
        *,
        brand_id: str | None = None,
        account_id: str | None = None,
        before: tuple[datetime, str] | None = None,
        limit: int = 50,
    ) -> Sequence[OutsidePost]:
        """Posts, newest first.

        Args:
            brand_id: of this brand only.
            account_id: of this account only.
            before: (time, id) of the last post of the page before.
            limit: how many at most.
        """
        query = select(OutsidePost).where(
            OutsidePost.workspace_id == self.workspace_id, ~_sent_by_us()
        )
        if brand_id is not None:
            query = query.where(OutsidePost.brand_id == brand_id)
        if account_id is not None:
            query = query.where(OutsidePost.account_id == account_id)
        if before is not None:
            place = tuple_(*before, types=[OutsidePost.posted_at.type, OutsidePost.id.type])
            query = query.where(tuple_(OutsidePost.posted_at, OutsidePost.id) < place)
        query = query.order_by(OutsidePost.posted_at.desc(), OutsidePost.id.desc())
        return self.session.scalars(query.limit(limit)).all()

    def figures(self, outside_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """The newest figures by post."""
        query = (
            select(MetricSnapshot.outside_id, MetricSnapshot.name, MetricSnapshot.value)
            .distinct(MetricSnapshot.outside_id, MetricSnapshot.name)
            .where(
                MetricSnapshot.workspace_id == self.workspace_id,
                MetricSnapshot.outside_id.in_(outside_ids),
                MetricSnapshot.value.is_not(None),
            )
            .order_by(
                MetricSnapshot.outside_id,
                MetricSnapshot.name,
                MetricSnapshot.taken_at.desc(),
                MetricSnapshot.id.desc(),
            )
        )
        found: dict[str, dict[str, int]] = {}
        for outside_id, name, value in self.session.execute(query):
            assert outside_id is not None and value is not None
            found.setdefault(outside_id, {})[name] = value
        return found


def _sent_by_us() -> ColumnElement[bool]:
    """Whether an outside post is one of ours after all."""
    segment = (
        select(SegmentRow.id)
        .join(Action, Action.id == SegmentRow.action_id)
        .where(
            SegmentRow.workspace_id == OutsidePost.workspace_id,
            SegmentRow.remote_id == OutsidePost.remote_id,
            Action.account_id == OutsidePost.account_id,
        )
    )
    action = select(Action.id).where(
        Action.workspace_id == OutsidePost.workspace_id,
        Action.remote_id == OutsidePost.remote_id,
        Action.account_id == OutsidePost.account_id,
    )
    return or_(exists(segment), exists(action))


# -- the clock's questions, over all workspaces ------------------------------------------------


def _may_call(now: datetime) -> tuple[ColumnElement[bool], ...]:
    row = ChannelAccount
    return (
        row.disabled_at.is_(None),
        or_(row.waits_until.is_(None), row.waits_until <= now),
    )


def due_imports(
    session: Session, now: datetime, tried_before: datetime, limit: int
) -> list[tuple[str, str]]:
    """(workspace, account) whose past posts are not all here, last tried before that instant."""
    row = ChannelAccount
    query = (
        select(row.workspace_id, row.id)
        .where(
            *_may_call(now),
            row.credentials_problem == "",
            row.import_done_at.is_(None),
            or_(row.outside_read_at.is_(None), row.outside_read_at <= tried_before),
        )
        .order_by(row.outside_read_at.asc().nulls_first(), row.id)
        .limit(limit)
    )
    return [(workspace, account) for workspace, account in session.execute(query)]


def due_reads(
    session: Session, now: datetime, read_before: datetime, limit: int
) -> list[tuple[str, str]]:
    """(workspace, account) whose newest posts were last read before that instant."""
    row = ChannelAccount
    query = (
        select(row.workspace_id, row.id)
        .where(
            *_may_call(now),
            row.credentials_problem == "",
            row.import_done_at.is_not(None),
            or_(row.outside_read_at.is_(None), row.outside_read_at <= read_before),
        )
        .order_by(row.outside_read_at.asc().nulls_first(), row.id)
        .limit(limit)
    )
    return [(workspace, account) for workspace, account in session.execute(query)]


def due_checks(
    session: Session,
    now: datetime,
    checked_before: datetime,
    problem_before: datetime,
    limit: int,
) -> list[tuple[str, str]]:
    """(workspace, account) whose credentials are to be tried; sooner where they have a problem."""
    row = ChannelAccount
    query = (
        select(row.workspace_id, row.id)
        .where(
            *_may_call(now),
            or_(
                row.checked_at.is_(None),
                row.checked_at <= checked_before,
                (row.credentials_problem != "") & (row.checked_at <= problem_before),
            ),
        )
        .order_by(row.checked_at.asc().nulls_first(), row.id)
        .limit(limit)
    )
    return [(workspace, account) for workspace, account in session.execute(query)]
