"""Past posts, followers and reconnecting behind the real Mastodon channel and the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.action import ActionState
from domain.approval import Verb
from domain.brand import BrandProfile
from embedded.supervisor import EmbeddedServices
from storage.uow import Database
from tests.fakes import ListWaker
from tests.integration.test_bad_credentials import Instance, connect
from tests.integration.test_cli import Humas, environment
from tests.real_parts import JSON, real_room
from tests.rooms import Room
from tests.unit.net.loopback import Answer, Seen, serve
from workflows.items import Draft
from workflows.outside import import_posts, read_outside
from workflows.start import compose_post

pytestmark = [pytest.mark.db, pytest.mark.timeout(300)]


def status(number: str, text: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "content": f"<p>{text}</p>",
        "created_at": at.isoformat(),
        "url": f"https://instance.example/{number}",
        "in_reply_to_id": None,
        "reblog": None,
        "favourites_count": 4,
        "reblogs_count": 0,
        "replies_count": 1,
    } | more


@dataclass
class Timeline(Instance):
    """An instance that also shows the account's timeline and its followers."""

    past: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, seen: Seen) -> Answer:
        path = seen.path.split("?")[0]
        if path == "/api/v1/accounts/7/statuses":
            sent = [
                status(post["id"], post["status"], datetime.now(UTC))
                for post in self.posts.values()
            ]
            return self._json(200, sent + self.past)
        if path == "/api/v1/accounts/7/followers":
            person = {"id": "9", "acct": "sari@luar.example", "display_name": "Sari"}
            return self._json(200, [person | {"username": "sari"}])
        if path == "/api/v1/accounts/verify_credentials" and self.tokens:
            about = {"id": "7", "acct": "kopi", "username": "kopi", "followers_count": 41}
            return 200, JSON, json.dumps(about).encode()
        return super().__call__(seen)


def publish(room: Room, account_id: str, words: str) -> str:
    with room.services.database.unit(room.workspace_id) as uow:
        draft = Draft(text=words, no_claim=True)
        item = compose_post(uow, room.verbs(uow), room.owner, account_id, draft, None).id
    room.pump.drain()
    room.decide(item, Verb.APPROVE)
    room.pump.drain()
    room.pump.tick()
    assert room.action(item).state == ActionState.PUBLISHED
    return item


def test_what_stands_on_an_instance_comes_in_without_what_humas_sent(
    database: Database, database_url: str, waker: ListWaker, servers: EmbeddedServices
) -> None:
    day = datetime.now(UTC) - timedelta(days=1)
    past = [
        status("900", "Dari ponsel", day),
        status("899", "Balasan", day - timedelta(hours=1), in_reply_to_id="3"),
    ]
    instance = Timeline({"token"}, past=past)
    with serve(instance) as site:
        hosts = (f"127.0.0.1:{site.port}",)
        profile = BrandProfile(name="Kopi Senja")
        with real_room(database, database_url, waker, profile, allow_hosts=hosts) as room:
            account = connect(room, "mastodon", site.url, "token")
            publish(room, account.id, "Lewat Humas")
            assert import_posts(room.services, room.workspace_id, account.id) == 2
            publish(room, account.id, "Lewat Humas lagi")
            instance.past.insert(0, status("901", "Baru dari ponsel", datetime.now(UTC)))
            assert read_outside(room.services, room.workspace_id, account.id) == 1
            with database.unit(room.workspace_id) as uow:
                found = uow.outside.find(account_id=account.id)
                texts = [(post.text, post.kind) for post in found]
                figures = uow.outside.figures([found[0].id])[found[0].id]
            assert texts == [
                ("Baru dari ponsel", "post"),
                ("Dari ponsel", "post"),
                ("Balasan", "reply"),
            ]
            assert figures["favourites_count"] == 4

            key = room.services.settings.secret_key
            assert key is not None
            humas = Humas(
                environment(
                    HUMAS_DATABASE_URL=database_url,
                    HUMAS_REDIS_URL=servers.urls.redis_url,
                    HUMAS_SECRET_KEY=key.get_secret_value(),
                    HUMAS_ALLOW_HOSTS=json.dumps(list(hosts)),
                )
            )
            with database.unit(room.workspace_id) as uow:  # made up, with a secret of its own
                uow.brands.account(room.account_id, lock=True).disabled_at = datetime.now(UTC)
            again = humas(
                *("account", "connect", "kopi-senja", "--platform", "mastodon"),
                *("--base-url", site.url, "--handle", "kopi", "--secret-stdin", "--json"),
                given="token\n",
            )
            assert json.loads(again)["id"] == account.id
            [told] = json.loads(humas("account", "followers", "kopi-senja", "--list", "--json"))
            assert (told["followers"], told["more"], told["problem"]) == (41, False, None)
            assert told["people"] == [{"handle": "sari@luar.example", "name": "Sari"}]
            assert "41 followers" in humas("account", "followers", "kopi-senja")
