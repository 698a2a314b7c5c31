"""Jobs that misbehave, and a pool that runs them: `python -m tests.integration.stage_jobs QUEUE...`."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn

from config.settings import Settings, settings
from domain.brand import BrandProfile
from tests.fakes import FakeModel
from tests.spine.answers import set_answers
from tests.spine.world import world_services
from workers import jobs
from workers.pool import WorkerPool
from workers.watchdog import Limits
from workflows.services import Progress, Reading, Services

MEGABYTES = 400
_KEPT: list[bytearray] = []


def own_pid() -> int:
    """Who runs this."""
    return os.getpid()


def sleep(seconds: float) -> str:
    """Take a while, in Python."""
    time.sleep(seconds)
    return "slept"


def sleep_on(seconds: float) -> None:
    """Take a while, whatever is raised meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            time.sleep(0.1)
        except Exception:
            continue  # swallows the time-out too, as careless code does


def hang_in_c() -> None:
    """Wait in C for a lock that never comes, with the interpreter's own lock held.

    No signal handler and no other thread can run, and unlike a sleep no signal ends it.
    """
    library = ctypes.PyDLL(None)
    mutex = ctypes.create_string_buffer(128)
    library.pthread_mutex_init(mutex, None)
    library.pthread_mutex_lock(mutex)
    library.pthread_mutex_lock(mutex)


def eat(megabytes: int) -> None:
    """Fill memory, and forget it."""
    eaten = []
    for _ in range(megabytes // 10):
        eaten.append(bytearray(b"x" * (10 * 2**20)))
        time.sleep(0.005)


def keep(megabytes: int) -> None:
    """Fill memory and keep it after the job."""
    _KEPT.append(bytearray(b"x") * (megabytes * 2**20))  # without a copy in between


def crash() -> NoReturn:
    """Bring the interpreter down."""
    os.abort()


def crashing_services(config: Settings, platform: str) -> Callable[[], Services]:
    """Services of the instant world, where reading a website brings the interpreter down."""

    def read(_profile: BrandProfile, _progress: Progress) -> Reading:
        crash()

    def make() -> Services:
        made = world_services(config, platform, model=FakeModel(set_answers()))
        return replace(made, read_sources=read)

    return make


def main(queues: Sequence[str]) -> None:
    """Be a pool with tight limits."""
    from config.logging import setup_logging

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    config = settings()
    setup_logging(config.log_level, process="pool")
    jobs.use(crashing_services(config, os.environ["SPINE_PLATFORM"]))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    limits = Limits(MEGABYTES, int(os.environ["STAGE_JOBS"]), grace=0.5)
    WorkerPool(config, queues, limits=limits).run(stop)


if __name__ == "__main__":
    main(sys.argv[1:])
