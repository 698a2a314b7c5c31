"""The guard against server-side request forgery, as an httpx transport.

Addresses of websites, instances and media come from people and from other servers. The guard
admits http(s) on the standard ports to public addresses only, and connects to exactly the
address that it has checked, so that a second answer of the name server cannot lead elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpcore
import httpx

from net.errors import AddressRefused, Unreachable
from net.redact import redact

__all__ = ["AddressGuard", "GuardedTransport", "Resolver", "deadline", "is_public"]

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]
"""Takes host and port, returns the textual addresses in the order of preference."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE = ipaddress.IPv6Network("::/96")

_deadline: ContextVar[float | None] = ContextVar("net_deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let no read or write inside the block go on for longer than `seconds` in all.

    Blocks nest: the nearest end counts.
    """
    until, outer = time.monotonic() + seconds, _deadline.get()
    token = _deadline.set(until if outer is None else min(until, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


def resolve(host: str, port: int) -> list[str]:
    """Ask the system's name service for every address of `host`.

    Raises:
        Unreachable: the name does not exist or the name service does not answer.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(
            f"The name {host!r} was not found ({error}). Check its spelling, and that this machine"
            " reaches a name server."
        ) from None
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def is_public(address: IPAddress) -> bool:
    """Whether an address, and every IPv4 address wrapped in it, belongs to the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped: list[ipaddress.IPv4Address] = []
        if address.ipv4_mapped is not None:
            # The wrapper ::ffff:0:0/96 itself counts as reserved: only the content matters.
            return is_public(address.ipv4_mapped)
        if address.sixtofour is not None:
            wrapped.append(address.sixtofour)
        if address.teredo is not None:
            wrapped.extend(address.teredo)
        if address in _NAT64 or address in _V4_COMPATIBLE:
            wrapped.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.scope_id is not None or not all(is_public(inner) for inner in wrapped):
            return False
        if address in _NAT64:
            return True
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_link_local
        or address.is_loopback
        or address.is_private
    )


class AddressGuard:
    """Decides which addresses may be reached.

    Args:
        allow: pairs `host:port` (`127.0.0.1:8000`, `localhost:8000`, `[::1]:8000`) that may be
            loopback and on any port. Empty in production.
        resolver: the name service; a test passes its own.

    Raises:
        ValueError: an entry of `allow` is not `host:port`.
    """

    def __init__(self, allow: Iterable[str] = (), *, resolver: Resolver = resolve) -> None:
        self._allow = frozenset(_host_port(entry) for entry in allow)
        self._resolve = resolver

    def check_url(self, url: httpx.URL) -> None:
        """Refuse schemes and ports that no public website uses.

        Raises:
            AddressRefused: not http(s), no host, or a port other than 80 and 443.
        """
        shown = redact(str(url))
        if url.scheme not in ("http", "https"):
            raise AddressRefused(
                f"{shown} is not an http or https address. Give one that starts with https://."
            )
        if not url.host:
            raise AddressRefused(f"{shown} names no host. Give a complete address.")
        port = url.port or (443 if url.scheme == "https" else 80)
        if port not in (80, 443) and (_bare(url.host), port) not in self._allow:
            raise AddressRefused(
                f"{shown} uses port {port}; only 80 and 443 are admitted. Use the public address"
                " of the site, or put host:port on the allow-list outside production."
            )

    def addresses(self, host: str, port: int) -> list[str]:
        """Every address of `host`, all of them checked, ready to be connected to.

        Raises:
            AddressRefused: at least one address is not public.
            Unreachable: the name does not resolve.
        """
        host = _bare(host)
        found = self._resolve(host, port)
        if not found:
            raise Unreachable(f"The name {host!r} has no address. Check its spelling.")
        allowed = (host, port) in self._allow
        for text in found:
            address = ipaddress.ip_address(text)
            mapped = getattr(address, "ipv4_mapped", None) or address
            if not (is_public(address) or (allowed and mapped.is_loopback)):
                raise AddressRefused(
                    f"{host!r} leads to {text}, which is not a public address. Give the public"
                    " address of the site, or put host:port on the allow-list outside production."
                )
        return found


class _Stream(httpcore.NetworkStream):
    """A connection whose every read and write also keeps to the block's deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _remaining(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _remaining(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        limit = _remaining(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, limit))

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to the checked addresses themselves; names are never looked up a second time."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        last: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in self._guard.addresses(host, port):
            limit = _remaining(timeout, httpcore.ConnectTimeout)
            try:
                return _Stream(
                    self._inner.connect_tcp(address, port, limit, local_address, socket_options)
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        assert last is not None
        raise last


class GuardedTransport(httpx.BaseTransport):
    """An httpx transport that reaches admitted addresses only.

    Args:
        guard: decides about addresses.
        ssl_context: None for the usual public certificate authorities.
        keepalive: how many idle connections to keep; 0 gives every request a fresh one.
    """

    def __init__(
        self,
        guard: AddressGuard,
        *,
        ssl_context: ssl.SSLContext | None = None,
        keepalive: int = 10,
    ) -> None:
        self._guard = guard
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or httpx.create_ssl_context(trust_env=False),
            max_connections=20,
            max_keepalive_connections=keepalive,
            keepalive_expiry=5.0,
            network_backend=_PinnedBackend(guard),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; redirects are answers like any other here."""
        self._guard.check_url(request.url)
        assert isinstance(request.stream, httpx.SyncByteStream)
        url = request.url
        with _as_httpx():
            answer = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        assert isinstance(answer.stream, Iterable)
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, inner: Iterable[bytes]) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._inner

    def close(self) -> None:
        close = getattr(self._inner, "close", None)
        if close is not None:
            close()


# Specific classes first: the first that fits is taken.
_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.ReadTimeout, httpx.ReadTimeout),
    (httpcore.WriteTimeout, httpx.WriteTimeout),
    (httpcore.PoolTimeout, httpx.PoolTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.ReadError, httpx.ReadError),
    (httpcore.WriteError, httpx.WriteError),
    (httpcore.LocalProtocolError, httpx.LocalProtocolError),
    (httpcore.RemoteProtocolError, httpx.RemoteProtocolError),
    (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol),
)


@contextmanager
def _as_httpx() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        for ours, theirs in _ERRORS:
            if isinstance(error, ours):
                raise theirs(str(error)) from error
        raise


def _remaining(timeout: float | None, error: type[Exception]) -> float | None:
    """The shorter of the step's own time-out and what the deadline leaves."""
    until = _deadline.get()
    if until is None:
        return timeout
    left = until - time.monotonic()
    if left <= 0:
        raise error("the time allowed for the whole call is over")
    return left if timeout is None else min(left, timeout)


def _bare(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _host_port(entry: str) -> tuple[str, int]:
    host, separator, port = entry.strip().rpartition(":")
    if not separator or not host or not port.isdigit():
        raise ValueError(f"{entry!r} on the allow-list is not host:port. Write 127.0.0.1:8000.")
    return _bare(host), int(port)
