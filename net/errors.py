"""What can go wrong on the network, drawn as one tree.

NetError
├── NotSent                 certain: no byte of the request left this process
│   ├── AddressRefused      the guard refuses the address (private network, odd port, other scheme)
│   ├── Unreachable         name not found, connection refused, TLS handshake failed
│   └── InvalidRequest      the request itself cannot be written (bad URL, illegal header)
├── NoAnswer                sent, but no complete answer came back; harmless for reads
│   └── OutcomeUnknown      the same for a call that may have had an effect: settle it by a read
├── BadAnswer               an answer came that does not keep to HTTP (broken compression, no location)
├── TooLarge                the answer is larger than the caller's cap
├── TooManyRedirects        more hops than the cap
└── HttpStatus              a complete answer with an error status
    └── RateLimited         the server asks to wait (429); certainly not carried out

No message holds a credential: addresses and excerpts pass through `net.redact`.
"""

from __future__ import annotations

from datetime import datetime

import httpx

__all__ = [
    "AddressRefused",
    "BadAnswer",
    "HttpStatus",
    "InvalidRequest",
    "NetError",
    "NoAnswer",
    "NotSent",
    "OutcomeUnknown",
    "RateLimited",
    "TooLarge",
    "TooManyRedirects",
    "Unreachable",
]


class NetError(Exception):
    """Base of everything that the HTTP client raises."""


class NotSent(NetError):
    """No byte of the request left: it is safe to try again later."""


class AddressRefused(NotSent):
    """The guard against server-side request forgery does not admit this address."""


class Unreachable(NotSent):
    """The server could not be reached: nothing was sent."""


class InvalidRequest(NotSent):
    """The request cannot be written as HTTP: nothing was sent."""


class NoAnswer(NetError):
    """The request may have arrived, but no complete answer came back."""


class OutcomeUnknown(NoAnswer):
    """A call that may have an effect ended without a trustworthy answer.

    Never repeat it blindly: read from the platform whether the effect is there.

    Attributes:
        status: the HTTP status, if one was received before things went wrong.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class BadAnswer(NetError):
    """The server's answer cannot be read as HTTP."""


class TooLarge(NetError):
    """The answer is larger than the cap; reading stopped there.

    Attributes:
        limit: the cap in bytes.
    """

    def __init__(self, message: str, *, limit: int) -> None:
        super().__init__(message)
        self.limit = limit


class TooManyRedirects(NetError):
    """The server redirects more often than the cap allows."""


class HttpStatus(NetError):
    """A complete answer with an error status, or a redirect that must not be followed.

    Attributes:
        status: the HTTP status.
        headers: the answer's headers.
        body: the whole body as received (unredacted: for parsing, never for logs).
        excerpt: the beginning of the body with secrets removed, for people.
    """

    def __init__(
        self, message: str, *, status: int, headers: httpx.Headers, body: bytes, excerpt: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.body = body
        self.excerpt = excerpt


class RateLimited(HttpStatus):
    """The server refuses for now (429): the call was not carried out.

    Attributes:
        retry_at: the instant (UTC) from which the server will listen again, None if it did not say.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        headers: httpx.Headers,
        body: bytes,
        excerpt: str,
        retry_at: datetime | None,
    ) -> None:
        super().__init__(message, status=status, headers=headers, body=body, excerpt=excerpt)
        self.retry_at = retry_at
