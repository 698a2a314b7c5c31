"""Fakes that are passed in: a platform in memory, a model with set answers, a queue as a list."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agents.calls import Answer, CallRecord, CallScope, Message, Validator
from agents.llm import OffModel
from channels.base import (
    Absent,
    AccountInfo,
    CannotTell,
    Capabilities,
    ChannelUnavailable,
    FollowersPage,
    InteractionPage,
    Limits,
    MetricValue,
    Outcome,
    OwnPost,
    OwnPostsPage,
    Reconciled,
    SendRequest,
    Sent,
    Unknown,
)
from config.clock import FixedClock
from config.settings import Settings
from domain.action import ActionKind
from domain.conversation import Interaction, InteractionKind, Person
from domain.errors import InvalidInput, LimitExceeded
from net.rehearsal import Rehearsed, WireRequest
from sources.cards import PageCard
from storage.secrets import SecretBox, new_key
from storage.tables import ChannelAccount
from storage.uow import Database
from workflows.graphs import GRAPHS
from workflows.runner import Runner
from workflows.services import Reading, Services

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # a Monday, 08:00 in Jakarta


class ListWaker:
    """Collects what a queue would be told."""

    def __init__(self) -> None:
        self.wakes: list[tuple[str, str, str, str, str]] = []

    def wake(
        self, workspace_id: str, thread_id: str, queue: str, checkpoint: str, reason: str
    ) -> None:
        """Remember it."""
        self.wakes.append((workspace_id, thread_id, queue, checkpoint, reason))


@dataclass
class RemotePost:
    """A post on the platform in memory."""

    remote_id: str
    request: SendRequest
    likes: int = 0


@dataclass
class FakePlatform:
    """A platform in memory that keeps posts by client key, like a record key does."""

    posts: dict[str, RemotePost] = field(default_factory=dict)
    sends: int = 0
    inbound: list[Interaction] = field(default_factory=list)
    earlier: list[OwnPost] = field(default_factory=list)  # made elsewhere
    # What the next sends do instead: a function of the request, or an outcome.
    script: list[Callable[[SendRequest], Outcome]] = field(default_factory=list)
    down: bool = False
    unreadable: bool = False  # what it has cannot be told by reading
    figures_fail: bool = False
    text_max: int = 300
    ids: Any = field(default_factory=lambda: itertools.count(1))

    def store(self, request: SendRequest) -> Sent:
        """Take a post; the same key again is the same post."""
        post = self.posts.get(request.client_key)
        if post is None:
            post = RemotePost(f"remote-{next(self.ids)}", request)
            self.posts[request.client_key] = post
        return Sent(post.remote_id, f"https://social.example/{post.remote_id}", {"ok": True})

    def lose_answer(self, request: SendRequest) -> Outcome:
        """It took effect, but the answer got lost."""
        self.store(request)
        return Unknown("time-out")

    def comment(self, text: str, target: str, who: str = "sari", at: datetime = START) -> None:
        """Somebody answers a post."""
        number = next(self.ids)
        self.inbound.append(
            Interaction(
                remote_id=f"in-{number}",
                kind=InteractionKind.REPLY,
                person=Person(remote_id=f"id-{who}", handle=who, name=who.title()),
                text=text,
                url=f"https://social.example/in-{number}",
                target_remote_id=target,
                root_remote_id=target,
                occurred_at=at,
            )
        )

    def texts(self) -> list[str]:
        """The texts that are live."""
        return [post.request.text for post in self.posts.values()]


class FakeChannel:
    """An account on the platform in memory."""

    def __init__(
        self, platform: FakePlatform, name: str = "bluesky", *, rehearsing: bool = False
    ) -> None:
        self.platform = platform
        self.name = name
        self.rehearsing = rehearsing
        self._keys = itertools.count()

    def capabilities(self) -> Capabilities:
        """Everything that the thin version needs."""
        return Capabilities(
            platform=self.name,
            kinds=frozenset({ActionKind.POST, ActionKind.REPLY, ActionKind.LIKE}),
            images=True,
            alt_text=True,
            threads=True,
            native_idempotency=True,
            quotes=True,
            link_cards=True,
            reads=frozenset({"reply", "mention", "like"}),
            post_metrics=("likeCount", "repostCount", "replyCount", "quoteCount"),
            account_metrics=("followersCount",),
            not_offered=("reach", "impressions"),
            limits=Limits(
                platform=self.name,
                checked_on="2026-11-22",
                source="fake",
                text_unit="graphemes",
                text_max=self.platform.text_max,
                text_bytes_max=None,
                images_max=4,
                image_bytes_max=1_000_000,
                image_types=("image/png", "image/jpeg"),
                alt_max=None,
            ),
        )

    def new_client_key(self, now: datetime) -> str:
        """A key that nobody has."""
        return f"key-{now.timestamp()}-{id(self)}-{next(self._keys)}"

    def prepare(self, request: SendRequest) -> None:
        """Refuse what is too long."""
        if len(request.text) > self.platform.text_max:
            raise LimitExceeded(
                f"The text has {len(request.text)} characters; {self.platform.text_max} are allowed."
            )

    def publish(self, request: SendRequest) -> Outcome:
        """Store it, or do what the script says."""
        if self.rehearsing:
            raise Rehearsed(WireRequest("POST", "https://social.example/post", {}, request.text))
        self.platform.sends += 1
        if self.platform.script:
            return self.platform.script.pop(0)(request)
        return self.platform.store(request)

    def reconcile(self, request: SendRequest) -> Reconciled:
        """Look the key up."""
        if self.platform.down:
            raise ChannelUnavailable("The platform is down.")
        if self.platform.unreadable:
            return CannotTell("Own posts cannot be read.", ask_person=True)
        post = self.platform.posts.get(request.client_key)
        if post is None:
            return Absent("There is no such record.")
        return Sent(post.remote_id, f"https://social.example/{post.remote_id}")

    def check(self) -> AccountInfo:
        """Always fine."""
        return AccountInfo("did:fake", "brand.example", "Brand", followers=120)

    def interactions(self, cursor: str | None) -> InteractionPage:
        """What came since the cursor, which is a number here."""
        if self.platform.down:
            raise ChannelUnavailable("The platform is down.")
        seen = int(cursor or 0)
        return InteractionPage(tuple(self.platform.inbound[seen:]), str(len(self.platform.inbound)))

    def post_metrics(self, remote_ids: list[str]) -> dict[str, list[MetricValue]]:
        """Likes as set, replies as received."""
        if self.platform.figures_fail:
            raise ChannelUnavailable("the figures cannot be read")
        replies: dict[str, int] = defaultdict(int)
        for item in self.platform.inbound:
            replies[item.target_remote_id or ""] += 1
        return {
            post.remote_id: [
                MetricValue("likeCount", post.likes),
                MetricValue("repostCount", 0),
                MetricValue("replyCount", replies[post.remote_id]),
                MetricValue("quoteCount", 0),
            ]
            for post in self.platform.posts.values()
            if post.remote_id in remote_ids
        }

    def account_metrics(self) -> list[MetricValue]:
        """Followers."""
        return [MetricValue("followersCount", 120)]

    def own_posts(self, cursor: str | None) -> OwnPostsPage:
        """What stands there already and what was sent, newest first, two a page."""
        if self.platform.down:
            raise ChannelUnavailable("The platform is down.")
        sent = [
            OwnPost(post.remote_id, "post", post.request.text, None, post.request.client_time)
            for post in self.platform.posts.values()
        ]
        posts = sorted([*self.platform.earlier, *sent], key=lambda p: p.posted_at, reverse=True)
        start = int(cursor or 0)
        more = start + 2 < len(posts)
        return OwnPostsPage(tuple(posts[start : start + 2]), str(start + 2) if more else None)

    def post_id(self, address: str) -> str:
        """Addresses end in the id."""
        if self.platform.down:
            raise ChannelUnavailable("The platform is down.")
        name = address.rpartition("/")[2]
        if not name.startswith("remote-"):
            raise InvalidInput(f"There is no post at {address}.")
        return name

    def followers(self, cursor: str | None) -> FollowersPage:
        """One follower."""
        del cursor
        return FollowersPage((Person(remote_id="id-sari", handle="sari", name="Sari"),), None)


class FakeModel:
    """Answers each task with what a function makes of the schema's class."""

    def __init__(self, answers: dict[str, Callable[[type[Any]], Any]]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.prompts: list[str] = []

    def ask(
        self,
        role: Any,
        task: str,
        messages: Sequence[Message],
        schema: type[Any],
        *,
        scope: CallScope,
        max_tokens: int,
        temperature: float = 0.2,
        seed: int = 7,
        validate: Validator[Any] | None = None,
    ) -> Answer[Any]:
        """Give the set answer, checked like a real one."""
        self.asked.append(task)
        self.prompts.append("\n".join(message.content for message in messages))
        made = self.answers[task](schema)
        if isinstance(made, Exception):
            raise made
        value = schema.model_validate(made)
        problems = validate(value) if validate else []
        assert not problems, problems
        return Answer(value, self._record(role, task, scope))

    def _record(self, role: Any, task: str, scope: CallScope) -> CallRecord:
        return CallRecord(
            brand_id=scope.brand_id,
            thread_id=scope.thread_id,
            stage=scope.stage,
            role=role,
            task=task,
            model="fake",
            params={},
            prompt_hash="0",
            schema_hash="0",
            reserved=0,
            tokens_in=1,
            tokens_out=1,
            cost=None,
            milliseconds=0,
            outcome="ok",
            started_at=START,
            finished_at=START,
        )


def fake_services(
    database: Database,
    database_url: str,
    *,
    platform: FakePlatform | None = None,
    model: FakeModel | None = None,
    reading: Reading | None = None,
    clock: FixedClock | None = None,
    notes: list[tuple[tuple[str, ...], str, str]] | None = None,
    **changes: Any,
) -> Services:
    """Services with fakes for the outside world and the real database."""
    key = new_key()
    values: dict[str, Any] = {
        "database_url": database_url,
        "redis_url": "redis://unused.invalid",
        "secret_key": key,
        "undo_seconds": 0,
        "measure_hours": 1,
        "_env_file": None,
    }
    settings = Settings(**(values | changes))
    shared = platform or FakePlatform()
    sink = notes if notes is not None else []

    def open_channel(account: ChannelAccount) -> FakeChannel:
        return FakeChannel(shared, account.platform)

    return Services(
        settings=settings,
        database=database,
        clock=clock or FixedClock(START),
        model_of=lambda _workspace: model or OffModel(),
        model_off=model is None,
        open_channel=open_channel,
        rehearse_channel=lambda account: FakeChannel(shared, account.platform, rehearsing=True),
        read_sources=lambda _profile, _progress: reading or Reading(()),
        read_card=lambda url: PageCard(url, f"Title of {url}", "What it says.", None),
        notify=lambda to, title, body: sink.append((to, title, body)),
        box=SecretBox(key),
    )


class Pump:
    """Runs threads as workers would, one super-step after the other, in this process."""

    def __init__(self, services: Services, waker: ListWaker) -> None:
        self.services = services
        self.waker = waker
        self.runner = Runner(services, GRAPHS)
        self.steps: list[str] = []

    def drain(self, limit: int = 500) -> list[str]:
        """Run what was woken until nothing is left."""
        ran = []
        while self.waker.wakes:
            workspace_id, thread_id, _queue, checkpoint, _reason = self.waker.wakes.pop(0)
            ran.append(self.runner.advance(workspace_id, thread_id, checkpoint))
            assert len(ran) < limit, f"the threads do not come to rest: {ran[-20:]}"
        self.steps += ran
        return ran

    def tick(self) -> list[str]:
        """Wake what the clock would wake, then run it."""
        from storage.repositories.threads import Schedule

        with self.services.database.system() as session:
            due = Schedule(session).due(self.services.clock.now(), 0.0)
        for item in due:
            self.waker.wake(
                item.workspace_id, item.thread_id, item.queue, item.checkpoint_id, "due"
            )
        return self.drain()

    def skip_pauses(self) -> None:
        """Pretend that the machine time between two tries of a stage has passed."""
        from sqlalchemy import text

        with self.services.database.system() as session:
            session.execute(text("update threads set ready_at = now() - interval '1 hour'"))

    def pass_time(self, by: timedelta) -> list[str]:
        """Move the clock, then tick."""
        clock = self.services.clock
        assert isinstance(clock, FixedClock)
        clock.advance(by)
        return self.tick()


def with_clock(services: Services, clock: FixedClock) -> Services:
    """The same services on another clock."""
    return replace(services, clock=clock)
