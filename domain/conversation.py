"""Inbound interactions: what the public does to a brand's posts."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class InteractionKind(StrEnum):
    """What somebody did."""

    REPLY = "reply"
    MENTION = "mention"
    QUOTE = "quote"
    LIKE = "like"
    REPOST = "repost"
    FOLLOW = "follow"


# Kinds that carry words and get a thread of their own.
ANSWERABLE: frozenset[InteractionKind] = frozenset(
    {InteractionKind.REPLY, InteractionKind.MENTION, InteractionKind.QUOTE}
)


class Sentiment(StrEnum):
    """How a text feels; `unknown` where neither a model nor a person has said."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"
    UNKNOWN = "unknown"


class Intent(StrEnum):
    """What the writer wants."""

    QUESTION = "question"
    COMPLAINT = "complaint"
    PRAISE = "praise"
    LEAD = "lead"
    SPAM = "spam"
    OTHER = "other"


class Person(BaseModel):
    """A member of the public on one platform; never merged across platforms."""

    model_config = ConfigDict(frozen=True)

    remote_id: str
    handle: str
    name: str = ""
    followers: int | None = None


class Interaction(BaseModel):
    """One inbound interaction as a channel reads it. `text` is plain text."""

    model_config = ConfigDict(frozen=True)

    remote_id: str
    kind: InteractionKind
    person: Person
    text: str = ""
    url: str | None = None
    target_remote_id: str | None = None
    root_remote_id: str | None = None
    occurred_at: datetime
    languages: tuple[str, ...] = ()


class Triage(BaseModel):
    """What the responder (or a person) makes of an interaction."""

    model_config = ConfigDict(frozen=True)

    sentiment: Sentiment = Sentiment.UNKNOWN
    intent: Intent = Intent.OTHER
    language: str | None = None
    answer: bool = True
    reason: str = ""
