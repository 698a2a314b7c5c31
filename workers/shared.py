"""What a worker tells its watchdog of the job it runs, in memory that both processes see.

The watchdog must learn it without asking: a worker that hangs in C code answers nobody.
"""

from __future__ import annotations

import mmap
import struct
import time
from dataclasses import dataclass

_BUSY, _RETIRE, _SETTLED = 0, 1, 2  # one byte each
_JOB = struct.Struct("=dd256p64p")  # started, limit, job, worker
_JOB_AT = 8
_EXECUTION = struct.Struct("=64p")
_EXECUTION_AT = _JOB_AT + _JOB.size


@dataclass(frozen=True)
class Running:
    """The job that a worker is running."""

    job_id: str
    execution_id: str  # empty until RQ has noted the execution
    worker: str  # RQ's name of it
    started: float  # monotonic seconds, the same in all processes of a machine
    limit: float  # seconds that it may take


class SharedState:
    """The place of one worker; made before the fork. The worker writes, the watchdog reads.

    Of the flags, `retire` goes the other way.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def begin(self, job_id: str, worker: str, limit: float) -> None:
        """A job begins.

        Raises:
            ValueError: an id that does not fit, which none of ours can be.
        """
        names = [job_id.encode(), worker.encode()]
        if len(names[0]) > 255 or len(names[1]) > 63:
            raise ValueError(f"The names of job {job_id} of worker {worker} are too long.")
        self._memory[_BUSY] = 0
        _JOB.pack_into(self._memory, _JOB_AT, time.monotonic(), limit, *names)
        _EXECUTION.pack_into(self._memory, _EXECUTION_AT, b"")
        self._memory[_BUSY] = 1  # last, so that the watchdog never sees half of it

    def executes(self, execution_id: str) -> None:
        """RQ has noted this execution of the job."""
        _EXECUTION.pack_into(self._memory, _EXECUTION_AT, execution_id.encode())

    def end(self) -> None:
        """The job has ended, and RQ knows how."""
        self._memory[_BUSY] = 0

    def running(self) -> Running | None:
        """What runs now, or ran when the worker died."""
        if not self._memory[_BUSY]:
            return None
        started, limit, job, worker = _JOB.unpack_from(self._memory, _JOB_AT)
        (execution,) = _EXECUTION.unpack_from(self._memory, _EXECUTION_AT)
        return Running(job.decode(), execution.decode(), worker.decode(), started, limit)

    @property
    def retire(self) -> bool:
        """Whether the worker is to end after its job."""
        return bool(self._memory[_RETIRE])

    @retire.setter
    def retire(self, value: bool) -> None:
        self._memory[_RETIRE] = value

    @property
    def settled(self) -> bool:
        """Whether the worker has settled what its predecessors left behind."""
        return bool(self._memory[_SETTLED])

    @settled.setter
    def settled(self, value: bool) -> None:
        self._memory[_SETTLED] = value

    def clear(self) -> None:
        """Make it ready for the next worker."""
        for flag in (_BUSY, _RETIRE, _SETTLED):
            self._memory[flag] = 0
