"""The job queue: Redis only wakes workers, the database holds the truth."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence

import redis
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.job import Job

log = logging.getLogger(__name__)

# Queue -> longest run of one stage in seconds. Where a stage calls a model it is longer than all its
# calls could take at worst: 300 s x 2 tries, a repair turn and a longer turn, asked three times. The
# calls have time-outs of their own; these here only end a stage that hangs elsewhere.
QUEUES: Mapping[str, int] = {
    "research": 14_400,
    "planning": 28_800,
    "publishing": 300,
    "intake": 300,  # reading from platforms never waits behind a model that writes
    "engagement": 14_400,
    "evaluation": 14_400,
}
ADVANCE = "workers.jobs.advance"
_HELD = (b"queued", b"started", b"deferred", b"scheduled")


def step_job(thread_id: str, checkpoint: str, reason: str) -> str:
    """The id of the job that runs a thread's step: the same step for the same reason, one job."""
    digest = hashlib.sha256(reason.encode()).hexdigest()[:16]
    return f"{thread_id}_{checkpoint or 'start'}_{digest}"


class QueueUnavailable(Exception):
    """Redis does not answer. Nothing is lost: the sweep queues again what is due."""


def connect(url: str) -> redis.Redis:
    """A client that notices a lost server: keepalives and a time-out on connecting."""
    return redis.Redis.from_url(
        url, socket_connect_timeout=5, health_check_interval=30, retry_on_timeout=False
    )


class JobQueue:
    """Enqueues jobs by dotted name, each at most once per job id."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def ping(self) -> str:
        """The server's version.

        Raises:
            QueueUnavailable: with what to do.
        """
        try:
            info = self._redis.info("server")
        except redis.RedisError as error:
            raise QueueUnavailable(
                f"Redis does not answer ({error}). Check HUMAS_REDIS_URL and that the server runs; "
                "without HUMAS_REDIS_URL Humas starts its own."
            ) from error
        assert isinstance(info, dict)
        return str(info.get("valkey_version") or info["redis_version"])

    def enqueue(self, queue: str, function: str, *args: str | int, job_id: str) -> bool:
        """Enqueue; False when a job of that id is waiting or has run lately.

        Raises:
            redis.RedisError: the server does not answer.
        """
        try:
            Queue(queue, connection=self._redis).enqueue_call(
                function,
                args=args,
                job_id=job_id,
                unique=True,
                timeout=QUEUES[queue],
                result_ttl=60,
                failure_ttl=3600,
            )
        except DuplicateJobError:
            return False
        return True

    def wake(
        self, workspace_id: str, thread_id: str, queue: str, checkpoint: str, reason: str
    ) -> None:
        """Queue the next super-step of a thread, once per reason.

        An unreachable server is only logged, since the sweep finds the thread in the database.
        """
        job_id = step_job(thread_id, checkpoint, reason)
        try:
            self.enqueue(queue, ADVANCE, workspace_id, thread_id, checkpoint, job_id=job_id)
        except redis.RedisError as error:
            log.warning("thread %s could not be queued (%s); the sweep will", thread_id, error)

    def held(self, job_ids: Sequence[str]) -> list[bool]:
        """Which jobs are in a queue or being run, asked in one round trip.

        Raises:
            redis.RedisError: the server does not answer.
        """
        with self._redis.pipeline(transaction=False) as pipeline:
            for job_id in job_ids:
                pipeline.hget(Job.key_for(job_id), "status")
            return [status in _HELD for status in pipeline.execute()]
