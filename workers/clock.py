"""The clock process: due slots, period ends, polls, and the sweep for what a queue has lost.

One clock ticks at a time: the others stand by until its lock is free. A tick reads only what is
due, and only ids.
"""

from __future__ import annotations

import logging
import threading
import time

import redis
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from config.clock import Clock
from config.settings import Settings
from storage.queue import JobQueue
from storage.repositories.threads import Schedule, Wakeable
from storage.uow import Database

log = logging.getLogger(__name__)

LEADER_LOCK = 7_201_853  # any number that nothing else locks
HEARTBEAT = "clock"
POLL_JOB = "workers.jobs.poll_account"


class ClockProcess:
    """Makes time happen."""

    def __init__(
        self, settings: Settings, database: Database, queue: JobQueue, clock: Clock
    ) -> None:
        self._settings = settings
        self._database = database
        self._queue = queue
        self._clock = clock

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
                while not stop.is_set():
                    connection.execute(text("select 1"))  # the lock is ours while this works
                    self.tick()
                    stop.wait(self._settings.tick_seconds)
            finally:
                if not connection.invalidated:
                    connection.execute(
                        text("select pg_advisory_unlock(:key)"), {"key": LEADER_LOCK}
                    )

    def tick(self) -> int:
        """One round.

        Returns:
            How many jobs were queued.
        """
        now = self._clock.now()
        with self._database.system() as session:
            schedule = Schedule(session)
            schedule.beat(HEARTBEAT)
            due = schedule.due(now, self._settings.sweep_seconds)
            polls = schedule.polls(now)
        queued = sum(self._wake(item) for item in due)
        slot = int(now.timestamp() // max(1, self._settings.poll_seconds))
        for workspace_id, account_id in polls:
            queued += self._queue.enqueue(
                "intake", POLL_JOB, workspace_id, account_id, job_id=f"poll_{account_id}_{slot}"
            )
        return queued

    def _wake(self, item: Wakeable) -> bool:
        if item.stale:
            return self._revive(item)
        # A due thread gets one job per sweep at most, however many ticks see it.
        reason = f"due {item.due} {int(time.time() // self._settings.sweep_seconds)}"
        self._queue.wake(item.workspace_id, item.thread_id, item.queue, item.checkpoint_id, reason)
        return True

    def _revive(self, item: Wakeable) -> bool:
        """Queue a ready thread again that is neither queued nor being run."""
        if self._queue.holds(item.thread_id, item.checkpoint_id, f"try {item.tries}"):
            return False
        with self._database.system() as session:
            if _running(session, item.thread_id):
                return False
            tries = Schedule(session).new_try(item)
        if tries is None:
            return False
        self._queue.wake(
            item.workspace_id, item.thread_id, item.queue, item.checkpoint_id, f"try {tries}"
        )
        return True


def _running(session: Session, thread_id: str) -> bool:
    """Whether a worker holds the thread's lock."""
    lock = text("select pg_try_advisory_xact_lock(hashtextextended(:thread, 0))")
    return not session.execute(lock, {"thread": thread_id}).scalar_one()
