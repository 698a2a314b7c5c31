"""Calling a platform's API: reads answer or raise `ChannelError`, effects raise `NetError`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from channels.base import Budgets, ChannelUnavailable
from channels.outcome import Rules, read_error
from net.client import FileField, Response
from net.errors import HttpStatus, NetError
from net.rates import rate_budget, retry_after

Params = Mapping[str, str | int | bool | Sequence[str]]


class Http(Protocol):
    """What a channel needs of `net.client.HttpClient`."""

    def request(
        self,
        method: str,
        url: str,
        *,
        may_have_effect: bool,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        content: bytes | None = None,
        json: object = None,
        files: Mapping[str, FileField] | None = None,
        data: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Response:
        """Send a request and read the whole answer; see `HttpClient.request`."""
        ...


class Api:
    """One server's API.

    Args:
        http: the client.
        base_url: address of the server, with or without a slash at its end.
        rules: the platform's table of refusals.
        clock: the present instant, with time zone.
        budgets: who is told that the account may not call for a while.
    """

    def __init__(
        self,
        http: Http,
        base_url: str,
        rules: Rules,
        *,
        clock: Callable[[], datetime],
        budgets: Budgets,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.rules = rules
        self._http = http
        self._clock = clock
        self._budgets = budgets

    def read(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        json: object = None,
        files: Mapping[str, FileField] | None = None,
        data: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Response:
        """A call that nobody outside sees (reads, uploads); the client may repeat it.

        Raises:
            ChannelError: whatever went wrong, in the words of this package.
        """
        try:
            return self._counted(
                self._http.request(
                    method,
                    self.base_url + path,
                    may_have_effect=False,
                    headers=_headers(token, headers),
                    params=params,
                    content=content,
                    json=json,
                    files=files,
                    data=data,
                )
            )
        except NetError as error:
            self._refused(error)
            raise read_error(error, self.rules) from error

    def effect(
        self,
        method: str,
        path: str,
        *,
        token: str,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """A call that has an effect: sent once, never repeated.

        Raises:
            NetError: for `outcome_of` to judge.
        """
        try:
            return self._counted(
                self._http.request(
                    method,
                    self.base_url + path,
                    may_have_effect=True,
                    headers=_headers(token, headers),
                    json=json,
                )
            )
        except NetError as error:
            self._refused(error)
            raise

    def _counted(self, answer: Response) -> Response:
        """Heed the budget that an answer names, before the platform has to refuse a call."""
        now = self._clock()
        self._wait(rate_budget(answer.headers, now).spent_until(now))
        return answer

    def _refused(self, error: NetError) -> None:
        if isinstance(error, HttpStatus):
            now = self._clock()
            read = retry_after(error.headers, now) if error.status == 429 else None
            self._wait(read or rate_budget(error.headers, now).spent_until(now))

    def _wait(self, until: datetime | None) -> None:
        if until is not None:
            reason = f"The account has used up what {self.base_url} allows for now."
            self._budgets.spent(until, reason)


def json_object(response: Response) -> dict[str, Any]:
    """The answer to a read as a JSON object.

    Raises:
        ChannelUnavailable: it is something else, such as a page of a proxy.
    """
    body = _json(response)
    if not isinstance(body, dict):
        raise ChannelUnavailable(f"{response.url} answered with JSON that is not an object.")
    return body


def json_list(response: Response) -> list[dict[str, Any]]:
    """The answer to a read as a list of JSON objects.

    Raises:
        ChannelUnavailable: it is something else.
    """
    body = _json(response)
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise ChannelUnavailable(f"{response.url} answered with JSON that is not a list.")
    return body


def member(body: dict[str, Any], name: str) -> Any:
    """A member that the platform promises in its answer to a read.

    Raises:
        ChannelUnavailable: the answer has none.
    """
    try:
        return body[name]
    except KeyError:
        raise ChannelUnavailable(f"The platform's answer has no member {name!r}.") from None


def _json(response: Response) -> Any:
    try:
        return response.json()
    except NetError as error:
        raise ChannelUnavailable(str(error)) from error


def _headers(token: str | None, more: Mapping[str, str] | None) -> dict[str, str]:
    headers = dict(more or {})
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return headers
