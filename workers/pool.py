"""`humas worker`: one supervised, preloaded child per queue.

The imports of a stage cost seconds; they happen once here, before forking, and no connection is
opened before a fork. One queue per worker, because a worker of several that is killed right after
taking a job leaves it in no list at all.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from config.settings import Settings
from storage.queue import QUEUES, connect

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 30
RESTART_PAUSE = 1.0


def preload() -> None:
    """Import what stages need, so that forked children have it already."""
    import openai
    import openai.resources.chat  # noqa: F401

    from workers import jobs  # noqa: F401
    from workflows import answer, cycle, post  # noqa: F401


@dataclass
class Child:
    """A forked worker of one queue."""

    queue: str
    pid: int
    started: float


class WorkerPool:
    """Forks the children, restarts those that die, ends them together."""

    def __init__(self, settings: Settings, queues: Sequence[str]) -> None:
        """Take the queues; a queue named twice gets two children.

        Raises:
            ValueError: an unknown queue.
        """
        unknown = sorted(set(queues) - set(QUEUES))
        if unknown:
            raise ValueError(f"No such queue: {', '.join(unknown)}. Queues: {', '.join(QUEUES)}.")
        self._settings = settings
        self._queues = list(queues)
        self._children: dict[int, Child] = {}

    def run(self, stop: threading.Event) -> None:
        """Keep the children alive until told to stop, then let each finish its job."""
        preload()
        gc.collect()
        gc.freeze()  # the collector then leaves shared pages of the children alone
        for queue in self._queues:
            self._start(queue)
        while not stop.wait(0.2):
            for child in self._dead():
                log.warning("the worker of %s ended; starting another", child.queue)
                if time.monotonic() - child.started < RESTART_PAUSE:
                    stop.wait(RESTART_PAUSE)  # no storm when it dies at once
                if not stop.is_set():
                    self._start(child.queue)
        self._end()

    def _start(self, queue: str) -> None:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                _work(self._settings, queue)
                code = 0
            except Exception:
                log.exception("the worker of %s failed", queue)
            finally:
                os._exit(code)
        self._children[pid] = Child(queue, pid, time.monotonic())

    def _dead(self) -> list[Child]:
        dead = []
        for pid in list(self._children):
            found, _ = os.waitpid(pid, os.WNOHANG)
            if found:
                dead.append(self._children.pop(pid))
        return dead

    def _end(self) -> None:
        for pid in self._children:
            _signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while self._children and time.monotonic() < deadline:
            self._dead()
            time.sleep(0.05)
        for pid in self._children:
            _signal(pid, signal.SIGKILL)
        while self._children:
            self._dead()
            time.sleep(0.05)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _work(settings: Settings, queue: str) -> None:
    """The child: an RQ worker that forks a work horse per job."""
    from rq import Queue, Worker

    from config.logging import setup_logging

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; a terminal signals us all
    setup_logging(settings.log_level, process=f"worker {queue}")
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
    worker.work(logging_level="WARNING")
