"""OutboundAction: everything that Humas does to the outside world, and its canonical digest."""

import hashlib
import json
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

DIGEST_SCHEME = "v1"


class ActionKind(StrEnum):
    """What an action does on the platform."""

    POST = "post"
    REPLY = "reply"
    LIKE = "like"
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


class MediaRef(BaseModel):
    """A picture of a segment: the digest covers its bytes by their hash."""

    model_config = ConfigDict(frozen=True)

    media_id: str
    sha256: str
    mime: str
    alt: str = ""


class Segment(BaseModel):
    """One post of a thread."""

    model_config = ConfigDict(frozen=True)

    text: str = ""
    media: tuple[MediaRef, ...] = ()
    link: str | None = None
    languages: tuple[str, ...] = ()


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
        for segment in data["segments"]:
            for media in segment["media"]:
                del media["media_id"]  # the bytes count, not where we keep them
        return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

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
