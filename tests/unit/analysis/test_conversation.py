"""The conversation layer: answers, feelings, share of voice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.conversation import conversation_figures, names_pattern, shares, voice
from analysis.tables import EngagementRow
from domain.conversation import InteractionKind, Sentiment
from tests.unit.analysis.rows import said, table

feelings = st.lists(st.sampled_from(Sentiment), max_size=60)


def judged(kinds: list[Sentiment]) -> list[EngagementRow]:
    return [said(number, f"p{number}", sentiment=kind) for number, kind in enumerate(kinds)]


def test_answers_and_their_time() -> None:
    rows = [
        said(1, "a", answered_after=10),
        said(2, "b", answered_after=30),
        said(3, "c", kind=InteractionKind.MENTION, answered_after=500),
        said(4, "d"),
        said(5, "e", kind=InteractionKind.LIKE),
    ]
    found = table(conversation_figures(rows, "Kopi Senja"))
    assert found["interactions_received"].value == 5
    assert found["replies_received"].value == 3
    assert found["mentions_received"].value == 1
    assert found["likes_received"].value == 1
    assert found["texts_received"].value == 4
    assert found["texts_answered"].value == 3
    assert found["answered_share"].value == pytest.approx(0.75)
    assert found["median_minutes_to_answer"].value == pytest.approx(30)


def test_without_texts_there_is_no_share_and_no_time() -> None:
    found = table(conversation_figures([said(1, "a", kind=InteractionKind.LIKE)], "Kopi Senja"))
    assert found["answered_share"].status == "too_few"
    assert found["median_minutes_to_answer"].status == "too_few"
    assert found["texts_received"].value == 0


def test_net_sentiment_leaves_neutral_and_unknown_out() -> None:
    kinds = [Sentiment.POSITIVE] * 3 + [Sentiment.NEGATIVE] + [Sentiment.NEUTRAL] * 4
    found = table(conversation_figures(judged([*kinds, Sentiment.UNKNOWN]), "Kopi"))
    assert found["net_sentiment"].value == pytest.approx(0.5)
    assert found["sentiment_unknown"].value == 1
    assert "(positive - negative) / (positive + negative)" in found["net_sentiment"].note


@pytest.mark.parametrize(
    "kinds",
    [
        [Sentiment.POSITIVE] * 4 + [Sentiment.UNKNOWN] * 50,
        [Sentiment.NEUTRAL] * 9,
        [],
    ],
)
def test_too_few_judged_texts_give_no_net_sentiment(kinds: list[Sentiment]) -> None:
    figure = table(conversation_figures(judged(kinds), "Kopi"))["net_sentiment"]
    assert (figure.status, figure.value) == ("too_few", None)


@given(feelings)
def test_sentiments_add_up_to_the_texts(kinds: list[Sentiment]) -> None:
    found = table(conversation_figures(judged(kinds), "Kopi"))
    parts = [found[f"sentiment_{kind.value}"].value for kind in Sentiment]
    assert sum(int(part or 0) for part in parts) == found["texts_received"].value
    net = found["net_sentiment"].value
    assert net is None or -1 <= float(net) <= 1
    assert (net is None) == (found["net_sentiment"].status == "too_few")


@pytest.mark.parametrize(
    ("name", "text", "there"),
    [
        ("Kopi", "saya suka kopi!", True),
        ("Kopi", "kopiku tumpah", False),
        ("Kopi", "minikopi", False),
        ("Kopi Senja", "KOPI\n SENJA enak", True),
        ("Kopi Senja", "kopi di senja hari", False),
        ("C++", "pakai C++ saja", True),
        ("Café", "di café itu", True),
        ("Kopi", "#kopi @kopi", True),
        ("a.b", "aXb", False),
    ],
)
def test_names_match_as_whole_words(name: str, text: str, there: bool) -> None:
    assert bool(names_pattern(name).search(text)) is there


def test_share_of_voice_by_mentions_and_by_authors() -> None:
    rows = [said(number, f"p{number}", "Kopi Senja enak") for number in range(15)]
    rows += [said(20 + number, "p99", "Teh Pagi lebih enak") for number in range(4)]
    rows += [said(40 + number, f"q{number}", "teh pagi") for number in range(5)]
    found = table(voice(rows, "Kopi Senja", ["Teh Pagi"]))
    assert found["voice_texts_brand"].value == 15
    assert found["voice_texts_competitor_1"].value == 9
    assert found["share_of_voice_mentions"].value == pytest.approx(15 / 24)
    assert found["share_of_voice_mentions_competitor_1"].value == pytest.approx(9 / 24)
    assert found["share_of_voice_authors"].value == pytest.approx(15 / 21)
    assert found["share_of_voice_authors_competitor_1"].value == pytest.approx(6 / 21)
    assert found["share_of_voice_authors_competitor_1"].note.startswith("Teh Pagi: ")


def test_below_twenty_authors_there_are_only_counts() -> None:
    rows = [said(number, f"p{number % 19}", "Kopi Senja, Teh Pagi") for number in range(100)]
    found = table(voice(rows, "Kopi Senja", ["Teh Pagi"]))
    assert found["voice_texts_brand"].value == 100
    assert found["share_of_voice_mentions"].status == "too_few"
    assert found["share_of_voice_mentions"].value is None
    assert "there are 19" in found["share_of_voice_mentions"].note


@pytest.mark.parametrize("competitors", [[], ["  "]])
def test_without_competitors_there_is_no_share(competitors: list[str]) -> None:
    rows = [said(number, f"p{number}", "Kopi Senja") for number in range(30)]
    found = table(voice(rows, "Kopi Senja", competitors))
    assert found["share_of_voice_mentions"].status == "not_yet"
    assert "no competitors" in found["share_of_voice_mentions"].note


@given(st.dictionaries(st.text(max_size=5), st.integers(0, 10**6), max_size=6))
def test_shares_add_up_to_one(counts: dict[str, int]) -> None:
    parts = shares(counts)
    if any(counts.values()):
        assert sum(parts.values()) == pytest.approx(1)
        assert set(parts) == set(counts)
    else:
        assert parts == {}
