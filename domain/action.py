"""OutboundAction: everything that Humas does to the outside world, and its canonical digest."""

import hashlib
import json
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

DIGEST_SCHEME = "v1"


class ActionKind(StrEnum):
    """What an action does on the platform."""

    POST = "post"
    REPLY = "reply"
    LIKE = "like"
    UNLIKE = "unlike"
    HIDE = "hide"
    DELETE = "delete"
    MESSAGE = "message"
    INVITATION = "invitation"


class ActionState(StrEnum):
    """The states of design.md; the transitions stand in `domain.approval`."""

    DRAFTED = "drafted"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    ON_HOLD = "on_hold"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"


# Kinds that have words; the others only mean a post.
WRITTEN = frozenset({ActionKind.POST, ActionKind.REPLY, ActionKind.MESSAGE})


def _canonical(data: dict[str, Any]) -> bytes:
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


class MediaRef(BaseModel):
    """A picture or video of a segment: the digest covers its bytes by their hash."""

    model_config = ConfigDict(frozen=True)

    media_id: str
    sha256: str
    mime: str
    alt: str = ""

    @property
    def is_video(self) -> bool:
        """Whether it is a video rather than a picture."""
        return self.mime.startswith("video/")


class LinkCard(BaseModel):
    """The preview of a link, as people approve it: nothing of it is read anew when it is sent."""

    model_config = ConfigDict(frozen=True)

    title: str
    description: str = ""
    thumb: MediaRef | None = None


class Segment(BaseModel):
    """One post of a thread.

    A `link` with a `card` becomes a preview where the platform lets us give one; `quote` is the
    platform's id of the post that is quoted.
    """

    model_config = ConfigDict(frozen=True)

    text: str = ""
    media: tuple[MediaRef, ...] = ()
    link: str | None = None
    languages: tuple[str, ...] = ()
    card: LinkCard | None = None
    quote: str | None = None

    def content(self) -> dict[str, Any]:
        """What of it is digested.

        Of media the bytes count, not where we keep them. Members that came later (card, quote)
        are left out where they are not used, so that what was approved before keeps its digest.
        """
        data = self.model_dump(mode="json")
        for media in data["media"]:
            del media["media_id"]
        if data["card"] is None:
            del data["card"]
        elif data["card"]["thumb"] is not None:
            del data["card"]["thumb"]["media_id"]
        if data["quote"] is None:
            del data["quote"]
        return data

    def canonical(self) -> bytes:
        """The bytes of `content`, to compare two parts by."""
        return _canonical(self.content())

    def refs(self) -> tuple[MediaRef, ...]:
        """Every picture and video that leaves with it, the card's included."""
        thumb = self.card.thumb if self.card else None
        return (*self.media, thumb) if thumb else self.media


class Payload(BaseModel):
    """Exactly what leaves: the approval binds to the digest of this."""

    model_config = ConfigDict(frozen=True)

    account_id: str
    platform: str
    kind: ActionKind
    target: str | None = Field(
        default=None, description="Platform id of what is answered, liked, hidden or deleted"
    )
    segments: tuple[Segment, ...] = ()
    visibility: str = "public"

    def canonical(self) -> bytes:
        """The bytes that are digested: UTF-8 JSON, sorted keys, no white space between tokens."""
        data = self.model_dump(mode="json")
        data["segments"] = [segment.content() for segment in self.segments]
        return _canonical(data)

    def part(self, ordinal: int) -> Segment:
        """A segment by its number from 0; an act without words (a like) has one empty part."""
        return self.segments[ordinal] if self.segments else Segment()

    def digest(self) -> str:
        """Versioned digest: scheme, colon, SHA-256 in hex."""
        return f"{DIGEST_SCHEME}:{hashlib.sha256(self.canonical()).hexdigest()}"


# The least advanced state wins where several actions make up one post.
ADVANCEMENT: tuple[ActionState, ...] = (
    ActionState.FAILED,
    ActionState.UNCONFIRMED,
    ActionState.EXPIRED,
    ActionState.CHANGES_REQUESTED,
    ActionState.DRAFTED,
    ActionState.IN_REVIEW,
    ActionState.ON_HOLD,
    ActionState.APPROVED,
    ActionState.SCHEDULED,
    ActionState.PUBLISHING,
    ActionState.PUBLISHED,
    ActionState.REJECTED,
)


def aggregate(states: list[ActionState]) -> ActionState:
    """The state of a post that has one action per channel account.

    Raises:
        ValueError: when there is no action at all.
    """
    if not states:
        raise ValueError("a post without actions has no state")
    return min(states, key=ADVANCEMENT.index)
