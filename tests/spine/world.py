"""A platform in a table and a model with set answers, shared by real worker processes."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg

from agents.llm import OffModel
from channels.base import (
    Absent,
    CannotTell,
    InteractionPage,
    MetricValue,
    Outcome,
    Reconciled,
    SendRequest,
    Sent,
    Unknown,
)
from config.settings import Settings
from sources.cards import PageCard
from storage.database import make_engine, psycopg_url
from storage.queue import JobQueue, connect
from storage.secrets import SecretBox
from storage.tables import ChannelAccount
from storage.uow import Database
from tests.fakes import FakeChannel, FakePlatform
from tests.spine.answers import DOCUMENT
from workflows.services import Reading, Services

TABLE = """
create table if not exists fake_posts (
    client_key text primary key,
    body text not null,
    target text,
    id bigint generated always as identity
);
create table if not exists fake_sends (client_key text not null, at timestamptz default now());
"""


class TablePlatform:
    """Keeps posts in a table of its own database, one per client key, and logs each send."""

    def __init__(self, url: str) -> None:
        self.url = psycopg_url(url)

    def create(self) -> None:
        """Make the tables."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(TABLE)

    def rows(self, query: str, *args: object) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query, args).fetchall()

    def posts(self) -> list[tuple[str, str]]:
        """(client key, text) of what is live, in order."""
        return [(k, b) for k, b in self.rows("select client_key, body from fake_posts order by id")]

    def store(self, request: SendRequest) -> int:
        """Take a post; the same key again is the same post."""
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "insert into fake_sends (client_key) values (%s)", [request.client_key]
            )
            target = request.reply_to.remote_id if request.reply_to else None
            connection.execute(
                "insert into fake_posts (client_key, body, target) values (%s, %s, %s)"
                " on conflict (client_key) do nothing",
                [request.client_key, request.text, target],
            )
            row = connection.execute(
                "select id from fake_posts where client_key = %s", [request.client_key]
            ).fetchone()
        assert row is not None
        return int(row[0])

    def find(self, request: SendRequest) -> int | None:
        """The post of a client key."""
        found = self.rows("select id from fake_posts where client_key = %s", request.client_key)
        return int(found[0][0]) if found else None


class TableChannel(FakeChannel):
    """An account on the platform in a table; `slow` seconds pass around each effect."""

    def __init__(self, table: TablePlatform, slow: float) -> None:
        super().__init__(FakePlatform())
        self.table = table
        self.slow = slow

    def new_client_key(self, now: datetime) -> str:
        """A key that no other process makes."""
        return str(uuid4())

    def publish(self, request: SendRequest) -> Outcome:
        """Store it; a lost connection is an unknown outcome, as it is over HTTP."""
        time.sleep(self.slow)
        try:
            number = self.table.store(request)
        except psycopg.Error as error:
            return Unknown(str(error))
        time.sleep(self.slow)
        return Sent(f"remote-{number}", None)

    def reconcile(self, request: SendRequest) -> Reconciled:
        """Look the key up."""
        try:
            number = self.table.find(request)
        except psycopg.Error as error:
            return CannotTell(str(error))
        return Absent("no such key") if number is None else Sent(f"remote-{number}", None)

    def interactions(self, cursor: str | None) -> InteractionPage:
        """Nobody says anything here."""
        return InteractionPage((), cursor)

    def post_metrics(self, remote_ids: list[str]) -> dict[str, list[MetricValue]]:
        """One like each."""
        return {name: [MetricValue("likeCount", 1)] for name in remote_ids}


def world_services(
    settings: Settings, platform_url: str, *, slow: float = 0.0, model: Any = None
) -> Services:
    """Services over the real database and queue, with the platform in a table."""
    assert settings.database_url and settings.redis_url and settings.secret_key
    table = TablePlatform(platform_url)

    def open_channel(_account: ChannelAccount) -> TableChannel:
        return TableChannel(table, slow)

    def rehearse_channel(_account: ChannelAccount) -> TableChannel:
        raise NotImplementedError("nothing is rehearsed here")

    return Services(
        settings=settings,
        database=Database(
            make_engine(settings.database_url, pool_size=2), JobQueue(connect(settings.redis_url))
        ),
        clock=settings.clock(),
        model_of=lambda _workspace: model or OffModel(),
        model_off=model is None,
        open_channel=open_channel,
        rehearse_channel=rehearse_channel,
        read_sources=lambda _profile, _progress: Reading((DOCUMENT,)),
        read_card=lambda url: PageCard(url, url, "", None),
        notify=lambda _to, _title, _body: None,
        box=SecretBox(settings.secret_key.get_secret_value()),
    )
