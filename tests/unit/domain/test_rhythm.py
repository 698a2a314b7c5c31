"""The brand's week: its slots over daylight saving, the even spread of a plan, the next free one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.rhythm import (
    DAYS,
    RhythmSlot,
    every_day,
    most_slots,
    next_free_slot,
    spread_slots,
    week_slots,
)
from domain.slot import Slot

DAY = timedelta(days=1)
zones = st.sampled_from(
    ["Asia/Jakarta", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]
)
starts = st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1)).map(
    lambda at: at.replace(tzinfo=UTC)
)
weeks = st.lists(
    st.builds(
        RhythmSlot,
        weekday=st.integers(0, 6),
        at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    ),
    min_size=1,
    max_size=12,
    unique=True,
).map(tuple)


@given(weeks, zones, starts, st.integers(1, 40))
@example(
    (RhythmSlot.parse("sun 02:30"), RhythmSlot.parse("sun 03:30")),  # one instant on that Sunday
    "Europe/Berlin",
    datetime(2026, 3, 27, tzinfo=UTC),
    5,
)
@example((RhythmSlot.parse("fri 09:00"),), "Pacific/Apia", datetime(2011, 12, 28, tzinfo=UTC), 9)
def test_the_slots_of_a_week_are_all_there_in_order_and_inside(
    week: tuple[RhythmSlot, ...], zone: str, start: datetime, days: int
) -> None:
    end = start + DAY * days
    made = week_slots(week, zone, start, end)
    instants = [slot.instant for slot in made]
    assert instants == sorted(set(instants))
    assert all(start < at < end for at in instants)
    written = {(slot.weekday, slot.at) for slot in week}
    assert all((slot.wall.weekday(), slot.wall.time()) in written for slot in made)
    day, last = (at.astimezone(ZoneInfo(zone)).date() for at in (start, end))
    while day <= last:  # nothing is missing
        for item in week:
            instant = Slot.at(day, item.at, zone).instant
            if day.weekday() == item.weekday and start < instant < end:
                assert instant in instants
        day += DAY


def test_a_week_over_the_change_of_clocks_keeps_its_wall_times() -> None:
    week = (RhythmSlot.parse("fri 09:00"), RhythmSlot.parse("mon 09:00"))
    start = datetime(2026, 10, 22, tzinfo=UTC)
    made = week_slots(week, "Europe/Berlin", start, start + DAY * 6)
    assert [slot.shown.strftime("%a %H:%M") for slot in made] == ["Fri 09:00", "Mon 09:00"]
    assert made[1].instant - made[0].instant == timedelta(days=3, hours=1)


@given(weeks, zones, starts, st.integers(0, 8))
def test_the_next_free_slot_is_the_first_that_is_not_taken(
    week: tuple[RhythmSlot, ...], zone: str, after: datetime, taken: int
) -> None:
    coming = week_slots(week, zone, after, after + DAY * 80)
    found = next_free_slot(week, zone, after, {slot.instant for slot in coming[:taken]})
    assert found == coming[taken]


@given(weeks, zones, zones, starts, st.integers(0, 8), st.integers(1, 30))
def test_a_brand_that_changes_its_zone(
    week: tuple[RhythmSlot, ...], old: str, new: str, after: datetime, planned: int, days: int
) -> None:
    """What has a time keeps it, with its own repetitions; what gets one now gets it of the new zone."""
    given_times = week_slots(week, old, after, after + DAY * 80)[:planned]
    assert [slot.refreshed() for slot in given_times] == given_times
    for slot in given_times:
        later = slot.next_same_wall(days)
        assert (later.zone, later.wall.time()) == (old, slot.wall.time())
    taken = {slot.instant for slot in given_times}
    found = next_free_slot(week, new, after, taken)
    assert found is not None and found.zone == new
    assert found.instant > after and found.instant not in taken
    assert (found.wall.weekday(), found.wall.time()) in {(s.weekday, s.at) for s in week}


def test_no_slot_is_free_when_all_of_a_year_are_taken() -> None:
    week, after = (RhythmSlot.parse("mon 09:00"),), datetime(2026, 1, 1, tzinfo=UTC)
    coming = week_slots(week, "UTC", after, after + DAY * 400)
    assert next_free_slot(week, "UTC", after, {slot.instant for slot in coming}) is None
    assert next_free_slot(week, "UTC", after, {slot.instant for slot in coming[:50]}) == coming[50]


def test_a_slot_at_the_edge_of_a_search_step_is_found() -> None:
    after = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)  # a Thursday
    edge = after + timedelta(days=31)  # a Sunday
    week = (RhythmSlot(weekday=edge.weekday(), at=time(9, 0)),)
    sundays = {edge - DAY * 7 * number for number in range(1, 6)}
    found = next_free_slot(week, "UTC", after, sundays)
    assert found is not None and found.instant == edge


@given(starts, st.integers(2, 31), st.integers(1, 30), zones)
def test_a_plan_is_spread_over_the_period(
    start: datetime, days: int, count: int, zone: str
) -> None:
    week = every_day(("09:00", "12:30", "19:00"))
    free = week_slots(week, zone, start, start + DAY * days)
    try:
        made = spread_slots(free, count)
    except ValueError as error:
        assert "do not fit" in str(error)
        assert count > len(free)
        return
    assert len(made) == len({slot.instant for slot in made}) == count
    assert [slot for slot in free if slot in made] == list(made)
    if count <= days - 1:
        assert len({slot.wall.date() for slot in made}) == count


def test_times_of_day_take_turns_over_a_week() -> None:
    start = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    week = every_day(("08:00", "12:00", "19:00"))
    made = spread_slots(week_slots(week, "Asia/Jakarta", start, start + DAY * 7), 3)
    assert len({slot.wall.date() for slot in made}) == 3
    assert len({slot.wall.time() for slot in made}) >= 2


@given(weeks, st.integers(1, 30))
def test_the_room_of_a_week_is_the_most_that_some_days_hold(
    week: tuple[RhythmSlot, ...], days: int
) -> None:
    monday = date(2026, 11, 23)
    held = [
        sum(
            item.weekday == (monday + DAY * (first + number)).weekday()
            for number in range(days)
            for item in week
        )
        for first in range(7)
    ]
    assert most_slots(week, days) == max(held)


@pytest.mark.parametrize("day", DAYS)
def test_a_slot_of_the_week_is_written_as_it_is_read(day: str) -> None:
    assert str(RhythmSlot.parse(f" {day.upper()}   07:05 ")) == f"{day} 07:05"
