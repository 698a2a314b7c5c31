"""The engagement agent: sorts comments and drafts replies; people decide what is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field, create_model

from agents.calls import CallRecord, CallScope, Model
from agents.evidence import labels, pointed, pointers, proof_of_text
from agents.prompting import LANGUAGE_NAMES, as_data, messages, neutral, numbered
from agents.text import (
    contact_problems,
    graphemes,
    host_of,
    language_of,
    language_problems,
    number_problems,
)
from domain.brand import BrandProfile, Language
from domain.conversation import Intent, Sentiment, Triage
from domain.source import Evidence

MOST_FACTS = 12


class TriageAnswer(BaseModel):
    """How the model sorts a comment."""

    sentiment: Literal["positive", "neutral", "negative"]
    intent: Literal["question", "complaint", "praise", "lead", "spam", "other"]
    language: Literal["id", "en", "other"]
    answer: bool


class ReplyAnswer(BaseModel):
    """A reply as the model answers it."""

    sources: list[str]
    text: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class TriageDraft:
    """How a comment is sorted, and the call behind it."""

    triage: Triage
    call: CallRecord


@dataclass(frozen=True)
class ReplyDraft:
    """A reply for people to check, its quotes, and the call behind it."""

    text: str
    evidence: tuple[Evidence, ...]
    call: CallRecord


def triage(model: Model, text: str, scope: CallScope) -> TriageDraft:
    """Sort a comment by feeling and intent.

    Args:
        model: the language model.
        text: the comment as plain text.
        scope: on whose behalf.

    Raises:
        ModelError: the model could not do it.
    """
    answer = model.ask(
        "responder",
        "triage",
        messages("triage", {"comment": as_data("comment", text)}),
        TriageAnswer,
        scope=scope,
        max_tokens=60,
        temperature=0.0,
    )
    value = answer.value
    return TriageDraft(
        Triage(
            sentiment=Sentiment(value.sentiment),
            intent=Intent(value.intent),
            language=None if value.language == "other" else value.language,
            answer=value.answer and value.intent != "spam",
        ),
        answer.call,
    )


def draft(
    model: Model,
    profile: BrandProfile,
    comment: str,
    post: str,
    facts: Sequence[Evidence],
    scope: CallScope,
    *,
    language: Language | None = None,
    limit: int = 300,
) -> ReplyDraft:
    """Draft a reply to a comment, with facts from quotes and from the brand's own post only.

    Args:
        model: the language model.
        profile: what a person said of the brand.
        comment: what the public wrote; plain text.
        post: the brand's text that it answers, or an empty text.
        facts: quotes that the reply may use.
        scope: on whose behalf.
        language: of the reply; the comment's where the brand speaks it, else the brand's first.
        limit: most graphemes of the reply.

    Raises:
        ModelError: the model could not do it.
    """
    facts = facts[:MOST_FACTS]
    table = labels("f", len(facts))
    spoken = language_of(comment)
    language = language or (spoken if spoken in profile.languages else profile.languages[0])

    def problems(value: ReplyAnswer) -> list[str]:
        text = value.text.strip()
        # Numbers of the comment are not allowed: a stranger's price must not become the brand's.
        known = [post, profile.name, *(item.quote for item in facts)]
        found = language_problems(text, language, "the reply")
        if graphemes(text) > limit:
            found.append(f"the reply has {graphemes(text)} characters; {limit} are allowed")
        if "#" in text:
            found.append("the reply has a hashtag; leave it out")
        found += number_problems(text, known, "the reply")
        found += contact_problems(text, host_of(profile.website), "the reply")
        return found

    answer = model.ask(
        "responder",
        "reply",
        messages(
            "reply",
            {
                "brand": neutral(profile.name),
                "voice": neutral(profile.voice) or "friendly and plain",
                "facts": as_data(
                    "facts", numbered("f", [item.quote for item in facts]) or "(none)"
                ),
                "post": as_data("post", post or "(none)"),
                "comment": as_data("comment", comment),
                "language": LANGUAGE_NAMES[language],
                "characters": str(limit * 3 // 5),
            },
        ),
        create_model("Reply", __base__=ReplyAnswer, sources=(pointers(table, most=2), ...)),
        scope=scope,
        max_tokens=220,
        validate=problems,
    )
    text = answer.value.text.strip()
    return ReplyDraft(
        text, proof_of_text(text, pointed(answer.value.sources, table, facts), facts), answer.call
    )
