"""Credentials that are refused at once or revoked later, behind the real channels."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.base import ChannelError
from domain.action import ActionState
from domain.approval import Verb
from domain.brand import BrandProfile
from storage.tables import ChannelAccount
from storage.uow import Database
from tests.fakes import ListWaker
from tests.real_parts import (
    HTML,
    JSON,
    kept,
    real_room,
)
from tests.rooms import Room
from tests.unit.net.loopback import Answer, Seen, serve
from workflows import intake
from workflows.accounts import connect_account
from workflows.items import Draft
from workflows.start import compose_post

pytestmark = pytest.mark.db


@dataclass
class Instance:
    """A Mastodon instance with one account; give it to `serve` as the handler."""

    tokens: set[str] = field(default_factory=set)
    posts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __call__(self, seen: Seen) -> Answer:
        path = seen.path.split("?")[0]
        if path.endswith("/instance"):
            return self._json(200, {"configuration": {}})
        if (seen.headers.get("authorization") or "").removeprefix("Bearer ") not in self.tokens:
            return self._json(401, {"error": "The access token is invalid"})
        if path == "/api/v1/accounts/verify_credentials":
            return self._json(200, {"id": "7", "acct": "kopi", "username": "kopi"})
        if path == "/api/v1/statuses" and seen.method == "POST":
            key = str(seen.headers["idempotency-key"])
            status = {"id": str(len(self.posts) + 1), "url": f"https://x.example/{key}"}
            return self._json(200, self.posts.setdefault(key, status | json.loads(seen.body)))
        if path == "/api/v1/notifications":
            return self._json(200, [])
        return self._json(404, {"error": "Record not found"})

    def _json(self, status: int, body: Any) -> Answer:
        return status, JSON, json.dumps(body).encode()


def connect(room: Room, platform: str, address: str, secret: str) -> ChannelAccount:
    return connect_account(
        room.services,
        room.workspace_id,
        room.owner,
        room.brand_id,
        platform,
        address,
        "kopi",
        secret,
    )[0]


def bluesky(_seen: Seen) -> Answer:
    body = {"error": "AuthenticationRequired", "message": "Invalid identifier or password"}
    return 401, JSON, json.dumps(body).encode()


def no_instance(_seen: Seen) -> Answer:
    return 200, HTML, b"<html>Selamat datang</html>"


@pytest.mark.parametrize(
    ("platform", "server", "said"),
    [
        ("mastodon", Instance(), "Reconnect the account"),
        ("bluesky", bluesky, "app password|Reconnect the account"),
        ("mastodon", no_instance, "/api/v1/accounts/verify_credentials"),
    ],
    ids=["mastodon", "bluesky", "no instance"],
)
def test_wrong_credentials_are_refused_and_not_stored(
    platform: str,
    server: Callable[[Seen], Answer],
    said: str,
    database: Database,
    database_url: str,
    waker: ListWaker,
) -> None:
    profile = BrandProfile(name="Kopi Senja")
    with serve(server) as site:
        hosts = (f"127.0.0.1:{site.port}",)
        with real_room(database, database_url, waker, profile, allow_hosts=hosts) as room:
            before = kept(room)
            with pytest.raises(ChannelError, match=said) as caught:
                connect(room, platform, site.url, "wrong-secret")
            assert f"127.0.0.1:{site.port}" in str(caught.value)
            assert "wrong-secret" not in str(caught.value)
            assert kept(room) == before


def test_an_instance_inside_is_not_asked(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    with serve(Instance({"token"})) as secret:
        profile = BrandProfile(name="Kopi Senja")
        with real_room(database, database_url, waker, profile) as room:
            before = kept(room)
            with pytest.raises(ChannelError, match="only 80 and 443 are admitted"):
                connect(room, "mastodon", secret.url, "token")
            assert kept(room) == before
            assert secret.seen == []


def test_revoked_credentials_hold_the_post_until_the_account_is_connected_again(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    instance = Instance({"first"})
    with serve(instance) as site:
        hosts = (f"127.0.0.1:{site.port}",)
        profile = BrandProfile(name="Kopi Senja")
        with real_room(database, database_url, waker, profile, allow_hosts=hosts) as room:
            account = connect(room, "mastodon", site.url, "first")
            with database.unit(room.workspace_id) as uow:
                draft = Draft(text="Halo dunia", no_claim=True)
                action_id = compose_post(
                    uow, room.verbs(uow), room.owner, account.id, draft, None
                ).id
            room.pump.drain()
            instance.tokens.clear()  # revoked on the platform
            room.decide(action_id, Verb.APPROVE)
            room.pump.drain()
            room.pump.tick()
            for _ in range(2):
                held = room.action(action_id)
                assert held.state == ActionState.SCHEDULED
                assert "credentials were refused; reconnect it" in held.reason
                assert "401" in held.reason
                assert held.attempts == 0  # waiting for a person uses up no try
                room.clock.at = datetime.now(UTC) + timedelta(minutes=11)
                room.pump.tick()
            assert intake.poll(room.services, room.workspace_id, account.id) == 0
            with database.unit(room.workspace_id) as uow:
                assert "Reconnect the account" in str(uow.brands.account(account.id).poll_error)
            assert instance.posts == {}

            before = kept(room)
            with pytest.raises(ChannelError, match="Reconnect"):
                connect(room, "mastodon", site.url, "wrong")
            assert kept(room) == before  # the account keeps what it had

            instance.tokens.add("second")
            assert connect(room, "mastodon", site.url, "second").id == account.id
            room.clock.advance(timedelta(minutes=12))
            room.pump.tick()
            assert room.action(action_id).state == ActionState.PUBLISHED
            assert room.action(action_id).reason == ""
            assert [post["status"] for post in instance.posts.values()] == ["Halo dunia"]
            intake.poll(room.services, room.workspace_id, account.id)
            with database.unit(room.workspace_id) as uow:
                assert uow.brands.account(account.id).poll_error is None
