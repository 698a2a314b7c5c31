"""A private PostgreSQL server for the app view, from the system's server binaries."""

import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.waiting import free_port

DEBIAN = Path("/usr/lib/postgresql")
OWNER = "postgres"
SUPERUSER = "humas_live"
START_SECONDS = 60
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # Nothing here outlives the run, so nothing needs to survive a crash.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
}


class PostgresError(Exception):
    """The private PostgreSQL server did not start."""


def binaries() -> Path | None:
    """The folder with ``initdb`` and ``pg_ctl``, the newest release first; None without one."""
    releases = sorted(
        (path for path in DEBIAN.glob("*/bin/initdb") if path.parts[-3].isdigit()),
        key=lambda path: int(path.parts[-3]),
        reverse=True,
    )
    if releases:
        return releases[0].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def problem() -> str | None:
    """Say why PostgreSQL cannot be started here, or None where it can."""
    if binaries() is None:
        return "PostgreSQL's server binaries are missing; install Debian's postgresql package"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(OWNER)
        except KeyError:
            return f"PostgreSQL refuses to run as root and there is no user {OWNER!r}; create it"
    return None


class PrivatePostgres:
    """One cluster in ``folder``, running between ``with`` and its end.

    As root it runs as the user ``postgres``, otherwise as ourselves. It is reachable on 127.0.0.1
    only, with a password drawn for this run.

    Args:
        folder: An existing folder that the user ``postgres`` can reach; a folder is made in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgres"
        self._data = self._folder / "data"
        self._log = self._folder / "log"
        self._password = secrets.token_hex(16)
        self._port = 0
        self._owner = OWNER if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """Where to connect, with user and password."""
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    def __enter__(self) -> Self:
        reason = problem()
        if reason is not None:
            raise PostgresError(reason)
        self._folder.mkdir(mode=0o700)
        secret = self._folder / "password"
        secret.write_text(self._password)
        if self._owner is not None:
            for path in (self._folder, secret):
                shutil.chown(path, self._owner)
        self._run(
            "initdb",
            *("-D", str(self._data), "-U", SUPERUSER, "-E", "UTF8", "--no-locale", "--no-sync"),
            *("--auth", "scram-sha-256", "--pwfile", str(secret)),
        )
        self._port = free_port()
        options = " ".join(f"-c {name}={value or repr('')}" for name, value in SETTINGS.items())
        self._run(
            "pg_ctl",
            *("start", "-w", "-t", str(START_SECONDS), "-D", str(self._data)),
            *("-l", str(self._log), "-o", f"-p {self._port} {options}"),
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self._data))

    def _run(self, program: str, *arguments: str) -> None:
        folder = binaries()
        assert folder is not None
        with (self._folder / f"{program}.out").open("w+") as output:
            # A file, not a pipe: the server inherits it and would keep a pipe open.
            done = subprocess.run(
                [str(folder / program), *arguments],
                cwd=self._folder,
                user=self._owner,
                group=self._owner,
                extra_groups=None if self._owner is None else [],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=START_SECONDS + 30,
                check=False,
            )
            output.seek(0)
            told = output.read()
        if done.returncode != 0:
            log = self._log.read_text() if self._log.exists() else ""
            raise PostgresError(
                f"{program} of the private PostgreSQL in {self._folder} ended with "
                f"{done.returncode}; it said:\n{told}{log}"
            )
