"""A proxy that cuts, delays, doubles and resets requests: `python -m tests.chaos.proxy PORT UPSTREAM SEED`.

It stands between Humas and a platform's server. Each request meets a fate drawn from `FATES`; what
the server did with it stands, whatever the sender gets to hear.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import subprocess
import sys
from collections import Counter
from typing import Self
from urllib.parse import urlsplit

import httpx

from tests.spine.processes import ROOT
from tests.waiting import free_port, wait_until

CONTROL = "/_proxy/"
FATES = {  # weight of each
    "passed": 62,
    "delayed before": 6,
    "delayed after": 6,
    "reset before": 6,
    "reset after": 8,
    "cut in the answer": 4,
    "502 before": 3,
    "502 after": 3,
    "sent twice": 2,
}
SLOWEST = 2.0  # seconds of a delay
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: the connection ends with a reset


class Proxy:
    """Forwards to one server, a connection per request."""

    def __init__(self, host: str, port: int, seed: int) -> None:
        self._upstream = (host, port)
        self._random = random.Random(seed)
        self._calm = True
        self._counts: Counter[str] = Counter()

    async def serve(self, port: int) -> None:
        """Forward until the process ends."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", port, backlog=256)
        async with server:
            await server.serve_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            path = lines[0].split(" ")[1]
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            if path.startswith(CONTROL):
                writer.write(self._control(path.removeprefix(CONTROL)))
            else:
                await self._meet(_closing(lines) + body, writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self._counts["the sender was gone"] += 1
        finally:
            writer.close()

    def _control(self, word: str) -> bytes:
        if word in ("calm", "storm"):
            self._calm = word == "calm"
        data = json.dumps(self._counts).encode()
        return (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(data) + data
        )

    async def _meet(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        """Let a request meet its fate."""
        fate = "passed"
        if not self._calm:
            fate = self._random.choices(list(FATES), weights=list(FATES.values()))[0]
            self._counts[fate] += 1
        if fate == "reset before":
            return _reset(writer)
        if fate == "502 before":
            return writer.write(BAD_GATEWAY)
        if fate == "delayed before":
            await asyncio.sleep(self._random.uniform(0.05, SLOWEST))
        answer = await self._forward(request)
        if fate == "sent twice":
            answer = await self._forward(request)
        if fate == "delayed after":
            await asyncio.sleep(self._random.uniform(0.05, SLOWEST))
        if fate == "reset after":
            return _reset(writer)
        if fate == "502 after":
            return writer.write(BAD_GATEWAY)
        if fate == "cut in the answer":
            answer = answer[: len(answer) - max(1, len(answer) // 3)]
        return writer.write(answer)

    async def _forward(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()


def _closing(lines: list[str]) -> bytes:
    """The head of a request after whose answer the server hangs up."""
    kept = [line for line in lines if line and not line.lower().startswith("connection:")]
    return "\r\n".join([*kept, "Connection: close", "", ""]).encode("latin-1")


def _reset(writer: asyncio.StreamWriter) -> None:
    channel = writer.get_extra_info("socket")
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


class FaultyProxy:
    """The proxy as a process of its own, calm at first. Use it as a context manager."""

    def __init__(self, upstream: str, seed: int) -> None:
        self._upstream = upstream
        self._seed = seed
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.chaos.proxy", str(self.port), self._upstream]
        self._process = subprocess.Popen([*command, str(self._seed)], cwd=ROOT)
        wait_until(self._answers, 20, "the proxy answers")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _answers(self) -> bool:
        try:
            self.tell("calm")
        except httpx.TransportError:
            return False
        return True

    def tell(self, word: str) -> dict[str, int]:
        """`storm` or `calm` it; any other word changes nothing.

        Returns:
            How many requests met each fate so far.
        """
        counts: dict[str, int] = httpx.get(self.url + CONTROL + word, timeout=20).json()
        return counts


if __name__ == "__main__":
    where = urlsplit(sys.argv[2])
    assert where.hostname and where.port
    host = "127.0.0.1" if where.hostname == "localhost" else where.hostname
    asyncio.run(Proxy(host, where.port, int(sys.argv[3])).serve(int(sys.argv[1])))
