"""The planning agent: themes first, then one post at a time, each with its sources."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from agents.calls import CallRecord, CallScope, Message, Model
from agents.evidence import facts, labels, pointed, pointers, proof_of_text
from agents.prompting import LANGUAGE_NAMES, as_data, messages, neutral, numbered, one_line
from agents.text import (
    contact_problems,
    content_words,
    graphemes,
    host_of,
    language_problems,
    number_problems,
)
from domain.brand import BrandProfile, Purpose
from domain.dossier import Dossier
from domain.plan import Plan, PlanItem, Theme
from domain.slot import Slot
from domain.source import Evidence

MOST_THEMES = 3
MOST_FACTS = 12  # more would slow a small model down without helping a single post
FACTS_PER_POST = 2  # a small model that sees more tells them all
TAG_ROOM = 60  # graphemes left for hashtags below the caption
TOO_ALIKE = 0.8
_TRAILING_TAGS = re.compile(r"(?:\s*#\w+)+\s*$")


class ThemeAnswer(BaseModel):
    """A theme as the model answers it."""

    name: Annotated[str, Field(min_length=1)]
    purpose: str


class ThemesAnswer(BaseModel):
    """All themes, and the findings of the last evaluation that shaped them."""

    themes: list[ThemeAnswer]
    used_findings: list[str]


class ItemAnswer(BaseModel):
    """A post as the model answers it; sources narrow to an enum per call."""

    sources: list[str]
    # The picture comes first: after the caption, small models describe the caption again.
    photo_brief: Annotated[str, Field(min_length=1)]
    alt_text: Annotated[str, Field(min_length=1)]
    caption: Annotated[str, Field(min_length=1)]
    hashtags: Annotated[list[str], Field(max_length=4)]


@dataclass(frozen=True)
class ThemesDraft:
    """Themes of a period and the call behind them."""

    themes: tuple[Theme, ...]
    used_findings: tuple[str, ...]
    call: CallRecord


@dataclass(frozen=True)
class ItemDraft:
    """One planned post and the call behind it."""

    item: PlanItem
    call: CallRecord


@dataclass(frozen=True)
class PlanDraft:
    """A whole plan and the calls behind it."""

    plan: Plan
    calls: tuple[CallRecord, ...]


def plan(
    model: Model,
    profile: BrandProfile,
    dossier: Dossier,
    slots: Sequence[Slot],
    last_findings: Sequence[str],
    scope: CallScope,
    *,
    limit: int = 300,
    platforms: tuple[str, ...] = (),
) -> PlanDraft:
    """Write a whole plan, one post per slot.

    Args:
        model: the language model.
        profile: what a person said of the brand.
        dossier: what is known of it.
        slots: when to post, in order; one post for each.
        last_findings: recommendations of the last evaluation.
        scope: on whose behalf.
        limit: most graphemes of a post, hashtags included.
        platforms: where the posts go.

    Raises:
        ModelError: the model could not do it.
    """
    outline = themes(model, profile, dossier, len(slots), last_findings, scope)
    calls = [outline.call]
    items: list[PlanItem] = []
    for index, slot in enumerate(slots):
        draft = write_item(
            model,
            profile,
            dossier,
            outline.themes[index % len(outline.themes)],
            slot,
            scope,
            total=len(slots),
            earlier=items,
            limit=limit,
            platforms=platforms,
        )
        items.append(draft.item)
        calls.append(draft.call)
    return PlanDraft(
        Plan(themes=outline.themes, items=tuple(items), used_findings=outline.used_findings),
        tuple(calls),
    )


def themes(
    model: Model,
    profile: BrandProfile,
    dossier: Dossier,
    posts: int,
    last_findings: Sequence[str],
    scope: CallScope,
) -> ThemesDraft:
    """Choose the themes of a period of that many posts.

    Raises:
        ModelError: the model could not do it.
    """
    count = min(MOST_THEMES, max(posts, 1))
    language = profile.languages[0]
    listed: Any = Annotated[list[ThemeAnswer], Field(min_length=count, max_length=count)]
    table = labels("r", len(last_findings))
    told = ""
    if last_findings:
        told = (
            f"{as_data('recommendations', numbered('r', last_findings))}\n"
            "These are recommendations from the last period. used_findings: the labels of those that "
            "your themes follow."
        )

    def problems(value: ThemesAnswer) -> list[str]:
        text = ". ".join(theme.purpose for theme in value.themes)
        found = language_problems(text, language, "the purpose of the themes")
        if len({theme.name.strip().lower() for theme in value.themes}) < len(value.themes):
            found.append("two themes have the same name")
        return found

    answer = model.ask(
        "planner",
        "plan_themes",
        _prompt(
            "plan_themes",
            profile,
            dossier.purpose,
            facts(dossier)[:MOST_FACTS],
            {"count": str(count), "days": str(profile.period_days), "findings": told},
        ),
        create_model(
            "Themes",
            __base__=ThemesAnswer,
            themes=(listed, ...),
            used_findings=(pointers(table, most=len(table)), ...),
        ),
        scope=scope,
        max_tokens=240,
        validate=problems,
    )
    return ThemesDraft(
        tuple(
            Theme(name=one_line(item.name), purpose=one_line(item.purpose))
            for item in answer.value.themes
        ),
        tuple(last_findings[table[name]] for name in dict.fromkeys(answer.value.used_findings)),
        answer.call,
    )


def write_item(
    model: Model,
    profile: BrandProfile,
    dossier: Dossier,
    theme: Theme,
    slot: Slot,
    scope: CallScope,
    *,
    total: int,
    earlier: Sequence[PlanItem] = (),
    limit: int = 300,
    platforms: tuple[str, ...] = (),
) -> ItemDraft:
    """Write one post of a plan.

    Args:
        model: the language model.
        profile: what a person said of the brand.
        dossier: what is known of it; the post points at its quotes.
        theme: what the post is about.
        slot: when it goes out.
        scope: on whose behalf.
        total: posts in the plan.
        earlier: the plan's posts so far, which are not repeated.
        limit: most graphemes of the post, hashtags included.
        platforms: where it goes.

    Raises:
        ModelError: the model could not do it.
    """
    room = limit - TAG_ROOM
    everything = facts(dossier)
    evidence = _candidates(everything, earlier, theme, room)
    table = labels("f", len(evidence))
    # People read the sign "at most 240 characters" loosely, and small models more so.
    characters = max(room * 3 // 4, 40)

    def problems(value: ItemAnswer) -> list[str]:
        quotes = [item.quote for item in everything]
        return _item_problems(value, profile, quotes, limit) + _repeats(_caption(value)[0], earlier)

    answer = model.ask(
        "planner",
        "plan_item",
        _prompt(
            "plan_item",
            profile,
            dossier.purpose,
            evidence,
            {
                "number": str(len(earlier) + 1),
                "total": str(total),
                "theme": one_line(neutral(theme.name)),
                "characters": str(characters),
            },
        ),
        create_model(
            "Post",
            __base__=ItemAnswer,
            sources=(pointers(table, most=2), ...),
        ),
        scope=scope,
        max_tokens=400,
        validate=problems,
    )
    value = answer.value
    caption, tags = _caption(value)
    return ItemDraft(
        PlanItem(
            theme=theme.name,
            caption=caption,
            photo_brief=value.photo_brief.strip(),
            alt_text=value.alt_text.strip(),
            hashtags=tags,
            slot=slot,
            platforms=platforms,
            evidence=proof_of_text(caption, pointed(value.sources, table, evidence), everything),
        ),
        answer.call,
    )


def _prompt(
    task: str,
    profile: BrandProfile,
    purpose: Purpose,
    evidence: Sequence[Evidence],
    values: dict[str, str],
) -> tuple[Message, ...]:
    aims = {
        "sales": "people buy or order",
        "reputation": "people know and trust it",
        "both": "people know it, trust it and buy",
        "unknown": "not known yet",
    }
    quotes = [item.quote for item in evidence]
    (question,) = messages(task, {"language": LANGUAGE_NAMES[profile.languages[0]], **values})
    return messages(
        "plan",
        {
            "brand": neutral(profile.name),
            "voice": neutral(profile.voice) or "friendly and plain",
            "readers": neutral(profile.market.description)
            or f"people aged {profile.market.age_from} to {profile.market.age_to}",
            "aim": aims[purpose],
            "facts": as_data("facts", numbered("f", quotes) or "(none yet)"),
            "question": question.content,
        },
    )


def _candidates(
    evidence: Sequence[Evidence], earlier: Sequence[PlanItem], theme: Theme, room: int
) -> list[Evidence]:
    """The few facts for one post: not told yet, near the theme, and leaving room for words."""
    told = {item.sentence_id for post in earlier for item in post.evidence}
    fresh = [item for item in evidence if item.sentence_id not in told] or list(evidence)
    words = content_words(f"{theme.name} {theme.purpose}")
    near = sorted(fresh, key=lambda item: -len(words & content_words(item.quote)))
    taken: list[Evidence] = []
    for item in near:
        if len(taken) == FACTS_PER_POST:
            break
        if not taken or sum(len(one.quote) for one in (*taken, item)) <= room * 2 // 3:
            taken.append(item)
    return taken


def _caption(value: ItemAnswer) -> tuple[str, tuple[str, ...]]:
    """Caption and hashtags; tags that the model hung on the caption move to the others."""
    hung = _TRAILING_TAGS.search(value.caption)
    caption = value.caption[: hung.start()] if hung else value.caption
    tags = [*value.hashtags, *(hung.group(0).split() if hung else ())]
    clean = (re.sub(r"[^\w]", "", tag) for tag in tags)
    return caption.strip(), tuple(
        {tag.lower(): tag for tag in clean if not tag.isdigit() and tag}.values()
    )


def _item_problems(
    value: ItemAnswer, profile: BrandProfile, quotes: Sequence[str], limit: int
) -> list[str]:
    caption, tags = _caption(value)
    whole = f"{caption}\n\n{' '.join(f'#{tag}' for tag in tags)}"
    language = profile.languages[0]
    known = [*quotes, profile.name, profile.voice, profile.market.description]
    found = []
    if graphemes(whole) > limit:
        found.append(
            f"caption and hashtags have {graphemes(whole)} characters together, {limit} are allowed: write "
            "one short sentence about one fact"
        )
    if not caption:
        found.append("the caption is empty")
    if "#" in caption:
        found.append("the caption has a hashtag in it; put it into hashtags")
    found += language_problems(caption, language, "the caption")
    found += language_problems(value.photo_brief, language, "photo_brief")
    found += language_problems(value.alt_text, language, "alt_text")
    found += number_problems(caption, known, "the caption")
    found += contact_problems(caption, host_of(profile.website), "the caption")
    return found


def _repeats(caption: str, earlier: Sequence[PlanItem]) -> list[str]:
    words = content_words(caption)
    for number, post in enumerate(earlier, 1):
        other = content_words(post.caption)
        if words and other and len(words & other) / len(words | other) >= TOO_ALIKE:
            return [f"the caption repeats post {number}; tell something else"]
    return []
