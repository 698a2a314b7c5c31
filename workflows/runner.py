"""Runs one super-step of one thread as one job; knows nothing of brands.

The database says where a thread stands. A job names the checkpoint it expects; under the thread's
lock it runs one super-step from there, records where the thread stands afterwards, and queues the
next. A job that comes too late, or a second one, finds another checkpoint and runs only the tail.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.types import Command, StateSnapshot
from psycopg.rows import DictRow, dict_row
from sqlalchemy import func

from domain.errors import HumasError, ModelUnavailable
from storage.queue import QUEUES
from storage.tables import Thread, new_id
from workflows.graph import Graphs, ThreadState
from workflows.services import Services

log = logging.getLogger(__name__)

LOCK_WAIT = "5s"
RUN_ON_STEPS = 8  # super-steps in one job at most
RUN_ON_SHARE = 0.1  # of the queue's time-out: later than that the next step gets a job of its own

Connection = psycopg.Connection[DictRow]


class ThreadBusy(Exception):
    """Another worker has the thread; it will go on by itself."""


@dataclass(frozen=True)
class Standing:
    """Where a thread stands after a step."""

    checkpoint_id: str
    status: str
    node: str
    queue: str
    waits_for: list[str] = field(default_factory=list)
    due_at: datetime | None = None


class Runner:
    """Advances threads."""

    def __init__(self, services: Services, graphs: Graphs) -> None:
        self._services = services
        self._graphs = graphs
        self._builders: dict[tuple[str, int], Any] = {}
        self._compiled: dict[tuple[str, int], Any] = {}
        self._kept: list[Connection] = []
        weakref.finalize(self, _close, self._kept)

    def advance(self, workspace_id: str, thread_id: str, expected: str) -> str:
        """Run one super-step, and those after it that are ready at once on the same queue.

        Each of them is fenced and recorded like the first. What dies in between is ready in the
        database, and the sweep finds it.

        Args:
            workspace_id: owner of the thread.
            thread_id: the thread.
            expected: the checkpoint that the job was made for, empty at the start.

        Returns:
            What happened, for the job's log.

        Raises:
            ThreadBusy: another worker holds the thread's lock.
        """
        told: list[str] = []
        started = time.monotonic()
        with self._locked(thread_id) as connection:
            while True:
                thread = self._read(workspace_id, thread_id)
                longest = QUEUES[thread.queue] * RUN_ON_SHARE
                run_on = len(told) + 1 < RUN_ON_STEPS and time.monotonic() - started < longest
                said, following = self._step(thread, expected, connection, run_on=run_on)
                told.append(said)
                if following is None:
                    return "; ".join(told)
                expected = following

    def _step(
        self, thread: Thread, expected: str, connection: Connection, *, run_on: bool
    ) -> tuple[str, str | None]:
        """One super-step under the thread's lock.

        Args:
            thread: the thread as it stands.
            expected: the checkpoint to go on from.
            connection: the checkpointer's.
            run_on: whether the next step may follow in this job, on the same queue.

        Returns:
            What happened, and the checkpoint of the step that follows in this job.
        """
        workspace_id, thread_id = thread.workspace_id, thread.id
        if thread.status in ("finished", "failed"):
            return thread.status, None
        if thread.checkpoint_id != expected:
            self._requeue(workspace_id, thread_id)
            return "stale", None
        graph = self._compile(thread, connection)
        config = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
        before = self._snapshot(graph, config)
        if before is not None and _checkpoint(before) != thread.checkpoint_id:
            # The step ended, but its worker died before it could say so; or the very first
            # step failed, which leaves the checkpoint of its input behind.
            first = not thread.checkpoint_id
            self._record(thread, self._standing(thread, before), [], same_step=first)
            return "caught up", None
        given, events = self._input(thread, before)
        if given is _NOTHING:
            self._record(thread, self._standing(thread, before), [])
            return "waiting", None
        if not self._begin(workspace_id, thread_id):
            return "given up", None
        try:
            graph.invoke(given, config, interrupt_after="*", durability="sync")
        except Exception as error:
            if isinstance(error, HumasError):
                log.warning("thread %s failed at %s: %s", thread_id, thread.node, error)
            else:
                log.exception("thread %s failed at %s", thread_id, thread.node)
            return self._fail(workspace_id, thread_id, error), None
        after = self._snapshot(graph, config)
        assert after is not None
        standing = self._standing(thread, after)
        goes_on = self._record(thread, standing, events, run_on=run_on)
        if standing.status == "finished":
            # What happened stays in the rows; nobody will resume this.
            PostgresSaver(connection).delete_thread(thread_id)
        said = f"{thread.node} -> {standing.status} {standing.node}"
        return said, standing.checkpoint_id if goes_on else None

    @contextmanager
    def _locked(self, thread_id: str) -> Iterator[Connection]:
        """Hold the thread's lock; the server frees it when this process dies.

        The connection is kept for the next step, since a new session costs more than a step. It is
        given up wherever its state is in doubt, which frees the lock as well.
        """
        connection = self._lock(thread_id)
        try:
            yield connection
            query = "select pg_advisory_unlock(hashtextextended(%s, 0)) as freed"
            row = connection.execute(query, (thread_id,)).fetchone()
            assert row is not None and row["freed"], "the thread's lock was lost"
        except BaseException:
            self._forget()
            raise

    def _lock(self, thread_id: str) -> Connection:
        query = "select pg_try_advisory_lock(hashtextextended(%s, 0)) as got"
        try:
            connection = self._connected()
            row = connection.execute(query, (thread_id,)).fetchone()
        except psycopg.OperationalError:
            self._forget()  # the server was restarted since the last step
            connection = self._connected()
            row = connection.execute(query, (thread_id,)).fetchone()
        if row is not None and row["got"]:
            return connection
        try:
            connection.execute(f"set lock_timeout = '{LOCK_WAIT}'")
            connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (thread_id,))
            connection.execute("set lock_timeout = 0")
        except psycopg.errors.LockNotAvailable:
            self._forget()
            raise ThreadBusy(f"thread {thread_id} is being run by another worker") from None
        return connection

    def _connected(self) -> Connection:
        if not self._kept:
            self._kept.append(
                psycopg.connect(
                    self._services.checkpoint_url,
                    autocommit=True,
                    row_factory=dict_row,
                    keepalives_idle=10,
                    keepalives_interval=5,
                    keepalives_count=3,
                    prepare_threshold=None,
                )
            )
        return self._kept[0]

    def _forget(self) -> None:
        """Close the connection; graphs that were compiled over it go with it."""
        self._compiled.clear()
        _close(self._kept)

    def _compile(self, thread: Thread, connection: Connection) -> Any:
        key = (thread.graph, thread.graph_version)
        if key not in self._compiled:
            if key not in self._builders:
                self._builders[key] = self._graphs.get(*key).build(self._services)
            saver = PostgresSaver(connection)
            self._compiled[key] = self._builders[key].compile(checkpointer=saver)
        return self._compiled[key]

    def _snapshot(self, graph: Any, config: dict[str, Any]) -> StateSnapshot | None:
        """Where LangGraph stands.

        Where nothing seems to follow it is read again by the checkpoint's own id: a kill between
        the two writes of a step leaves the first view with an empty `next` although the thread is
        unfinished.
        """
        latest: StateSnapshot = graph.get_state(config)
        if not latest.config["configurable"].get("checkpoint_id"):
            return None
        if latest.next:
            return latest
        exact: StateSnapshot = graph.get_state(latest.config)
        return exact

    def _input(
        self, thread: Thread, before: StateSnapshot | None
    ) -> tuple[ThreadState | Command[Any] | object | None, list[str]]:
        """What to invoke the graph with, and the events that it consumes."""
        if before is None:
            return ThreadState(
                workspace_id=thread.workspace_id,
                thread_id=thread.id,
                brand_id=thread.brand_id,
                subject_id=thread.subject_id,
            ), []
        if not before.interrupts:
            return None, []
        asked = before.interrupts[0]
        with self._services.database.unit(thread.workspace_id) as uow:
            events = uow.threads.open_events(thread.id, asked.value["events"])
            kinds = [event.kind for event in events]
            ids = [event.id for event in events]
        due = datetime.fromisoformat(asked.value["due"]) if asked.value["due"] else None
        if not ids and (due is None or due > self._services.clock.now()):
            return _NOTHING, []
        return Command(resume={asked.id: {"events": kinds}}), ids

    def _standing(self, thread: Thread, after: StateSnapshot | None) -> Standing:
        if after is None:
            return Standing("", "ready", thread.node, thread.queue)
        checkpoint = _checkpoint(after)
        if not after.next:
            return Standing(checkpoint, "finished", thread.node, thread.queue)
        node = after.next[0]
        builder = self._builders[thread.graph, thread.graph_version]
        queue = (builder.nodes[node].metadata or {})["queue"]
        assert queue in QUEUES
        if after.interrupts:
            asked = after.interrupts[0].value
            due = datetime.fromisoformat(asked["due"]) if asked["due"] else None
            return Standing(checkpoint, "waiting", node, queue, asked["events"], due)
        return Standing(checkpoint, "ready", node, queue)

    def _read(self, workspace_id: str, thread_id: str) -> Thread:
        with self._services.database.unit(workspace_id) as uow:
            return uow.threads.get(thread_id)

    def _requeue(self, workspace_id: str, thread_id: str) -> None:
        with self._services.database.unit(workspace_id) as uow:
            thread = uow.threads.get(thread_id)
            if thread.status == "ready":
                uow.wake(thread)

    def _begin(self, workspace_id: str, thread_id: str) -> bool:
        """Count the start of a step, so that one that kills its worker is not run for ever."""
        limit = self._services.settings.stage_tries
        with self._services.database.unit(workspace_id) as uow:
            thread = uow.threads.get(thread_id, lock=True)
            if thread.failures >= limit:
                thread.status = "failed"
                thread.error = thread.error or (
                    f"The stage {thread.node} was started {thread.failures} times and never ended: its worker "
                    "died each time. Look at the worker's log, then run the stage again."
                )
                return False
            thread.failures += 1
        return True

    def _fail(self, workspace_id: str, thread_id: str, error: Exception) -> str:
        """Note why a step failed; try again later, or leave it to a person."""
        settings = self._services.settings
        for_good = isinstance(error, HumasError) and not isinstance(error, ModelUnavailable)
        with self._services.database.unit(workspace_id) as uow:
            thread = uow.threads.get(thread_id, lock=True)
            thread.error = (
                str(error) if isinstance(error, HumasError) else _unexpected(thread.node, error)
            )
            thread.tries += 1
            if for_good or thread.failures >= settings.stage_tries:
                thread.status = "failed"
            else:
                # The sweep takes it up again; each failure doubles the pause.
                thread.status = "ready"
                thread.ready_at = func.clock_timestamp() + func.make_interval(
                    0, 0, 0, 0, 0, 0, 5.0 * 2**thread.failures
                )
            uow.audit.write(
                "system", "stage_failed", "thread", thread_id, node=thread.node, error=thread.error
            )
            return f"{thread.node} failed: {thread.error}"

    def _record(
        self,
        seen: Thread,
        standing: Standing,
        events: list[str],
        *,
        same_step: bool = False,
        run_on: bool = False,
    ) -> bool:
        """Write down where the thread stands and queue what can go on at once.

        Returns:
            Whether the next step is to follow in this job; it is not queued then.
        """
        with self._services.database.unit(seen.workspace_id) as uow:
            thread = uow.threads.get(seen.id, lock=True)
            thread.checkpoint_id = standing.checkpoint_id
            thread.status = standing.status
            thread.node = standing.node
            thread.queue = standing.queue
            thread.waits_for = standing.waits_for
            thread.due_at = standing.due_at
            thread.ready_at = func.clock_timestamp()
            thread.tries = 0
            if not (same_step and thread.node == seen.node):
                thread.failures = 0
                thread.error = ""
            if standing.status == "finished":
                thread.finished_at = func.clock_timestamp()
            uow.threads.consume(events)
            uow.session.flush()
            ready = standing.status == "ready"
            if standing.status == "waiting":
                # What it waits for may have come while the step ran.
                letters = uow.threads.open_events(thread.id, standing.waits_for)
                past = standing.due_at is not None and standing.due_at <= self._services.clock.now()
                ready = past or bool(letters)
            if ready and run_on and standing.queue == seen.queue:
                return True
            if ready:
                uow.wake(thread, *([] if standing.status == "ready" else [f"at once {new_id()}"]))
            return False


_NOTHING = object()


def _close(kept: list[Connection]) -> None:
    while kept:
        kept.pop().close()


def _unexpected(node: str, error: Exception) -> str:
    """An error that nobody foresaw, for people; statements and data in it stay in the log."""
    first = next(iter(str(error).strip().splitlines()), "")
    return (
        f"The stage {node} ended with an error that is not known ({type(error).__name__}: {first}). "
        "Look at the worker's log, then run the stage again."
    )


def _checkpoint(snapshot: StateSnapshot) -> str:
    return str(snapshot.config["configurable"]["checkpoint_id"])
