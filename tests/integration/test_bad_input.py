"""Websites that cannot be read and credentials that are refused, behind the real crawler and channels."""

from __future__ import annotations

import json
import socket
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager
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
    STORY,
    free_port,
    kept,
    page,
    papers,
    real_room,
    run_again,
    run_until_it_fails,
    website,
)
from tests.rooms import Room
from tests.unit.net.loopback import Answer, Seen, Site, serve, talk
from workflows import intake
from workflows.accounts import connect_account
from workflows.actions import Draft
from workflows.start import compose_post

pytestmark = pytest.mark.db

BIG = 50_000_000
ROBOTS = {"Content-Type": "text/plain"}


# -- websites ------------------------------------------------------------------------------------


def big(path: bytes, home: bytes = b"") -> AbstractContextManager[Site]:
    """A website with a page of 50 MB at the path, whose length is not announced."""

    def conversation(connection: socket.socket) -> None:
        asked = connection.recv(65536).split()[1]
        if asked == b"/robots.txt":
            connection.sendall(b"HTTP/1.1 404 No\r\nConnection: close\r\n\r\n")
            return
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
        )
        if asked != path:
            connection.sendall(home)
            return
        for _ in range(BIG // 50_000):
            connection.sendall(b"<p>Halo</p>" + b" " * 49_989)

    return talk(conversation)


@pytest.mark.parametrize(
    ("pages", "said", "todo"),
    [
        ({"/": page()}, "holds no readable text", "give documents"),
        ({"/": (200, HTML, b"<script>render()</script>")}, "no readable text", "give documents"),
        ({"/": (200, HTML, b"")}, "holds no readable text", "give documents"),
        ({}, "answered 404", "give documents"),
        (
            {"/": STORY, "/robots.txt": (200, ROBOTS, b"User-agent: *\nDisallow: /")},
            "may not be read. Its robots.txt forbids",
            "admit the user agent 'Humas'",
        ),
        (
            {"/": STORY, "/robots.txt": (429, {"Retry-After": "3600"}, b"")},
            "Its robots.txt could not be had",
            "give documents",
        ),
        (
            {"/": (200, HTML | {"Content-Length": str(BIG)}, b"<p>Halo</p>")},
            "is larger than 5,000,000 bytes",
            "Use a smaller page",
        ),
    ],
    ids=["empty", "scripts", "no bytes", "404", "forbidden", "no robots.txt", "50 MB"],
)
def test_a_bad_website_fails_the_stage_until_it_is_mended(
    pages: dict[str, Answer],
    said: str,
    todo: str,
    database: Database,
    database_url: str,
    waker: ListWaker,
) -> None:
    with serve(website(pages)) as site:
        profile = BrandProfile(name="Kopi Senja", website=site.url + "/")
        hosts = (f"127.0.0.1:{site.port}",)
        with real_room(database, database_url, waker, profile, allow_hosts=hosts) as room:
            before = kept(room)
            cycle = room.start()
            thread = run_until_it_fails(room, cycle)
            assert thread.node == "research"
            assert said in thread.error
            assert todo in thread.error
            assert site.url in thread.error
            assert kept(room) == before
            pages.clear()
            pages["/"] = STORY
            assert run_again(room, cycle).status == "waiting"
            assert papers(room, cycle)["dossier"].content["skipped_sources"] == []
            with database.unit(room.workspace_id) as uow:
                (document,) = uow.sources.documents(room.brand_id)
                assert document.url == site.url + "/"


def test_a_website_that_is_down_is_named_and_people_go_on_by_hand(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    profile = BrandProfile(name="Kopi Senja", website=address)
    hosts = (f"127.0.0.1:{port}",)
    with real_room(database, database_url, waker, profile, allow_hosts=hosts) as room:
        before = kept(room)
        cycle = room.start()
        thread = run_until_it_fails(room, cycle)
        assert f"The website {address} cannot be read" in thread.error
        assert "Connection refused" in thread.error
        assert "Check the address" in thread.error
        assert "give documents" in thread.error
        assert kept(room) == before
        assert run_again(room, cycle, by_hand=True).status == "waiting"
        made = papers(room, cycle)
        assert {paper.state for paper in made.values()} == {"drafted"}
        (skipped,) = made["dossier"].content["skipped_sources"]
        assert f"The website {address} cannot be read" in skipped


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:{port}/", "only 80 and 443 are admitted"),
        ("http://127.0.0.1/", "which is not a public address"),
        ("http://[::1]/", "which is not a public address"),
        ("http://10.1.2.3/", "which is not a public address"),
        ("http://169.254.169.254/latest/meta-data/", "which is not a public address"),
        ("http://localhost/", "which is not a public address"),
        ("http://2130706433/", "which is not a public address"),
    ],
)
def test_an_address_inside_is_refused_before_anything_is_sent(
    address: str, said: str, database: Database, database_url: str, waker: ListWaker
) -> None:
    with serve(website({"/": STORY})) as secret:
        profile = BrandProfile(name="Kopi Senja", website=address.format(port=secret.port))
        with real_room(database, database_url, waker, profile) as room:
            before = kept(room)
            thread = run_until_it_fails(room, room.start())
            assert said in thread.error
            assert "Give the public address" in thread.error or "Use the public" in thread.error
            assert kept(room) == before
            assert secret.seen == []


def test_a_website_that_leads_inside_is_refused_there(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    with serve(website({"/": STORY})) as secret:
        lead = (302, {"Location": secret.url + "/"}, b"")
        with serve(website({"/": lead})) as site:
            profile = BrandProfile(name="Kopi Senja", website=site.url + "/")
            hosts = (f"127.0.0.1:{site.port}",)
            with real_room(database, database_url, waker, profile, allow_hosts=hosts) as room:
                thread = run_until_it_fails(room, room.start())
                assert f"{secret.url}/" in thread.error
                assert "only 80 and 443 are admitted" in thread.error
                assert secret.seen == []


def test_a_page_of_50_megabytes_is_skipped_and_shows_in_the_dossier(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    home = page("Kopi Senja menjual kopi gula aren.", links=("/besar",))[2]
    with big(b"/besar", home) as site:
        profile = BrandProfile(name="Kopi Senja", website=site.url + "/")
        hosts = (f"127.0.0.1:{site.port}",)
        with real_room(database, database_url, waker, profile, allow_hosts=hosts) as room:
            cycle = room.start()
            tracemalloc.start()
            try:
                room.pump.drain()
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            assert room.thread_of(cycle.id).status == "waiting"
            assert papers(room, cycle)["dossier"].content["skipped_sources"] == [
                f"{site.url}/besar: TooLarge: more than 5,000,000 bytes"
            ]
            assert peak < 15_000_000
            with database.unit(room.workspace_id) as uow:
                (document,) = uow.sources.documents(room.brand_id)
                assert document.url == site.url + "/"


# -- credentials ---------------------------------------------------------------------------------


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
    with room.services.database.unit(room.workspace_id) as uow:
        return connect_account(
            room.services, uow, room.owner, room.brand_id, platform, address, "kopi", secret
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
