"""PostgreSQL and Valkey, started once, shared by all processes, stopped by the last one.

How it holds together:

- Starting and stopping happen under one exclusive file lock in the home.
- Whoever uses the servers holds a share of a second lock file. The last to `release` stops them.
  A process that is killed loses its share by itself; if it was the last, the servers go on
  running, the next `ensure` uses them and its `release` stops them.
- The servers are daemons in sessions of their own: the death of any process of ours leaves them alone.
- `ensure` may be called as often as wanted; a server that died is started again at the same URL.

Forked children share their parent's place (see `locks.py`): the servers stay up while any of them
lives, and a child may call `ensure` and `release` itself. A program started with
`subprocess` must call `ensure` for itself, or rely on its parent's place.
"""

from __future__ import annotations

import shutil
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from embedded.folders import make_home, make_passable, make_private, run_folder, unprivileged
from embedded.locks import Holders, exclusive
from embedded.postgres import PostgresServer
from embedded.valkey import ValkeyServer

_LOCK_TIMEOUT = 240.0
_START_TIMEOUT = 120.0


@dataclass(frozen=True)
class Urls:
    """Where the servers are.

    Attributes:
        database_url: For SQLAlchemy with psycopg; it names a socket folder, no port.
        redis_url: For redis-py; it names a socket.
    """

    database_url: str
    redis_url: str


@dataclass(frozen=True)
class ServiceStatus:
    """What is known about one server.

    Attributes:
        name: `postgres` or `valkey`.
        running: Whether a process of it lives.
        answers: Whether it answers a question.
        pid: Its process number, None when it does not run.
        data: Its data folder.
        log: Its log file.
    """

    name: str
    running: bool
    answers: bool
    pid: int | None
    data: Path
    log: Path


class EmbeddedServices:
    """The servers of one home.

    Args:
        home: Folder for everything that lasts; created when missing.
        durable: False trades safety for speed and keeps nothing outside `home` and the run-time
            folder. For tests.
        run_root: Parent of the short run-time folder, `/tmp` by default. Every process that uses this
            home must name the same one.
        server_user: As whom PostgreSQL runs when we are root.
    """

    def __init__(
        self,
        home: Path,
        *,
        durable: bool = True,
        run_root: Path | None = None,
        server_user: str = "nobody",
    ) -> None:
        self.home = home.resolve()
        self.run = run_folder(self.home, run_root)
        self._control = self.home / "embedded"
        self._account = unprivileged(server_user)
        self._holders = Holders(self._control / "holders.lock")
        self._thread_lock = threading.RLock()
        self.postgres = PostgresServer(
            home=self.home,
            control=self._control,
            run=self.run,
            account=self._account,
            durable=durable,
        )
        self.valkey = ValkeyServer(
            home=self.home, control=self._control, run=self.run, durable=durable
        )

    @property
    def urls(self) -> Urls:
        """Where the servers are once they run; the same for the life of the home."""
        return Urls(self.postgres.url(), self.valkey.url)

    def ensure(self) -> Urls:
        """Return once both servers answer, starting what does not run; take a share in them.

        Raises:
            EmbeddedError: A server did not come up; the message says what to do.
        """
        with self._thread_lock:
            if self._holders.joined and self.postgres.answers() and self.valkey.answers():
                return self.urls
            self._make_folders()
            with self._starting():
                self._holders.join()
                make_passable(self.run, self._account)
                self.postgres.ensure(_START_TIMEOUT)
                self.valkey.ensure(_START_TIMEOUT)
            return self.urls

    def release(self) -> bool:
        """Give the share back and stop the servers if nobody else uses them.

        Returns:
            Whether the servers were stopped.

        Raises:
            EmbeddedError: A server did not stop.
        """
        with self._thread_lock:
            if not self._holders.joined:
                return False
            with self._starting():
                if not self._holders.leave():
                    return False
                self._stop_servers()
            return True

    def stop(self) -> None:
        """Stop the servers, whoever uses them.

        Raises:
            EmbeddedError: A server did not stop.
        """
        with self._thread_lock:
            if not self._control.exists():
                return
            with self._starting():
                self._holders.leave()
                self._stop_servers()

    def status(self) -> tuple[ServiceStatus, ServiceStatus]:
        """What is known about PostgreSQL and Valkey; starts and changes nothing."""
        return (
            ServiceStatus(
                "postgres",
                self.postgres.daemon.running(),
                self.postgres.answers(),
                self.postgres.daemon.pid(),
                self.postgres.data(),
                self.postgres.daemon.log,
            ),
            ServiceStatus(
                "valkey",
                self.valkey.daemon.running(),
                self.valkey.answers(),
                self.valkey.daemon.pid(),
                self.valkey.data,
                self.valkey.daemon.log,
            ),
        )

    def in_use(self) -> bool:
        """Whether any process holds a share."""
        return self._control.exists() and self._holders.any()

    def create_database(self, name: str) -> str:
        """Create a further empty database on the running server.

        Returns:
            Its URL, for SQLAlchemy with psycopg.
        """
        return self.postgres.create_database(name)

    def drop_database(self, name: str) -> None:
        """Remove a database made by `create_database`."""
        self.postgres.drop_database(name)

    def destroy(self) -> None:
        """Stop the servers and delete **all their data**; the rest of the home stays."""
        self.stop()
        store = self.postgres.store()
        copies = store.glob("postgres-server-*")
        for folder in (self.postgres.data(), self.valkey.data, *copies, self._control, self.run):
            if folder.exists():
                shutil.rmtree(folder)
        if store not in (self.home, self.run) and store.exists():
            shutil.rmtree(store)

    def __enter__(self) -> Self:
        self.ensure()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _starting(self) -> AbstractContextManager[None]:
        return exclusive(self._control / "start.lock", _LOCK_TIMEOUT)

    def _make_folders(self) -> None:
        make_home(self.home)
        make_private(self._control)

    def _stop_servers(self) -> None:
        self.valkey.stop()
        self.postgres.stop()
