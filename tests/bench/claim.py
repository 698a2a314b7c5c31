"""`make bench-claim`: what it costs to find and claim what is due while very much waits.

A thousand, ten thousand and a hundred thousand posts wait for slots in the future, with their
threads, versions, approvals and letters, and a realistic share of finished ones beside them. On
each amount are measured, as medians: the clock's query with nothing due and with a few posts due,
that query as it was written first (one statement with OR), the claim and the record of a delivery,
and what people's pages ask. The plans are printed for the largest amount.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import and_, exists, func, or_, select, text
from sqlalchemy.orm import Session

from channels.base import Outcome, SendRequest
from domain.action import ActionState
from embedded.supervisor import EmbeddedServices
from storage.database import make_engine, migrate
from storage.queue import QUEUES, JobQueue, connect
from storage.repositories.due import Query, due_query, forgotten_query, letters_query
from storage.repositories.threads import Schedule
from storage.tables import Action, EventRow, Thread
from storage.uow import Database, NoQueue
from tests.bench.office import Office, open_office
from tests.fakes import START, FakeChannel, FakePlatform, fake_services
from workers.clock import ClockProcess
from workflows.delivery import Delivery
from workflows.services import Services

console = Console(width=118)

SIZES = (1_000, 10_000, 100_000)
DUE = 40  # posts that are due now, besides those of the future
SWEEP = 25.0


@dataclass
class Times:
    """Medians in milliseconds by what was measured."""

    size: int
    found: dict[str, float] = field(default_factory=dict)


def fill(office: Office, session: Session, first: int, count: int) -> None:
    """Posts with slots in the coming year, and for every ten of them one that is published.

    Every hundredth has an open letter of a kind that its thread does not wait for.
    """
    values = {
        "workspace": office.workspace_id,
        "brand": office.brand_id,
        "owner": office.owner.id,
        "accounts": [account.id for account in office.accounts],
        "first": first,
        "last": first + count - 1,
        "now": START,
    }
    for statement in FILL:
        session.execute(text(statement), values)


FILL = (
    """
    create temporary table made on commit drop as
    select n, gen_random_uuid() as action, gen_random_uuid() as thread,
           gen_random_uuid() as decision, n % 11 = 10 as gone,
           (cast(:accounts as uuid[]))[n % 10 + 1] as account, md5(n::text) as digest,
           cast(:now as timestamptz) + make_interval(hours => 1 + n % 8760) as slot
    from generate_series(cast(:first as int), cast(:last as int)) n
    """,
    """
    insert into threads (id, workspace_id, brand_id, graph, graph_version, subject_id, status, node,
        queue, checkpoint_id, waits_for, due_at, ready_at, tries, failures, error, row_version)
    select thread, :workspace, :brand, 'post', 1, action,
        case when gone then 'finished' else 'waiting' end, 'schedule', 'publishing',
        gen_random_uuid()::text, '["decision", "changed"]', case when gone then null else slot end,
        cast(:now as timestamptz), 0, 0, '', 1 from made
    """,
    """
    insert into actions (id, workspace_id, brand_id, account_id, thread_id, author_id, kind, state,
        version, theme, brief, slot_at, slot_wall, slot_zone, effective_at, attempts, reason,
        published_at, row_version)
    select action, :workspace, :brand, account, thread, :owner, 'post',
        case when gone then 'published' when n % 10 = 3 then 'in_review' else 'scheduled' end,
        1, '', '', slot, '2027-01-01T09:00:00', 'UTC', cast(:now as timestamptz), 0, '',
        case when gone then cast(:now as timestamptz) end, 1 from made
    """,
    """
    insert into action_versions (workspace_id, action_id, version, digest, payload, evidence,
        no_claim, origin, author_id, created_at)
    select :workspace, action, 1, digest, '{"segments": [{"text": "Selamat pagi"}]}', '[]', true,
        'person', :owner, cast(:now as timestamptz) from made
    """,
    """
    insert into decisions (id, workspace_id, action_id, version, digest, user_id, verb, comment)
    select decision, :workspace, action, 1, digest, :owner, 'approve', '' from made
    """,
    """
    insert into approvals (workspace_id, action_id, version, digest, decision_id, approved_at)
    select :workspace, action, 1, digest, decision, cast(:now as timestamptz) from made
    """,
    """
    insert into events (id, workspace_id, thread_id, kind, key, consumed_at)
    select gen_random_uuid(), :workspace, thread, 'decision', 'approve', clock_timestamp()
    from made
    """,
    """
    insert into events (id, workspace_id, thread_id, kind, key)
    select gen_random_uuid(), :workspace, thread, 'period_end', 'early' from made where n % 100 = 0
    """,
)


def with_or(now: datetime) -> Query:
    """The clock's query as it was first: one statement, the three kinds joined by OR."""
    letter = exists().where(
        EventRow.thread_id == Thread.id,
        EventRow.consumed_at.is_(None),
        Thread.waits_for.has_key(EventRow.kind),
    )
    forgotten = and_(
        Thread.status == "ready",
        Thread.ready_at < func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, SWEEP),
    )
    past = and_(Thread.status == "waiting", or_(Thread.due_at <= now, letter))
    query = select(Thread.id).where(or_(forgotten, past))
    return query.order_by(Thread.due_at.asc().nulls_last()).limit(1000)


class Stopwatch(FakeChannel):
    """An instant channel that notes when it was asked to publish, and when it answered."""

    def __init__(self) -> None:
        super().__init__(FakePlatform(), "mastodon")
        self.asked = self.answered = 0.0

    def publish(self, request: SendRequest) -> Outcome:
        """Store it."""
        self.asked = time.perf_counter()
        outcome = super().publish(request)
        self.answered = time.perf_counter()
        return outcome


def median(action: Callable[[], object], times: int) -> float:
    """Milliseconds of the middle one of several runs, after one that is not counted."""
    action()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


def measure(database: Database, office: Office, services: Services, size: int) -> Times:
    """All measurements on what is there now."""
    times = Times(size)
    found = times.found

    def asked(query: Callable[[Session], object]) -> Callable[[], None]:
        def run() -> None:
            with database.system() as session:
                query(session)

        return run

    def clock_asks(session: Session) -> object:
        return Schedule(session).due(START, SWEEP)

    found["due(), nothing due"] = median(asked(clock_asks), 15)
    found["  as one OR (baseline)"] = median(asked(lambda s: s.execute(with_or(START)).all()), 5)
    found["next_due()"] = median(asked(lambda s: Schedule(s).next_due(START)), 15)
    found["put_away_letters()"] = median(asked(lambda s: Schedule(s).put_away_letters()), 15)
    found["polls()"] = median(asked(lambda s: Schedule(s).polls(START)), 15)
    words = [f"due {size} {number}" for number in range(DUE)]
    ids = office.approved_posts(words, START - timedelta(minutes=1), START)
    with database.system() as session:
        session.execute(
            text(
                "update threads set status = 'waiting', node = 'schedule', queue = 'publishing', "
                "due_at = :at, waits_for = '[\"decision\"]' where id = any(cast(:ids as uuid[]))"
            ),
            {"at": START - timedelta(minutes=1), "ids": ids},
        )
        actions = session.scalars(select(Action.id).where(Action.thread_id.in_(ids))).all()
        assert len(Schedule(session).due(START, SWEEP)) == DUE
    found[f"due(), {DUE} due"] = median(asked(clock_asks), 15)
    watch = Stopwatch()
    object.__setattr__(services, "open_channel", lambda _account: watch)
    delivery = Delivery(services, office.workspace_id)
    claims, records = [], []
    for action_id in actions:
        started = time.perf_counter()
        assert delivery.deliver(action_id) is ActionState.PUBLISHED
        claims.append(watch.asked - started)
        records.append(time.perf_counter() - watch.answered)
    found["delivery: claim"] = statistics.median(claims) * 1000
    found["delivery: record"] = statistics.median(records) * 1000
    with database.system() as session:
        session.execute(
            text("update threads set status = 'finished' where id = any(cast(:ids as uuid[]))"),
            {"ids": ids},
        )
    pages: dict[str, Callable[[], object]] = {
        "page: find(), all states": lambda: look(office, lambda uow: uow.actions.find()),
        "page: find(in review)": lambda: look(
            office, lambda uow: uow.actions.find(states=[ActionState.IN_REVIEW])
        ),
        "page: find(brand, kind)": lambda: look(
            office, lambda uow: uow.actions.find(brand_id=office.brand_id, kind="post")
        ),
        "page: counts()": lambda: look(office, lambda uow: uow.actions.counts()),
        "page: counts(brand)": lambda: look(
            office, lambda uow: uow.actions.counts(office.brand_id)
        ),
        "page: unfinished(brand)": lambda: look(
            office, lambda uow: uow.threads.unfinished(office.brand_id)
        ),
        "page: failed threads": lambda: look(office, lambda uow: uow.threads.failed()),
        "page: published(account)": lambda: look(
            office, lambda uow: uow.actions.published(office.accounts[0].id)
        ),
    }
    for name, page in pages.items():
        found[name] = median(page, 5)
    return times


def look(office: Office, page: Callable[..., object]) -> None:
    """Run what a page asks in a unit of work."""
    with office.database.unit(office.workspace_id) as uow:
        page(uow)


def first_tick(database: Database, office: Office, redis_url: str, services: Services) -> list[str]:
    """How long ticks take when a thousand posts have become due at once."""
    ids = office.approved_posts([f"burst {n}" for n in range(1000)], START, START)
    with database.system() as session:
        session.execute(
            text(
                "update threads set status = 'waiting', queue = 'publishing', due_at = :at "
                "where id = any(cast(:ids as uuid[]))"
            ),
            {"at": START, "ids": ids},
        )
    connection = connect(redis_url)
    clock = ClockProcess(services.settings, database, JobQueue(connection), services.clock)
    said = []
    for name in ("the first tick", "the next, all jobs waiting"):
        started = time.perf_counter()
        queued = clock.tick()
        said.append(f"{name}: {queued} queued in {(time.perf_counter() - started) * 1000:.0f} ms")
    connection.flushall()
    with database.system() as session:
        session.execute(
            text("update threads set status = 'ready' where due_at = :at"), {"at": START}
        )
        session.execute(
            text("update threads set ready_at = now() - interval '1 h' where status = 'ready'")
        )
    started = time.perf_counter()
    queued = clock.tick()
    said.append(
        f"a thousand forgotten: {queued} queued in {(time.perf_counter() - started) * 1000:.0f} ms"
    )
    connection.close()
    return said


def plan(session: Session, query: Query) -> str:
    """The plan of a query as it runs."""
    compiled = query.compile(
        dialect=session.get_bind().dialect,
        compile_kwargs={"literal_binds": True, "render_postcompile": True},
    )
    lines = session.execute(
        text(f"explain (analyze, buffers, costs off) {str(compiled).replace(':', chr(92) + ':')}")
    )
    return "\n".join(str(line[0]) for line in lines)


def show(results: list[Times]) -> None:
    """The table: milliseconds, and the ratio of the largest amount to the smallest."""
    table = Table(title="Medians in milliseconds by number of waiting posts")
    table.add_column("what")
    for result in results:
        table.add_column(f"{result.size:,}", justify="right")
    table.add_column("ratio", justify="right")
    for name in results[0].found:
        values = [result.found[name] for result in results]
        table.add_row(name, *(f"{v:.2f}" for v in values), f"{values[-1] / values[0]:.1f}")
    console.print(table)
    console.print("Ratio: the largest amount to the smallest. Trust ratios, not milliseconds.")


def main() -> None:
    """Fill, measure, fill more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="waiting posts")
    sizes = sorted(parser.parse_args().sizes)
    with tempfile.TemporaryDirectory(prefix="humas-bench-") as folder:
        embedded = EmbeddedServices(Path(folder) / "home", durable=True)
        embedded.ensure()
        try:
            url = embedded.create_database("claim")
            migrate(url)
            database = Database(make_engine(url), NoQueue())
            services = fake_services(database, url)
            office = open_office(database, services.box, "https://instance.example")
            there, results = 0, []
            for size in sizes:
                with database.system() as session:
                    fill(office, session, there, size - there)
                there = size
                with database.engine.connect() as connection:
                    connection.execution_options(isolation_level="AUTOCOMMIT")
                    connection.execute(text("vacuum analyze"))
                results.append(measure(database, office, services, size))
                console.print(f"measured: {size:,}")
            show(results)
            for line in first_tick(database, office, embedded.urls.redis_url, services):
                console.print(line)
            with database.system() as session:
                for name, query in {
                    "due": due_query(tuple(QUEUES), 1000, START - timedelta(days=1)),
                    "letters": letters_query(tuple(QUEUES), 1000),
                    "forgotten": forgotten_query(tuple(QUEUES), 1000, SWEEP),
                    "baseline with OR": with_or(START),
                }.items():
                    console.print(f"\n[bold]{name}[/bold], {sizes[-1]:,} waiting")
                    console.print(plan(session, query), markup=False, highlight=False)
            database.engine.dispose()
        finally:
            embedded.destroy()


if __name__ == "__main__":
    main()
