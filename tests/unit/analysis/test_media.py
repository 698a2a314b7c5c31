"""The media layer: sums, rates, and honest gaps."""

from __future__ import annotations

from datetime import timedelta
from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.media import GROUPS, engagement, grouped, media_figures
from analysis.tables import Metric, PostRow
from domain.conversation import InteractionKind
from tests.unit.analysis.rows import START, account, post, said, table

amounts = st.integers(0, 10**9)
bluesky_posts = st.tuples(st.just("bluesky"), st.none() | st.tuples(*[amounts] * 4))
mastodon_posts = st.tuples(st.just("mastodon"), st.none() | st.tuples(*[amounts] * 3))
post_lists = st.lists(bluesky_posts | mastodon_posts, max_size=40).map(
    lambda rows: [post(number, row[1], row[0]) for number, row in enumerate(rows)]
)


def test_both_platforms_names_are_one_figure() -> None:
    posts = [post(1, (3, 2, 1, 4)), post(2, (5, 6, 7), "mastodon")]
    found = table(media_figures(posts, [account()], []))
    assert found["likes_total"].value == 8
    assert found["replies_total"].value == 8
    assert found["reposts_total"].value == 8
    assert found["quotes_total"].value == 4
    assert found["quotes_total"].note == "1 of 2 posts have this figure"
    assert found["engagements"].value == 28
    assert found["engagements_bluesky"].value == 10
    assert found["engagements_mastodon"].value == 18


def test_zero_read_is_zero_and_nothing_read_is_not() -> None:
    read = table(media_figures([post(1, (0, 0, 0, 0))], [account()], []))
    assert read["engagements"].value == 0
    assert read["engagements"].status == "ok"
    unread = table(media_figures([post(1, None)], [account()], []))
    assert unread["engagements"].value is None
    assert unread["engagements"].status == "not_yet"


def test_a_platform_without_quotes_says_so() -> None:
    found = table(media_figures([post(1, (1, 1, 1), "mastodon")], [account("mastodon")], []))
    assert found["quotes_total"].status == "not_offered"
    assert found["quotes_total"].value is None


def test_an_old_reading_is_dated_and_not_counted() -> None:
    old = Metric(None, "not_yet", START - timedelta(days=1))
    row = PostRow("p", "bluesky-account", "bluesky", START, False, {"likeCount": old})
    found = table(media_figures([row], [account()], []))
    assert found["likes_total"].status == "not_yet"
    assert found["likes_total"].as_of == START - timedelta(days=1)
    assert found["engagements"].as_of == START - timedelta(days=1)


def test_a_sum_is_as_old_as_its_oldest_part() -> None:
    posts = [post(1, (1, 1, 1, 1)), post(2, (1, 1, 1, 1), at=START + timedelta(days=2))]
    assert table(media_figures(posts, [account()], []))["engagements"].as_of == START


@pytest.mark.parametrize("count", [0, 4, 5, 29, 30])
def test_rates_follow_the_rule_of_small_samples(count: int) -> None:
    likes = [number * number for number in range(count)]
    posts = [post(number, (value, 0, 0, 0)) for number, value in enumerate(likes)]
    figure = table(media_figures(posts, [account()], []))["applause_per_post"]
    if count < 5:
        assert (figure.status, figure.value) == ("too_few", None)
    elif count < 30:
        assert figure.value == pytest.approx(median(likes))
        assert f"small sample: median of {count} posts" in figure.note
    else:
        assert figure.value == pytest.approx(fmean(likes))
        assert f"mean of {count} posts" in figure.note


def test_rate_by_followers_names_its_denominator() -> None:
    posts = [post(number, (10, 0, 0, 0)) for number in range(5)]
    figure = table(media_figures(posts, [account(followers=200)], []))[
        "engagement_rate_by_followers"
    ]
    assert figure.value == pytest.approx(0.05)
    assert figure.unit == "share"
    assert "followers of its account" in figure.note
    assert figure.as_of == START


@pytest.mark.parametrize("followers", [None, 0])
def test_no_rate_by_unknown_or_no_followers(followers: int | None) -> None:
    posts = [post(number, (10, 0, 0, 0)) for number in range(5)]
    found = table(media_figures(posts, [account(followers=followers)], []))
    assert found["engagement_rate_by_followers"].status == "not_yet"
    assert found["followers"].value == followers


def test_amplification_counts_reposts_and_quotes() -> None:
    posts = [post(number, (9, 9, 2, 3)) for number in range(5)]
    assert table(media_figures(posts, [account()], []))["amplification_per_post"].value == 5.0


def test_replies_of_ours_are_counted_apart() -> None:
    posts = [post(1, (1, 0, 0, 0)), post(2, (50, 0, 0, 0), reply=True)]
    found = table(media_figures(posts, [account()], []))
    assert found["posts_published"].value == 1
    assert found["replies_published"].value == 1
    assert found["engagements"].value == 1


def test_reach_is_not_offered_but_a_lower_bound_is_seen() -> None:
    rows = [
        said(1, "a"),
        said(2, "a", kind=InteractionKind.LIKE),
        said(3, "b", kind=InteractionKind.LIKE),
        said(4, "c", kind=InteractionKind.FOLLOW),
    ]
    found = table(media_figures([], [account(), account("mastodon")], rows))
    assert found["reach"].status == "not_offered"
    assert found["virality_rate"].status == "not_offered"
    assert found["observed_reach_lower_bound"].value == 2


def test_reach_of_an_account_nobody_asked_is_not_yet_known() -> None:
    found = table(media_figures([], [], []))
    assert found["reach"].status == "not_yet"
    assert found["followers"].status == "not_yet"


def test_a_metric_is_a_value_or_a_reason() -> None:
    with pytest.raises(ValueError, match="cannot be ok"):
        Metric(None, "ok")
    with pytest.raises(ValueError, match="cannot be not_yet"):
        Metric(0, "not_yet")


@given(post_lists)
def test_unknown_is_never_zero(posts: list[PostRow]) -> None:
    for figure in media_figures(posts, [account(), account("mastodon")], []):
        assert (figure.value is None) == (figure.status != "ok")
    found = table(media_figures(posts, [account()], []))
    if posts and all(not item.metrics for item in posts):
        assert found["engagements"].status == "not_yet"


@given(post_lists)
def test_parts_add_up_to_the_whole(posts: list[PostRow]) -> None:
    found = table(media_figures(posts, [account()], []))
    groups = sum(int(found[f"{group}_total"].value or 0) for group in GROUPS)
    assert int(found["engagements"].value or 0) == groups
    for item in posts:
        parts = [grouped(item, group).value for group in GROUPS]
        assert (engagement(item).value is None) == (set(parts) == {None})
    platforms = {item.platform for item in posts}
    if len(platforms) > 1:
        each = [found[f"engagements_{platform}"].value for platform in platforms]
        assert sum(int(value or 0) for value in each) == groups
