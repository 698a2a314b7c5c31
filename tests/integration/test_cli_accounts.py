"""`humas account` as people run it: what is wrong, posts outside Humas, followers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from channels.base import MetricValue, OwnPost
from embedded.supervisor import EmbeddedServices
from storage.secrets import new_key
from storage.uow import Database
from tests.fakes import ListWaker
from tests.integration.test_cli import Humas, environment
from tests.rooms import Room, make_room
from workflows.outside import import_posts

pytestmark = [pytest.mark.db, pytest.mark.timeout(300)]


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


def test_the_list_warns_and_posts_outside_humas_are_shown(humas: Humas, room: Room) -> None:
    assert json.loads(humas("account", "posts", "kopi-senja", "--json")) == []
    at = room.clock.now() - timedelta(days=1)
    figures = (MetricValue("likeCount", 7),)
    room.platform.earlier = [
        OwnPost("past-1", "post", "Halo dari luar", "https://social.example/1", at, figures)
    ]
    import_posts(room.services, room.workspace_id, room.account_id)
    [post] = json.loads(humas("account", "posts", "kopi-senja", "--json"))
    assert (post["text"], post["handle"], post["figures"]) == (
        "Halo dari luar",
        "kopi",
        {"likeCount": 7},
    )
    shown = humas("account", "posts", "kopi-senja")
    assert "Halo dari luar" in shown and "likeCount 7" in shown
    assert "https://social.example/1" in shown

    [listed] = json.loads(humas("account", "list", "--json"))
    assert listed["warning"] is None
    soon = datetime.now(UTC) + timedelta(days=2)  # the command line goes by the machine's clock
    with room.services.database.unit(room.workspace_id) as uow:
        row = uow.brands.account(room.account_id, lock=True)
        row.credentials_expire_at = soon
        row.waits_until, row.waits_for = soon, "Too many calls."
    [listed] = json.loads(humas("account", "list", "--json"))
    assert "the credentials end on" in listed["warning"]
    assert "No approved post is touched so far." in listed["warning"]
    assert "Bluesky @kopi: the credentials" in " ".join(humas("account", "list").split())
    assert "takes no calls before" in humas("account", "followers", "kopi-senja")
