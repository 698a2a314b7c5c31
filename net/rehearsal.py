"""A client that does everything but the effect, for dry runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from net.redact import redact
from net.response import Response

__all__ = ["RehearsalHttp", "Rehearsed", "WireRequest"]


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request as it would leave, secrets removed; bytes are told by size and digest."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


class Rehearsed(Exception):
    """A call with an effect was about to be sent. Outside `NetError`: it is no outcome."""

    def __init__(self, wire: WireRequest) -> None:
        super().__init__(f"{wire.method} {wire.url} was not sent: this is a dry run.")
        self.wire = wire


class _Http(Protocol):
    @property
    def request(self) -> Callable[..., Response]:
        """Sends a request; see `HttpClient.request`."""
        ...


class RehearsalHttp:
    """Passes calls without effect on and stops the others.

    Args:
        http: the client for reads, log-ins and uploads; nothing of those is public.
    """

    def __init__(self, http: _Http) -> None:
        self._http = http

    def request(self, method: str, url: str, *, may_have_effect: bool, **options: Any) -> Response:
        """Send a call without effect.

        Raises:
            Rehearsed: the call may have an effect; it carries what would have left.
        """
        if not may_have_effect:
            return self._http.request(method, url, may_have_effect=False, **options)
        headers: Mapping[str, str] = options.get("headers") or {}
        content = options.get("content")
        body = options.get("json") if content is None else _bytes(content)
        raise Rehearsed(
            WireRequest(
                method.upper(),
                redact(url),
                {
                    name: redact(f"{name}={value}").partition("=")[2]
                    for name, value in headers.items()
                },
                body,
            )
        )


def _bytes(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
