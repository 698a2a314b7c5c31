"""File locks: one process starts the servers at a time, and the last one to leave is known.

Both use `flock`, which the kernel frees when a process dies, however it dies. Three properties
of `flock` matter here:

- A lock belongs to the *open file*, and a forked child shares it. Hence `Holders.leave` closes its
  descriptor and never unlocks: a forked worker that is still running goes on counting.
- `exclusive` does unlock, so that a child forked meanwhile by another thread keeps nothing.
- Python opens files close-on-exec: a program started with `subprocess` is no holder unless it
  asks for the servers itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from embedded.errors import StartError

_POLL_SECONDS = 0.05


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(fd: int, operation: int) -> bool:
    """Ask for a lock on an open descriptor without waiting.

    Args:
        fd: The open file.
        operation: `fcntl.LOCK_EX` or `fcntl.LOCK_SH`.

    Returns:
        Whether the lock was obtained.
    """
    try:
        fcntl.flock(fd, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_locked(path: Path) -> int | None:
    """Open a file and lock it exclusively.

    Returns:
        The locked descriptor, to be closed by the caller, or None when another process holds it.
    """
    fd = _open(path)
    if try_lock(fd, fcntl.LOCK_EX):
        return fd
    os.close(fd)
    return None


@contextlib.contextmanager
def exclusive(path: Path, timeout: float) -> Iterator[None]:
    """Hold the exclusive lock on a file.

    Args:
        path: The lock file; it is created when missing and never removed.
        timeout: Seconds to wait for another holder.

    Raises:
        StartError: Another process kept the lock for longer than `timeout`.
    """
    fd = _open(path)
    try:
        deadline = time.monotonic() + timeout
        while not try_lock(fd, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                message = (
                    f"Another process has held {path} for {timeout:.0f} s, so nothing was started,"
                    f" stopped or fetched. Find it with `fuser {path}`, end it if it hangs, and try"
                    f" again."
                )
                raise StartError(message)
            time.sleep(_POLL_SECONDS)
        yield
        fcntl.flock(fd, fcntl.LOCK_UN)
    finally:
        os.close(fd)


class Holders:
    """Counts the processes that use the servers, by shared locks on one file.

    Call `join` and `leave` only while holding the `exclusive` lock on starting and stopping.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    @property
    def joined(self) -> bool:
        """Whether this object holds its share (also true in a child forked after `join`)."""
        return self._fd is not None

    def join(self) -> None:
        """Take a share; without effect when it is already held."""
        if self._fd is None:
            fd = _open(self._path)
            fcntl.flock(fd, fcntl.LOCK_SH)
            self._fd = fd

    def leave(self) -> bool:
        """Give the share back; without effect when none is held.

        Returns:
            Whether nobody else holds a share now.
        """
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        return not self.any()

    def any(self) -> bool:
        """Whether any process, this one included, holds a share."""
        fd = open_locked(self._path)
        if fd is None:
            return True
        os.close(fd)
        return False
