"""The conversation layer: who says what to us, what we answer, how it feels, whose name is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median

import regex

from analysis.tables import EngagementRow
from analysis.tables import count_figure as count
from config.i18n import N_
from domain.conversation import InteractionKind, Sentiment
from domain.evaluation import Figure, FigureStatus

SENTIMENTS_FROM = 5  # classified texts below which no net sentiment is given
AUTHORS_FROM = 20  # authors below which no share of voice is given: mentions cluster by author

_KINDS = {
    InteractionKind.REPLY: ("replies_received", N_("Replies received")),
    InteractionKind.MENTION: ("mentions_received", N_("Mentions received")),
    InteractionKind.QUOTE: ("quotes_received", N_("Quotes received")),
    InteractionKind.LIKE: ("likes_received", N_("Likes seen")),
    InteractionKind.REPOST: ("reposts_received", N_("Reposts seen")),
    InteractionKind.FOLLOW: ("follows_received", N_("New followers seen")),
}
_VOICE = {
    "mentions": N_("Share of voice by mentions"),
    "authors": N_("Share of voice by unique authors"),
}


def conversation_figures(
    rows: Sequence[EngagementRow], brand: str, competitors: Sequence[str] = ()
) -> tuple[Figure, ...]:
    """All figures of the conversation layer.

    Args:
        rows: what the public did in the period.
        brand: the brand's name.
        competitors: names of competitors.
    """
    kinds = Counter(row.kind for row in rows)
    figures = [
        count(
            "interactions_received",
            "conversation",
            N_("Interactions received"),
            len(rows),
            N_("interactions"),
        ),
        *(
            count(figure_id, "conversation", label, kinds[kind], N_("interactions"))
            for kind, (figure_id, label) in _KINDS.items()
        ),
    ]
    texts = [row for row in rows if row.has_words]
    return (*figures, *_answers(texts), *_sentiment(texts), *voice(texts, brand, competitors))


def _answers(texts: Sequence[EngagementRow]) -> list[Figure]:
    minutes = [
        (row.answered_at - row.occurred_at).total_seconds() / 60
        for row in texts
        if row.answered_at is not None
    ]
    few = N_("nobody wrote to us")
    return [
        count(
            "texts_received",
            "conversation",
            N_("Replies, mentions and quotes"),
            len(texts),
            N_("texts"),
        ),
        count(
            "texts_answered",
            "conversation",
            N_("Texts that we answered"),
            len(minutes),
            N_("texts"),
        ),
        Figure(
            id="answered_share",
            layer="conversation",
            label=N_("Share of texts that we answered"),
            value=len(minutes) / len(texts) if texts else None,
            unit="share",
            status="ok" if texts else "too_few",
            note=N_("answered / replies, mentions and quotes received") if texts else few,
        ),
        Figure(
            id="median_minutes_to_answer",
            layer="conversation",
            label=N_("Minutes until our answer (median)"),
            value=float(median(minutes)) if minutes else None,
            unit=N_("minutes"),
            status="ok" if minutes else "too_few",
            note=N_("over {0} answers").format(len(minutes))
            if minutes
            else N_("no answer was published"),
        ),
    ]


def _sentiment(texts: Sequence[EngagementRow]) -> list[Figure]:
    feelings = Counter(row.sentiment for row in texts)
    labels = {
        Sentiment.POSITIVE: N_("Positive texts"),
        Sentiment.NEUTRAL: N_("Neutral texts"),
        Sentiment.NEGATIVE: N_("Negative texts"),
        Sentiment.UNKNOWN: N_("Texts whose feeling nobody has judged"),
    }
    figures = [
        count(f"sentiment_{kind.value}", "conversation", label, feelings[kind], N_("texts"))
        for kind, label in labels.items()
    ]
    positive, negative = feelings[Sentiment.POSITIVE], feelings[Sentiment.NEGATIVE]
    classified = positive + negative + feelings[Sentiment.NEUTRAL]
    enough = classified >= SENTIMENTS_FROM and positive + negative > 0
    note = N_("(positive - negative) / (positive + negative), from -1 to 1")
    if not enough:
        needs = N_("needs {0} judged texts and one that is not neutral, there are {1}")
        note += "; " + needs.format(SENTIMENTS_FROM, classified)
    net = Figure(
        id="net_sentiment",
        layer="conversation",
        label=N_("Net sentiment"),
        value=(positive - negative) / (positive + negative) if enough else None,
        unit=N_("score"),
        status="ok" if enough else "too_few",
        note=note,
    )
    return [*figures, net]


def names_pattern(name: str) -> regex.Pattern[str]:
    """Matches the name as whole words, in any case, with any white space between its words."""
    words = r"\s+".join(regex.escape(part) for part in name.split())
    return regex.compile(rf"(?<![\p{{L}}\p{{N}}_]){words}(?![\p{{L}}\p{{N}}_])", regex.IGNORECASE)


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Each name's part of the whole; empty where nobody was named."""
    whole = sum(counts.values())
    return {name: value / whole for name, value in counts.items()} if whole else {}


def voice(
    texts: Sequence[EngagementRow], brand: str, competitors: Sequence[str]
) -> tuple[Figure, ...]:
    """Share of voice among named brands, by mentions and by unique authors.

    A text counts once for each name in it. The texts are those that came to our own accounts, which
    favours the brand; the notes say so.
    """
    ids = {"brand": brand}
    ids |= {f"competitor_{number}": name for number, name in enumerate(competitors, start=1)}
    patterns = {key: names_pattern(name) for key, name in ids.items() if name.strip()}
    mentions = dict.fromkeys(patterns, 0)
    authors: dict[str, set[str]] = {key: set() for key in patterns}
    for row in texts:
        for key, pattern in patterns.items():
            if pattern.search(row.text):
                mentions[key] += 1
                authors[key].add(row.person_id)
    figures = [
        count(
            f"voice_texts_{key}",
            "conversation",
            N_("Texts that name the brand")
            if key == "brand"
            else N_("Texts that name a competitor"),
            mentions[key],
            N_("texts"),
            ids[key],
        )
        for key in patterns
    ]
    people = len(set().union(*authors.values()))
    by_mentions = shares(mentions)
    by_authors = shares({key: len(found) for key, found in authors.items()})
    for key in patterns:
        figures.append(_share("mentions", key, ids[key], by_mentions, people, len(patterns)))
        figures.append(_share("authors", key, ids[key], by_authors, people, len(patterns)))
    return tuple(figures)


def _share(
    by: str,
    key: str,
    name: str,
    parts: Mapping[str, float],
    people: int,
    names: int,
) -> Figure:
    suffix = "" if key == "brand" else f"_{key}"
    enough = people >= AUTHORS_FROM and bool(parts)
    status: FigureStatus
    if names == 1:
        status, why = "not_yet", N_("no competitors are named in the brand's description")
    elif not enough:
        status, why = "too_few", N_("needs {0} authors, there are {1}").format(AUTHORS_FROM, people)
    else:
        status, why = "ok", N_("in texts that came to our accounts, which favours the brand")
    return Figure(
        id=f"share_of_voice_{by}{suffix}",
        layer="conversation",
        label=_VOICE[by],
        value=parts[key] if status == "ok" else None,
        unit="share",
        status=status,
        note=f"{name}: {why}",
    )
