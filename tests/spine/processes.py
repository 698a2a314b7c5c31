"""Starts real worker pools and a clock over the instant world: `python -m tests.spine.processes ROLE`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.waiting import descendants

if TYPE_CHECKING:
    from config.settings import Settings
    from workers.shared import SharedState
    from workers.stage_worker import Remains
    from workers.watchdog import Limits

ROOT = Path(__file__).resolve().parents[2]


class Processes:
    """Processes of one installation, each in a group of its own, so that it can be killed whole."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = {**os.environ, **env, "PYTHONPATH": str(ROOT)}
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, role: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `worker`, `fork` or `simple` (with queues) or `clock`."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.spine.processes", role, *arguments],
            cwd=ROOT,
            env=self.env,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def descendants(self, process: subprocess.Popen[bytes]) -> list[int]:
        """Process numbers of the children and grandchildren of a process."""
        return descendants(process.pid)

    def stop(self) -> None:
        """End all of them."""
        for process in self.running:
            if process.poll() is None:
                process.terminate()
        for process in self.running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)


def serve_forking(
    settings: Settings, queue: str, _shared: SharedState, _left: Sequence[Remains], _limits: Limits
) -> bool:
    """RQ's own worker, with a process per job: what Humas ran in 0.1, for comparison."""
    from rq import Queue, Worker

    from storage.queue import connect

    assert settings.redis_url is not None
    connection = connect(settings.redis_url)
    worker = Worker(
        [Queue(queue, connection=connection)],
        connection=connection,
        worker_ttl=60,
        maintenance_interval=20,
        job_monitoring_interval=5,
        log_job_description=False,
    )
    worker.work(logging_level="ERROR")  # the pool says twice that it is to end
    return True


def main(arguments: Sequence[str]) -> None:
    """Run one process of the installation."""
    from config.logging import setup_logging
    from config.settings import settings
    from tests.spine.world import world_services
    from workers import jobs
    from workers.clock import ClockProcess
    from workers.pool import WorkerPool

    role, *queues = arguments
    config = settings()
    setup_logging(config.log_level, process=role)
    slow = float(os.environ.get("SPINE_SLOW", "0"))
    model = None
    if os.environ.get("SPINE_MODEL"):
        from tests.fakes import FakeModel
        from tests.spine.answers import set_answers

        model = FakeModel(set_answers())
    platform = os.environ["SPINE_PLATFORM"]

    jobs.use(lambda: world_services(config, platform, slow=slow, model=model))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if role == "worker":
        WorkerPool(config, queues).run(stop)
    elif role == "fork":
        WorkerPool(config, queues, serve=serve_forking).run(stop)
    elif role == "simple":
        from rq import Queue, SimpleWorker

        from storage.queue import connect as connect_queue
        from workers.pool import preload

        assert config.redis_url
        preload()
        connection = connect_queue(config.redis_url)
        listened = [Queue(name, connection=connection) for name in queues]
        SimpleWorker(listened, connection=connection).work(logging_level="WARNING")
    else:
        from storage.database import make_engine
        from storage.queue import JobQueue, connect
        from storage.uow import Database

        assert config.database_url and config.redis_url
        queue = JobQueue(connect(config.redis_url))
        database = Database(make_engine(config.database_url, pool_size=2), queue)
        ClockProcess(config, database, queue, config.clock()).run(stop)


if __name__ == "__main__":
    main(sys.argv[1:])
