"""What strikes while posts go out: dying processes, a database that crashes, a queue that forgets."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self

import redis as redislib

from embedded.supervisor import EmbeddedServices
from tests.spine.processes import ROOT
from tests.waiting import descendants


class Crew:
    """Processes that somebody starts again when they die, as an init system does.

    Use it as a context manager; at its end all of them are told to stop.

    Args:
        commands: a command line each.
        env: added to this process's environment.
    """

    def __init__(self, commands: Sequence[Sequence[str]], env: dict[str, str]) -> None:
        self._commands = list(commands)
        self._env = {**os.environ, **env, "PYTHONPATH": str(ROOT)}
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._running = [self._start(command) for command in self._commands]
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            for process in self._running:
                process.terminate()
            for process in self._running:
                try:
                    process.wait(40)
                except subprocess.TimeoutExpired:
                    _kill_group(process)
                    process.wait(10)

    def kill_one(self, chance: random.Random) -> str:
        """`kill -9` for one process of one member: its head or a child.

        Returns:
            What was killed.
        """
        with self._lock:
            number = chance.randrange(len(self._running))
            process = self._running[number]
            victim = chance.choice([process.pid, *descendants(process.pid)])
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
            return "a whole process" if victim == process.pid else "a child"

    def mend(self) -> None:
        """Start what has died again. What it left running is killed, as a service manager does."""
        with self._lock:
            for number, process in enumerate(self._running):
                if process.poll() is not None:
                    _kill_group(process)
                    self._running[number] = self._start(self._commands[number])

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(list(command), cwd=ROOT, env=self._env, start_new_session=True)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class Storm:
    """Strikes at a crew and its servers until it is over. Use it as a context manager.

    Args:
        crew: whose processes are killed.
        embedded: its servers.
        queue: a connection to its queue.
        done: the share of the work that is done, from 0 to 1.
        pause: seconds between two kills, on average.
        restarts: at which shares PostgreSQL crashes and comes back.
        flush: at which share Valkey forgets everything.
        seed: of what is left to chance.
    """

    def __init__(
        self,
        crew: Crew,
        embedded: EmbeddedServices,
        queue: redislib.Redis,
        done: Callable[[], float],
        *,
        pause: float = 3.0,
        restarts: Sequence[float] = (0.25, 0.6),
        flush: float = 0.4,
        seed: int = 0,
    ) -> None:
        self.struck: Counter[str] = Counter()
        self._crew = crew
        self._embedded = embedded
        self._queue = queue
        self._done = done
        self._pause = pause
        self._restarts = list(restarts)
        self._flush = flush
        self._chance = random.Random(seed)
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._rage)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _rage(self) -> None:
        next_kill = time.monotonic() + self._pause
        try:
            while not self._over.wait(0.3):
                self._crew.mend()
                if time.monotonic() >= next_kill:
                    self.struck[f"kill -9 of {self._crew.kill_one(self._chance)}"] += 1
                    next_kill = time.monotonic() + self._chance.uniform(0.5, 1.5) * self._pause
                share = self._done()
                if self._restarts and share >= self._restarts[0]:
                    self._restarts.pop(0)
                    self._crash_database()
                if share >= self._flush:
                    self._flush = 2.0
                    self._queue.flushall()
                    self.struck["Valkey flushed"] += 1
            self._crew.mend()
        except BaseException as error:  # told by the thread that waits for the end
            self._error = error

    def _crash_database(self) -> None:
        """End PostgreSQL without a checkpoint, as a crash does, and start it again."""
        pid = self._embedded.postgres.daemon.pid()
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)  # immediate shutdown
        deadline = time.monotonic() + 20
        while self._embedded.postgres.daemon.running() and time.monotonic() < deadline:
            time.sleep(0.05)
        self._embedded.ensure()
        self.struck["PostgreSQL crashed"] += 1
