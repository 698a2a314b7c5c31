"""The media layer: what the platforms count of our posts. Unknown is never zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from analysis.tables import ENGAGING, AccountRow, EngagementRow, Metric, PostRow, typical
from analysis.tables import count_figure as count
from config.i18n import N_
from domain.evaluation import Figure, FigureStatus

# The platforms' own names of the same four things.
GROUPS: dict[str, frozenset[str]] = {
    "likes": frozenset({"likeCount", "favourites_count"}),
    "replies": frozenset({"replyCount", "replies_count"}),
    "reposts": frozenset({"repostCount", "reblogs_count"}),
    "quotes": frozenset({"quoteCount", "quotes_count"}),
}
_LABELS = {
    "likes": N_("Likes"),
    "replies": N_("Replies to our posts"),
    "reposts": N_("Reposts"),
    "quotes": N_("Quotes"),
}


@dataclass(frozen=True)
class Sum:
    """A sum over the posts whose figure is known."""

    value: int
    known: int
    of: int
    as_of: datetime | None
    status: FigureStatus


def grouped(post: PostRow, group: str) -> Metric:
    """A post's figure of one group, whatever its platform calls it."""
    found = [metric for name, metric in post.metrics.items() if name in GROUPS[group]]
    values = [item.value for item in found if item.value is not None]
    if values:
        taken = [item.taken_at for item in found if item.taken_at and item.value is not None]
        return Metric(sum(values), "ok", min(taken, default=None))
    if found:
        return found[0]
    # Read, but without this figure: the platform does not have it.
    read = any(item.value is not None for item in post.metrics.values())
    return Metric(None, "not_offered" if read else "not_yet")


def engagement(post: PostRow) -> Metric:
    """Likes, replies, reposts and quotes of a post together, as far as its platform counts them."""
    parts = [grouped(post, group) for group in GROUPS]
    if any(part.status == "not_yet" for part in parts):
        taken = [part.taken_at for part in parts if part.taken_at]
        return Metric(None, "not_yet", min(taken, default=None))
    values = [part.value for part in parts if part.value is not None]
    if not values:
        return Metric(None, "not_offered")
    return Metric(
        sum(values), "ok", min((part.taken_at for part in parts if part.taken_at), default=None)
    )


def total(posts: Sequence[PostRow], of: Callable[[PostRow], Metric]) -> Sum:
    """Add a figure over posts, keeping count of the posts where it is unknown."""
    metrics = [of(post) for post in posts]
    known = [item for item in metrics if item.value is not None]
    status: FigureStatus = "ok"
    if not known and metrics:
        offered = any(item.status != "not_offered" for item in metrics)
        status = "not_yet" if offered else "not_offered"
    used = known or metrics
    return Sum(
        sum(item.value for item in known if item.value is not None),
        len(known),
        len(metrics),
        min((item.taken_at for item in used if item.taken_at), default=None),
        status,
    )


def media_figures(
    posts: Sequence[PostRow],
    accounts: Sequence[AccountRow],
    engagements: Sequence[EngagementRow],
) -> tuple[Figure, ...]:
    """All figures of the media layer.

    Args:
        posts: what we published in the period, replies among them.
        accounts: our accounts.
        engagements: what the public did in the period.
    """
    own = [post for post in posts if not post.reply]
    figures = [
        count("posts_published", "media", N_("Posts published"), len(own), N_("posts")),
        count(
            "replies_published",
            "media",
            N_("Answers published"),
            len(posts) - len(own),
            N_("replies"),
        ),
        _sum_figure("engagements", N_("Engagements"), own, engagement),
    ]
    platforms = sorted({post.platform for post in own})
    if len(platforms) > 1:
        for platform in platforms:
            part = [post for post in own if post.platform == platform]
            figures.append(
                _sum_figure(f"engagements_{platform}", N_("Engagements"), part, engagement)
            )
            figures[-1] = figures[-1].model_copy(update={"note": _join(platform, figures[-1].note)})
    figures += [
        _sum_figure(f"{group}_total", _LABELS[group], own, lambda post, g=group: grouped(post, g))  # type: ignore[misc]
        for group in GROUPS
    ]
    figures += _rates(own, accounts)
    figures += _reach(accounts, engagements)
    return tuple(figures)


def _sum_figure(
    figure_id: str, label: str, posts: Sequence[PostRow], of: Callable[[PostRow], Metric]
) -> Figure:
    got = total(posts, of)
    note = ""
    if 0 < got.known < got.of:
        note = N_("{0} of {1} posts have this figure").format(got.known, got.of)
    return Figure(
        id=figure_id,
        layer="media",
        label=label,
        value=got.value if got.status == "ok" else None,
        unit=N_("engagements"),
        status=got.status,
        note=note,
        as_of=got.as_of,
    )


def _rates(posts: Sequence[PostRow], accounts: Sequence[AccountRow]) -> list[Figure]:
    def known(of: Callable[[PostRow], Metric]) -> list[float]:
        return [float(got.value) for post in posts if (got := of(post)).value is not None]

    figures = [
        typical(
            "engagement_per_post",
            "media",
            N_("Engagements per post"),
            known(engagement),
            unit=N_("per post"),
        )
    ]
    rates = {
        "conversation_per_post": (N_("Conversation: replies per post"), ("replies",)),
        "amplification_per_post": (
            N_("Amplification: reposts and quotes per post"),
            ("reposts", "quotes"),
        ),
        "applause_per_post": (N_("Applause: likes per post"), ("likes",)),
    }
    for figure_id, (label, groups) in rates.items():
        values = known(lambda post, g=groups: _together(post, g))  # type: ignore[misc]
        figures.append(typical(figure_id, "media", label, values, unit=N_("per post")))
    figures.append(_by_followers(posts, accounts))
    figures.append(_followers(accounts))
    return figures


def _together(post: PostRow, groups: tuple[str, ...]) -> Metric:
    parts = [grouped(post, group) for group in groups]
    if any(part.status == "not_yet" for part in parts):
        return Metric(None, "not_yet")
    values = [part.value for part in parts if part.value is not None]
    return Metric(sum(values)) if values else Metric(None, "not_offered")


def _by_followers(posts: Sequence[PostRow], accounts: Sequence[AccountRow]) -> Figure:
    followers = {item.id: item.followers.value for item in accounts if item.followers.value}
    rates = [
        got.value / base
        for post in posts
        if (base := followers.get(post.account_id)) and (got := engagement(post)).value is not None
    ]
    label = N_("Engagement rate by followers")
    if posts and not followers:
        return Figure(
            id="engagement_rate_by_followers",
            layer="media",
            label=label,
            unit="share",
            status="not_yet",
            note=N_("no account's number of followers is known, or it is zero"),
        )
    return typical(
        "engagement_rate_by_followers",
        "media",
        label,
        rates,
        unit="share",
        note=N_("engagements of a post / followers of its account when they were last read"),
        as_of=min((a.followers.taken_at for a in accounts if a.followers.taken_at), default=None),
    )


def _followers(accounts: Sequence[AccountRow]) -> Figure:
    known = [item.followers for item in accounts if item.followers.value is not None]
    notes = []
    if 0 < len(known) < len(accounts):
        notes.append(N_("{0} of {1} accounts have this figure").format(len(known), len(accounts)))
    if len(known) > 1:
        notes.append(N_("who follows two accounts counts twice"))
    times = [item.followers.taken_at for item in accounts if item.followers.taken_at]
    return Figure(
        id="followers",
        layer="media",
        label=N_("Followers of our accounts"),
        value=sum(item.value or 0 for item in known) if known else None,
        unit=N_("people"),
        status="ok" if known else "not_yet",
        note="; ".join(notes),
        as_of=min(times, default=None),
    )


def _reach(accounts: Sequence[AccountRow], engagements: Sequence[EngagementRow]) -> list[Figure]:
    people = {item.person_id for item in engagements if item.kind in ENGAGING}
    no_reach = _status(accounts, "reach")
    no_views = no_reach if no_reach == "not_yet" else _status(accounts, "impressions")
    return [
        Figure(id="reach", layer="media", label=N_("Reach"), unit=N_("people"), status=no_reach),
        count(
            "observed_reach_lower_bound",
            "media",
            N_("People seen to engage (lower bound of the reach)"),
            len(people),
            N_("people"),
            N_(
                "distinct people who replied, mentioned, quoted, liked or reposted; never a denominator"
            ),
        ),
        Figure(
            id="virality_rate",
            layer="media",
            label=N_("Virality rate: shares by reach or impressions"),
            unit="share",
            status=no_views,
        ),
    ]


def _status(accounts: Sequence[AccountRow], name: str) -> FigureStatus:
    """No account's platform offers it, or at least one may and nothing has been read."""
    none = bool(accounts) and all(name in item.not_offered for item in accounts)
    return "not_offered" if none else "not_yet"


def _join(*notes: str) -> str:
    return "; ".join(filter(None, notes))
