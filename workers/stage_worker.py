"""The worker of one queue: a process that lives on and runs one job after the other.

It keeps its connections, its channels and its compiled graphs from job to job, which a process per
job makes anew each time. What a process per job is good for is done from outside: the pool watches
(`workers.watchdog`), kills and replaces, and the replacement settles with RQ what the dead one left
behind, so that the sweep may queue its stage again at once.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import redis
from rq import Queue
from rq.exceptions import NoSuchJobError, StopRequested
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.utils import now
from rq.worker import BaseWorker, WorkerStatus

from config.settings import Settings
from storage.queue import connect
from workers.shared import SharedState
from workers.watchdog import Limits, end_first

log = logging.getLogger(__name__)

WORKER_TTL = 60  # seconds; an idle worker says that it lives a little more often
BEAT = 5  # seconds between two signs of life of a running job
UNENDED = (JobStatus.QUEUED, JobStatus.STARTED)
MAINTENANCE = 20  # seconds between two looks for jobs whose worker gave no sign of life


@dataclass(frozen=True)
class Remains:
    """A job whose worker died."""

    job_id: str
    execution_id: str
    worker: str
    reason: str


class NotSettled(Exception):
    """RQ did not take note of a dead worker's job; the next worker tries again."""


class StageWorker(BaseWorker):
    """Runs the jobs of one queue in this process."""

    max_connection_wait_time = 5.0  # seconds at most between two tries to reach a lost server

    def __init__(
        self,
        queue: str,
        connection: redis.Redis,
        shared: SharedState,
        *,
        jobs: int,
        beat: int = BEAT,
    ) -> None:
        """Take a queue.

        Args:
            queue: its name.
            connection: RQ's, of this process alone.
            shared: what the watchdog reads.
            jobs: after that many it ends and is replaced.
            beat: seconds between two signs of life of a running job.

        Raises:
            redis.RedisError: the server does not answer.
        """
        kind = _listening_queue(self)
        super().__init__(
            [kind(queue, connection=connection)],
            connection=connection,
            queue_class=kind,
            worker_ttl=WORKER_TTL,
            maintenance_interval=MAINTENANCE,
            job_monitoring_interval=beat,
            log_job_description=False,
        )
        self._shared = shared
        self._jobs_left = jobs
        self._waits = False
        self._pulse = Pulse(self, beat)

    def run(self) -> bool:
        """Work until told to stop or worn.

        Returns:
            Whether it ended in order; otherwise the log says why it did not.

        Raises:
            redis.RedisError: the server was lost in the middle of a job.
        """
        self._pulse.start()
        try:
            self.work(logging_level="WARNING")
        finally:
            self._pulse.stop()
        return self._stop_requested

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job here, in the sight of the watchdog."""
        seconds = float(job.timeout or queue.DEFAULT_TIMEOUT)
        limit = seconds if seconds > 0 else float("inf")
        started = time.monotonic()
        self._shared.begin(job.id, self.name, limit)
        execution = self.prepare_execution(job)
        self._shared.executes(execution.id)
        self._pulse.of(job, execution)
        try:
            self.perform_job(job, queue, execution)
        finally:
            self._pulse.rest()
        self._shared.end()  # not when RQ could not be told: then the next worker tells it
        self.set_state(WorkerStatus.IDLE)
        self._jobs_left -= 1
        # A time-out strikes anywhere: what is kept from job to job may be half done.
        struck = time.monotonic() - started >= limit
        if self._jobs_left <= 0 or struck or self._shared.retire:
            self._stop_requested = True

    def handle_execution_ended(self, job: Job, queue: Queue, heartbeat_ttl: int) -> None:
        """The job has run: no sign of life may come after RQ has noted its end."""
        self._pulse.rest()
        super().handle_execution_ended(job, queue, heartbeat_ttl)

    def subscribe(self) -> None:
        """Take no commands over the queue's server: a job that runs here could not be stopped so."""

    def request_stop(self, _signum: int, _frame: FrameType | None) -> None:
        """End after the job; at once when there is none. Touches no connection: it may be in use."""
        self._stop_requested = True
        if self._waits:
            raise StopRequested

    def _install_signal_handlers(self) -> None:
        """Only the pool ends a worker: a terminal's Ctrl-C reaches both."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self.request_stop)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While nothing is lost by ending at once."""
        self._waits = True
        try:
            if self._stop_requested:
                raise StopRequested
            yield
        finally:
            self._waits = False

    def settle(self, left: Remains) -> None:
        """Note with RQ that a job's worker died, as RQ does itself where it forks.

        Raises:
            NotSettled: the server did not take it.
            redis.RedisError: the server does not answer.
        """
        queue = self.queues[0]
        kind = type(queue)
        # In the dead one's name: whatever RQ notes of a worker here must not look as if this one,
        # which has not registered yet, were at work already.
        dead = BaseWorker(
            [kind(queue.name, connection=self.connection)],
            left.worker,
            connection=self.connection,
            queue_class=kind,
            prepare_for_work=False,
        )
        try:
            job = Job.fetch(left.job_id, connection=self.connection)
        except NoSuchJobError:
            job = None  # the server was emptied, or the job had ended long ago
        if job is not None and job.get_status(refresh=False) in (
            JobStatus.QUEUED,
            JobStatus.STARTED,
        ):
            job.ended_at = now()
            execution = Execution(left.execution_id, job.id, self.connection, left.worker)
            dead.handle_job_failure(job, queue, exc_string=left.reason, execution=execution)
            if job.get_status() != JobStatus.FAILED:
                raise NotSettled(f"RQ does not know yet that job {job.id} died.")
        queue.intermediate_queue.remove(left.job_id)
        dead.register_death()  # type: ignore[no-untyped-call]


class Pulse(threading.Thread):
    """Tells RQ that a job is running, and ends the worker when its pool is gone."""

    def __init__(self, worker: StageWorker, seconds: float) -> None:
        super().__init__(name="pulse", daemon=True)
        self._worker = worker
        self._seconds = seconds
        self._parent = os.getppid()
        self._job: tuple[Job, Execution] | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def of(self, job: Job, execution: Execution) -> None:
        """A job runs from now on."""
        with self._lock:
            self._job = job, execution

    def rest(self) -> None:
        """It has ended; returns when the last sign of life has been given."""
        with self._lock:
            self._job = None

    def stop(self) -> None:
        """The worker ends."""
        self._ended.set()

    def run(self) -> None:
        """Until the worker ends."""
        while not self._ended.wait(self._seconds):
            if os.getppid() != self._parent:
                log.warning("the pool is gone; this worker ends after its job")
                os.kill(os.getpid(), signal.SIGTERM)
                return
            with self._lock:
                if self._job is None:
                    continue
                try:
                    self._worker.maintain_heartbeats(*self._job)
                except redis.RedisError as error:
                    log.warning("no sign of life could be given: %s", error)


def _listening_queue(worker: StageWorker) -> type[Queue]:
    """A class of queue that says when its worker only waits for a job."""

    class ListeningQueue(Queue):
        @classmethod
        def lmove(cls, connection: redis.Redis, queue_key: str, timeout: int | None) -> Any:
            with worker.waiting():
                return super().lmove(connection, queue_key, timeout)

    return ListeningQueue


def serve_queue(
    settings: Settings, queue: str, shared: SharedState, left: Sequence[Remains], limits: Limits
) -> bool:
    """Be the worker of a queue: in the process that was forked for it.

    Args:
        settings: with the queue's URL.
        queue: its name.
        shared: what the watchdog reads.
        left: jobs whose workers died.
        limits: what the worker may take.

    Returns:
        Whether it ended in order.

    Raises:
        redis.RedisError: the server does not answer.
        NotSettled: the server did not take note of a dead worker's job.
    """
    assert settings.redis_url is not None
    end_first()
    worker = StageWorker(queue, connect(settings.redis_url), shared, jobs=limits.jobs)
    for remains in left:
        worker.settle(remains)
    shared.settled = True
    return worker.run()
