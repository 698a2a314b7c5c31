"""Platform fit: one method, one region, unknown stays unknown."""

from datetime import date

import pytest

from agents.audience import (
    MINORS,
    NO_FIGURE,
    NO_REGION,
    OLD,
    OTHER_AGES,
    SECOND_HAND,
    audience_data,
    platform_fit,
)
from domain.brand import TargetMarket
from domain.dossier import PlatformFit


def fits(
    age_from: int, age_to: int, region: str, today: date | None = None
) -> dict[str, PlatformFit]:
    market = TargetMarket(age_from=age_from, age_to=age_to, region=region)
    return {fit.platform: fit for fit in platform_fit(market, today=today)}


def test_indonesian_generation() -> None:
    table = fits(18, 27, "ID")
    assert table["tiktok"].share == 0.4227
    assert (table["tiktok"].method, table["tiktok"].year) == ("MAIN", 2025)
    assert table["tiktok"].source == "APJII 2025"
    assert table["tiktok"].second_hand
    assert SECOND_HAND in table["tiktok"].note
    assert "12-27" in table["tiktok"].group


def test_a_generation_without_a_figure_falls_to_all_ages_and_says_so() -> None:
    fit = fits(30, 40, "ID")["instagram"]
    assert fit.share == 0.1594
    assert OTHER_AGES in fit.note


def test_a_market_over_several_generations_takes_the_figure_for_all() -> None:
    fit = fits(18, 65, "ID")["youtube"]
    assert fit.share == 0.2376
    assert OTHER_AGES in fit.note


def test_unknown_is_none_and_sorted_last() -> None:
    table = fits(18, 27, "ID")
    assert table["bluesky"].share is None
    assert NO_FIGURE in table["bluesky"].note
    order = [fit.share is None for fit in platform_fit(TargetMarket(region="ID"))]
    assert order == sorted(order)


def test_another_country_borrows_nothing() -> None:
    table = fits(18, 27, "MY")
    assert all(fit.share is None and fit.note == NO_REGION for fit in table.values())


def test_the_newest_survey_wins_and_age_is_flagged() -> None:
    table = fits(18, 29, "US")
    assert (table["instagram"].share, table["instagram"].year) == (0.80, 2025)
    assert (table["snapchat"].share, table["snapchat"].year) == (0.65, 2023)
    assert OLD in table["snapchat"].note
    assert OLD not in table["instagram"].note
    assert OLD in fits(18, 29, "US", today=date(2028, 6, 1))["instagram"].note


def test_minors_get_a_warning() -> None:
    assert all(MINORS in fit.note for fit in fits(13, 27, "ID").values())


@pytest.mark.parametrize("record", audience_data().records, ids=str)
def test_every_record_has_its_source(record: object) -> None:
    data = vars(record)
    assert data["publisher"]
    assert data["seen_at"] or not data["seen_second_hand"]
    assert data["retrieved_on"] <= audience_data().collected_on
    assert data["platform"] in audience_data().platforms
    assert data["method"] == audience_data().methods[data["region"]]
