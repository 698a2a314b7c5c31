"""Calling a platform's API: reads answer or raise `ChannelError`, effects raise `NetError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from channels.base import ChannelUnavailable
from channels.outcome import Rules, read_error
from net.client import FileField, Response
from net.errors import NetError

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
    """

    def __init__(self, http: Http, base_url: str, rules: Rules) -> None:
        self.base_url = base_url.rstrip("/")
        self.rules = rules
        self._http = http

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
            return self._http.request(
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
        except NetError as error:
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
        return self._http.request(
            method,
            self.base_url + path,
            may_have_effect=True,
            headers=_headers(token, headers),
            json=json,
        )


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
