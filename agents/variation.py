"""The same post in other words: what comes again is never sent with the same text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Annotated

from pydantic import BaseModel, Field, create_model

from agents.calls import CallScope, Model
from agents.evidence import labels, pointed, pointers, proof_of_text
from agents.prompting import LANGUAGE_NAMES, as_data, messages, neutral, numbered
from agents.text import (
    contacts,
    graphemes,
    hashtags,
    language_of,
    language_problems,
    number_problems,
)
from agents.writer import MOST_FACTS, Rewritten
from domain.brand import BrandProfile
from domain.source import Evidence

TOO_ALIKE = 0.8  # share of words in the same order; a changed word or two is no variation
_WORD = re.compile(r"\w+")


class VariationAnswer(BaseModel):
    """The new text as the model answers it."""

    sources: list[str]
    # Said before the text is written, because small models otherwise copy the old one.
    opening: str
    text: Annotated[str, Field(min_length=1)]


def vary(
    model: Model,
    profile: BrandProfile,
    text: str,
    earlier: Sequence[str],
    facts: Sequence[Evidence],
    scope: CallScope,
    *,
    limit: int = 300,
) -> Rewritten:
    """Write a post anew.

    Args:
        model: the language model.
        profile: what a person said of the brand.
        text: the post that comes again, hashtags included.
        earlier: texts of it that went out, which are not repeated either.
        facts: the quotes behind the post; it may tell nothing else.
        scope: on whose behalf.
        limit: most graphemes of the new text.

    Raises:
        ModelError: the model could not do it.
    """
    facts = facts[:MOST_FACTS]
    others = [item for item in dict.fromkeys(earlier) if item != text]
    table = labels("f", len(facts))
    language = language_of(text) or profile.languages[0]
    kept = sorted(contacts(text))

    def problems(value: VariationAnswer) -> list[str]:
        new = value.text.strip()
        known = [text, profile.name, *(item.quote for item in facts)]
        found = []
        if any(alike(new, old) for old in (text, *others)):
            found.append(
                "the text is nearly the same as one that went out; write it in other words"
            )
        if graphemes(new) > limit:
            found.append(f"the text has {graphemes(new)} characters; {limit} are allowed")
        found += [
            f"the text has #{tag}, which the post does not have"
            for tag in sorted(hashtags(new) - hashtags(text))
        ]
        found += [f"the text has {item}; leave it out" for item in sorted(contacts(new) - {*kept})]
        found += [f"the text misses {item}" for item in kept if item not in contacts(new)]
        found += language_problems(new, language, "the text")
        found += number_problems(new, known, "the text")
        return found

    answer = model.ask(
        "writer",
        "vary",
        messages(
            "vary",
            {
                "brand": neutral(profile.name),
                "voice": neutral(profile.voice) or "friendly and plain",
                "facts": as_data(
                    "facts", numbered("f", [item.quote for item in facts]) or "(none)"
                ),
                "earlier": as_data("earlier", numbered("e", others) or "(none)"),
                "post": as_data("post", text),
                "keep": f"Keep these as they are: {neutral(', '.join(kept))}." if kept else "",
                "language": LANGUAGE_NAMES[language],
                "characters": str(limit * 4 // 5),
            },
        ),
        create_model("Variation", __base__=VariationAnswer, sources=(pointers(table, most=2), ...)),
        scope=scope,
        max_tokens=300,
        temperature=0.7,
        validate=problems,
    )
    new = answer.value.text.strip()
    return Rewritten(
        new, proof_of_text(new, pointed(answer.value.sources, table, facts), facts), answer.call
    )


def alike(one: str, other: str) -> bool:
    """Whether two texts are the same but for a word or two, signs and capitals."""
    left, right = (_WORD.findall(text.casefold()) for text in (one, other))
    return SequenceMatcher(None, left, right, autojunk=False).ratio() > TOO_ALIKE
