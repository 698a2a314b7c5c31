"""Starts and stops the Bluesky network, and makes accounts on it."""

import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.live.bluesky_network import install, postgres

SCRIPT = install.HERE / "network.cjs"
START_SECONDS = 90
STOP_SECONDS = 15
ACCOUNT_SECONDS = 30


class NetworkError(Exception):
    """The Bluesky network did not start, or did not do what it was asked."""


@dataclass(frozen=True)
class Account:
    """One account of the network; ``handle`` is the full name, such as ``siti.test``."""

    did: str
    handle: str
    password: str


def available() -> str | None:
    """Say why the network cannot run on this machine, or None where it can."""
    return install.node_problem() or postgres.problem() or install.modules_problem()


class BlueskyNetwork:
    """PLC, PDS and AppView on 127.0.0.1, empty at the start and gone at the end.

    Use it as a context manager. The app view follows the PDS within about two seconds: poll for
    what a write should bring about.

    Args:
        rate_limits: Whether the PDS limits calls as the real one does.
    """

    def __init__(self, *, rate_limits: bool = False) -> None:
        self._rate_limits = rate_limits
        self._stack = ExitStack()
        self._addresses: dict[str, str] = {}
        self._node: subprocess.Popen[bytes] | None = None
        self._log = Path()

    @property
    def pds_url(self) -> str:
        """Address of the PDS: where accounts log in and write."""
        return self._address("pds")

    @property
    def appview_url(self) -> str:
        """Address of the app view: public reading without an account."""
        return self._address("appview")

    @property
    def plc_url(self) -> str:
        """Address of the directory of DIDs."""
        return self._address("plc")

    @property
    def appview_did(self) -> str:
        """DID of the app view, as in an ``atproto-proxy`` header."""
        return self._address("appviewDid")

    def create_account(self, handle: str, password: str) -> Account:
        """Make an account, and return once the app view knows it.

        Args:
            handle: The full handle; the PDS takes those that end in ``.test``.
            password: Its password.

        Raises:
            NetworkError: the PDS refused, or the app view never heard of it.
        """
        with httpx.Client(timeout=30) as client:
            answer = client.post(
                f"{self.pds_url}/xrpc/com.atproto.server.createAccount",
                json={"handle": handle, "email": f"{handle}@example.com", "password": password},
            )
            if answer.status_code != httpx.codes.OK:
                raise NetworkError(
                    f"the PDS refused the account {handle!r} with {answer.status_code}: "
                    f"{answer.text}; choose another handle"
                )
            did = str(answer.json()["did"])
            deadline = time.monotonic() + ACCOUNT_SECONDS
            while True:
                profile = client.get(
                    f"{self.appview_url}/xrpc/app.bsky.actor.getProfile", params={"actor": did}
                )
                if profile.status_code == httpx.codes.OK and profile.json()["handle"] == handle:
                    return Account(did=did, handle=handle, password=password)
                if time.monotonic() > deadline:
                    raise NetworkError(
                        f"the app view does not know {handle} ({did}) after {ACCOUNT_SECONDS} s; "
                        f"its last answer was {profile.status_code}: {profile.text}"
                    )
                time.sleep(0.1)

    def __enter__(self) -> Self:
        reason = available()
        if reason is not None:
            raise NetworkError(f"the Bluesky network cannot start: {reason}")
        with ExitStack() as stack:
            folder = Path(tempfile.mkdtemp(prefix="humas-bluesky-"))
            stack.callback(shutil.rmtree, folder)
            # The database may run as another user, who has to pass through.
            folder.chmod(0o711)
            database = stack.enter_context(postgres.PrivatePostgres(folder))
            self._addresses = self._start_node(stack, folder, database)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._addresses = {}
        assert self._node is not None
        # It ends only when told to: a code before that means that it broke down under the tests.
        code = self._node.poll()
        told = "" if code is None else self._log.read_text()
        self._stack.close()
        if code is not None:
            raise NetworkError(
                f"the Bluesky network ended by itself with code {code}; it said:\n{told}"
            ) from error

    def _address(self, name: str) -> str:
        try:
            return self._addresses[name]
        except KeyError:
            raise NetworkError("the Bluesky network is not running; enter it first") from None

    def _start_node(
        self, stack: ExitStack, folder: Path, database: postgres.PrivatePostgres
    ) -> dict[str, str]:
        scratch = folder / "node"
        scratch.mkdir(mode=0o700)
        self._log = scratch / "log"
        reader, writer = os.pipe()
        with os.fdopen(reader, "rb", buffering=0) as ready, self._log.open("wb") as output:
            try:
                self._node = node = subprocess.Popen(
                    ["node", str(SCRIPT), str(install.modules_folder()), str(writer)],
                    cwd=scratch,
                    env=os.environ
                    | {
                        # The PDS keeps its data under TMPDIR and leaves it behind.
                        "TMPDIR": str(scratch),
                        "DB_POSTGRES_URL": database.url,
                        "POSTGRES_PID": str(database.pid),
                        "BLUESKY_RATE_LIMITS": "1" if self._rate_limits else "0",
                    },
                    # Held open: the script ends itself when this process is gone.
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=(writer,),
                    start_new_session=True,
                )
            finally:
                os.close(writer)
            stack.callback(_stop, node)
            line = _first_line(ready.fileno(), START_SECONDS)
        if not line:
            state = f"was not ready in {START_SECONDS} s" if line is None else "ended at its start"
            raise NetworkError(
                f"the Bluesky network {state}; node {SCRIPT.name} said:\n{self._log.read_text()}"
            )
        addresses = json.loads(line)
        assert isinstance(addresses, dict)
        return addresses


def _first_line(descriptor: int, seconds: float) -> bytes | None:
    """One line from a pipe; empty when it closes before the line ends, None when time is up."""
    deadline = time.monotonic() + seconds
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return None
            part = os.read(descriptor, 4096)
            if not part:
                return b""
            line += part
    return line


def _stop(node: subprocess.Popen[bytes]) -> None:
    """End node and whatever it started: politely, then by force."""
    node.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):  # then by force
            node.wait(STOP_SECONDS)
    finally:
        # The group may be empty by now, and is then gone.
        with suppress(ProcessLookupError):
            os.killpg(node.pid, signal.SIGKILL)
        node.wait()
        if node.stdin is not None:
            node.stdin.close()
