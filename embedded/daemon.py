"""One server process of ours that outlives whoever started it.

The server inherits a locked file and keeps it open until it ends. So whether it runs is asked of the
kernel, not of a process number in a file: kill -9, a reused number, a zombie or another container
cannot deceive us, and two servers can never share one data folder.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from embedded.errors import StartError, StopError
from embedded.folders import Account
from embedded.locks import open_locked

_POLL_SECONDS = 0.05
_LOG_TAIL_BYTES = 4000
_LOG_LIMIT_BYTES = 10_000_000
# The shell leaves at once, so the server is nobody's child: no zombie, no stray exit status.
_DETACH = '"$@" >&2 & echo $!'


class Daemon:
    """Starts, finds and ends one server.

    Args:
        name: Used for the names of its files: `<name>.lock`, `<name>.pid` and `<name>.log`.
        folder: Where these lie; it must exist.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._lock = folder / f"{name}.lock"
        self._pid = folder / f"{name}.pid"

    def running(self) -> bool:
        """Whether the server or any child of it is alive."""
        if not self._lock.exists():
            return False
        fd = open_locked(self._lock)
        if fd is None:
            return True
        os.close(fd)
        return False

    def pid(self) -> int | None:
        """The process number of the server, or None when it does not run."""
        if not self.running():
            return None
        try:
            return int(self._pid.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def run(self, argv: Sequence[str], account: Account | None = None) -> str:
        """Run a command of preparation to its end, under the server's lock.

        Returns:
            What it printed.

        Raises:
            StartError: It failed, or the server runs.
        """
        fd = self._take_lock()
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                cwd="/",
                env=_environment({}),
                pass_fds=(fd,),
                umask=0o077,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        except OSError as error:
            message = f"{argv[0]} cannot be run ({error.strerror}). Install its package again."
            raise StartError(message) from error
        finally:
            os.close(fd)
        if done.returncode != 0:
            message = (
                f"{Path(argv[0]).name} failed with status {done.returncode} while preparing"
                f" {self.name}. It said:\n{done.stdout}"
            )
            raise StartError(message)
        return done.stdout

    def spawn(
        self,
        argv: Sequence[str],
        account: Account | None = None,
        env: Mapping[str, str] | None = None,
    ) -> int:
        """Start the server in a session of its own.

        Args:
            argv: The program and its arguments; no shell reads them.
            account: As whom, None for the present user.
            env: Variables beside the few that every server gets.

        Returns:
            Its process number.

        Raises:
            StartError: It runs already, or the system refused.
        """
        fd = self._take_lock()
        try:
            if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT_BYTES:
                self.log.replace(self.log.with_suffix(".log.old"))
            with self.log.open("ab") as log:
                done = subprocess.run(
                    ["/bin/sh", "-c", _DETACH, "sh", *argv],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    check=True,
                    cwd="/",
                    env=_environment(env or {}),
                    pass_fds=(fd,),
                    start_new_session=True,
                    umask=0o077,
                    user=account.uid if account else None,
                    group=account.gid if account else None,
                    extra_groups=[] if account else None,
                )
        except (OSError, subprocess.CalledProcessError) as error:
            message = f"{self.name} could not be started: {error}. Its log is {self.log}."
            raise StartError(message) from error
        finally:
            os.close(fd)  # only our copy: the server's keeps the lock
        pid = int(done.stdout)
        temporary = self._pid.with_suffix(".pid.new")
        temporary.write_text(f"{pid}\n")
        temporary.replace(self._pid)
        return pid

    def bring_up(
        self, answers: Callable[[], bool], launch: Callable[[], None], timeout: float
    ) -> None:
        """Wait until the server answers, and launch it when it does not run.

        Args:
            answers: A real question to the server.
            launch: Starts it; called at most once.
            timeout: Seconds.

        Raises:
            StartError: It ended again, or did not answer in time.
        """
        launched = False
        deadline = time.monotonic() + timeout
        while not answers():
            if not self.running():
                if launched:
                    message = f"{self.name} ended while starting. The end of {self.log}:\n{self.log_tail()}"
                    raise StartError(message)
                launch()
                launched = True
            elif time.monotonic() > deadline:
                message = (
                    f"{self.name} runs (process {self.pid()}) but did not answer for {timeout:.0f} s."
                    f" It may be recovering, or its socket may lie in another container's or"
                    f" service's private /tmp. Wait, or end that process. The end of {self.log}:\n"
                    f"{self.log_tail()}"
                )
                raise StartError(message)
            else:
                time.sleep(_POLL_SECONDS)

    def end(self, steps: Sequence[tuple[signal.Signals, float]]) -> None:
        """Send signals until the server has gone.

        Args:
            steps: Each a signal and the seconds to wait after it.

        Raises:
            StopError: It is still there after the last step.
        """
        for number, seconds in steps:
            pid = self.pid()
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while self.running():
                if time.monotonic() > deadline:
                    break
                time.sleep(_POLL_SECONDS)
            else:
                return
        message = f"{self.name} (process {self.pid()}) did not end. Its log is {self.log}; end it by hand."
        raise StopError(message)

    def log_tail(self) -> str:
        """The last lines of the log, at most 4,000 bytes."""
        if not self.log.exists():
            return "(no log)"
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _LOG_TAIL_BYTES))
            return log.read().decode(errors="replace")

    def _take_lock(self) -> int:
        fd = open_locked(self._lock)
        if fd is None:
            message = f"{self.name} runs already: {self._lock} is held. Stop it first."
            raise StartError(message)
        return fd


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """A small environment: PGPORT, PGDATA and their like must not steer our servers."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **extra}
