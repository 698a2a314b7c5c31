"""When a worker must go: its job is over its time-out, or its memory over the cap.

Judged from outside the worker, since a job that hangs in C code or fills the memory stops everything
inside it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from config.settings import Settings
from workers.shared import Running

log = logging.getLogger(__name__)

SOFT_SHARE = 0.75  # of the memory cap: above it a worker is replaced after its job
PS_SECONDS = 2.0  # between two looks where memory can only be read by running `ps`


@dataclass(frozen=True)
class Limits:
    """What a worker may take."""

    megabytes: float  # resident, while a job runs
    jobs: int  # after that many it is replaced
    grace: float = 15.0  # seconds after the time-out that the job has for ending by itself

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits that the settings name."""
        return cls(settings.worker_mb, settings.worker_jobs)

    def broken(self, running: Running | None, megabytes: float, now: float) -> str | None:
        """Why a worker must be killed; None while it may go on.

        Args:
            running: its job; without one it may keep what it holds.
            megabytes: its resident memory.
            now: monotonic seconds.
        """
        if running is None:
            return None
        if now - running.started > running.limit + self.grace:
            return f"it hung, over its time-out of {running.limit:.0f} s"
        if megabytes > self.megabytes:
            return (
                f"it took {megabytes:.0f} MB of memory, more than the {self.megabytes:.0f} MB "
                "of HUMAS_WORKER_MB"
            )
        return None

    def worn(self, megabytes: float) -> bool:
        """Whether a worker is to be replaced after its job."""
        return megabytes > self.megabytes * SOFT_SHARE


class Memory:
    """Reads the resident memory of processes."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        """Take the folder of process information; it is missing on macOS."""
        self._proc = proc
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._listed: dict[int, float] = {}
        self._next_look = 0.0

    def resident(self, pids: Sequence[int]) -> dict[int, float]:
        """Resident megabytes by process; those that have ended are missing."""
        if (self._proc / "self" / "statm").exists():
            return {pid: size for pid in pids if (size := self._statm(pid)) is not None}
        if pids and time.monotonic() >= self._next_look:
            self._listed = _ps(pids)
            self._next_look = time.monotonic() + PS_SECONDS
        return {pid: self._listed[pid] for pid in pids if pid in self._listed}

    def _statm(self, pid: int) -> float | None:
        try:
            fields = (self._proc / str(pid) / "statm").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return int(fields[1]) * self._page / 2**20


def _ps(pids: Sequence[int]) -> dict[int, float]:
    listed = subprocess.run(
        ["ps", "-o", "pid=,rss=", "-p", ",".join(map(str, pids))],
        capture_output=True,
        text=True,
        check=False,  # 1 when none of them is there any more
    )
    rows = (line.split() for line in listed.stdout.splitlines())
    return {int(pid): int(kilobytes) / 1024 for pid, kilobytes in rows}


def end_first() -> None:
    """Ask the kernel to end this process before others when memory runs out (Linux only)."""
    wish = Path("/proc/self/oom_score_adj")
    if not wish.exists():
        return
    try:
        wish.write_text("500")
    except OSError as error:
        log.info("the kernel takes no wish for when memory runs out: %s", error)
