"""The Bluesky channel against a real Bluesky network on loopback."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from channels.base import CannotTell, Card, Channel, Image, RemoteRef, Sent, Unknown, Video
from channels.bluesky import BlueskyChannel
from channels.bluesky_records import TidMaker, timestamp
from net.client import HttpClient
from tests.live.bluesky_network.network import Account, BlueskyNetwork, available
from tests.live.channel_contract import (
    LosingHttp,
    Reader,
    Seen,
    eventually,
    loopback_client,
    now,
    picture,
)
from tests.live.channel_contract_more import MP4, WholeContract
from tests.live.needs import need
from tests.memory import MemoryBudgets, MemoryTokens

pytestmark = [pytest.mark.live, pytest.mark.bluesky]

PASSWORD = "a-password-of-this-test"


@pytest.fixture(scope="module")
def network() -> Iterator[BlueskyNetwork]:
    need("the Bluesky network", available())
    with BlueskyNetwork() as running:
        yield running


class BlueskyWorld:
    """A brand and a customer on the network."""

    def __init__(self, network: BlueskyNetwork, number: int) -> None:
        self.network = network
        self.account = network.create_account(f"merek-{number}.test", PASSWORD)
        self.visitor = network.create_account(f"siti-{number}.test", PASSWORD)
        self.brand = self.account.handle
        self.customer = self.visitor.handle
        self.tokens = MemoryTokens()
        self.tids = TidMaker()
        self.jwt = self._login(self.visitor)

    def channel(self, http: LosingHttp | HttpClient, *, secret: str | None = None) -> Channel:
        return BlueskyChannel(
            base_url=self.network.pds_url,
            handle=self.brand,
            password=secret or PASSWORD,
            http=http,
            tokens=MemoryTokens() if secret else self.tokens,
            budgets=MemoryBudgets(),
            clock=now,
        )

    def http(self) -> HttpClient:
        return loopback_client(self.network.pds_url)

    def answer(self, text: str, to: RemoteRef) -> str:
        self._wait_for(to.remote_id)
        record = {
            "$type": "app.bsky.feed.post",
            "text": text,
            "createdAt": timestamp(now()),
            "reply": {
                "root": {"uri": to.extra["root_uri"], "cid": to.extra["root_cid"]},
                "parent": {"uri": to.remote_id, "cid": to.extra["cid"]},
            },
        }
        return self._put("app.bsky.feed.post", record)

    def like(self, post: RemoteRef) -> None:
        self._wait_for(post.remote_id)
        subject = {"uri": post.remote_id, "cid": post.extra["cid"]}
        record = {"$type": "app.bsky.feed.like", "subject": subject, "createdAt": timestamp(now())}
        self._put("app.bsky.feed.like", record)

    def follow(self) -> None:
        self._put(
            "app.bsky.graph.follow",
            {
                "$type": "app.bsky.graph.follow",
                "subject": self.account.did,
                "createdAt": timestamp(now()),
            },
        )

    def replies(self, remote_id: str) -> list[Seen]:
        answer = self._get("app.bsky.feed.getPostThread", uri=remote_id, depth=1, ok=(200, 400))
        found = answer.get("thread", {}).get("replies", [])
        return [Seen(r["post"]["author"]["handle"], r["post"]["record"]["text"]) for r in found]

    def posts(self) -> list[Seen]:
        answer = self._get(
            "com.atproto.repo.listRecords",
            repo=self.account.did,
            collection="app.bsky.feed.post",
            limit=100,
        )
        return [self._seen(record["value"]) for record in answer["records"]]

    def likers(self, remote_id: str) -> list[str]:
        answer = self._get("app.bsky.feed.getLikes", uri=remote_id)
        return [like["actor"]["handle"] for like in answer["likes"]]

    def record(self, uri: str) -> dict[str, Any]:
        repo, collection, rkey = uri.removeprefix("at://").split("/")
        answer = self._get(
            "com.atproto.repo.getRecord", repo=repo, collection=collection, rkey=rkey
        )
        value: dict[str, Any] = answer["value"]
        return value

    def _wait_for(self, uri: str) -> None:
        """Wait until the app view shows a post: people answer only what they see.

        It takes in accounts side by side, and an answer that it meets before the post brings
        no notification, ever.
        """
        posts = eventually(lambda: self._get("app.bsky.feed.getPosts", uris=[uri])["posts"], bool)
        assert posts, f"the app view does not know {uri}"

    def _seen(self, value: dict[str, Any]) -> Seen:
        images = value.get("embed", {}).get("images", [])
        return Seen(self.brand, value["text"], tuple(image["alt"] for image in images))

    def _login(self, account: Account) -> str:
        body = {"identifier": account.handle, "password": account.password}
        return str(self._post("com.atproto.server.createSession", body, jwt=None)["accessJwt"])

    def _put(self, collection: str, record: dict[str, Any]) -> str:
        body = {
            "repo": self.visitor.did,
            "collection": collection,
            "rkey": self.tids.make(now()),
            "record": record,
        }
        return str(self._post("com.atproto.repo.putRecord", body, jwt=self.jwt)["uri"])

    def _post(self, method: str, body: dict[str, Any], jwt: str | None) -> dict[str, Any]:
        headers = {} if jwt is None else {"Authorization": f"Bearer {jwt}"}
        url = f"{self.network.pds_url}/xrpc/{method}"
        answer = httpx.post(url, json=body, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def _get(self, method: str, ok: tuple[int, ...] = (200,), **params: Any) -> dict[str, Any]:
        answer = httpx.get(
            f"{self.network.pds_url}/xrpc/{method}",
            params=params,
            headers={"Authorization": f"Bearer {self.jwt}"},
            timeout=30,
        )
        assert answer.status_code in ok, answer.text
        result: dict[str, Any] = answer.json()
        return result


class TestBluesky(WholeContract):
    """The contract, and what is Bluesky's own."""

    _numbers = itertools.count(1)

    @pytest.fixture
    def world(self, network: BlueskyNetwork) -> BlueskyWorld:
        return BlueskyWorld(network, next(self._numbers))

    def test_links_mentions_and_tags_become_facets(self, world: BlueskyWorld) -> None:
        channel = world.channel(world.http())
        text = f"Halo ☕️ @{world.customer} dan @tidak.ada.test, lihat https://example.com/a. #kopi"
        sent = self.send(channel, text)
        record = world.record(sent.remote_id)
        raw = text.encode()
        found = [
            (raw[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode(), f["features"][0])
            for f in record["facets"]
        ]
        kinds = "app.bsky.richtext.facet"
        assert found == [
            (f"@{world.customer}", {"$type": f"{kinds}#mention", "did": world.visitor.did}),
            ("https://example.com/a", {"$type": f"{kinds}#link", "uri": "https://example.com/a"}),
            ("#kopi", {"$type": f"{kinds}#tag", "tag": "kopi"}),
        ]

    def test_session_is_kept_between_channels(self, world: BlueskyWorld) -> None:
        for _ in range(3):
            world.channel(world.http()).check()
        assert len(world.tokens.saves) == 1

    def test_stale_access_token_is_refreshed(self, world: BlueskyWorld) -> None:
        world.channel(world.http()).check()
        world.tokens.tokens["accessJwt"] = "garbage"
        channel = world.channel(world.http())
        self.send(channel, "Sesudah penyegaran")
        assert len(world.tokens.saves) == 2
        assert world.tokens.tokens["accessJwt"] != "garbage"

    def test_lost_session_is_replaced_by_a_new_one(self, world: BlueskyWorld) -> None:
        world.channel(world.http()).check()
        world.tokens.tokens |= {"accessJwt": "garbage", "refreshJwt": "garbage"}
        self.send(world.channel(world.http()), "Masuk lagi")
        assert len(world.tokens.saves) == 2

    def test_key_with_another_text_is_never_overwritten(self, world: BlueskyWorld) -> None:
        channel = world.channel(world.http())
        first = self.request(channel, "Yang pertama")
        assert isinstance(channel.publish(first), Sent)
        second = self.request(channel, "Yang kedua", client_key=first.client_key)
        assert isinstance(channel.publish(second), Unknown)
        settled = channel.reconcile(second)
        assert isinstance(settled, CannotTell)
        assert settled.ask_person
        assert [post.text for post in world.posts()] == ["Yang pertama"]

    def test_post_that_comes_up_late_is_still_read(self, world: BlueskyWorld) -> None:
        channel = world.channel(world.http())
        post = self.send(channel, "Siapa cepat")
        ref = RemoteRef(post.remote_id, post.extra)
        reader = Reader(channel)
        world.answer("satu", ref)
        assert eventually(reader.read, bool), "the first answer never came up"
        record = world.record(world.answer("dua", ref))
        record["createdAt"] = timestamp(now() - timedelta(minutes=5))
        record["text"] = "tiga"
        world._put("app.bsky.feed.post", record)
        got = eventually(lambda: [item.text for item in reader.read()], lambda seen: len(seen) == 3)
        assert sorted(got) == ["dua", "satu", "tiga"]
        assert sorted(item.text for item in reader.read()) == ["dua", "satu", "tiga"]

    def test_a_link_card_stands_as_it_was_approved(self, world: BlueskyWorld) -> None:
        channel = world.channel(world.http())
        card = Card(
            "https://example.com/cerita",
            "Cerita kopi",
            "Dari kebun ke cangkir.",
            Image(picture(), "image/png", ""),
        )
        sent = self.send(channel, "Baca ceritanya", card=card)
        embed = world.record(sent.remote_id)["embed"]
        assert embed["$type"] == "app.bsky.embed.external"
        shown = embed["external"]
        assert (shown["uri"], shown["title"], shown["description"]) == (
            card.url,
            card.title,
            card.description,
        )
        assert shown["thumb"]["mimeType"] == "image/png"

    def test_a_quote_points_at_its_post_also_with_a_picture(self, world: BlueskyWorld) -> None:
        channel = world.channel(world.http())
        first = self.send(channel, "Yang dikutip")
        assert first.url is not None
        ref = RemoteRef(channel.post_id(first.url))  # as people copy it from a browser
        assert ref.remote_id == first.remote_id
        plain = self.send(channel, "Kutipan", quote=ref)
        embed = world.record(plain.remote_id)["embed"]
        assert embed["record"]["uri"] == first.remote_id
        image = Image(picture(), "image/png", "cangkir")
        both = self.send(channel, "Kutipan bergambar", quote=ref, images=(image,))
        embed = world.record(both.remote_id)["embed"]
        assert embed["record"]["record"]["uri"] == first.remote_id
        assert embed["media"]["images"][0]["alt"] == "cangkir"

    def test_a_video_goes_to_the_accounts_own_server(self, world: BlueskyWorld) -> None:
        channel = world.channel(world.http())
        video = Video(MP4, "video/mp4", "Kopi dituang", 640, 360)
        request = self.request(channel, "Lihat", video=video)
        channel.prepare(request)
        sent = channel.publish(request)
        assert isinstance(sent, Sent), sent
        embed = world.record(sent.remote_id)["embed"]
        assert (embed["$type"], embed["alt"]) == ("app.bsky.embed.video", "Kopi dituang")
        assert embed["aspectRatio"] == {"width": 640, "height": 360}
        found = channel.reconcile(request)
        assert isinstance(found, Sent)

    def test_a_key_with_other_media_is_not_taken_for_ours(self, world: BlueskyWorld) -> None:
        channel = world.channel(world.http())
        image = Image(picture(), "image/png", "cangkir")
        request = self.request(channel, "Teks yang sama", images=(image,))
        assert isinstance(channel.publish(request), Sent)
        found = channel.reconcile(replace(request, images=()))
        assert isinstance(found, CannotTell)
        assert found.ask_person

    def test_a_follower_is_listed(self, world: BlueskyWorld) -> None:
        world.follow()
        channel = world.channel(world.http())
        page = eventually(lambda: channel.followers(None), lambda seen: bool(seen.people))
        assert [person.handle for person in page.people] == [world.customer]
