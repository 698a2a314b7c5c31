"""Real servers on loopback: one that speaks HTTP, one that speaks whatever a test wants."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from net.client import HttpClient, Timeouts
from net.guard import AddressGuard


@dataclass
class Seen:
    method: str
    path: str
    headers: Message
    body: bytes


Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[Seen], Answer]


@dataclass
class Site:
    port: int
    seen: list[Seen] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [s.path for s in self.seen]


@contextmanager
def serve(handler: Handler, *, ssl_context: Any = None) -> Iterator[Site]:
    site = Site(0)

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            seen = Seen(self.command, self.path, self.headers, self.rfile.read(length))
            site.seen.append(seen)
            status, headers, body = handler(seen)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "content-length" not in {n.lower() for n in headers}:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the client has read enough

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, *_args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Requests)
    if ssl_context is not None:
        server.socket = ssl_context.wrap_socket(server.socket, server_side=True)
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def talk(conversation: Callable[[socket.socket], None]) -> Iterator[Site]:
    """A server that hands every connection to `conversation`."""
    site = Site(0)
    listener = socket.create_server(("127.0.0.1", 0))
    site.port = listener.getsockname()[1]

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            site.seen.append(Seen("", "", Message(), b""))
            with connection, suppress(OSError):
                conversation(connection)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def clock(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


def client(*sites: Site, time: Time | None = None, **more: Any) -> HttpClient:
    time = time or Time()
    more.setdefault("timeouts", Timeouts(connect=2, read=2, write=2, total=5))
    guard = more.pop("guard", None) or AddressGuard(f"127.0.0.1:{s.port}" for s in sites)
    return HttpClient(
        guard=guard,
        clock=time.clock,
        sleep=time.sleep,
        user_agent="Humas/0.1 (+https://example.org/bot)",
        random=lambda: 1.0,
        **more,
    )
