"""What a pool does for workers that die; the workers here are real processes that do nothing else."""

from __future__ import annotations

import gc
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from tests.waiting import wait_until
from workers.pool import RESTART_PAUSE, Serve, WorkerPool
from workers.shared import SharedState
from workers.stage_worker import Remains
from workers.watchdog import Limits


@contextmanager
def running(serve: Serve, *queues: str) -> Iterator[None]:
    """A pool of such workers."""
    limits = Limits(megabytes=10_000, jobs=1)
    pool = WorkerPool(Settings(_env_file=None), queues, limits=limits, serve=serve)
    stop = threading.Event()
    thread = threading.Thread(target=pool.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        gc.unfreeze()
        assert not thread.is_alive()


class Book:
    """What the workers' processes wrote down."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()

    def write(self, value: Any) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(value) + "\n")

    def read(self) -> list[Any]:
        return [json.loads(line) for line in self._path.read_text().splitlines()]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "book")


def counting(book: Book, life: Callable[[int, SharedState], bool]) -> Serve:
    """A worker that writes down what it finds, and then does what its number says."""

    def serve(
        _: Settings, queue: str, shared: SharedState, left: Sequence[Remains], __: Limits
    ) -> bool:
        number = len(book.read())
        jobs = [item.job_id for item in left]
        book.write({"queue": queue, "left": jobs, "at": time.monotonic()})
        return life(number, shared)

    return serve


def test_a_worker_that_dies_at_once_makes_no_storm(book: Book) -> None:
    def life(_number: int, _shared: SharedState) -> bool:
        os._exit(3)

    with running(counting(book, life), "intake"):
        wait_until(lambda: len(book.read()) >= 3, 30, "it is tried again")
    starts = [entry["at"] for entry in book.read()]
    assert starts[2] - starts[0] > 1.5 * RESTART_PAUSE


def test_a_dead_workers_job_is_handed_on_until_it_is_settled(book: Book) -> None:
    def life(number: int, shared: SharedState) -> bool:
        if number == 3:
            time.sleep(60)
        shared.settled = number == 2
        shared.begin(f"job-{number}", "worker", 60)
        os._exit(9)

    with running(counting(book, life), "intake"):
        wait_until(lambda: len(book.read()) == 4, 30, "four workers")
        found = [entry["left"] for entry in book.read()]
    assert found == [[], ["job-0"], ["job-0", "job-1"], ["job-2"]]


def test_a_worker_that_ends_in_order_is_replaced_at_once(book: Book) -> None:
    def life(number: int, _shared: SharedState) -> bool:
        if number >= 4:
            time.sleep(60)
        return True

    with running(counting(book, life), "intake"):
        wait_until(lambda: len(book.read()) == 5, 30, "five workers")


def test_an_unknown_queue_is_refused() -> None:
    with pytest.raises(ValueError, match="No such queue: nothing"):
        WorkerPool(Settings(_env_file=None), ["intake", "nothing"])
