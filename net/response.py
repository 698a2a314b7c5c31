"""What a caller of the HTTP client gets back, and how long it may take."""

from __future__ import annotations

import json as jsonlib
from dataclasses import dataclass, field
from typing import Any

import httpx

from net.errors import BadAnswer
from net.redact import redact

__all__ = ["Response", "Timeouts"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each step, and for the whole of one try including its redirects."""

    connect: float = 10.0
    read: float = 30.0
    write: float = 30.0
    total: float = 120.0


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer.

    Attributes:
        status: 2xx or 304; 3xx only where the caller did not want it followed.
        headers: names compare without regard to case.
        body: the decompressed bytes.
        url: the address that answered, after redirects.
    """

    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)
    url: str = field(repr=False)

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            BadAnswer: it is not JSON.
        """
        try:
            return jsonlib.loads(self.body)
        except ValueError:
            raise BadAnswer(
                f"{redact(self.url)} answered {self.status}, but not in JSON. Check that the"
                " address is that of the API."
            ) from None

    @property
    def location(self) -> str | None:
        """Where a redirect leads, as an absolute address."""
        target = self.headers.get("location")
        return None if target is None else str(httpx.URL(self.url).join(target))
