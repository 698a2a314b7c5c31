"""Scripted answers in place of the network."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from channels.base import SendRequest
from domain.action import ActionKind
from net.client import Response
from net.errors import HttpStatus, NetError, RateLimited

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Call:
    """One request as it was sent."""

    method: str
    path: str
    effect: bool
    options: dict[str, Any]

    @property
    def token(self) -> str:
        return str(self.options["headers"].get("Authorization", "")).removeprefix("Bearer ")


Answer = Response | NetError | Callable[[Call], "Response | NetError"]


@dataclass
class FakeHttp:
    """Answers by method and path; a list is used up one by one, its last answer stays."""

    routes: dict[str, list[Answer]]
    calls: list[Call] = field(default_factory=list)

    def request(self, method: str, url: str, *, may_have_effect: bool, **options: Any) -> Response:
        path = "/" + url.split("/", 3)[3]
        call = Call(method, path, may_have_effect, options)
        self.calls.append(call)
        script = self.routes[f"{method} {path}"]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if callable(answer):
            answer = answer(call)
        if isinstance(answer, NetError):
            raise answer
        return answer

    def effects(self) -> list[Call]:
        return [call for call in self.calls if call.effect]

    def to(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]


def ok(body: object, status: int = 200, **headers: str) -> Response:
    return Response(status, httpx.Headers(headers), jsonlib.dumps(body).encode(), "https://x.test/")


def refusal(status: int, name: str | None = None, message: str = "no") -> HttpStatus:
    body = (
        b"<html>" if name is None else jsonlib.dumps({"error": name, "message": message}).encode()
    )
    kind: dict[str, Any] = {
        "status": status,
        "headers": httpx.Headers(),
        "body": body,
        "excerpt": body.decode(),
    }
    if status == 429:
        return RateLimited(f"answered {status}", retry_at=NOW, **kind)
    return HttpStatus(f"answered {status}", **kind)


def request(text: str = "Halo", **changes: Any) -> SendRequest:
    values: dict[str, Any] = {
        "kind": ActionKind.POST,
        "client_key": "3mabcdefghijk",
        "client_time": NOW,
        "text": text,
    }
    return SendRequest(**(values | changes))
