"""Whether the processes that make things happen are alive."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis

    from storage.uow import Database

CLOCK = "clock"
# A worker that was killed stays in Redis for its time to live; its heartbeat tells.
WORKER_SILENT_SECONDS = 90.0


@dataclass(frozen=True)
class Health:
    """Signs of life of clock and workers."""

    clock_age: float | None  # seconds since the last heartbeat, None: never
    tick_seconds: float
    workers: dict[str, int]  # queue -> living workers; every queue is named

    @property
    def clock_alive(self) -> bool:
        """Whether the clock ticked lately."""
        return self.clock_age is not None and self.clock_age <= max(30.0, 4 * self.tick_seconds)

    @property
    def idle_queues(self) -> list[str]:
        """Queues without a worker."""
        return [queue for queue, count in self.workers.items() if count == 0]

    def missing(self) -> str:
        """What does not run, in words; empty when all does."""
        parts = []
        if not self.clock_alive:
            parts.append("no clock")
        if len(self.idle_queues) == len(self.workers):
            parts.append("no workers")
        elif self.idle_queues:
            parts.append(f"no worker for {', '.join(self.idle_queues)}")
        return " and ".join(parts)


def clock_age(database: Database) -> float | None:
    """Seconds since the clock's last heartbeat; None when it never ticked."""
    from storage.repositories.threads import Schedule

    with database.system() as session:
        return Schedule(session).heartbeat_age(CLOCK)


def living_workers(connection: redis.Redis) -> dict[str, int]:
    """Number of living workers by queue.

    Raises:
        redis.RedisError: the server does not answer.
    """
    from datetime import UTC, datetime

    from rq import Worker

    from storage.queue import QUEUES

    now = datetime.now(UTC)  # heartbeats are in machine time
    counts: Counter[str] = Counter()
    for worker in Worker.all(connection=connection):
        seen = worker.last_heartbeat
        if seen is None:
            continue
        age = (now - (seen if seen.tzinfo else seen.replace(tzinfo=UTC))).total_seconds()
        # While a job runs the heartbeat comes from its monitor, more often than this.
        if age <= WORKER_SILENT_SECONDS:
            counts.update(worker.queue_names())
    return {queue: counts[queue] for queue in QUEUES}


def look(database: Database, redis_url: str, tick_seconds: float) -> Health:
    """Clock and workers as they are now."""
    from storage.queue import connect

    return Health(clock_age(database), tick_seconds, living_workers(connect(redis_url)))
