"""`humas repeat` as people run it: begin, list, pause, resume, stop."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.ids import short
from config.settings import ROOT
from domain.approval import Verb
from domain.slot import Slot
from embedded.supervisor import EmbeddedServices
from storage.secrets import new_key
from storage.uow import Database
from tests.fakes import ListWaker
from tests.integration.test_cli import Humas, environment
from tests.rooms import Room, make_room

pytestmark = [pytest.mark.db, pytest.mark.timeout(300)]
ZONE = "Asia/Jakarta"


@pytest.fixture
def humas(servers: EmbeddedServices, database_url: str) -> Humas:
    return Humas(
        environment(
            HUMAS_DATABASE_URL=database_url,
            HUMAS_REDIS_URL=servers.urls.redis_url,
            HUMAS_SECRET_KEY=new_key(),
        )
    )


@pytest.fixture
def room(database: Database, database_url: str, waker: ListWaker) -> Room:
    return make_room(database, database_url, waker)


@pytest.fixture
def tomorrow() -> Slot:
    """A slot by the machine's clock, which the command line goes by."""
    day = datetime.now(UTC).date() + timedelta(days=1)
    return Slot.of_wall(datetime.combine(day, datetime(2026, 1, 1, 9).time()), ZONE)


def listed(humas: Humas, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(humas("repeat", "list", "--json", *words))
    return found


def test_a_post_is_repeated_paused_resumed_and_stopped(
    humas: Humas, room: Room, tomorrow: Slot
) -> None:
    assert "Nothing comes again" in humas("repeat", "list")
    item = room.post("Resep hari ini", slot=tomorrow)
    refused = humas("repeat", short(item), "--every-days", "7", status=1)
    assert "Only a post that is approved or published" in refused
    room.decide(item, Verb.APPROVE)
    last = tomorrow.wall.date() + timedelta(days=30)
    begun = json.loads(
        humas("repeat", short(item), "--every-days", "7", "--until", f"{last}", "--json")
    )
    coming = tomorrow.next_same_wall(7)
    assert (begun["kind"], begun["state"], begun["zone"]) == ("recurring", "active", ZONE)
    assert (begun["next"], begun["next_wall"]) == (coming.instant.isoformat(), coming.wall_text)
    assert (begun["last_day"], begun["count"]) == (f"{last}", 0)
    assert "repeated already" in humas("repeat", item, "--every-days", "3", status=1)

    text = " ".join(humas("repeat", "list", "--brand", "kopi-senja").split())
    assert (
        f"every 7 days · proposed 0 so far next on {coming.wall:%a %d %b %Y 09:00} ({ZONE})" in text
    )
    assert "Resep hari ini" in text
    paused = humas("repeat", "pause", begun["short"], "--as", room.reviewer.email)
    assert "paused. reviewer: paused it" in paused
    assert "the repetition is paused" in humas("repeat", "pause", begun["id"], status=1)
    assert "comes again, every 7 days" in humas("repeat", "resume", begun["short"][-6:])
    denied = humas("repeat", "stop", begun["id"], "--as", room.viewer.email, status=1)
    assert "viewer" in denied
    assert json.loads(humas("repeat", "stop", begun["id"], "--json"))["state"] == "ended"
    assert [(row["state"], row["next"]) for row in listed(humas)] == [("ended", None)]

    again = humas("repeat", "begin", item, "--every-days", "10", "--evergreen")
    assert "evergreen, at least 10 days apart" in again
    assert [row["state"] for row in listed(humas)] == ["active", "ended"]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("ffffffffffff", "--every-days", "7"), 1, "Nothing in this workspace"),
        (("ffffffffffff",), 2, "--every-days"),
        (("ffffffffffff", "--every-days", "often"), 2, "not a valid integer"),
        (("ffffffffffff", "--every-days", "7", "--until", "soon"), 2, "does not match"),
        (("pause", "ffffffffffff"), 1, "Nothing that comes again has the id"),
        (("stop", "kopi!"), 1, "is not an id"),
        (("list", "--brand", "teh"), 1, "Brands: kopi-senja"),
    ],
)
def test_wrong_words_are_explained(
    words: tuple[str, ...], status: int, said: str, humas: Humas, room: Room
) -> None:
    assert room.brand_id
    assert said in " ".join(humas("repeat", *words, status=status).split())


def test_the_example_of_the_page_is_a_command() -> None:
    page = (ROOT / "docs" / "recurring.md").read_text(encoding="utf-8")
    for words in ("repeat ITEM --every-days 7", "--evergreen", "--until", "repeat list"):
        assert words in page
