"""What every channel can be asked, and how it answers.

A channel is one account on one platform. It publishes one segment at a time and never decides
whether something may leave: `workflows/delivery.py` does, and is the only caller of `publish`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from domain.action import ActionKind
from domain.conversation import Interaction, Person


class ChannelError(Exception):
    """Base of what goes wrong while reading from a platform."""


class CredentialsRefused(ChannelError):
    """The platform does not accept the account's credentials; a person must reconnect it."""


class ChannelUnavailable(ChannelError):
    """The platform does not answer; reads may be tried again."""


class ChannelBusy(ChannelError):
    """A rate limit; try again at `retry_at` (None: unknown, use the usual back-off)."""

    def __init__(self, message: str, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class PlatformRefused(ChannelError):
    """The platform answered that it will not do this call, for another reason than the above.

    Attributes:
        status: the HTTP status.
        name: the platform's own name of the error, empty where it gives none.
    """

    def __init__(self, message: str, *, status: int, name: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.name = name


@dataclass(frozen=True)
class Limits:
    """Dated limits of one platform, or of one instance where the platform tells its own.

    Every `None` means that the platform names no such limit.
    """

    platform: str
    checked_on: str
    source: str
    text_unit: str  # "graphemes", "mastodon" (a URL counts `url_length`, mentions without host)
    text_max: int
    text_bytes_max: int | None
    images_max: int
    image_bytes_max: int
    image_types: tuple[str, ...]
    alt_max: int | None
    image_pixels_max: int | None = None
    url_length: int | None = None
    video_bytes_max: int | None = None
    video_types: tuple[str, ...] = ()  # empty: no videos
    video_alt_max: int | None = None


@dataclass(frozen=True)
class Capabilities:
    """What the channel offers; nothing that stands not here is ever offered to people."""

    platform: str
    kinds: frozenset[ActionKind]
    images: bool
    alt_text: bool
    threads: bool
    native_idempotency: bool
    reads: frozenset[str]  # kinds of interactions that can be read
    post_metrics: tuple[str, ...]  # the platform's own names
    account_metrics: tuple[str, ...]
    not_offered: tuple[str, ...]  # metrics people expect and the platform does not have
    limits: Limits
    videos: bool = False
    quotes: bool = False
    link_cards: bool = False  # a preview of ours; without it the platform makes its own, or none


@dataclass(frozen=True)
class Image:
    """A picture with its bytes, as the approved digest covers it."""

    data: bytes
    mime: str
    alt: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Video:
    """A video with its bytes, as the approved digest covers it."""

    data: bytes
    mime: str
    alt: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Card:
    """The preview of a link, as the approved digest covers it."""

    url: str
    title: str
    description: str = ""
    thumb: Image | None = None


@dataclass(frozen=True)
class RemoteRef:
    """A post on the platform. `extra` holds what an answer to it needs (Bluesky: cid, root)."""

    remote_id: str
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SendRequest:
    """One segment, with the key and the time that were committed before the first try.

    `reply_to` is what is answered; for the kinds like, unlike and delete it is the post that is
    meant. A post has pictures or a video, never both; a card only without either. `looked_from` is
    set where an earlier version tried the key: a read for the post begins there.
    """

    kind: ActionKind
    client_key: str
    client_time: datetime
    text: str
    images: tuple[Image, ...] = ()
    languages: tuple[str, ...] = ()
    visibility: str = "public"
    reply_to: RemoteRef | None = None
    attempt: int = 1
    video: Video | None = None
    card: Card | None = None
    quote: RemoteRef | None = None
    looked_from: datetime | None = None


@dataclass(frozen=True)
class Sent:
    """It is on the platform. `raw` is the platform's answer, secrets removed."""

    remote_id: str
    url: str | None
    raw: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NotSent:
    """It is certain that nothing was published; may be tried again at `retry_at`.

    `counts` is False where waiting for a rate budget or for a person should consume no attempt.
    `reconnect` is True where the credentials were refused: a person must reconnect the account,
    and the approved text goes out at `retry_at` or later without a new approval.
    """

    reason: str
    retry_at: datetime | None = None
    counts: bool = True
    reconnect: bool = False
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """The platform refused for good; nothing was published."""

    reason: str
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unknown:
    """It may or may not be on the platform."""

    reason: str
    raw: dict[str, Any] = field(default_factory=dict)


Outcome = Sent | NotSent | Refused | Unknown


@dataclass(frozen=True)
class Absent:
    """A read proved that it is not on the platform."""

    reason: str


@dataclass(frozen=True)
class CannotTell:
    """The platform does not let us find out (yet); ask again later, or a person."""

    reason: str
    ask_person: bool = False


Reconciled = Sent | Absent | CannotTell


@dataclass(frozen=True)
class InteractionPage:
    """Interactions newer than the cursor, oldest first, and the cursor that covers them."""

    interactions: tuple[Interaction, ...]
    cursor: str | None
    more: bool = False


@dataclass(frozen=True)
class MetricValue:
    """A figure under the platform's own name."""

    name: str
    value: int


@dataclass(frozen=True)
class AccountInfo:
    """Who the credentials belong to."""

    remote_id: str
    handle: str
    name: str
    url: str | None = None
    followers: int | None = None
    credentials_expire_at: datetime | None = None  # None: they do not, or the platform is silent


@dataclass(frozen=True)
class OwnPost:
    """A post of the account as the platform shows it, whoever wrote it with whatever program.

    `kind` is post, reply or repost; `text` is plain text.
    """

    remote_id: str
    kind: str
    text: str
    url: str | None
    posted_at: datetime
    metrics: tuple[MetricValue, ...] = ()


@dataclass(frozen=True)
class OwnPostsPage:
    """Posts of the account, newest first, and the cursor of the older ones (None: no more)."""

    posts: tuple[OwnPost, ...]
    cursor: str | None


@dataclass(frozen=True)
class FollowersPage:
    """Followers, and the cursor of the others (None: no more)."""

    people: tuple[Person, ...]
    cursor: str | None


class Budgets(Protocol):
    """Who is told that an account's budget of calls is used up."""

    def spent(self, until: datetime, reason: str) -> None:
        """No call before `until` (UTC); `reason` says which limit, for people."""
        ...


class TokenStore(Protocol):
    """Where a channel keeps its session; saved before a new token is used for the first time."""

    def load(self) -> dict[str, str]:
        """The stored session, empty where there is none."""
        ...

    def save(self, tokens: dict[str, str]) -> None:
        """Store a session. Never called with empty values."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Hold the account's session while it is renewed, against all other processes too."""
        ...


class Channel(Protocol):
    """One account on one platform."""

    def capabilities(self) -> Capabilities:
        """What this account offers. May ask the instance for its own limits, once."""
        ...

    def new_client_key(self, now: datetime) -> str:
        """A fresh client-chosen key: record key, idempotency key."""
        ...

    def prepare(self, request: SendRequest) -> None:
        """Check the request against the limits.

        Raises:
            domain.errors.LimitExceeded: with the count and the limit.
            domain.errors.InvalidInput: the platform has no such kind, visibility or target.
        """
        ...

    def publish(self, request: SendRequest) -> Outcome:
        """Send one segment once. Never raises for what the platform or the network does."""
        ...

    def reconcile(self, request: SendRequest) -> Reconciled:
        """Find out by reading whether the request took effect. Has no effect itself."""
        ...

    def check(self) -> AccountInfo:
        """Who the credentials belong to.

        Raises:
            ChannelError: they are refused, or the platform does not answer.
        """
        ...

    def interactions(self, cursor: str | None) -> InteractionPage:
        """What the public did since the cursor (None: from the beginning).

        The account's own posts are never among them.

        Raises:
            ChannelError: the platform does not answer.
        """
        ...

    def post_metrics(self, remote_ids: list[str]) -> dict[str, list[MetricValue]]:
        """Figures of posts; a post that is gone is missing from the answer.

        Raises:
            ChannelError: the platform does not answer.
        """
        ...

    def account_metrics(self) -> list[MetricValue]:
        """Figures of the account, such as followers.

        Raises:
            ChannelError: the platform does not answer.
        """
        ...

    def own_posts(self, cursor: str | None) -> OwnPostsPage:
        """What the account has published, with figures; newest first, a page at a time.

        Raises:
            ChannelError: the platform does not answer.
        """
        ...

    def followers(self, cursor: str | None) -> FollowersPage:
        """Who follows the account, a page at a time.

        Raises:
            ChannelError: the platform does not answer.
        """
        ...

    def post_id(self, address: str) -> str:
        """The platform's id of a post that people know by the address of its page.

        Args:
            address: as copied from a browser, or the id itself.

        Raises:
            domain.errors.InvalidInput: there is no post of this platform.
            ChannelError: the platform does not answer.
        """
        ...
