"""The clock process: due slots, period ends, polls, and the sweep for what a queue has lost.

One clock ticks at a time: the others stand by until its lock is free. It ticks when the next slot is
due, and every HUMAS_TICK_SECONDS at the latest. A tick reads only what is due, and only ids; what it
asks of the queue and of the locks it asks once for all of them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import redis
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from config.clock import Clock
from config.settings import Settings
from storage.queue import JobQueue, step_job
from storage.repositories.threads import Schedule, Wakeable
from storage.uow import Database
from workers.account_clock import queue_account_jobs
from workers.recurring_clock import queue_proposals, realign_at_start

log = logging.getLogger(__name__)

LEADER_LOCK = 7_201_853  # any number that nothing else locks
HEARTBEAT = "clock"
SHORTEST_PAUSE = 0.2  # seconds between two ticks, however closely things become due
POLL_JOB = "workers.jobs.poll_account"

# What a tick queues beside threads and polls: each reads what is due now and returns how many jobs
# it queued.
Queueing = Callable[[Database, JobQueue, datetime, Settings], int]
ALSO_QUEUED: tuple[Queueing, ...] = (queue_proposals, queue_account_jobs)
# What a clock does once when it takes the lead, before its first tick.
Starting = Callable[[Database, datetime], int]
AT_START: tuple[Starting, ...] = (realign_at_start,)


class ClockProcess:
    """Makes time happen."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        queue: JobQueue,
        clock: Clock,
        *,
        also: Sequence[Queueing] = ALSO_QUEUED,
        at_start: Sequence[Starting] = AT_START,
    ) -> None:
        """Take what it works with; `also` and `at_start` are the lists of this module."""
        self._settings = settings
        self._database = database
        self._queue = queue
        self._clock = clock
        self._also = tuple(also)
        self._at_start = tuple(at_start)
        self._woken: dict[Wakeable, str] = {}  # what is due, and the job that it got
        self._sweep = 0

    def run(self, stop: threading.Event) -> None:
        """Tick until told to stop; an unreachable server is waited for."""
        while not stop.is_set():
            started = time.monotonic()
            try:
                self._lead(stop)
            except (OperationalError, redis.RedisError) as error:
                log.warning("the clock waits for its servers: %s", error)
            stop.wait(max(0.2, self._settings.tick_seconds - (time.monotonic() - started)))

    def _lead(self, stop: threading.Event) -> None:
        """Hold the leader's lock as long as its connection lives, and tick."""
        with self._database.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            lock = text("select pg_try_advisory_lock(:key)")
            if not connection.execute(lock, {"key": LEADER_LOCK}).scalar_one():
                return
            try:
                for begin in self._at_start:
                    begin(self._database, self._clock.now())
                while not stop.is_set():
                    connection.execute(text("select 1"))  # the lock is ours while this works
                    self.tick()
                    stop.wait(self.pause())
            finally:
                if not connection.invalidated:
                    connection.execute(
                        text("select pg_advisory_unlock(:key)"), {"key": LEADER_LOCK}
                    )

    def pause(self) -> float:
        """Seconds until the next tick: earlier than usual when something becomes due before it."""
        now = self._clock.now()
        with self._database.system() as session:
            due = Schedule(session).next_due(now)
        usual = self._settings.tick_seconds
        if due is None:
            return usual
        return min(usual, max(SHORTEST_PAUSE, (due - now).total_seconds()))

    def tick(self) -> int:
        """One round.

        Returns:
            How many jobs were queued.
        """
        now = self._clock.now()
        sweep = self._sweep_number()
        with self._database.system() as session:
            schedule = Schedule(session)
            schedule.beat(HEARTBEAT)
            due = schedule.due(now, self._settings.sweep_seconds)
            polls = schedule.polls(now)
            if sweep != self._sweep:
                schedule.put_away_letters()
        self._sweep = sweep
        queued = self._wake_due([item for item in due if not item.stale])
        queued += self._revive([item for item in due if item.stale])
        slot = int(now.timestamp() // max(1, self._settings.poll_seconds))
        for workspace_id, account_id in polls:
            queued += self._queue.enqueue(
                "intake", POLL_JOB, workspace_id, account_id, job_id=f"poll_{account_id}_{slot}"
            )
        return queued + sum(
            more(self._database, self._queue, now, self._settings) for more in self._also
        )

    def _wake_due(self, items: Sequence[Wakeable]) -> int:
        """Queue waiting threads, in the order given.

        A thread that waits in a long queue is seen by every tick: it gets no second job while the
        one that it got is there, and after that one per sweep at most.
        """
        before = {item: self._woken[item] for item in items if item in self._woken}
        there = dict(zip(before, self._queue.held(list(before.values())), strict=True))
        self._woken = {}
        queued = 0
        for item in items:
            if there.get(item):
                self._woken[item] = before[item]
                continue
            self._woken[item] = self._wake(item)
            queued += 1
        return queued

    def _wake(self, item: Wakeable) -> str:
        reason = f"due {item.due} {self._sweep_number()}"
        self._queue.wake(item.workspace_id, item.thread_id, item.queue, item.checkpoint_id, reason)
        return step_job(item.thread_id, item.checkpoint_id, reason)

    def _sweep_number(self) -> int:
        return int(time.time() // self._settings.sweep_seconds)

    def _revive(self, items: Sequence[Wakeable]) -> int:
        """Queue ready threads again that are neither queued nor being run."""
        jobs = [step_job(i.thread_id, i.checkpoint_id, f"try {i.tries}") for i in items]
        held = self._queue.held(jobs)
        lost = [item for item, there in zip(items, held, strict=True) if not there]
        if not lost:
            return 0
        with self._database.system() as session:
            schedule = Schedule(session)
            running = schedule.being_run([item.thread_id for item in lost])
            tries = schedule.new_tries([i for i in lost if i.thread_id not in running])
        for item in lost:
            if item.thread_id in tries:
                reason = f"try {tries[item.thread_id]}"
                self._queue.wake(
                    item.workspace_id, item.thread_id, item.queue, item.checkpoint_id, reason
                )
        return len(tries)
