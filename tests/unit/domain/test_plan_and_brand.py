"""Slots over daylight saving, brand files with mistakes, numbers in an evaluator's text."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.brand import BrandProfile, parse_brand
from domain.errors import InvalidBrand
from domain.evaluation import Figure, number_problems, render
from domain.plan import Slot, slots


def test_a_slot_keeps_its_wall_time_over_a_change_of_clocks() -> None:
    before = Slot.at(date(2026, 10, 24), time(9, 0), "Europe/Berlin")
    after = Slot.at(date(2026, 10, 26), time(9, 0), "Europe/Berlin")
    assert (before.wall.time(), after.wall.time()) == (time(9, 0), time(9, 0))
    assert after.instant - before.instant == timedelta(days=2, hours=1)


def test_a_wall_time_that_does_not_exist_moves_forward() -> None:
    slot = Slot.at(date(2026, 3, 29), time(2, 30), "Europe/Berlin")
    assert slot.instant.astimezone(ZoneInfo("Europe/Berlin")).time() == time(3, 30)


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(lambda d: d.replace(tzinfo=UTC)),
    st.integers(2, 31),
    st.integers(1, 30),
    st.sampled_from(["Asia/Jakarta", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_slots_are_in_order_apart_and_inside_the_period(
    start: datetime, days: int, count: int, zone: str
) -> None:
    times = ("09:00", "12:30", "19:00")
    try:
        made = slots(start, days, count, times, zone)
    except ValueError as error:
        assert "do not fit" in str(error)
        assert count > (days - 1) * len(times)
        return
    assert len(made) == count
    instants = [slot.instant for slot in made]
    assert instants == sorted(set(instants))
    assert all(start < at < start + timedelta(days=days) for at in instants)
    assert {slot.wall.strftime("%H:%M") for slot in made} <= set(times)


def test_times_of_day_take_turns_over_a_week() -> None:
    start = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    made = slots(start, 7, 3, ("08:00", "12:00", "19:00"), "Asia/Jakarta")
    assert len({slot.wall.date() for slot in made}) == 3
    assert len({slot.wall.time() for slot in made}) >= 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": "A", "time_zone": "Asia/Jogja"}, "Asia/Jakarta"),
        ({"name": "A", "website": "kopi.example"}, "web address"),
        ({"name": ""}, "name"),
        ({"name": "A", "posting_times": ["25:00"]}, "HH:MM"),
        ({"name": "A", "langauges": ["id"]}, "langauges"),
        ({"name": "A", "languages": ["fr"]}, "languages"),
        ([], "brand"),
    ],
)
def test_a_wrong_brand_says_what_is_wrong(data: object, words: str) -> None:
    with pytest.raises(InvalidBrand, match=words):
        parse_brand(data)


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
