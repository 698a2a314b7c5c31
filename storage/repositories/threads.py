"""Threads and their inbox, for one workspace, and what the clock asks of all workspaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Integer, Text, Uuid, cast, exists, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from domain.events import EventKind
from storage.queue import QUEUES
from storage.repositories.base import Repository
from storage.repositories.due import (
    due_query,
    failed_query,
    forgotten_query,
    letters_query,
    next_due_query,
    running_query,
)
from storage.tables import ChannelAccount, EventRow, Heartbeat, Thread, new_id


class Threads(Repository):
    """LangGraph threads of one workspace."""

    def add(
        self,
        thread_id: str,
        brand_id: str,
        graph: str,
        graph_version: int,
        subject_id: str,
        *,
        node: str,
        queue: str,
        parent_id: str | None = None,
    ) -> Thread:
        """A new thread, ready to run."""
        thread = Thread(
            id=thread_id,
            workspace_id=self.workspace_id,
            brand_id=brand_id,
            graph=graph,
            graph_version=graph_version,
            subject_id=subject_id,
            node=node,
            queue=queue,
            parent_id=parent_id,
            status="ready",
            waits_for=[],
            ready_at=func.clock_timestamp(),
        )
        self.session.add(thread)
        self.session.flush()
        return thread

    def get(self, thread_id: str, *, lock: bool = False) -> Thread:
        """A thread by its id."""
        return self.row(Thread, thread_id, lock=lock)

    def of_subject(self, subject_id: str) -> Thread | None:
        """The thread of a cycle, an action or an interaction."""
        query = select(Thread).where(
            Thread.workspace_id == self.workspace_id, Thread.subject_id == subject_id
        )
        return self.session.scalars(query.limit(1)).one_or_none()

    def failed(self, brand_id: str | None = None) -> Sequence[Thread]:
        """Threads whose stage gave up and waits for a person."""
        return self.session.scalars(failed_query(self.workspace_id, brand_id)).all()

    def unfinished(self, brand_id: str) -> int:
        """How many threads of a brand are not finished."""
        query = select(func.count()).where(
            Thread.workspace_id == self.workspace_id,
            Thread.brand_id == brand_id,
            Thread.status != "finished",
        )
        return int(self.session.scalar(query) or 0)

    def send(self, thread_id: str, kind: EventKind, key: str) -> bool:
        """Put an event into the inbox; False when it is there already."""
        query = (
            insert(EventRow)
            .values(
                id=new_id(),
                workspace_id=self.workspace_id,
                thread_id=thread_id,
                kind=kind.value,
                key=key,
            )
            .on_conflict_do_nothing(index_elements=["workspace_id", "thread_id", "key"])
            .returning(EventRow.id)
        )
        return self.session.scalars(query).one_or_none() is not None

    def open_events(self, thread_id: str, kinds: Sequence[str]) -> Sequence[EventRow]:
        """Events of those kinds that no step has consumed yet, oldest first."""
        query = (
            select(EventRow)
            .where(
                EventRow.workspace_id == self.workspace_id,
                EventRow.thread_id == thread_id,
                EventRow.kind.in_(kinds),
                EventRow.consumed_at.is_(None),
            )
            .order_by(EventRow.id)
        )
        return self.session.scalars(query).all()

    def consume(self, event_ids: Sequence[str]) -> None:
        """Mark events as consumed."""
        self.session.execute(
            update(EventRow)
            .where(EventRow.workspace_id == self.workspace_id, EventRow.id.in_(event_ids))
            .values(consumed_at=func.clock_timestamp())
        )


@dataclass(frozen=True)
class Wakeable:
    """A thread that should be queued."""

    workspace_id: str
    thread_id: str
    queue: str
    checkpoint_id: str
    tries: int
    due: str  # what it waits for in time, tells repeated wakes apart
    stale: bool  # was ready and queued before, but no worker has taken it


class Schedule:
    """What the clock asks: over all workspaces, and only for ids."""

    def __init__(self, session: Session) -> None:
        """Bind to a session."""
        self.session = session

    def due(
        self,
        now: datetime,
        sweep_seconds: float,
        limit: int = 1000,
        *,
        queues: Sequence[str] = tuple(QUEUES),
    ) -> list[Wakeable]:
        """Threads to queue: with a letter in the inbox, past their time, or ready and forgotten.

        Three queries, each over an index that holds only candidates: the cost follows what is due,
        not what exists. Each kind has a limit of its own in each queue, so that neither a burst nor
        a queue without workers keeps anything else waiting.

        Args:
            now: business time, for due times.
            sweep_seconds: machine seconds after which a ready thread counts as forgotten.
            limit: most threads of each kind, per queue and tick.
            queues: the queues to look at.

        Returns:
            Each thread once: letters, oldest first; then by due time; then by how long forgotten.
        """
        found: dict[str, Wakeable] = {}
        for query in (
            letters_query(queues, limit),
            due_query(queues, limit, now),
            forgotten_query(queues, limit, sweep_seconds),
        ):
            for row in self.session.execute(query):
                item = Wakeable(
                    workspace_id=row.workspace_id,
                    thread_id=row.id,
                    queue=row.queue,
                    checkpoint_id=row.checkpoint_id,
                    tries=row.tries,
                    due=row.due_at.isoformat() if row.due_at else "letter",
                    stale=row.status == "ready",
                )
                found.setdefault(item.thread_id, item)
        return list(found.values())

    def next_due(self, now: datetime, *, queues: Sequence[str] = tuple(QUEUES)) -> datetime | None:
        """The next instant at which a waiting thread becomes due; None when none waits for time."""
        found: datetime | None = self.session.scalar(next_due_query(queues, now))
        return found

    def being_run(self, thread_ids: Sequence[str]) -> set[str]:
        """Which of the threads a worker holds the lock of, in one look."""
        return set(self.session.scalars(running_query(thread_ids)))

    def new_tries(self, items: Sequence[Wakeable]) -> dict[str, int]:
        """Count a new try of forgotten threads, so that their jobs get new ids.

        Returns:
            The number of the try by thread; those that have moved on meanwhile are missing.
        """
        asked = (
            func.unnest(
                cast([item.thread_id for item in items], ARRAY(Uuid(as_uuid=False))),
                cast([item.checkpoint_id for item in items], ARRAY(Text)),
                cast([item.tries for item in items], ARRAY(Integer)),
            )
            .table_valued("id", "checkpoint_id", "tries", name="asked")
            .render_derived()
        )
        query = (
            update(Thread)
            .where(
                Thread.id == asked.c.id,
                Thread.checkpoint_id == asked.c.checkpoint_id,
                Thread.tries == asked.c.tries,
                Thread.status.in_(["ready", "waiting"]),
            )
            .values(
                tries=Thread.tries + 1,
                ready_at=func.clock_timestamp(),
                row_version=Thread.row_version + 1,
            )
            .returning(Thread.id, Thread.tries)
            .execution_options(synchronize_session=False)
        )
        return {row.id: row.tries for row in self.session.execute(query)}

    def put_away_letters(self) -> int:
        """Close letters to finished threads: nobody will read them, and the inbox stays short.

        Returns:
            How many there were.
        """
        finished = exists().where(Thread.id == EventRow.thread_id, Thread.status == "finished")
        query = (
            update(EventRow)
            .where(EventRow.consumed_at.is_(None), finished)
            .values(consumed_at=func.clock_timestamp())
            .returning(EventRow.id)
            .execution_options(synchronize_session=False)
        )
        return len(self.session.scalars(query).all())

    def polls(self, now: datetime, limit: int = 500) -> list[tuple[str, str]]:
        """(workspace id, account id) of accounts whose interactions are to be read now."""
        query = (
            select(ChannelAccount.workspace_id, ChannelAccount.id)
            .where(ChannelAccount.disabled_at.is_(None), ChannelAccount.poll_at <= now)
            .order_by(ChannelAccount.poll_at)
            .limit(limit)
        )
        return [(workspace, account) for workspace, account in self.session.execute(query)]

    def beat(self, name: str, details: dict[str, object] | None = None) -> None:
        """Leave a sign of life in machine time."""
        query = insert(Heartbeat).values(
            name=name, at=func.clock_timestamp(), details=details or {}
        )
        self.session.execute(
            query.on_conflict_do_update(
                index_elements=["name"],
                set_={"at": query.excluded.at, "details": query.excluded.details},
            )
        )

    def heartbeat_age(self, name: str) -> float | None:
        """Machine seconds since the last sign of life; None when there was none."""
        query = select(func.extract("epoch", func.clock_timestamp() - Heartbeat.at)).where(
            Heartbeat.name == name
        )
        age = self.session.scalar(query)
        return float(age) if age is not None else None
