"""Builders of input rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from analysis.conversation import conversation_figures
from analysis.media import media_figures
from analysis.network import network_figures
from analysis.tables import AccountRow, EngagementRow, Metric, PostRow
from domain.conversation import InteractionKind, Sentiment
from domain.evaluation import Figure

START = datetime(2026, 11, 23, tzinfo=UTC)
NAMES = {
    "bluesky": ("likeCount", "replyCount", "repostCount", "quoteCount"),
    "mastodon": ("favourites_count", "replies_count", "reblogs_count"),
}


def post(
    number: int,
    values: tuple[int, ...] | None,
    platform: str = "bluesky",
    *,
    reply: bool = False,
    at: datetime | None = START,
) -> PostRow:
    """A post with its figures; None: not read yet."""
    metrics = {}
    if values is not None:
        metrics = {
            name: Metric(value, "ok", at)
            for name, value in zip(NAMES[platform], values, strict=True)
        }
    return PostRow(f"post-{number}", f"{platform}-account", platform, START, reply, metrics)


def account(platform: str = "bluesky", followers: int | None = 100) -> AccountRow:
    """An account without reach and impressions."""
    known = Metric(None, "not_yet") if followers is None else Metric(followers, "ok", START)
    return AccountRow(f"{platform}-account", platform, known, frozenset({"reach", "impressions"}))


def said(
    number: int,
    person: str,
    text: str = "",
    kind: InteractionKind = InteractionKind.REPLY,
    sentiment: Sentiment = Sentiment.UNKNOWN,
    *,
    answered_after: float | None = None,
    target: str | None = None,
) -> EngagementRow:
    """An interaction; `answered_after` in minutes."""
    at = START + timedelta(hours=number)
    answered = None if answered_after is None else at + timedelta(minutes=answered_after)
    return EngagementRow(f"in-{number}", person, kind, at, sentiment, text, target, answered)


def table(figures: tuple[Figure, ...]) -> dict[str, Figure]:
    """Figures by id; every id stands once."""
    found = {figure.id: figure for figure in figures}
    assert len(found) == len(figures)
    return found


def all_words() -> list[Figure]:
    """Figures in every situation: each label, unit and note that the analysis can write."""
    many = [said(number, f"p{number}", "Kopi Senja dan Teh Pagi") for number in range(25)]
    judged = [
        said(number, "p", "Kopi Senja", sentiment=feeling, answered_after=5)
        for number, feeling in enumerate([Sentiment.POSITIVE] * 3 + [Sentiment.NEGATIVE] * 3)
    ]
    read = (1, 2, 3, 4)
    two = [account(), account("mastodon", None)]
    both = [account(), account("mastodon")]
    mixed = [post(1, read), post(2, None), post(3, (1, 2, 3), "mastodon")]
    return [
        *media_figures([], [], []),
        *media_figures([post(1, None)], [account(followers=None)], []),
        *media_figures(mixed, two, many),
        *media_figures([post(number, read) for number in range(7)], both, many),
        *media_figures([post(number, read) for number in range(40)], both, many),
        *conversation_figures([], "Kopi Senja"),
        *conversation_figures(many, "Kopi Senja", ("Teh Pagi",)),
        *conversation_figures(judged, "Kopi Senja", ("Teh Pagi",)),
        *network_figures([], None),
        *network_figures(many, {"p1"}),
    ]
