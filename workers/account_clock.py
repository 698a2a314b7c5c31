"""What the clock does for accounts: past posts, posts made elsewhere, credentials."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from config.settings import Settings
from storage.queue import JobQueue
from storage.repositories.outside import due_checks, due_imports, due_reads
from storage.uow import Database
from workflows.account_health import RECHECK
from workflows.outside import AGAIN

IMPORT_JOB = "workers.jobs.import_posts"
READ_JOB = "workers.jobs.read_outside"
CHECK_JOB = "workers.jobs.check_account"
AGAIN_SECONDS = 60  # one that is still due, because its job was lost, is queued again after this
MOST = 200  # of each kind, per tick


def queue_account_jobs(database: Database, queue: JobQueue, now: datetime, config: Settings) -> int:
    """Queue a job for each account that is to be imported from, read or checked.

    Returns:
        How many jobs were queued.
    """
    with database.system() as session:
        checks = due_checks(
            session,
            now,
            now - timedelta(hours=config.account_check_hours),
            now - RECHECK,
            MOST,
        )
        imports = due_imports(session, now, now - AGAIN, MOST)
        reads = due_reads(session, now, now - timedelta(hours=config.outside_hours), MOST)
    bucket = int(now.timestamp() // AGAIN_SECONDS)
    return sum(
        _queue(queue, job, found, f"{name}_{{}}_{bucket}")
        for job, name, found in (
            (CHECK_JOB, "check", checks),
            (IMPORT_JOB, "import", imports),
            (READ_JOB, "outside", reads),
        )
    )


def _queue(queue: JobQueue, job: str, found: Iterable[tuple[str, str]], job_id: str) -> int:
    return sum(
        queue.enqueue("intake", job, workspace, account, job_id=job_id.format(account))
        for workspace, account in found
    )
