"""The demonstration's network: mastodon-mock, a stateful stand-in, living by the demo's clock.

The instance stamps everything with the machine's time. In the demonstration a week passes in
minutes, so a comment would look days older than the post it answers. All stamps of the package come
from one function that asks `datetime.now`; the instance's own process gives that function a clock
that is moved by the demonstration's clock file.
"""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, tzinfo
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

from cli.demo_parts.errors import NetworkFailed
from config.clock import ShiftedClock

START_SECONDS = 60


def check_installed() -> None:
    """Refuse to begin without the package.

    Raises:
        NetworkFailed: it is not installed.
    """
    if find_spec("mastodon_mock") is None:
        raise NetworkFailed(
            "The package mastodon-mock is not installed, so there is no network to post to. "
            "Install the dependency group `embedded` (`make setup` does)."
        )


def shifted(clock: ShiftedClock) -> type[datetime]:
    """A `datetime` whose `now` is the clock's."""

    class ShiftedDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return clock.now().astimezone(tz or UTC)

    return ShiftedDatetime


def serve_instance(listening: socket.socket, home: Path, clock_file: Path) -> None:
    """Serve the instance until the process ends; its data stays in `home`."""
    import uvicorn
    from mastodon_mock import config as settings
    from mastodon_mock.app import create_app
    from mastodon_mock.db import models

    models.__dict__["datetime"] = shifted(ShiftedClock(clock_file))
    home.mkdir(parents=True, exist_ok=True)
    host, port = listening.getsockname()[:2]
    app = create_app(
        settings.MastodonMockConfig(
            domain=f"{host}:{port}",
            url_scheme="http",
            media_storage_path=str(home / "media"),
            database=settings.DatabaseConfig(path=str(home / "instance.sqlite")),
            seed=settings.SeedConfig(),
        )
    )
    # No Date header: it would tell the machine's time.
    served = uvicorn.Config(app, log_level="warning", server_header=False, date_header=False)
    uvicorn.Server(served).run(sockets=[listening])


class Instance:
    """A running instance as its users see it.

    Args:
        url: its address.
        client: sends the requests; without a time-out of its own it waits thirty seconds.
    """

    def __init__(self, url: str, client: httpx.Client | None = None) -> None:
        self.url = url
        self._client = client or httpx.Client(timeout=30, trust_env=False)

    def wait(self, seconds: float = START_SECONDS) -> None:
        """Return once it answers.

        Raises:
            NetworkFailed: it did not in time.
        """
        deadline = time.monotonic() + seconds
        problem = "no answer"
        while time.monotonic() < deadline:
            try:
                answer = self._client.get(f"{self.url}/api/v2/instance", timeout=5)
            except httpx.TransportError as error:
                problem = str(error)
            else:
                if answer.status_code == httpx.codes.OK:
                    return
                problem = f"it answered {answer.status_code}"
            time.sleep(0.1)
        raise NetworkFailed(
            f"The network at {self.url} did not start within {seconds:.0f} seconds ({problem}). "
            "Look at the demonstration's log."
        )

    def create_account(self, username: str, name: str) -> str:
        """Make an account.

        Returns:
            Its access token.

        Raises:
            NetworkFailed: the name is taken, or the instance does not answer.
        """
        body = {"username": username, "display_name": name}
        made = self._send("POST", "/api/v1/_mock/dev_user", None, json=body)
        return str(made["access_token"])

    def call(self, token: str, method: str, path: str, **options: Any) -> Any:
        """Do something as the owner of a token.

        Raises:
            NetworkFailed: the instance refused or does not answer.
        """
        return self._send(method, path, token, **options)

    def _send(self, method: str, path: str, token: str | None, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = self._client.request(method, self.url + path, headers=headers, **options)
        except httpx.TransportError as error:
            raise NetworkFailed(f"The network does not answer {method} {path}: {error}") from error
        if answer.is_error:
            raise NetworkFailed(
                f"The network refused {method} {path} with {answer.status_code}: {answer.text}"
            )
        return answer.json()
