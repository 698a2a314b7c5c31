"""The Mastodon channel against a stateful stand-in for an instance, over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from channels.base import (
    Absent,
    CannotTell,
    Channel,
    NotSent,
    RemoteRef,
    SendRequest,
    Sent,
    Unknown,
    Video,
)
from channels.mastodon import MastodonChannel
from channels.registry import build
from domain.errors import InvalidInput
from net.client import HttpClient
from net.guard import AddressGuard
from tests.live.channel_contract import (
    LosingHttp,
    Seen,
    loopback_client,
    now,
    picture,
)
from tests.live.channel_contract_more import MP4, WholeContract
from tests.live.mastodon_server import MastodonServer, available
from tests.live.needs import need
from tests.memory import MemoryBudgets, MemoryTokens

pytestmark = pytest.mark.live


class MastodonWorld:
    """A brand and a customer on the instance."""

    def __init__(self, server: MastodonServer, number: int) -> None:
        self.server = server
        self.brand = f"merek{number}"
        self.customer = f"siti{number}"
        self.token = server.create_account(self.brand)
        self.customer_token = server.create_account(self.customer, "Siti")

    def channel(self, http: LosingHttp | HttpClient, *, secret: str | None = None) -> Channel:
        return build(
            "mastodon",
            base_url=self.server.url + "/",
            handle=self.brand,
            secret=secret or self.token,
            http=http,
            tokens=MemoryTokens(),
            budgets=MemoryBudgets(),
            clock=now,
        )

    def http(self) -> HttpClient:
        return loopback_client(self.server.url)

    def answer(self, text: str, to: RemoteRef) -> str:
        body = {"status": text, "in_reply_to_id": to.remote_id}
        status = self.server.call(self.customer_token, "POST", "/api/v1/statuses", json=body)
        return str(status["id"])

    def like(self, post: RemoteRef) -> None:
        path = f"/api/v1/statuses/{post.remote_id}/favourite"
        self.server.call(self.customer_token, "POST", path)

    def replies(self, remote_id: str) -> list[Seen]:
        context = self._get(f"/api/v1/statuses/{remote_id}/context")
        return [self._seen(s) for s in context["descendants"] if s["in_reply_to_id"] == remote_id]

    def posts(self) -> list[Seen]:
        account = self._get(f"/api/v1/accounts/lookup?acct={self.brand}")
        return [self._seen(s) for s in self._get(f"/api/v1/accounts/{account['id']}/statuses")]

    def likers(self, remote_id: str) -> list[str]:
        return [a["acct"] for a in self._get(f"/api/v1/statuses/{remote_id}/favourited_by")]

    def _seen(self, status: dict[str, Any]) -> Seen:
        source = self.server.call(self.token, "GET", f"/api/v1/statuses/{status['id']}/source")
        alts = tuple(media["description"] for media in status["media_attachments"])
        return Seen(status["account"]["acct"], source["text"], alts)

    def _get(self, path: str) -> Any:
        return self.server.call(self.customer_token, "GET", path)


@pytest.fixture(scope="module")
def server() -> Iterator[MastodonServer]:
    need("the Mastodon instance", available())
    with MastodonServer() as running:
        yield running


class TestMastodon(WholeContract):
    """The contract, and what is Mastodon's own."""

    _number = 0

    @pytest.fixture
    def world(self, server: MastodonServer) -> MastodonWorld:
        type(self)._number += 1
        return MastodonWorld(server, self._number)

    def test_instance_tells_its_limits(self, world: MastodonWorld) -> None:
        limits = world.channel(world.http()).capabilities().limits
        assert limits.source == f"{world.server.url}/api/v2/instance"
        assert limits.image_bytes_max == 10_485_760  # the instance's own, not the default

    def test_server_error_is_unknown_and_absence_is_proved(self, world: MastodonWorld) -> None:
        channel = world.channel(world.http())
        world.server.fault(
            method="POST", path="/api/v1/statuses", effect={"type": "status", "status": 503}
        )
        request = self.request(channel, "Peladen sibuk")
        assert isinstance(channel.publish(request), Unknown)
        assert isinstance(channel.reconcile(request), Absent)

    def test_rate_limit_costs_no_attempt(self, world: MastodonWorld) -> None:
        channel = world.channel(world.http())
        world.server.fault(method="POST", path="/api/v1/statuses", effect={"type": "ratelimit"})
        outcome = channel.publish(self.request(channel, "Terlalu cepat"))
        assert isinstance(outcome, NotSent)
        assert not outcome.counts
        assert outcome.retry_at is not None
        assert 290 < (outcome.retry_at - now()).total_seconds() <= 300

    def test_failing_read_settles_nothing(self, world: MastodonWorld) -> None:
        channel = world.channel(world.http())
        channel.check()
        world.server.fault(
            method="GET",
            path="/api/v1/accounts/*/statuses",
            effect={"type": "status", "status": 500},
            count=3,
        )
        assert isinstance(channel.reconcile(self.request(channel, "Tak tahu")), CannotTell)

    def test_server_that_is_not_there_was_not_sent_to(self, world: MastodonWorld) -> None:
        http = HttpClient(
            guard=AddressGuard(["127.0.0.1:9"]), clock=now, sleep=lambda _: None, user_agent="t"
        )
        channel = MastodonChannel(
            base_url="http://127.0.0.1:9",
            token="x",
            http=http,
            budgets=MemoryBudgets(),
            clock=now,
            sleep=time.sleep,
        )
        outcome = channel.publish(self.request(channel, "Tiada siapa-siapa"))
        assert isinstance(outcome, NotSent)
        assert outcome.counts

    def test_equal_answers_to_two_people_are_told_apart(self, world: MastodonWorld) -> None:
        channel = world.channel(world.http())
        post = self.send(channel, "Ada diskon!")
        asked = [world.answer(text, RemoteRef(post.remote_id)) for text in ("Di mana?", "Kapan?")]
        requests: list[SendRequest] = [
            self.request(channel, "Terima kasih!", reply_to=RemoteRef(remote_id))
            for remote_id in asked
        ]
        assert isinstance(channel.publish(requests[0]), Sent)
        assert isinstance(channel.reconcile(requests[0]), Sent)
        assert isinstance(channel.reconcile(requests[1]), Absent)

    def test_picture_reaches_the_instance_unchanged(self, world: MastodonWorld) -> None:
        from channels.base import Image

        channel = world.channel(world.http())
        sent = self.send(channel, "Foto", images=(Image(picture("navy"), "image/png", "biru"),))
        stored = sent.raw["media_attachments"][0]["url"]
        assert httpx.get(stored).content == picture("navy")

    def test_a_video_is_taken_as_the_instance_says(self, world: MastodonWorld) -> None:
        channel = world.channel(world.http())
        video = Video(MP4, "video/mp4", "Kopi dituang")
        assert channel.capabilities().videos
        request = self.request(channel, "Lihat", video=video)
        channel.prepare(request)
        sent = channel.publish(request)
        assert isinstance(sent, Sent), sent
        post = next(post for post in world.posts() if post.text == "Lihat")
        assert post.alts == ("Kopi dituang",)
        assert channel.reconcile(request) == sent or isinstance(channel.reconcile(request), Sent)

    def test_quotes_are_refused_where_the_instance_has_none(self, world: MastodonWorld) -> None:
        channel = world.channel(world.http())
        first = self.send(channel, "Yang dikutip")
        request = self.request(channel, "Kutipan", quote=RemoteRef(first.remote_id))
        if channel.capabilities().quotes:
            channel.prepare(request)
            assert isinstance(channel.publish(request), Sent)
        else:
            with pytest.raises(InvalidInput, match=r"takes no quotes"):
                channel.prepare(request)
