"""A stateful stand-in for a Mastodon instance, as a process of its own on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.waiting import free_port

START_SECONDS = 30
STOP_SECONDS = 10


class MastodonError(Exception):
    """The instance did not start, or did not do what it was asked."""


def available() -> str | None:
    """Say why the instance cannot run on this machine, or None where it can."""
    if find_spec("mastodon_mock") is None:
        return "the package mastodon-mock is not installed; install the group `embedded`"
    return None


class MastodonServer:
    """mastodon-mock on a free port of 127.0.0.1, empty at the start and gone at the end.

    Use it as a context manager.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._url = ""

    @property
    def url(self) -> str:
        """Address of the instance, without a slash at its end."""
        if not self._url:
            raise MastodonError("the Mastodon instance is not running; enter it first")
        return self._url

    def create_account(self, username: str, display_name: str = "") -> str:
        """Make an account and return its access token.

        Raises:
            MastodonError: the instance refused, such as for a name that is taken.
        """
        answer = httpx.post(
            f"{self.url}/api/v1/_mock/dev_user",
            json={"username": username, "display_name": display_name},
            timeout=30,
        )
        if answer.status_code != httpx.codes.OK:
            raise MastodonError(
                f"the instance refused the account {username!r} with {answer.status_code}: "
                f"{answer.text}; choose another name"
            )
        return str(answer.json()["access_token"])

    def call(self, token: str, method: str, path: str, **options: Any) -> Any:
        """Do something as the owner of a token, by plain HTTP, and return the JSON answer.

        Raises:
            MastodonError: the instance refused.
        """
        answer = httpx.request(
            method,
            self.url + path,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            **options,
        )
        if answer.is_error:
            raise MastodonError(f"{method} {path} answered {answer.status_code}: {answer.text}")
        return answer.json()

    def fault(self, *, method: str, path: str, effect: dict[str, Any], count: int = 1) -> None:
        """Let the next `count` calls fail; see the fault rules of mastodon-mock.

        Args:
            method: the HTTP method that is hit.
            path: the path that is hit; `*` stands for anything.
            effect: such as `{"type": "status", "status": 503}`.
            count: how many calls are hit.
        """
        answer = httpx.post(
            f"{self.url}/api/v1/_mock/faults",
            json={"match": {"methods": [method], "path": path}, "effect": effect, "count": count},
            timeout=30,
        )
        if answer.is_error:
            raise MastodonError(f"the fault was refused: {answer.text}")

    def __enter__(self) -> Self:
        reason = available()
        if reason is not None:
            raise MastodonError(f"the Mastodon instance cannot start: {reason}")
        with ExitStack() as stack:
            folder = Path(tempfile.mkdtemp(prefix="humas-mastodon-"))
            stack.callback(shutil.rmtree, folder)
            self._url = self._start(stack, folder)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._url = ""
        self._stack.close()

    def _start(self, stack: ExitStack, folder: Path) -> str:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        config = folder / "mastodon.toml"
        config.write_text(
            f'domain = "127.0.0.1:{port}"\n'
            'url_scheme = "http"\n'
            f'media_storage_path = "{folder / "media"}"\n'
            "[database]\n"
            f'path = "{folder / "instance.sqlite"}"\n'
            "[seed]\n"
            "accounts = []\n"
        )
        log = folder / "log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [
                    *(sys.executable, "-m", "mastodon_mock", "serve", "--config", str(config)),
                    *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
                ],
                cwd=folder,
                env={
                    k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PORT", "HOST")
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        stack.callback(_stop, server)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if httpx.get(f"{url}/api/v2/instance", timeout=5).status_code == httpx.codes.OK:
                    return url
            except httpx.TransportError:
                pass  # not listening yet
            if server.poll() is not None or time.monotonic() > deadline:
                raise MastodonError(
                    f"the Mastodon instance did not start; it said:\n{log.read_text()}"
                )
            time.sleep(0.1)


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the process: politely, then by force."""
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
