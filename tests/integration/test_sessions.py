"""Sessions of accounts in the real database: one renewal at a time, and no secret is ever shown."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import inspect, text

from channels.base import NotSent, Outcome, Sent
from channels.bluesky import BlueskyChannel
from domain.approval import Verb
from net.client import Response
from net.errors import NetError, OutcomeUnknown
from storage.tables import ChannelAccount
from storage.uow import Database
from tests.fakes import ListWaker, Pump
from tests.memory import MemoryBudgets
from tests.rooms import Room, make_room
from tests.unit.channels.fakes import NOW, Answer, Call, FakeHttp, ok, refusal, request
from workflows.account_rows import RowBudgets, RowTokens

pytestmark = pytest.mark.db

DID = "did:plc:merek"
LOGIN = "POST /xrpc/com.atproto.server.createSession"
REFRESH = "POST /xrpc/com.atproto.server.refreshSession"
PUT = "POST /xrpc/com.atproto.repo.putRecord"
STALE = refusal(400, "ExpiredToken")
WRITTEN = {"uri": f"at://{DID}/app.bsky.feed.post/3mabcdefghijk", "cid": "bafy1"}


@pytest.fixture
def room(database: Database, database_url: str, waker: ListWaker) -> Room:
    return make_room(database, database_url, waker)


def account(room: Room) -> ChannelAccount:
    with room.services.database.unit(room.workspace_id) as uow:
        return uow.brands.account(room.account_id)


def session(name: str) -> dict[str, str]:
    tokens = {kind: f"canary-{kind}-{name}" for kind in ("accessJwt", "refreshJwt")}
    return {**tokens, "did": DID, "handle": "kopi"}


def channel(http: FakeHttp, tokens: RowTokens, base_url: str) -> BlueskyChannel:
    return BlueskyChannel(
        base_url=base_url,
        handle="kopi",
        password="canary-password",
        http=http,
        tokens=tokens,
        budgets=MemoryBudgets(),
        clock=lambda: NOW,
    )


def accepts(token: str) -> Any:
    """A server that knows one access token."""

    def put(call: Call) -> Response | NetError:
        return ok(WRITTEN) if call.token == token else STALE

    return put


def test_ten_at_once_with_an_expired_token_renew_it_once(room: Room) -> None:
    row, services = account(room), room.services
    RowTokens(services.database, services.box, row).save(session("old") | {"identifier": "kopi"})

    def refresh(_: Call) -> Response:
        time.sleep(0.1)
        return ok(session("new"))

    http = FakeHttp({PUT: [accepts("canary-accessJwt-new")], REFRESH: [refresh]})
    outcomes: list[Outcome] = []

    def publish(number: int) -> None:
        # An address each, so that only the database stands between them, as between processes.
        tokens = RowTokens(services.database, services.box, row)
        made = channel(http, tokens, f"https://pds-{number}.test")
        outcomes.append(made.publish(request()))

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(outcome) for outcome in outcomes] == [Sent] * 10
    assert len(http.to("/xrpc/com.atproto.server.refreshSession")) == 1


class Dying(RowTokens):
    """The process dies before the rotated token is stored."""

    def save(self, tokens: dict[str, str]) -> None:
        raise KeyboardInterrupt


def test_a_crash_between_renewal_and_storing_leaves_a_way_in(room: Room) -> None:
    row, services = account(room), room.services
    RowTokens(services.database, services.box, row).save(session("old") | {"identifier": "kopi"})
    http = FakeHttp(
        {
            PUT: [accepts("canary-accessJwt-third")],
            REFRESH: [ok(session("lost")), STALE],  # the old one is used up now
            LOGIN: [ok(session("third"))],
        }
    )
    with pytest.raises(KeyboardInterrupt):
        dying = Dying(services.database, services.box, row)
        channel(http, dying, "https://pds.test").publish(request())
    tokens = RowTokens(services.database, services.box, row)
    assert tokens.load()["accessJwt"] == "canary-accessJwt-old"
    assert isinstance(channel(http, tokens, "https://pds.test").publish(request()), Sent)
    assert tokens.load()["accessJwt"] == "canary-accessJwt-third"

    http = FakeHttp(
        {PUT: [STALE], REFRESH: [STALE], LOGIN: [refusal(401, "AuthenticationRequired")]}
    )
    outcome = channel(http, tokens, "https://pds.test").publish(request())
    assert isinstance(outcome, NotSent)
    assert outcome.reconnect


def test_empty_tokens_never_replace_good_ones(room: Room) -> None:
    tokens = RowTokens(room.services.database, room.services.box, account(room))
    tokens.save(session("good"))
    for bad in ({}, {"accessJwt": "", "refreshJwt": "x"}):
        with pytest.raises(ValueError, match="never stored"):
            tokens.save(bad)
    assert tokens.load() == session("good")


CANARIES = ("canary-password", "canary-accessJwt", "canary-refreshJwt")


def echo(call: Call) -> dict[str, str]:
    """What a talkative server or proxy adds to an answer."""
    return {
        "debug": f"Authorization: Bearer {call.token}, pw canary-password",
        "refreshJwt": "canary-refreshJwt-1",
        "note": "canary-accessJwt-1 and canary-refreshJwt-1",
    }


def test_no_secret_reaches_a_log_or_a_table(
    room: Room, waker: ListWaker, caplog: pytest.LogCaptureFixture
) -> None:
    """The credentials are canaries, and the server shows them in whatever it answers."""
    caplog.set_level(logging.DEBUG)
    secret = room.services.box.seal("canary-password", f"channel_accounts:secret:{room.account_id}")
    with room.services.database.unit(room.workspace_id) as uow:
        uow.brands.account(room.account_id, lock=True).sealed_secret = secret

    def said(status: int, name: str) -> Answer:
        return lambda call: refusal(status, name, str(echo(call)))

    script: list[Answer] = [
        lambda call: ok(WRITTEN | echo(call)),
        said(400, "InvalidRequest"),
        said(400, "SomethingNew"),
        said(401, "AuthenticationRequired"),
        OutcomeUnknown("the server says canary-accessJwt-1"),
        said(429, "RateLimitExceeded"),
    ]
    for number, answer in enumerate(script):
        http = FakeHttp(
            {
                PUT: [answer],
                LOGIN: [ok(session("1") | {"extra": "canary-password"})],
                REFRESH: [ok(session("1"))],
                "GET /xrpc/com.atproto.repo.getRecord": [said(400, "RecordNotFound")],
                "GET /xrpc/app.bsky.notification.listNotifications": [said(500, "Oops")],
            }
        )

        def open_channel(row: ChannelAccount, http: FakeHttp = http) -> BlueskyChannel:
            database, box = room.services.database, room.services.box
            return BlueskyChannel(
                base_url="https://pds.test",
                handle="kopi",
                password=box.open(row.sealed_secret, f"channel_accounts:secret:{row.id}"),
                http=http,
                tokens=RowTokens(database, box, row),
                budgets=RowBudgets(database, row),
                clock=room.clock.now,
            )

        room.services = replace(room.services, open_channel=open_channel)
        room.pump = Pump(room.services, waker)
        action_id = room.post(f"Halo dunia {number}")
        room.decide(action_id, Verb.APPROVE)
        room.pump.drain()
        assert http.effects()
        with room.services.database.unit(room.workspace_id) as uow:
            uow.brands.account(room.account_id, lock=True).waits_until = None
    shown = everything(room.services.database)
    assert "Authorization: Bearer [redacted]" in shown  # the answers are kept, without secrets
    for canary in CANARIES:
        assert canary not in shown
        assert canary not in caplog.text


def everything(database: Database) -> str:
    """All rows of all tables as text; what is sealed is bytes and stands there as such."""
    with database.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        return "\n".join(
            str(row[0])
            for table in tables
            for row in connection.execute(text(f'select t::text from "{table}" t'))
        )
