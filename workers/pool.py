"""`humas worker`: one supervised, preloaded worker per queue.

The imports of a stage cost seconds; they happen once here, before forking, and no connection is
opened before a fork. One queue per worker, because a worker of several that is killed right after
taking a job leaves it in no list at all. The pool is also the watchdog of its workers: it kills the
one that hangs or takes too much memory, and replaces what ends.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from config.settings import Settings
from storage.queue import QUEUES
from workers.shared import SharedState
from workers.stage_worker import Remains, serve_queue
from workers.watchdog import Limits, Memory

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 30
RESTART_PAUSE = 1.0
LOOK_SECONDS = 0.2
TELL_SECONDS = 1.0  # a worker that was just forked may have missed the first signal

# What a worker does in its process; returns whether it ended in order.
Serve = Callable[[Settings, str, SharedState, Sequence[Remains], Limits], bool]


def preload() -> None:
    """Import what stages need, so that forked children have it already."""
    import openai
    import openai.resources.chat  # noqa: F401

    from workers import jobs  # noqa: F401
    from workflows import answer, cycle, post  # noqa: F401


@dataclass
class Child:
    """The place of a queue's worker, and the process that holds it now."""

    queue: str
    shared: SharedState = field(default_factory=SharedState)
    pid: int = 0  # 0: none
    started: float = 0.0
    start_at: float = 0.0  # not before this monotonic second
    killed: str = ""  # why the watchdog killed it
    left: list[Remains] = field(default_factory=list)  # jobs that no worker has settled yet


class WorkerPool:
    """Forks the workers, watches them, replaces those that end, ends them together."""

    def __init__(
        self,
        settings: Settings,
        queues: Sequence[str],
        *,
        limits: Limits | None = None,
        serve: Serve = serve_queue,
    ) -> None:
        """Take the queues; a queue named twice gets two workers.

        Args:
            settings: with database and queue.
            queues: their names.
            limits: what a worker may take; as the settings say by default.
            serve: what a worker does.

        Raises:
            ValueError: an unknown queue.
        """
        unknown = sorted(set(queues) - set(QUEUES))
        if unknown:
            raise ValueError(f"No such queue: {', '.join(unknown)}. Queues: {', '.join(QUEUES)}.")
        self._settings = settings
        self._limits = limits or Limits.of(settings)
        self._serve = serve
        self._memory = Memory()
        self._children = [Child(queue) for queue in queues]

    def run(self, stop: threading.Event) -> None:
        """Keep the workers alive until told to stop, then let each finish its job."""
        preload()
        gc.collect()
        gc.freeze()  # the collector then leaves the pages shared with the children alone
        for child in self._children:
            self._start(child)
        while not stop.wait(LOOK_SECONDS):
            self._reap()
            self._watch()
            for child in self._children:
                if not child.pid and time.monotonic() >= child.start_at and not stop.is_set():
                    self._start(child)
        self._end()

    def _start(self, child: Child) -> None:
        child.shared.clear()
        child.killed = ""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = 0 if self._be(child) else 1
            except Exception:
                log.exception("the worker of %s failed", child.queue)
            finally:
                os._exit(code)
        child.pid = pid
        child.started = time.monotonic()

    def _be(self, child: Child) -> bool:
        """The forked process."""
        from config.logging import setup_logging

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the pool decides; a terminal signals us all
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until the worker takes it
        setup_logging(self._settings.log_level, process=f"worker {child.queue}")
        return self._serve(
            self._settings, child.queue, child.shared, tuple(child.left), self._limits
        )

    def _reap(self) -> None:
        """Note which workers have ended, and how."""
        for child in self._children:
            if not child.pid:
                continue
            found, status = os.waitpid(child.pid, os.WNOHANG)
            if found:
                self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: Child, code: int) -> None:
        how = child.killed or _told(code)
        running = child.shared.running()
        if child.shared.settled:
            child.left.clear()
        if running is not None:
            log.error("the worker of %s ended in job %s: %s", child.queue, running.job_id, how)
            child.left.append(
                Remains(
                    running.job_id,
                    running.execution_id,
                    running.worker,
                    f"The worker ended in the middle of the job: {how}.",
                )
            )
        elif code:
            log.warning("the worker of %s ended: %s; another follows", child.queue, how)
        child.pid = 0
        if code and time.monotonic() - child.started < RESTART_PAUSE:
            child.start_at = time.monotonic() + RESTART_PAUSE  # no storm when it dies at once

    def _watch(self) -> None:
        """Kill what has broken its limits, and retire what is worn."""
        now = time.monotonic()
        sizes = self._memory.resident([child.pid for child in self._children if child.pid])
        for child in self._children:
            if child.pid not in sizes or child.killed:
                continue
            size = sizes[child.pid]
            broken = self._limits.broken(child.shared.running(), size, now)
            if broken is not None:
                child.killed = broken
                _signal(child.pid, signal.SIGKILL)
            elif self._limits.worn(size):
                child.shared.retire = True

    def _end(self) -> None:
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        told = 0.0
        while self._alive() and time.monotonic() < deadline:
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                for child in self._alive():
                    _signal(child.pid, signal.SIGTERM)
            self._reap()
            time.sleep(0.05)
        for child in self._alive():
            child.killed = f"it was not ready {SHUTDOWN_SECONDS} s after it was told to end"
            _signal(child.pid, signal.SIGKILL)
        while self._alive():
            self._reap()
            time.sleep(0.05)

    def _alive(self) -> list[Child]:
        return [child for child in self._children if child.pid]


def _told(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"it ended with status {code}"
    return f"it was ended by signal {-code} ({signal.Signals(-code).name})"


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
