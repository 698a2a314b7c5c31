"""What the clock does for repeated posts, and for slots when it starts."""

from __future__ import annotations

import logging
from datetime import datetime

from config.settings import Settings
from storage.queue import JobQueue
from storage.repositories.recurrences import due_recurrences
from storage.uow import Database
from workflows.realign import realign_slots

log = logging.getLogger(__name__)

PROPOSE_JOB = "workers.jobs.propose"
AGAIN_SECONDS = 60  # one that is still due, because its job was lost, is queued again after this
MOST = 500  # per tick


def queue_proposals(database: Database, queue: JobQueue, now: datetime, _config: Settings) -> int:
    """Queue a job for each repeated post whose next occurrence is to be proposed.

    Returns:
        How many jobs were queued.
    """
    with database.system() as session:
        due = due_recurrences(session, now, MOST)
    bucket = int(now.timestamp() // AGAIN_SECONDS)
    return sum(
        queue.enqueue(
            "intake",
            PROPOSE_JOB,
            workspace_id,
            recurrence_id,
            job_id=f"propose_{recurrence_id}_{occurrence}_{bucket}",
        )
        for workspace_id, recurrence_id, occurrence in due
    )


def realign_at_start(database: Database, now: datetime) -> int:
    """Compute slots anew by the time zone rules that this process has started with.

    Returns:
        How many slots had another instant.
    """
    moved = realign_slots(database, now)
    if moved:
        log.warning("%s slots were moved to the new rules of their time zones", moved)
    return moved
