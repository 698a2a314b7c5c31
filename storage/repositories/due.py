"""The clock's queries: what is due in each queue, whose lock is held, what has failed.

Each reads an index that holds only candidates (`ix_threads_due`, `ix_threads_ready`,
`ix_threads_failed`, `ix_events_open`), queue by queue and from its front, so that the cost follows
what is due and not what exists. `tests/integration/test_clock.py` proves the plans.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    cast,
    column,
    func,
    literal,
    select,
    table,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from storage.tables import EventRow, Thread

Query = Select[*tuple[Any, ...]]
_COLUMNS = (
    Thread.id,
    Thread.workspace_id,
    Thread.queue,
    Thread.checkpoint_id,
    Thread.tries,
    Thread.due_at,
    Thread.status,
)


def due_query(queues: Sequence[str], limit: int, now: datetime) -> Query:
    """Waiting threads whose time has come, the earliest of each queue, all by due time."""

    def one(queue: ColumnElement[str]) -> Query:
        return (
            select(*_COLUMNS)
            .where(has_status("waiting"), Thread.queue == queue, Thread.due_at <= now)
            .order_by(Thread.due_at)
            .limit(limit)
        )

    return _in_each(queues, one, "due_at")


def next_due_query(queues: Sequence[str], now: datetime) -> Query:
    """The first due time of each queue that is still to come."""

    def one(queue: ColumnElement[str]) -> Query:
        return (
            select(Thread.due_at)
            .where(has_status("waiting"), Thread.queue == queue, Thread.due_at > now)
            .order_by(Thread.due_at)
            .limit(1)
        )

    return _in_each(queues, one, "due_at").limit(1)


def forgotten_query(queues: Sequence[str], limit: int, seconds: float) -> Query:
    """Threads that have been ready for longer than so many machine seconds, the oldest first."""
    # One instant per statement: the clock that goes on while it runs could use no index.
    since = func.statement_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)

    def one(queue: ColumnElement[str]) -> Query:
        return (
            select(*_COLUMNS, Thread.ready_at)
            .where(has_status("ready"), Thread.queue == queue, Thread.ready_at < since)
            .order_by(Thread.ready_at)
            .limit(limit)
        )

    return _in_each(queues, one, "ready_at")


def letters_query(queues: Sequence[str], limit: int) -> Query:
    """Waiting threads with a letter that they wait for, the oldest letters of each queue.

    It starts from the open letters, which are few, and looks up the thread of each.
    """
    inbox = (
        select(
            EventRow.thread_id,
            func.array_agg(EventRow.kind).label("kinds"),
            func.min(EventRow.created_at).label("since"),
        )
        .where(EventRow.consumed_at.is_(None))
        .group_by(EventRow.thread_id)
        .subquery("inbox")
    )
    # The limit keeps the planner from turning the look-ups into a scan of all threads.
    thread = (
        select(*_COLUMNS)
        .where(
            Thread.id == inbox.c.thread_id,
            has_status("waiting"),
            Thread.waits_for.has_any(inbox.c.kinds),
        )
        .limit(1)
        .lateral("addressee")
    )
    place = func.row_number().over(partition_by=thread.c.queue, order_by=inbox.c.since)
    ranked = (
        select(*thread.c, inbox.c.since, place.label("place"))
        .select_from(inbox)
        .join(thread, true())
        .where(thread.c.queue.in_(queues))
        .subquery("ranked")
    )
    return select(ranked).where(ranked.c.place <= limit).order_by(ranked.c.since)


def failed_query(workspace_id: str, brand_id: str | None = None) -> Select[Thread]:
    """Threads of a workspace, or of one of its brands, whose stage gave up."""
    query = select(Thread).where(Thread.workspace_id == workspace_id, has_status("failed"))
    if brand_id is not None:
        query = query.where(Thread.brand_id == brand_id)
    return query.order_by(Thread.id)


def running_query(thread_ids: Sequence[str]) -> Query:
    """Which of the threads a worker holds the lock of (see `workflows.runner`), in one look."""
    asked = func.unnest(cast(list(thread_ids), ARRAY(Text))).table_valued("id", name="asked")
    asked = asked.render_derived()
    locks = table(
        "pg_locks",
        *(column(name) for name in ("locktype", "database", "classid", "objid", "objsubid")),
    )
    databases = table("pg_database", column("oid"), column("datname"))
    here = select(databases.c.oid).where(databases.c.datname == func.current_database())
    # The server shows an advisory lock's key in two halves of 32 bits.
    high: ColumnElement[int] = cast(locks.c.classid, BigInteger).op("<<")(literal(32))
    key = high.op("|")(cast(locks.c.objid, BigInteger))
    return select(asked.c.id).where(
        func.hashtextextended(asked.c.id, 0).in_(
            select(key).where(
                locks.c.locktype == "advisory",
                locks.c.objsubid == 1,
                locks.c.database == here.scalar_subquery(),
            )
        )
    )


def _in_each(
    queues: Sequence[str], one: Callable[[ColumnElement[str]], Query], order: str
) -> Query:
    """One limited query per queue, as one statement."""
    names = func.unnest(cast(list(queues), ARRAY(Text))).table_valued("name", name="queues")
    names = names.render_derived()
    found = one(names.c.name).lateral("found")
    return select(found).select_from(names).join(found, true()).order_by(found.c[order])


def has_status(status: str) -> ColumnElement[bool]:
    """The status in the statement's own text: a parameter would hide the partial index."""
    return Thread.status == literal(status, Text(), literal_execute=True)
