"""What guards every answer and every request: headers, a cap on bodies, a brake on logins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX = 12_000_000  # bytes; a form with one picture
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class BodyTooLarge(Exception):
    """A request is larger than any form of ours."""


class Guard:
    """ASGI middleware: security headers on every answer, and no body larger than `BODY_MAX`."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        """Wrap an application; `https` adds Strict-Transport-Security."""
        self._app = app
        self._headers = dict(HEADERS)
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > BODY_MAX:
                raise BodyTooLarge
            return message

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith(("/static/", "/media/")):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > BODY_MAX:
            await _too_large(guarded)
            return
        try:
            await self._app(scope, counted, guarded)
        except BodyTooLarge:
            if started:
                raise
            await _too_large(guarded)


async def _too_large(send: Send) -> None:
    text = f"The request is larger than {BODY_MAX // 1_000_000} MB. Send a smaller picture.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


class LoginBrake:
    """Counts failed logins per network address and e-mail address, in this process.

    Attributes of the rule: `tries` failures per pair within `seconds`, and ten times as many per
    network address alone, so that one address cannot go through a list of people either.
    """

    def __init__(
        self,
        tries: int = 5,
        seconds: float = 900,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the rule and a clock in seconds."""
        self._tries = tries
        self._seconds = seconds
        self._now = now
        self._failures: dict[tuple[str, str], list[float]] = {}
        self._lock = threading.Lock()

    def wait_seconds(self, address: str, email: str) -> int:
        """How long this pair has to wait; 0 when it may try."""
        with self._lock:
            self._forget()
            waits = [
                times[-limit] + self._seconds - self._now()
                for key, limit in self._rules(address, email)
                if len(times := self._failures.get(key, [])) >= limit
            ]
        return max(1, round(max(waits))) if waits else 0

    def failed(self, address: str, email: str) -> None:
        """Remember a failure."""
        with self._lock:
            for key, _ in self._rules(address, email):
                self._failures.setdefault(key, []).append(self._now())

    def succeeded(self, address: str, email: str) -> None:
        """Forget the pair's failures; those of the network address stay."""
        with self._lock:
            self._failures.pop((address, email.strip().lower()), None)

    def _rules(self, address: str, email: str) -> tuple[tuple[tuple[str, str], int], ...]:
        return (
            ((address, email.strip().lower()), self._tries),
            ((address, ""), self._tries * 10),
        )

    def _forget(self) -> None:
        oldest = self._now() - self._seconds
        for key in list(self._failures):
            self._failures[key] = [at for at in self._failures[key] if at > oldest]
            if not self._failures[key]:
                del self._failures[key]
