"""A Mastodon-like instance that answers everything after a set time: `python -m tests.bench.instance`.

It notes when each request arrived. Only what a benchmark needs of the API is there.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Self

import httpx

from tests.spine.processes import ROOT
from tests.waiting import free_port, wait_until

SEEN = "/_seen"
INSTANCE = {"configuration": {"statuses": {"max_characters": 500}}}


class Server:
    """Answers requests, each `delay` seconds after it arrived."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._posts: list[tuple[str, float]] = []
        self._others: Counter[str] = Counter()

    async def serve(self, port: int) -> None:
        """Answer until the process ends."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", port, backlog=256)
        async with server:
            await server.serve_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the client has gone
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        arrived = time.time()
        method, path, _ = head[0].split(" ", 2)
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        answer: Any
        if path == SEEN:
            answer = {"posts": self._posts, "others": self._others}
        else:
            answer = self._answer(method, path, body, arrived)
            await asyncio.sleep(max(0.0, arrived + self._delay - time.time()))
        data = json.dumps(answer).encode()
        keeps = headers.get("connection", "").lower() != "close"
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            + f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        await writer.drain()
        return keeps

    def _answer(self, method: str, path: str, body: bytes, arrived: float) -> dict[str, Any]:
        if (method, path) != ("POST", "/api/v1/statuses"):
            self._others[f"{method} {path}"] += 1
            return INSTANCE
        self._posts.append((json.loads(body)["status"], arrived))
        number = str(len(self._posts))
        return {"id": number, "url": f"https://instance.example/{number}"}


@dataclass(frozen=True)
class Seen:
    """What arrived: the text and instant (seconds since 1970) of each post; counts of the rest."""

    posts: list[tuple[str, float]]
    others: dict[str, int]


class Instance:
    """The instance as a process of its own. Use it as a context manager."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.instance", str(self.port), str(self._delay)],
            cwd=ROOT,
        )
        wait_until(self._answers, 20, "the instance answers")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _answers(self) -> bool:
        try:
            self.seen()
        except httpx.TransportError:
            return False
        return True

    def seen(self) -> Seen:
        """What has arrived so far."""
        answer = httpx.get(self.url + SEEN, timeout=20).json()
        posts = [(str(text), float(arrived)) for text, arrived in answer["posts"]]
        return Seen(posts, answer["others"])


if __name__ == "__main__":
    asyncio.run(Server(float(sys.argv[2])).serve(int(sys.argv[1])))
