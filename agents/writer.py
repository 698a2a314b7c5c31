"""Redrafting after requested changes: a person's remark goes in, a new text comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

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
from domain.brand import BrandProfile
from domain.source import Evidence

MOST_FACTS = 12


class RedraftAnswer(BaseModel):
    """The new text as the model answers it."""

    sources: list[str]
    # Said before the text is written, because small models otherwise copy the old one.
    change: str
    text: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class Rewritten:
    """A new text, its quotes, and the call behind it."""

    text: str
    evidence: tuple[Evidence, ...]
    call: CallRecord


def redraft(
    model: Model,
    profile: BrandProfile,
    text: str,
    comment: str,
    facts: Sequence[Evidence],
    scope: CallScope,
    *,
    limit: int = 300,
) -> Rewritten:
    """Change a text as a reviewer asked.

    Args:
        model: the language model.
        profile: what a person said of the brand.
        text: the text as it stands, hashtags included.
        comment: what the reviewer wants changed.
        facts: quotes that the text may use.
        scope: on whose behalf.
        limit: most graphemes of the new text.

    Raises:
        ModelError: the model could not do it.
    """
    facts = facts[:MOST_FACTS]
    table = labels("f", len(facts))
    language = language_of(text) or profile.languages[0]

    def problems(value: RedraftAnswer) -> list[str]:
        new = value.text.strip()
        known = [text, comment, profile.name, *(item.quote for item in facts)]
        found = [] if new != text.strip() else ["nothing has changed; do what the remark asks"]
        if graphemes(new) > limit:
            found.append(f"the text has {graphemes(new)} characters; {limit} are allowed")
        if language_of(comment) is None or language_of(new) not in profile.languages:
            found += language_problems(new, language, "the text")
        found += number_problems(new, known, "the text")
        found += contact_problems(
            new, [*host_of(profile.website), *_words_of(text), *_words_of(comment)], "the text"
        )
        return found

    answer = model.ask(
        "writer",
        "redraft",
        messages(
            "redraft",
            {
                "brand": neutral(profile.name),
                "voice": neutral(profile.voice) or "friendly and plain",
                "facts": as_data(
                    "facts", numbered("f", [item.quote for item in facts]) or "(none)"
                ),
                "text": as_data("first_version", text),
                "comment": as_data("reviewer", comment),
                "language": f"{LANGUAGE_NAMES[language]}, unless the remark asks for another language",
                "characters": str(limit * 4 // 5),
            },
        ),
        create_model("Redraft", __base__=RedraftAnswer, sources=(pointers(table, most=2), ...)),
        scope=scope,
        max_tokens=300,
        temperature=0.4,
        validate=problems,
    )
    new = answer.value.text.strip()
    return Rewritten(
        new, proof_of_text(new, pointed(answer.value.sources, table, facts), facts), answer.call
    )


def _words_of(text: str) -> list[str]:
    return [word.strip(".,;:!?()").lower() for word in text.split() if "." in word or "@" in word]
