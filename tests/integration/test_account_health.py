"""Credentials: expiry told in time, refusals, connecting again, and one account that fails alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from channels.base import (
    ChannelBusy,
    ChannelError,
    ChannelUnavailable,
    CredentialsRefused,
    NotSent,
    Outcome,
    SendRequest,
)
from domain.action import ActionState
from domain.approval import Verb
from notifications.send import DeliveryFailed
from storage.repositories.outside import due_checks, due_imports
from storage.uow import Database
from tests.accounts import HOUR, Stand, approved, make_stand
from tests.fakes import START, ListWaker
from workflows import intake, outside
from workflows.account_health import check_account, troubles

pytestmark = pytest.mark.db


@pytest.fixture
def stand(database: Database, database_url: str, waker: ListWaker) -> Stand:
    return make_stand(database, database_url, waker)


def test_expiry_is_told_once_before_the_posts_that_it_breaks(stand: Stand) -> None:
    room, ends = stand.room, START + timedelta(days=20)
    stand.site.expires = ends
    approved(stand, "In time", START + timedelta(days=19))
    approved(stand, "Second to break", START + timedelta(days=22))
    approved(stand, "First to break", START + timedelta(days=21))
    assert not stand.check()  # 20 days are far away
    assert stand.row().credentials_expire_at == ends
    room.clock.advance(timedelta(days=6))
    assert stand.check()
    [(to, title, body)] = stand.notes
    assert to == ("json://reports.example",)
    assert title == "Connect Bluesky @kopi again"
    assert "Bluesky @kopi: the credentials end on Sun 13 Dec 2026, 08:00" in body
    assert "2 approved posts would not leave" in body
    assert "“First to break” (Mon 14 Dec 2026, 08:00)" in body
    assert "In time" not in body and "Second" not in body
    room.clock.advance(timedelta(days=1))
    assert not stand.check()  # once
    stand.site.expires = ends - timedelta(days=2)
    assert stand.check()  # another date is another problem
    assert "3 approved posts" in stand.notes[-1][2]
    stand.site.expires = None
    assert not stand.check()
    with room.services.database.unit(room.workspace_id) as uow:
        assert troubles(uow, room.services) == []


def test_a_revoked_token_is_told_of_by_the_next_read_and_forgotten_when_it_works(
    stand: Stand,
) -> None:
    room = stand.room
    approved(stand, "Tomorrow", START + timedelta(days=1))
    stand.check()
    stand.site.fails = lambda _call: CredentialsRefused("The token was revoked.")
    intake.poll(room.services, room.workspace_id, room.account_id)
    assert stand.row().checked_at is None  # so the clock has it checked at once
    assert stand.check()
    assert "(The token was revoked)" in stand.notes[-1][2]
    assert "1 approved post would not leave" in stand.notes[-1][2]
    stand.site.fails = lambda _call: CredentialsRefused("Said in other words.")
    assert not stand.check()
    assert len(stand.notes) == 1
    stand.site.fails = lambda _call: None
    assert not stand.check()
    assert stand.row().credentials_problem == ""
    stand.site.fails = lambda _call: CredentialsRefused("Again.")
    assert stand.check()


def test_a_platform_that_is_down_says_nothing_about_the_credentials(stand: Stand) -> None:
    stand.site.fails = lambda _call: ChannelUnavailable("500")
    assert not stand.check()
    assert stand.row().credentials_problem == ""
    assert stand.notes == []


def test_a_message_that_fails_is_sent_again(stand: Stand) -> None:
    room = stand.room
    stand.site.fails = lambda _call: CredentialsRefused("Revoked.")

    def broken(_to: tuple[str, ...], _title: str, _body: str) -> None:
        raise DeliveryFailed("The mail server is down.", (0,))

    services = replace(room.services, notify=broken)
    assert not check_account(services, room.workspace_id, room.account_id)
    assert stand.row().credentials_warned_at is None
    assert stand.check()
    assert len(stand.notes) == 1


def test_connecting_again_wakes_what_waits(stand: Stand) -> None:
    room = stand.room
    again = START + timedelta(minutes=10)

    def refuse(_request: SendRequest) -> Outcome:
        return NotSent("The credentials were refused.", again, counts=False, reconnect=True)

    stand.site.platform.script = [refuse]
    item = room.post("Halo")
    room.pump.drain()
    room.decide(item, Verb.APPROVE)
    room.pump.drain()
    assert room.action(item).state == ActionState.SCHEDULED
    assert stand.row().credentials_problem == "The credentials were refused."
    later = approved(stand, "Next week", START + timedelta(days=7))
    room.pump.drain()
    assert stand.connect().id == room.account_id
    room.pump.drain()  # no clock, no time has passed
    assert room.action(item).state == ActionState.PUBLISHED
    assert room.action(later).state == ActionState.SCHEDULED
    assert stand.site.platform.texts() == ["Halo"]
    row = stand.row()
    assert (row.credentials_problem, row.credentials_warned_at, row.waits_until) == ("", None, None)


def test_credentials_that_may_read_and_not_publish_are_told_of(stand: Stand) -> None:
    room = stand.room

    def no_scope(_request: SendRequest) -> Outcome:
        until = room.clock.now() + timedelta(minutes=10)
        return NotSent("The scope write is missing.", until, counts=False, reconnect=True)

    stand.site.platform.script = [no_scope, no_scope]
    item = room.post("Halo")
    room.pump.drain()
    room.decide(item, Verb.APPROVE)
    room.pump.drain()
    assert stand.check()  # reading works, and people are told all the same
    assert "The scope write is missing" in stand.notes[-1][2]
    room.pump.drain()
    assert stand.site.platform.sends == 1  # the check drives nobody to the platform
    room.pump.pass_time(timedelta(minutes=10))
    assert not stand.check()
    assert stand.row().credentials_problem == "The scope write is missing."
    room.pump.pass_time(timedelta(minutes=10))
    assert room.action(item).state == ActionState.PUBLISHED
    assert stand.row().credentials_problem == ""
    assert len(stand.notes) == 1


def test_refused_credentials_are_not_tried_all_the_time(stand: Stand) -> None:
    room = stand.room
    stand.site.fails = lambda _call: CredentialsRefused("Revoked.")
    intake.poll(room.services, room.workspace_id, room.account_id)
    assert stand.row().poll_at == START + timedelta(minutes=15)
    now = room.clock.now()
    with room.services.database.system() as session:
        assert due_imports(session, now, now, 9) == []
        assert len(due_checks(session, now, now - 6 * HOUR, now, 9)) == 1
    stand.check()
    stand.site.fails = lambda _call: None
    room.clock.advance(timedelta(minutes=1))
    stand.check()
    assert stand.row().poll_at == room.clock.now()  # it is read again at once


def test_no_transaction_is_open_while_the_platform_is_asked(stand: Stand) -> None:
    database = stand.room.services.database
    open_ones = []

    def look(_call: str) -> None:
        with database.system() as session:
            from sqlalchemy import text

            query = "select count(*) from pg_stat_activity where datname = current_database()"
            query += " and state like 'idle in transaction%'"
            open_ones.append(session.execute(text(query)).scalar_one())

    stand.site.fails = look
    stand.connect()
    stand.check()
    stand.import_posts()
    stand.read()
    assert open_ones and set(open_ones) == {0}


# -- one of three ------------------------------------------------------------------------------


def server_error(_request: SendRequest) -> Outcome:
    return NotSent("HTTP 500")


def revoked(_request: SendRequest) -> Outcome:
    until = START + timedelta(minutes=10)
    return NotSent("The token was revoked.", until, counts=False, reconnect=True)


def no_budget(_request: SendRequest) -> Outcome:
    return NotSent("HTTP 429", START + 3 * HOUR, counts=False)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (server_error, ChannelUnavailable("HTTP 500")),
        (revoked, CredentialsRefused("The token was revoked.")),
        (no_budget, ChannelBusy("HTTP 429", START + 3 * HOUR)),
    ],
    ids=["500s", "revoked", "budget"],
)
def test_one_account_of_three_fails_alone(
    answer: Callable[[SendRequest], Outcome],
    error: ChannelError,
    database: Database,
    database_url: str,
    waker: ListWaker,
) -> None:
    stand = make_stand(database, database_url, waker, "teh", "roti")
    room = stand.room
    accounts = {"kopi": room.account_id} | {
        name: stand.connect(name).id for name in ("teh", "roti")
    }
    at = START + 2 * HOUR
    items = {
        name: [approved(stand, f"{name} {n}", at + n * HOUR, accounts[name]) for n in range(3)]
        for name in accounts
    }
    stand.site.fails = lambda _call: error
    stand.site.platform.script = [answer] * 50
    healthy = {name: stand.row(accounts[name]) for name in ("teh", "roti")}
    for hour in range(3):
        room.clock.at = at + hour * HOUR
        for account_id in accounts.values():
            intake.poll(room.services, room.workspace_id, account_id)
            check_account(room.services, room.workspace_id, account_id)
            outside.import_posts(room.services, room.workspace_id, account_id)
        room.pump.tick()
        for name in healthy:
            row = room.action(items[name][hour])
            assert row.state == ActionState.PUBLISHED
            assert row.published_at == at + hour * HOUR  # on time, to the second
            assert (row.attempts, row.reason) == (0, "")
    for name, before in healthy.items():
        now = stand.row(accounts[name])
        assert (now.credentials_problem, now.poll_error, now.waits_until) == ("", None, None)
        assert now.sealed_secret == before.sealed_secret
        assert stand.sites[name].platform.texts() == [f"{name} {n}" for n in range(3)]
        assert stand.texts(account_id=accounts[name]) == []
    # The one that fails has lost nothing: its posts still wait, or ask a person.
    assert stand.site.platform.texts() == []
    states = {room.action(item).state for item in items["kopi"]}
    assert states <= {ActionState.SCHEDULED, ActionState.IN_REVIEW, ActionState.FAILED}
    assert len(stand.notes) == (1 if isinstance(error, CredentialsRefused) else 0)
