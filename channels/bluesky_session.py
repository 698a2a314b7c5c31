"""The session of a Bluesky account: kept, refreshed by one at a time, saved before it is used."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

from channels.api import Api, json_object
from channels.base import ChannelUnavailable, CredentialsRefused, PlatformRefused, TokenStore
from channels.outcome import error_name
from net.client import Response
from net.errors import HttpStatus

_LOGIN = "/xrpc/com.atproto.server.createSession"
_REFRESH = "/xrpc/com.atproto.server.refreshSession"

# Answers that say: the token is not good any more, and nothing was done. Checked before all else.
_STALE = frozenset({(400, "ExpiredToken"), (400, "InvalidToken"), (401, "ExpiredToken")})

# One refresh at a time for each account, whatever number of channels this process has of it.
_locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)


class BlueskySession:
    """Tokens of one account.

    Logging in is limited to 30 times in 5 minutes and 300 a day, so the session is kept in the
    store and refreshed; only where that fails is the app password used again.

    Args:
        api: the server that the account lives on.
        identifier: handle or DID.
        password: the app password.
        store: where the session is kept.
    """

    def __init__(self, api: Api, identifier: str, password: str, store: TokenStore) -> None:
        self._api = api
        self._identifier = identifier
        self._password = password
        self._store = store
        self._lock = _locks[(api.base_url, identifier)]

    def did(self) -> str:
        """The account's DID.

        Raises:
            ChannelError: there is no session yet and none can be had.
        """
        return self._tokens()["did"]

    def handle(self) -> str:
        """The account's handle as of the last log-in or refresh.

        Raises:
            ChannelError: there is no session yet and none can be had.
        """
        return self._tokens()["handle"]

    def authorized(self, call: Callable[[str], Response]) -> Response:
        """Run a call with an access token; once more with a new one if it had expired.

        A stale token is refused before the call is looked at, so the second run is no
        repetition even where the call has an effect.

        Raises:
            ChannelError: no session can be had.
            NetError, ChannelError: whatever the call raises.
        """
        token = self._tokens()["accessJwt"]
        try:
            return call(token)
        except HttpStatus as error:
            if (error.status, error_name(error)) not in _STALE:
                raise
        except (PlatformRefused, CredentialsRefused) as error:
            cause = error.__cause__
            if not isinstance(cause, HttpStatus) or (cause.status, error_name(cause)) not in _STALE:
                raise
        return call(self._renewed(token))

    def _tokens(self) -> dict[str, str]:
        tokens = self._load()
        if tokens:
            return tokens
        with self._lock, self._store.alone():
            return self._load() or self._login()

    def _renewed(self, stale: str) -> str:
        """A token other than the stale one."""
        with self._lock, self._store.alone():
            tokens = self._load()
            if tokens and tokens["accessJwt"] != stale:
                return tokens["accessJwt"]  # another thread or process was first
            renewed = self._refresh(tokens) if tokens else None
            return (renewed or self._login())["accessJwt"]

    def _refresh(self, tokens: dict[str, str]) -> dict[str, str] | None:
        """New tokens for the refresh token, None where it is not good any more."""
        try:
            answer = self._api.read("POST", _REFRESH, token=tokens["refreshJwt"])
        except (PlatformRefused, CredentialsRefused):
            current = self._load()
            if current and current["refreshJwt"] != tokens["refreshJwt"]:
                return current  # another process used it in the meantime and saved its successor
            return None
        return self._keep(answer)

    def _login(self) -> dict[str, str]:
        body = {"identifier": self._identifier, "password": self._password}
        try:
            answer = self._api.read("POST", _LOGIN, json=body)
        except PlatformRefused as error:
            raise CredentialsRefused(
                f"Bluesky does not let {self._identifier} log in: {error} "
                "Make a new app password and reconnect the account."
            ) from error
        return self._keep(answer)

    def _keep(self, answer: Response) -> dict[str, str]:
        body = json_object(answer)
        names = ("accessJwt", "refreshJwt", "did", "handle")
        tokens = {name: body.get(name) for name in names}
        if not all(isinstance(value, str) and value for value in tokens.values()):
            raise ChannelUnavailable(f"{answer.url} answered without a complete session.")
        kept = {name: str(value) for name, value in tokens.items()}
        kept["identifier"] = self._identifier
        self._store.save(kept)
        return kept

    def _load(self) -> dict[str, str]:
        """The stored session; empty where there is none or it belongs to another identifier."""
        tokens = self._store.load()
        complete = {"accessJwt", "refreshJwt", "did", "handle"} <= tokens.keys()
        return tokens if complete and tokens.get("identifier") == self._identifier else {}
