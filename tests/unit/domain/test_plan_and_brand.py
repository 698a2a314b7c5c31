"""Slots over daylight saving, brand files with mistakes, numbers in an evaluator's text."""

from __future__ import annotations

import pytest

from domain.brand import BrandProfile, parse_brand
from domain.errors import InvalidBrand
from domain.evaluation import Figure, number_problems, render


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": "A", "time_zone": "Asia/Jogja"}, "Asia/Jakarta"),
        ({"name": "A", "website": "kopi.example"}, "web address"),
        ({"name": ""}, "name"),
        ({"name": "A", "posting_times": ["25:00"]}, "HH:MM"),
        (
            {"name": "A", "rhythm": ["monday 09:00"]},
            "write a weekday and a time, such as 'mon 09:00'",
        ),
        ({"name": "A", "rhythm": ["mon 9"]}, "'mon 9' is no slot of a week"),
        ({"name": "A", "rhythm": ["mon 24:00"]}, "no slot of a week"),
        ({"name": "A", "rhythm": [7]}, "7 is no slot of a week"),
        ({"name": "A", "rhythm": ["mon 09:00", "MON  09:00"]}, "mon 09:00 stands there twice"),
        ({"name": "A", "rhythm": ["mon 09:00"]}, "3 posts do not fit into 7 days of this rhythm"),
        ({"name": "A", "langauges": ["id"]}, "langauges"),
        ({"name": "A", "languages": ["fr"]}, "languages"),
        ([], "brand"),
    ],
)
def test_a_wrong_brand_says_what_is_wrong(data: object, words: str) -> None:
    with pytest.raises(InvalidBrand, match=words):
        parse_brand(data)


def test_a_rhythm_is_kept_as_people_write_it() -> None:
    profile = parse_brand(
        {"name": "A", "rhythm": ["Fri 19:00", "mon 09:00"], "posts_per_period": 2}
    )
    stored = profile.model_dump(mode="json")
    assert stored["rhythm"] == ["mon 09:00", "fri 19:00"]
    assert parse_brand(stored) == profile
    assert profile.week == profile.rhythm


def test_without_a_rhythm_the_posting_times_are_those_of_each_day() -> None:
    profile = BrandProfile(name="A", posting_times=("19:00", "09:00", "19:00"))
    assert len(profile.week) == 14
    assert [str(slot) for slot in profile.week[:3]] == ["mon 09:00", "mon 19:00", "tue 09:00"]
    del (stored := profile.model_dump(mode="json"))["rhythm"]  # as the release before wrote it
    assert parse_brand(stored) == profile


def test_a_short_name_is_made_of_the_name() -> None:
    assert BrandProfile(name="Kopi & Senja — Yogya").slug == "kopi-senja-yogya"


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("Kami menerbitkan {posts} kiriman.", True),
        ("We published {posts} posts, and one of them did well.", True),
        ("We published 3 posts.", False),
        ("We published three posts.", False),
        ("Kami menerbitkan tiga kiriman.", False),
        ("Jumlahnya {lost}.", False),
        ("An { open brace", False),
        ("It doubled.", False),
    ],
)
def test_numbers_come_from_code_only(text: str, fine: bool) -> None:
    assert (number_problems(text, {"posts"}) == []) is fine


def test_unknown_is_not_zero() -> None:
    missing = Figure(id="reach", layer="media", label="Reach", status="not_offered")
    zero = Figure(id="likes", layer="media", label="Likes", value=0)
    assert render("{reach} and {likes}", (missing, zero)) == "not offered and 0"
