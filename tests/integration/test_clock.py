"""The clock's tick, the sweep, one leader, and threads of older graphs."""

from __future__ import annotations

import threading
import time

import pytest
from langgraph.graph import START as GRAPH_START
from langgraph.graph import StateGraph
from sqlalchemy import text

from domain.action import ActionState
from domain.approval import Verb
from embedded.supervisor import EmbeddedServices
from storage.queue import JobQueue, connect
from storage.repositories.threads import Schedule
from storage.uow import Database
from tests.fakes import ListWaker
from tests.rooms import Room, make_room
from workers.clock import HEARTBEAT, ClockProcess
from workflows.graph import Graphs, GraphSpec, ThreadState, UnknownGraph
from workflows.graphs import GRAPHS
from workflows.runner import Runner

pytestmark = pytest.mark.db


@pytest.fixture
def room(database: Database, database_url: str, waker: ListWaker) -> Room:
    return make_room(database, database_url, waker)


@pytest.fixture
def queue(servers: EmbeddedServices) -> JobQueue:
    redis = connect(servers.urls.redis_url)
    redis.flushall()
    return JobQueue(redis)


def clock_of(room: Room, queue: JobQueue) -> ClockProcess:
    return ClockProcess(room.services.settings, room.services.database, queue, room.clock)


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
    # The lock went with the connection.
    assert clock_of(room, queue).tick() == 1


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
