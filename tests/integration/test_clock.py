"""The clock's tick, the sweep, one leader, and threads of older graphs."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis as redislib
from langgraph.graph import START as GRAPH_START
from langgraph.graph import StateGraph
from rq import Queue as JobsOf
from sqlalchemy import Select, text

from domain.action import ActionState
from domain.approval import Verb
from domain.events import EventKind
from embedded.supervisor import EmbeddedServices
from storage.queue import QUEUES, JobQueue, connect
from storage.repositories.due import (
    due_query,
    failed_query,
    forgotten_query,
    letters_query,
    next_due_query,
)
from storage.repositories.threads import Schedule, Wakeable
from storage.uow import Database
from tests.fakes import START, ListWaker
from tests.rooms import Room, make_room
from tests.waiting import wait_until
from workers.clock import HEARTBEAT, SHORTEST_PAUSE, ClockProcess
from workflows.graph import Graphs, GraphSpec, ThreadState, UnknownGraph
from workflows.graphs import GRAPHS
from workflows.runner import Runner

pytestmark = pytest.mark.db


@pytest.fixture
def room(database: Database, database_url: str, waker: ListWaker) -> Room:
    return make_room(database, database_url, waker)


@pytest.fixture
def redis(servers: EmbeddedServices) -> redislib.Redis:
    connection = connect(servers.urls.redis_url)
    connection.flushall()
    return connection


@pytest.fixture
def queue(redis: redislib.Redis) -> JobQueue:
    return JobQueue(redis)


def clock_of(room: Room, queue: JobQueue) -> ClockProcess:
    """A clock of threads and polls; what else it queues has tests of its own."""
    return ClockProcess(room.services.settings, room.services.database, queue, room.clock, also=())


def test_a_tick_queues_forgotten_threads_once(room: Room, queue: JobQueue) -> None:
    room.post()
    room.pump.waker.wakes.clear()  # the queue was lost
    clock = clock_of(room, queue)
    assert clock.tick() == 0, "it may still be on its way"
    room.pump.skip_pauses()
    assert clock.tick() == 1
    room.pump.skip_pauses()
    assert clock.tick() == 0, "its job is waiting in the queue"


def test_a_running_thread_is_not_forgotten(room: Room, queue: JobQueue) -> None:
    action_id = room.post()
    thread = room.thread_of(action_id)
    room.pump.skip_pauses()
    with room.services.database.engine.connect() as worker:
        key = {"thread": thread.id}
        worker.execute(text("select pg_advisory_lock(hashtextextended(:thread, 0))"), key)
        assert clock_of(room, queue).tick() == 0
        worker.invalidate()  # the worker dies, and its lock goes with its connection
    clock = clock_of(room, queue)
    wait_until(lambda: clock.tick() == 1, 10, "it is queued again", pause=0.05)


def test_a_letter_without_a_job_is_found(room: Room, queue: JobQueue) -> None:
    action_id = room.post()
    room.pump.drain()
    room.decide(action_id, Verb.APPROVE)
    room.pump.waker.wakes.clear()
    assert clock_of(room, queue).tick() == 1


def test_one_leader_ticks_and_another_takes_over(room: Room, queue: JobQueue) -> None:
    stops = [threading.Event(), threading.Event()]
    clocks = [clock_of(room, queue), clock_of(room, queue)]
    for clock in clocks:
        object.__setattr__(clock._settings, "tick_seconds", 0.05)
    ticks = [0, 0]

    def counted(index: int) -> None:
        original = clocks[index].tick

        def tick() -> int:
            ticks[index] += 1
            return original()

        clocks[index].tick = tick  # type: ignore[method-assign]
        clocks[index].run(stops[index])

    threads = [threading.Thread(target=counted, args=(index,)) for index in range(2)]
    threads[0].start()
    time.sleep(0.6)
    threads[1].start()
    time.sleep(0.6)
    assert ticks[0] > 1
    assert ticks[1] == 0
    stops[0].set()
    threads[0].join(10)
    time.sleep(1.0)
    stops[1].set()
    threads[1].join(10)
    assert ticks[1] > 1
    with room.services.database.system() as session:
        age = Schedule(session).heartbeat_age(HEARTBEAT)
        assert age is not None
        assert age < 30


def threads(
    room: Room, count: int, *, status: str = "waiting", queue: str = "publishing", **values: str
) -> None:
    """Very many threads; `values` are SQL expressions of the number `n`."""
    columns = {
        "id": "gen_random_uuid()",
        "subject_id": "gen_random_uuid()",
        "due_at": "null",
        "ready_at": "clock_timestamp()",
        "waits_for": """'["decision"]'""",
    } | values
    with room.services.database.system() as session:
        session.execute(
            text(
                "insert into threads (workspace_id, brand_id, graph, graph_version, status, node, "
                f"queue, tries, failures, error, row_version, checkpoint_id, {', '.join(columns)}) "
                "select :workspace, :brand, 'post', 1, :status, 'schedule', :queue, 0, 0, '', 1, '', "
                f"{', '.join(columns.values())} from generate_series(1, :count) n"
            ),
            {
                "workspace": room.workspace_id,
                "brand": room.brand_id,
                "status": status,
                "queue": queue,
                "count": count,
            },
        )


FUTURE = f"timestamptz '{START.isoformat()}' + make_interval(mins => n)"
AT = f"timestamptz '{START.isoformat()}' + make_interval(secs => {{seconds}})"
PAST = f"timestamptz '{START.isoformat()}' - make_interval(secs => n)"


def asked(room: Room, now: datetime = START, limit: int = 1000) -> list[Wakeable]:
    with room.services.database.system() as session:
        return Schedule(session).due(now, 25.0, limit)


def plan(room: Room, query: Select[*tuple[Any, ...]]) -> str:
    with room.services.database.system() as session:
        statement = query.compile(
            dialect=session.get_bind().dialect,
            compile_kwargs={"literal_binds": True, "render_postcompile": True},
        )
        lines = session.connection().exec_driver_sql(f"explain (costs off) {statement}")
        return "\n".join(str(line[0]) for line in lines)


def test_the_clock_reads_what_is_due_from_indexes(room: Room) -> None:
    # Twenty thousand posts wait, some with letters that they do not wait for; a few are forgotten.
    threads(room, 20_000, due_at=FUTURE)
    threads(room, 2_000, status="finished")
    threads(room, 50, status="ready", ready_at="clock_timestamp() - make_interval(hours => n)")
    with room.services.database.system() as session:
        session.execute(
            text(
                "insert into events (id, workspace_id, thread_id, kind, key, consumed_at) "
                "select gen_random_uuid(), workspace_id, id, 'changed', 'x', "
                "case when random() > 0.005 then now() end from threads"
            )
        )
        session.execute(text("analyze"))
    queues = tuple(QUEUES)
    plans = {
        "ix_threads_due": plan(room, due_query(queues, 1000, START)),
        "ix_threads_due on": plan(room, next_due_query(queues, START)),
        "ix_threads_ready": plan(room, forgotten_query(queues, 1000, 25.0)),
        "ix_events_open": plan(room, letters_query(queues, 1000)),
        "ix_threads_failed": plan(room, failed_query(room.workspace_id)),
    }
    for index, found in plans.items():
        assert index in found, found
        assert "Seq Scan" not in found, found
    # Each queue's own index entries, from the front: no sort and no look at other queues.
    for index in ("ix_threads_due", "ix_threads_ready"):
        assert "Index Cond: ((queue = " in plans[index], plans[index]
        assert plans[index].index("Sort") < plans[index].index("Limit"), plans[index]
    assert "pk_threads" in plans["ix_events_open"]


def test_a_burst_keeps_its_order_and_starves_nobody(
    room: Room, queue: JobQueue, redis: redislib.Redis
) -> None:
    threads(room, 1_500, due_at=PAST)
    # A queue whose workers are gone has more due than a tick takes, all of it earlier.
    threads(room, 1_200, queue="evaluation", due_at=f"{PAST} - interval '1 day'")
    threads(room, 1_100, status="ready", queue="engagement", ready_at="now() - interval '1 h'")
    action_id = room.post()
    room.pump.drain()
    room.decide(action_id, Verb.APPROVE)
    room.pump.waker.wakes.clear()  # the job of the letter was lost

    found = asked(room)
    assert found[0].thread_id == room.thread_of(action_id).id, "the letter is behind nothing"
    due = [item.due for item in found if item.queue == "publishing" and item.due != "letter"]
    assert due == sorted(due)
    assert len(due) == 1000
    earliest = START - timedelta(seconds=1500)
    assert datetime.fromisoformat(due[0]) == earliest, "the latest ones come first"
    assert [i.queue for i in found].count("evaluation") == 1000
    assert [i.queue for i in found].count("engagement") == 1000
    assert len({item.thread_id for item in found}) == len(found)

    clock = clock_of(room, queue)
    assert clock.tick() == 3001
    names = JobsOf("publishing", connection=redis).job_ids
    assert len(names) == 1001
    order = [name.split("_")[0] for name in names]
    assert order == [item.thread_id for item in found if item.queue == "publishing"]


def test_what_waits_in_a_long_queue_gets_no_second_job(
    room: Room, queue: JobQueue, redis: redislib.Redis
) -> None:
    threads(room, 30, due_at=PAST)
    clock = clock_of(room, queue)
    object.__setattr__(clock._settings, "sweep_seconds", 0.01)
    assert clock.tick() == 30
    time.sleep(0.05)
    assert clock.tick() == 0, "another sweep, the same jobs are waiting"
    assert clock_of(room, queue).tick() == 30, "another clock does not know of them"
    redis.flushall()
    time.sleep(0.05)
    assert clock.tick() == 30, "the queue was lost"


def test_the_clock_is_there_when_the_next_slot_is_due(room: Room, queue: JobQueue) -> None:
    clock = clock_of(room, queue)
    usual = room.services.settings.tick_seconds
    assert clock.pause() == usual, "nothing waits for time"
    threads(room, 2, due_at=f"timestamptz '{START.isoformat()}' + make_interval(hours => n)")
    assert clock.pause() == usual, "the next slot is far"
    threads(room, 1, queue="evaluation", due_at=AT.format(seconds=2.5))
    assert clock.pause() == pytest.approx(2.5)
    threads(room, 1, due_at=AT.format(seconds=0.01))
    assert clock.pause() == SHORTEST_PAUSE
    room.clock.advance(timedelta(seconds=10))
    assert clock.pause() == usual, "what is due was seen by the tick before"


def test_letters_to_finished_threads_are_put_away(room: Room) -> None:
    action_id = room.post()
    thread = room.thread_of(action_id)
    with room.services.database.unit(room.workspace_id) as uow:
        uow.threads.send(thread.id, EventKind.CHANGED, "one")
    with room.services.database.system() as session:
        assert Schedule(session).put_away_letters() == 0
        session.execute(text("update threads set status = 'finished'"))
        assert Schedule(session).put_away_letters() == 1
        assert Schedule(session).put_away_letters() == 0


def old_build(services: object) -> StateGraph[ThreadState]:
    """Version 0 of the post's graph: as now, before its nodes had the last edges."""
    from workflows.post import PostSteps

    steps = PostSteps(services)  # type: ignore[arg-type]
    graph = StateGraph(ThreadState)
    graph.add_node("write", steps.write, metadata={"queue": "planning"})
    graph.add_node("review", steps.review, metadata={"queue": "publishing"})
    graph.add_node("schedule", steps.schedule, metadata={"queue": "publishing"})
    graph.add_node("publish", steps.publish, metadata={"queue": "publishing"})
    graph.add_edge(GRAPH_START, "write")
    table = {name: name for name in ("write", "review", "schedule", "publish")}
    for node in table:
        graph.add_conditional_edges(
            node,
            lambda state: state["route"],
            {**table, "measure": "__end__", "end": "__end__"},  # type: ignore[dict-item]
        )
    return graph


build = old_build


def test_a_thread_of_an_older_graph_goes_on_with_that_version(room: Room) -> None:
    old = GraphSpec("post", 0, "write", "planning", "tests.integration.test_clock")
    both = Graphs((old, GRAPHS.newest("post")))
    action_id = room.post()
    with room.services.database.system() as session:
        session.execute(text("update threads set graph_version = 0"))
    room.pump.runner = Runner(room.services, both)
    room.pump.drain()
    assert room.thread_of(action_id).node == "review"
    # A deploy later the new release still lists the version the thread was started with.
    room.pump.runner = Runner(room.services, both)
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHED
    thread = room.thread_of(action_id)
    assert (thread.status, thread.graph_version) == ("finished", 0)


def test_a_version_that_is_gone_is_named(room: Room) -> None:
    with pytest.raises(UnknownGraph, match="post version 7"):
        GRAPHS.get("post", 7)
    assert room.brand_id


def test_a_stage_that_kills_its_worker_is_not_run_for_ever(room: Room) -> None:
    class Killed(BaseException):
        """Stands for a kill -9."""

    def die(_request: object) -> None:
        raise Killed

    action_id = room.post()
    room.pump.drain()
    room.platform.script = [die] * 9  # type: ignore[list-item]
    with room.services.database.system() as session:
        session.execute(text("update threads set failures = 0"))
    room.decide(action_id, Verb.APPROVE)
    original = room.services.open_channel

    def broken(_account: object) -> None:
        raise Killed

    object.__setattr__(room.services, "open_channel", broken)
    for _ in range(room.services.settings.stage_tries):
        with pytest.raises(Killed):
            room.pump.drain()
        room.pump.skip_pauses()
        with room.services.database.system() as session:
            for item in Schedule(session).due(room.clock.now(), 0.0):
                room.pump.waker.wake(
                    item.workspace_id, item.thread_id, item.queue, item.checkpoint_id, "x"
                )
    assert room.pump.drain() == ["given up"]
    thread = room.thread_of(action_id)
    assert thread.status == "failed"
    assert "its worker died each time" in thread.error
    object.__setattr__(room.services, "open_channel", original)
