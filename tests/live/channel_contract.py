"""What every channel has to do, run against each platform's server by a subclass."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import pytest
from PIL import Image as Pictures

from channels.base import (
    Absent,
    Channel,
    CredentialsRefused,
    Image,
    NotSent,
    Refused,
    RemoteRef,
    SendRequest,
    Sent,
    Unknown,
)
from domain.action import ActionKind
from domain.conversation import Interaction, InteractionKind
from domain.errors import LimitExceeded
from net.client import HttpClient, Response
from net.errors import OutcomeUnknown
from net.guard import AddressGuard

PATIENCE_SECONDS = 20
Found = TypeVar("Found")


@dataclass(frozen=True)
class Seen:
    """A post as a stranger sees it."""

    author: str
    text: str
    alts: tuple[str, ...] = ()


class World(Protocol):
    """A platform with a brand's account and a customer's account on it."""

    brand: str  # handle
    customer: str  # handle

    def channel(self, http: LosingHttp | HttpClient, *, secret: str | None = None) -> Channel:
        """The brand's channel, with its true or another secret."""
        ...

    def http(self) -> HttpClient:
        """A client that may reach the platform."""
        ...

    def answer(self, text: str, to: RemoteRef) -> str:
        """The customer answers a post; returns the answer's id."""
        ...

    def like(self, post: RemoteRef) -> None:
        """The customer likes a post."""
        ...

    def replies(self, remote_id: str) -> list[Seen]:
        """The answers under a post."""
        ...

    def posts(self) -> list[Seen]:
        """The brand's own posts."""
        ...

    def likers(self, remote_id: str) -> list[str]:
        """Handles of those who like a post."""
        ...


class LosingHttp:
    """Lets effects reach the server and then loses the answer, as often as it is told."""

    def __init__(self, inner: HttpClient, *, before: bool = False) -> None:
        self.inner = inner
        self.lose = 0
        self.before = before

    def request(self, method: str, url: str, *, may_have_effect: bool, **options: Any) -> Response:
        lose = may_have_effect and self.lose > 0
        if lose:
            self.lose -= 1
        if not (lose and self.before):
            answer = self.inner.request(method, url, may_have_effect=may_have_effect, **options)
        if lose:
            raise OutcomeUnknown("the answer was lost on its way")
        return answer


def loopback_client(url: str) -> HttpClient:
    """The real client, allowed to reach one address of this machine."""
    return HttpClient(
        guard=AddressGuard([url.rpartition("/")[2]]),
        clock=now,
        sleep=time.sleep,
        user_agent="Humas tests",
    )


def now() -> datetime:
    return datetime.now(UTC)


def eventually(look: Callable[[], Found], wanted: Callable[[Found], bool]) -> Found:
    """Look until what is seen is wanted; the last look is returned in any case."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        seen = look()
        if wanted(seen) or time.monotonic() > deadline:
            return seen
        time.sleep(0.2)


def picture(colour: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Pictures.new("RGB", (32, 18), colour).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Reader:
    """Reads interactions as intake does: page after page from the cursor on."""

    channel: Channel
    cursor: str | None = None
    got: list[Interaction] = field(default_factory=list)

    def read(self) -> list[Interaction]:
        while True:
            page = self.channel.interactions(self.cursor)
            self.got += page.interactions
            self.cursor = page.cursor
            if not page.more:
                return self.got


class ChannelContract:
    """The tests; a subclass gives the fixture `world`."""

    @pytest.fixture
    def channel(self, world: World) -> Channel:
        return world.channel(world.http())

    @staticmethod
    def request(channel: Channel, text: str, **changes: Any) -> SendRequest:
        at = now()
        plain = SendRequest(
            kind=ActionKind.POST,
            client_key=channel.new_client_key(at),
            client_time=at,
            text=text,
            languages=("id",),
        )
        return replace(plain, **changes)

    def send(self, channel: Channel, text: str, **changes: Any) -> Sent:
        request = self.request(channel, text, **changes)
        channel.prepare(request)
        outcome = channel.publish(request)
        assert isinstance(outcome, Sent), outcome
        return outcome

    def test_says_whose_the_account_is(self, world: World, channel: Channel) -> None:
        info = channel.check()
        assert info.handle == world.brand
        assert info.followers == 0
        assert {metric.name for metric in channel.account_metrics()} == set(
            channel.capabilities().account_metrics
        )

    def test_wrong_credentials_lose_nothing(self, world: World) -> None:
        channel = world.channel(world.http(), secret="wrong-wrong-wrong")
        with pytest.raises(CredentialsRefused):
            channel.check()
        outcome = channel.publish(self.request(channel, "tak sampai"))
        assert isinstance(outcome, NotSent)
        assert outcome.reconnect
        assert not outcome.counts
        assert outcome.retry_at is not None
        assert "tak sampai" not in [post.text for post in world.posts()]

    def test_text_arrives_as_it_was_approved(self, world: World, channel: Channel) -> None:
        text = "Selamat pagi, Bandung! ☕️ <b>5 < 6</b> & lebih\n\nhttps://example.com/a?b=1 #kopi"
        sent = self.send(channel, text)
        assert sent.url
        assert [post.text for post in world.posts()].count(text) == 1

    def test_picture_arrives_with_its_alternative_text(
        self, world: World, channel: Channel
    ) -> None:
        image = Image(picture(), "image/png", "Secangkir kopi di atas meja kayu")
        self.send(channel, "Kopi hari ini", images=(image,))
        post = next(post for post in world.posts() if post.text == "Kopi hari ini")
        assert post.alts == ("Secangkir kopi di atas meja kayu",)

    def test_same_request_twice_is_one_post(self, world: World, channel: Channel) -> None:
        request = self.request(
            channel, "Hanya sekali", images=(Image(picture(), "image/png", "cangkir"),)
        )
        first = channel.publish(request)
        second = channel.publish(replace(request, attempt=2))
        assert isinstance(first, Sent)
        assert isinstance(second, Sent)
        assert first.remote_id == second.remote_id
        assert [post.text for post in world.posts()].count("Hanya sekali") == 1

    def test_lost_answer_is_found_again(self, world: World) -> None:
        http = LosingHttp(world.http())
        channel = world.channel(http)
        request = self.request(channel, "Jawaban @siapa@contoh.example hilang **di** jalan")
        http.lose = 1
        assert isinstance(channel.publish(request), Unknown)
        found = channel.reconcile(request)
        assert isinstance(found, Sent)
        again = channel.publish(replace(request, attempt=2))
        assert isinstance(again, Sent)
        assert again.remote_id == found.remote_id
        assert [post.text for post in world.posts()].count(request.text) == 1

    def test_what_never_arrived_is_proved_absent(self, world: World) -> None:
        http = LosingHttp(world.http(), before=True)
        channel = world.channel(http)
        other = self.send(channel, "Ada yang lain")
        request = self.request(channel, "Tidak pernah sampai")
        http.lose = 1
        assert isinstance(channel.publish(request), Unknown)
        assert isinstance(channel.reconcile(request), Absent)
        assert isinstance(channel.publish(replace(request, attempt=2)), Sent)
        found = channel.reconcile(request)
        assert isinstance(found, Sent)
        assert found.remote_id != other.remote_id

    def test_answer_of_a_customer_is_read_once_and_answered(
        self, world: World, channel: Channel
    ) -> None:
        post = self.send(channel, "Besok kami buka jam berapa?")
        ref = RemoteRef(post.remote_id, post.extra)
        reader = Reader(channel)
        reader.read()
        question = f"@{world.brand} Apakah ada kopi <tanpa> gula & susu?\n\nTerima kasih!"
        asked = world.answer(question, ref)
        got = eventually(lambda: [item for item in reader.read() if item.remote_id == asked], bool)
        reader.read()
        assert [item.remote_id for item in reader.got].count(asked) == 1
        assert got[0].kind is InteractionKind.REPLY
        assert got[0].text == question
        assert got[0].person.handle == world.customer
        assert got[0].target_remote_id == post.remote_id
        assert [i.remote_id for i in Reader(channel).read()].count(asked) == 1

        reply = f"@{world.customer} Ada, silakan mampir."
        ours = self.send(channel, reply, kind=ActionKind.REPLY, reply_to=RemoteRef(asked))
        under = eventually(
            lambda: world.replies(asked), lambda seen: Seen(world.brand, reply) in seen
        )
        assert Seen(world.brand, reply) in under
        assert ours.remote_id not in [item.remote_id for item in reader.read()]

    def test_thread_of_segments_hangs_together(self, world: World, channel: Channel) -> None:
        first = self.send(channel, "Bagian satu")
        second = self.send(channel, "Bagian dua", reply_to=RemoteRef(first.remote_id, first.extra))
        self.send(channel, "Bagian tiga", reply_to=RemoteRef(second.remote_id))
        for parent, text in ((first, "Bagian dua"), (second, "Bagian tiga")):
            wanted = Seen(world.brand, text)
            under = eventually(
                lambda parent=parent: world.replies(parent.remote_id),  # type: ignore[misc]
                lambda seen, wanted=wanted: wanted in seen,  # type: ignore[misc]
            )
            assert wanted in under

    def test_like_is_set_once_and_reconciled(self, world: World, channel: Channel) -> None:
        post = self.send(channel, "Mohon dukungannya")
        asked = world.answer("Semangat!", RemoteRef(post.remote_id, post.extra))
        # The app view has to know a post of somebody else before it can be liked.
        eventually(lambda: world.replies(post.remote_id), bool)
        request = self.request(channel, "", kind=ActionKind.LIKE, reply_to=RemoteRef(asked))
        channel.prepare(request)
        assert isinstance(channel.reconcile(request), Absent)
        first, second = channel.publish(request), channel.publish(replace(request, attempt=2))
        assert isinstance(first, Sent)
        assert isinstance(second, Sent)
        assert first.remote_id == second.remote_id
        found = channel.reconcile(request)
        assert isinstance(found, Sent)
        assert found.remote_id == first.remote_id
        likers = eventually(lambda: world.likers(asked), bool)
        assert likers == [world.brand]

    def test_figures_of_a_post(self, world: World, channel: Channel) -> None:
        names = channel.capabilities().post_metrics
        post = self.send(channel, "Angka-angka")
        ref = RemoteRef(post.remote_id, post.extra)
        world.like(ref)
        world.answer("Bagus", ref)

        def read() -> dict[str, int]:
            figures = channel.post_metrics([post.remote_id]).get(post.remote_id, [])
            return {figure.name: figure.value for figure in figures}

        figures = eventually(read, lambda seen: sum(seen.values()) == 2)
        assert set(figures) == set(names)
        assert figures[names[0]] == 1  # likes
        assert figures[names[2]] == 1  # answers
        assert figures[names[1]] == 0  # reposts
        reader = Reader(channel)
        liked = eventually(
            lambda: [
                item
                for item in reader.read()
                if item.kind is InteractionKind.LIKE and item.target_remote_id == post.remote_id
            ],
            bool,
        )
        assert [item.person.handle for item in liked] == [world.customer]

    def test_deleting(self, world: World, channel: Channel) -> None:
        post = self.send(channel, "Salah tulis")
        request = self.request(
            channel, "", kind=ActionKind.DELETE, reply_to=RemoteRef(post.remote_id)
        )
        assert isinstance(channel.reconcile(request), Absent)
        assert isinstance(channel.publish(request), Sent)
        assert isinstance(channel.reconcile(request), Sent)
        assert "Salah tulis" not in [post.text for post in world.posts()]
        gone = eventually(lambda: channel.post_metrics([post.remote_id]), lambda seen: not seen)
        assert gone == {}

    def test_too_long_is_refused_before_and_by_the_platform(
        self, world: World, channel: Channel
    ) -> None:
        limit = channel.capabilities().limits.text_max
        assert isinstance(channel.publish(self.request(channel, "y" * limit)), Sent)
        request = self.request(channel, "x" * (limit + 1))
        with pytest.raises(LimitExceeded, match=f"{limit + 1} characters.* {limit}"):
            channel.prepare(request)
        assert isinstance(channel.publish(request), Refused)
        assert request.text not in [post.text for post in world.posts()]
