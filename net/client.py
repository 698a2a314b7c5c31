"""The one HTTP client: it knows which calls may have an effect and never repeats those.

A call that may have an effect ends in exactly one of four ways: a `Response`; an error of the
`NotSent` family (certain that nothing left); `HttpStatus` (the server refused, nothing was done);
`OutcomeUnknown` (anything else once the first byte could have left).
"""

from __future__ import annotations

import random as randomlib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

from net.body import read_body
from net.errors import (
    BadAnswer,
    HttpStatus,
    InvalidRequest,
    NetError,
    NoAnswer,
    OutcomeUnknown,
    RateLimited,
    TooLarge,
    TooManyRedirects,
    Unreachable,
)
from net.guard import AddressGuard, GuardedTransport, deadline
from net.rates import retry_after
from net.redact import redact
from net.response import Response, Timeouts

__all__ = ["HttpClient", "Response", "Timeouts"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
_MAX_REDIRECTS = 5
_EXCERPT = 500
# What may accompany a redirect to another origin: nothing that says who asks.
_ANONYMOUS = frozenset({"accept", "accept-language", "user-agent", "accept-encoding", "range"})
_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "x-api-key", "dpop")

FileField = tuple[str, bytes, str]
"""File name, content, media type."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One request as it is sent to one address."""

    method: str
    url: str
    effect: bool
    options: dict[str, Any]
    headers: httpx.Headers
    secrets: tuple[str, ...]
    max_bytes: int

    @property
    def shown(self) -> str:
        return f"{self.method} {redact(self.url, self.secrets)}"


class HttpClient:
    """Sends requests to admitted addresses.

    Args:
        guard: decides which addresses may be reached.
        clock: the present instant, with time zone.
        sleep: waits so many seconds.
        user_agent: says who asks, with an address for questions.
        timeouts: see `Timeouts`.
        max_bytes: the usual cap on an answer's size.
        tries: how often a call without effect is tried in all.
        max_wait: longest pause between tries in seconds; a server that asks for more gets
            `RateLimited` or `HttpStatus` raised instead.
        random: a number in [0, 1) for the jitter.
        ssl_context: None for the usual public certificate authorities.
    """

    def __init__(
        self,
        *,
        guard: AddressGuard,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        user_agent: str,
        timeouts: Timeouts | None = None,
        max_bytes: int = 10_000_000,
        tries: int = 3,
        max_wait: float = 30.0,
        random: Callable[[], float] = randomlib.random,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._user_agent = user_agent
        self._timeouts = timeouts or Timeouts()
        self._max_bytes = max_bytes
        self._tries = tries
        self._max_wait = max_wait
        self._random = random
        self._reads = GuardedTransport(guard, ssl_context=ssl_context)
        # A kept connection may have died unseen; an effect on it would end as unknown for nothing.
        self._effects = GuardedTransport(guard, ssl_context=ssl_context, keepalive=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._reads.close()
        self._effects.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        may_have_effect: bool,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | int | bool | Sequence[str]] | None = None,
        content: bytes | None = None,
        json: object = None,
        data: Mapping[str, str | Sequence[str]] | None = None,
        files: Mapping[str, FileField] | None = None,
        max_bytes: int | None = None,
        follow: bool | Callable[[str], bool] = True,
        secrets: Sequence[str] = (),
    ) -> Response:
        """Send a request and read the whole answer.

        Args:
            method: the HTTP method.
            url: an absolute http(s) address; `params` are added to its query.
            may_have_effect: True for everything that people could see or feel: publish, answer,
                like, delete. Such a call is sent once, on a fresh connection, and follows no
                redirect. False for reads, log-ins and uploads, which may be repeated.
            headers: more headers; across origins a redirect drops all that say who asks.
            params: the query.
            content: the body as bytes (or one of `json`, `data` for a form, `files`).
            json: the body as a JSON value.
            data: form fields.
            files: form files by field name.
            max_bytes: cap on the answer's size, instead of the client's own.
            follow: whether to follow redirects, or a function that says so for each absolute
                address; an answer not followed is returned as it is.
            secrets: values that must not stand in any message, besides the credentials that
                the headers carry.

        Raises:
            NotSent: nothing left: `AddressRefused`, `Unreachable`, `InvalidRequest`.
            OutcomeUnknown: a call that may have an effect ended unclear, a 5xx included.
            NoAnswer: a read got no complete answer, in any of its tries.
            RateLimited: status 429.
            HttpStatus: another status of 400 or more (for effects also 3xx, without 5xx).
            TooLarge: a read's answer exceeds the cap.
            TooManyRedirects: more than five hops.
            BadAnswer: a read's answer does not keep to HTTP.
        """
        options = {"content": content, "json": json, "data": data, "files": files}
        all_headers = httpx.Headers(
            {"user-agent": self._user_agent, "accept": "*/*", "accept-encoding": "gzip"}
        )
        hidden = tuple(secrets)
        try:
            all_headers.update(headers)
            target = httpx.URL(url)
            if params:
                target = target.copy_merge_params(params)
        except (httpx.InvalidURL, UnicodeError, TypeError, ValueError) as error:
            reason = type(error).__name__
        else:
            reason = ""
        if reason:
            raise InvalidRequest(
                f"{method} {redact(url, hidden)} cannot be sent ({reason}). Mend the address or"
                " the headers."
            )
        call = _Call(
            method=method.upper(),
            url=str(target),
            effect=may_have_effect,
            options={k: v for k, v in options.items() if v is not None},
            headers=all_headers,
            secrets=hidden + _carried(all_headers),
            max_bytes=self._max_bytes if max_bytes is None else max_bytes,
        )
        if may_have_effect:
            return self._send(call)
        return self._repeat(call, follow)

    def _repeat(self, call: _Call, follow: bool | Callable[[str], bool]) -> Response:
        """Try a call without effect until it succeeds or the tries are used up."""
        tried = 0
        while True:
            tried += 1
            try:
                return self._walk(call, follow)
            except (Unreachable, NoAnswer, HttpStatus) as error:
                wait = self._pause(error, tried)
                if tried >= self._tries or wait is None:
                    raise
            self._sleep(wait)

    def _pause(self, error: NetError, tried: int) -> float | None:
        """Seconds until the next try, None if there should be none."""
        backoff = min(self._max_wait, 0.5 * 2.0 ** (tried - 1)) * (0.5 + 0.5 * self._random())
        if not isinstance(error, HttpStatus):
            return backoff
        if error.status not in _TRY_AGAIN:
            return None
        now = self._clock()
        asked = retry_after(error.headers, now)
        if asked is None:
            return backoff
        wait = (asked - now).total_seconds()
        return None if wait > self._max_wait else max(wait, backoff)

    def _walk(self, call: _Call, follow: bool | Callable[[str], bool]) -> Response:
        """Follow redirects by hand, so that the guard sees every hop."""
        with deadline(self._timeouts.total):
            for _ in range(_MAX_REDIRECTS + 1):
                response = self._send(call)
                if response.status not in _REDIRECTS:
                    return response
                where = _location(response, call)
                if not (follow(where) if callable(follow) else follow):
                    return response
                call = _hop(call, response, where)
        raise TooManyRedirects(
            f"{call.shown}: more than {_MAX_REDIRECTS} redirects in a row. Give the final address."
        )

    def _send(self, call: _Call) -> Response:
        """One request, one answer; every error classified by how far it got."""
        sent = written = False
        status: int | None = None

        def trace(event: str, _info: Mapping[str, Any]) -> None:
            nonlocal sent, written
            sent = sent or event.endswith("send_request_headers.started")
            written = written or event.endswith("send_request_headers.complete")

        steps = self._timeouts
        timeout = {
            "connect": steps.connect,
            "read": steps.read,
            "write": steps.write,
            "pool": steps.connect,
        }
        try:
            request = httpx.Request(
                call.method,
                call.url,
                headers=call.headers,
                extensions={"timeout": timeout, "trace": trace},
                **call.options,
            )
            with deadline(steps.total):
                transport = self._effects if call.effect else self._reads
                answer = transport.handle_request(request)
                answer.request = request
                status = answer.status_code
                try:
                    body = read_body(answer, call.max_bytes, call.shown)
                finally:
                    answer.close()
            failure: NetError | None = None
        except httpx.TransportError as error:
            illegal = isinstance(error, httpx.LocalProtocolError) and not written
            failure = _failure(call, error, sent=sent and not illegal, illegal=illegal)
        except (TooLarge, BadAnswer) as error:
            failure = OutcomeUnknown(str(error), status=status) if call.effect else error
        except (httpx.InvalidURL, UnicodeError, TypeError) as error:
            failure = InvalidRequest(
                f"{call.shown} cannot be written ({type(error).__name__}). Mend the request."
            )
        # Raised out here so that no context with the request's headers hangs on the error.
        if failure is not None:
            if not (call.effect and status is not None and 400 <= status < 500):
                if isinstance(failure, OutcomeUnknown):
                    failure.status = status
                raise failure
            body = b""  # the refusal is certain even though its text broke off
        assert status is not None
        return self._judge(call, Response(status, answer.headers, body, call.url))

    def _judge(self, call: _Call, response: Response) -> Response:
        """Turn error statuses into errors."""
        status = response.status
        if status < 400 and not (call.effect and status in _REDIRECTS):
            return response
        excerpt = redact(response.body[: 4 * _EXCERPT].decode("utf-8", "replace"), call.secrets)
        excerpt = excerpt[:_EXCERPT]
        # An error page for browsers tells people nothing that its status does not.
        page = "html" in response.headers.get("content-type", "")
        said = f" and says: {excerpt}" if excerpt.strip() and not page else ""
        if call.effect and status >= 500:
            raise OutcomeUnknown(
                f"{call.shown} answered {status}{said}. It is not known whether it was carried"
                " out: look on the platform before trying again.",
                status=status,
            )
        if status == 429:
            retry_at = retry_after(response.headers, self._clock())
            when = f"after {retry_at:%Y-%m-%d %H:%M:%S} UTC" if retry_at else "later"
            raise RateLimited(
                f"{call.shown} was refused for now (429){said}. Try again {when}.",
                status=status,
                headers=response.headers,
                body=response.body,
                excerpt=excerpt,
                retry_at=retry_at,
            )
        raise _status_error(call, response, excerpt, f"{call.shown} answered {status}{said}.")


def _failure(call: _Call, error: httpx.TransportError, *, sent: bool, illegal: bool) -> NetError:
    detail = redact(f"{type(error).__name__}: {error}", call.secrets).rstrip(": ")
    if illegal:
        # The library's message quotes the header's value, so it is left out.
        return InvalidRequest(f"{call.shown} was not sent: a header is illegal. Mend it.")
    if not sent:
        return Unreachable(
            f"{call.shown} was not sent, the server cannot be reached ({detail}). Check the"
            " address and the connection, then try again."
        )
    if call.effect:
        return OutcomeUnknown(
            f"{call.shown} was sent but got no complete answer ({detail}). Look on the platform"
            " whether it was carried out before trying again."
        )
    return NoAnswer(f"{call.shown} got no complete answer ({detail}). Try again later.")


def _status_error(call: _Call, response: Response, excerpt: str, message: str) -> HttpStatus:
    return HttpStatus(
        message,
        status=response.status,
        headers=response.headers,
        body=response.body,
        excerpt=redact(excerpt, call.secrets),
    )


def _location(response: Response, call: _Call) -> str:
    try:
        where = response.location
    except httpx.InvalidURL:
        where = None
    if where is None:
        raise BadAnswer(
            f"{call.shown} answered {response.status} without a usable location. Give the final"
            " address."
        )
    return where


def _hop(call: _Call, response: Response, where: str) -> _Call:
    """The request for the next address of a redirect."""
    here, there = httpx.URL(call.url), httpx.URL(where)
    method, options, headers = call.method, call.options, call.headers.copy()
    same = (here.scheme, here.host, here.port) == (there.scheme, there.host, there.port)
    if response.status == 303 or (response.status in (301, 302) and method == "POST"):
        method = "HEAD" if method == "HEAD" else "GET"
        options = {}
    if not same:
        if options:
            raise _status_error(
                call,
                response,
                "",
                f"{call.shown} redirects to {redact(where, call.secrets)}, another origin; the"
                " body is not sent there. Give the final address.",
            )
        headers = httpx.Headers({k: v for k, v in headers.items() if k.lower() in _ANONYMOUS})
    return _Call(method, where, call.effect, options, headers, call.secrets, call.max_bytes)


def _carried(headers: httpx.Headers) -> tuple[str, ...]:
    """The credentials in a request's headers, whole and without their scheme."""
    found: list[str] = []
    for name in _SECRET_HEADERS:
        value = headers.get(name)
        if value:
            found += [value, value.rpartition(" ")[2]]
    return tuple(found)
