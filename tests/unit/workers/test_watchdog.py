"""What a watchdog sees of a worker, and when it says that one must go."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from workers.shared import Running, SharedState
from workers.watchdog import SOFT_SHARE, Limits, Memory

LIMITS = Limits(megabytes=400, jobs=10, grace=5)


def running(seconds: float) -> Running:
    return Running("job", "execution", "worker", started=100.0, limit=seconds)


@pytest.mark.parametrize(
    ("now", "limit", "size", "word"),
    [
        (100, 60, 100, None),
        (164.9, 60, 400, None),
        (165.1, 60, 100, "time-out of 60 s"),
        (100, 60, 401, "more than the 400 MB of HUMAS_WORKER_MB"),
        (1e9, float("inf"), 100, None),
    ],
)
def test_a_job_is_judged_by_time_and_memory(
    now: float, limit: float, size: float, word: str | None
) -> None:
    broken = LIMITS.broken(running(limit), size, now)
    if word is None:
        assert broken is None
    else:
        assert broken is not None
        assert word in broken


def test_an_idle_worker_is_replaced_but_never_killed() -> None:
    assert LIMITS.broken(None, 10_000, 1e9) is None
    assert LIMITS.worn(400 * SOFT_SHARE + 1)
    assert not LIMITS.worn(400 * SOFT_SHARE)


def test_a_shared_state_is_seen_by_another_process() -> None:
    shared = SharedState()
    before = time.monotonic()
    pid = os.fork()
    if pid == 0:
        shared.settled = True
        shared.begin("thread_start_0", "a" * 32, 300.0)
        shared.executes("b" * 32)
        os._exit(0)
    os.waitpid(pid, 0)
    seen = shared.running()
    assert seen is not None
    assert before <= seen.started <= time.monotonic()
    assert seen == Running("thread_start_0", "b" * 32, "a" * 32, seen.started, 300.0)
    assert shared.settled
    shared.clear()
    assert shared.running() is None
    assert not shared.settled


def test_a_new_job_does_not_show_the_last_execution() -> None:
    shared = SharedState()
    shared.begin("one", "worker", 1.0)
    shared.executes("execution")
    shared.end()
    assert shared.running() is None
    shared.begin("two", "worker", 1.0)
    seen = shared.running()
    assert seen is not None
    assert (seen.job_id, seen.execution_id) == ("two", "")


def test_a_name_that_does_not_fit_is_refused_whole() -> None:
    with pytest.raises(ValueError, match="too long"):
        SharedState().begin("x" * 256, "worker", 1.0)


@pytest.mark.parametrize("proc", ["/proc", "/no such folder"])
def test_memory_is_read_with_and_without_proc(proc: str) -> None:
    sizes = Memory(Path(proc)).resident([os.getpid(), 2**22 + 1])
    assert list(sizes) == [os.getpid()]
    assert 20 < sizes[os.getpid()] < 4000
