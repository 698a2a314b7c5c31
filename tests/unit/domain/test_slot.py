"""Slots in every zone of the tz database: gaps, overlaps, leap days, changed rules.

The oracle asks the zone only what its clocks show at an instant, never which instant a wall time is.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.slot import Slot

ZONES = sorted(available_timezones() - {"localtime"})
MINUTE = timedelta(minutes=1)

zones = st.sampled_from(ZONES)
walls = st.datetimes(datetime(1970, 1, 3), datetime(2100, 12, 30)).map(
    lambda wall: wall.replace(second=0, microsecond=0)
)


def shows(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def instants_of(wall: datetime, zone: str) -> list[datetime]:
    """Every instant at which the zone's clocks show that wall time."""
    around = wall.replace(tzinfo=UTC)
    offsets = {
        shows(around + timedelta(hours=hour), zone)
        - (around + timedelta(hours=hour)).replace(tzinfo=None)
        for hour in range(-52, 53, 4)
    }
    candidates = {around - offset for offset in offsets}
    return sorted(at for at in candidates if shows(at, zone) == wall)


def jump_over(wall: datetime, zone: str) -> tuple[datetime, timedelta]:
    """The first instant at which the clocks show more than a skipped wall time, and the jump."""
    low = wall.replace(tzinfo=UTC) - timedelta(hours=52)
    high = wall.replace(tzinfo=UTC) + timedelta(hours=52)
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if shows(middle, zone) < wall:
            low = middle
        else:
            high = middle
    return high, shows(high, zone) - shows(low, zone) - timedelta(seconds=1)


@cache
def changes(zone: str) -> tuple[tuple[datetime, timedelta], ...]:
    """(instant, how far the clocks jump) of the zone's changes between 1970 and 2041."""
    found = []
    at, end = datetime(1970, 1, 3, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC)
    step = timedelta(days=5)

    def offset(instant: datetime) -> timedelta:
        return shows(instant, zone) - instant.replace(tzinfo=None)

    while at < end:
        if offset(at) != offset(at + step):
            low, high = at, at + step
            while high - low > timedelta(seconds=1):
                middle = (low + (high - low) / 2).replace(microsecond=0)
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found.append((high, offset(high) - offset(low)))
        at += step
    return tuple(found)


def check(wall: datetime, zone: str) -> Slot:
    """The three rules for one wall time."""
    slot = Slot.of_wall(wall, zone)
    assert slot.instant.tzinfo is UTC
    assert (slot.wall, slot.zone) == (wall, zone)
    meant = instants_of(wall, zone)
    if meant:
        assert slot.instant == meant[0], "an overlap is the first of the two"
        assert slot.shown == wall
    else:
        _, jump = jump_over(wall, zone)
        assert jump > timedelta()
        assert slot.shown == wall + jump, "a skipped time is later by what is skipped"
    return slot


@settings(max_examples=400)
@given(walls, zones)
@example(datetime(2026, 3, 29, 2, 30), "Europe/Berlin")  # skipped
@example(datetime(2026, 10, 25, 2, 30), "Europe/Berlin")  # twice
@example(datetime(2026, 4, 5, 1, 45), "Australia/Lord_Howe")  # half an hour twice
@example(datetime(2011, 12, 30, 12, 0), "Pacific/Apia")  # a day that never was
@example(datetime(1993, 8, 21, 9, 0), "Pacific/Kwajalein")
@example(datetime(2026, 2, 15, 2, 30), "Africa/Casablanca")  # negative daylight saving
@example(datetime(2026, 3, 29, 1, 0), "Europe/Dublin")
@example(datetime(1972, 1, 7, 0, 10), "Africa/Monrovia")  # a jump of 44 minutes 30 seconds
@example(datetime(2018, 5, 4, 23, 45), "Asia/Pyongyang")
def test_every_wall_time_in_every_zone(wall: datetime, zone: str) -> None:
    check(wall, zone)


@settings(max_examples=150)
@given(zones, st.data())
def test_around_every_change_of_clocks(zone: str, data: st.DataObject) -> None:
    found = changes(zone)
    if not found:
        return
    at, jump = data.draw(st.sampled_from(found))
    minutes = int(abs(jump).total_seconds() // 60) + 120
    wall = shows(at - MINUTE, zone) + MINUTE * data.draw(st.integers(-minutes, minutes))
    check(wall.replace(second=0), zone)


def test_the_changes_that_the_property_draws_from_hold_gaps_and_overlaps() -> None:
    jumps = {jump for zone in ("Europe/Berlin", "Pacific/Apia") for _, jump in changes(zone)}
    assert timedelta(hours=1) in jumps and timedelta(hours=-1) in jumps
    assert timedelta(hours=24) in jumps


def test_a_slot_in_each_zone_and_in_both_halves_of_the_year() -> None:
    assert len(ZONES) > 400
    for zone in ZONES:
        for day in (date(2026, 1, 15), date(2026, 7, 15), date(2028, 2, 29)):
            check(datetime.combine(day, time(9, 0)), zone)


@settings(max_examples=200)
@given(walls, zones, st.integers(1, 366))
@example(datetime(2026, 3, 28, 9, 0), "Europe/Berlin", 1)
@example(datetime(2027, 2, 28, 9, 0), "Asia/Jakarta", 366)  # onto a 29th of February
@example(datetime(2026, 3, 28, 2, 30), "Europe/Berlin", 1)  # into a gap
def test_some_days_later_at_the_same_wall_time(wall: datetime, zone: str, days: int) -> None:
    slot = Slot.of_wall(wall, zone)
    later = slot.next_same_wall(days)
    assert later.wall.time() == wall.time()
    assert (later.wall.date() - wall.date()).days == days
    check(later.wall, zone)


def test_a_gap_does_not_move_what_comes_after_it() -> None:
    slot = Slot.at(date(2026, 3, 28), time(2, 30), "Europe/Berlin")
    shown = [slot.next_same_wall(days).shown.strftime("%d %H:%M") for days in range(3)]
    assert shown == ["28 02:30", "29 03:30", "30 02:30"]


@settings(max_examples=200)
@given(walls, st.integers(1, 5000), zones)
def test_later_wall_times_are_no_earlier_instants_but_for_a_repeated_hour(
    wall: datetime, minutes: int, zone: str
) -> None:
    one, other = Slot.of_wall(wall, zone), Slot.of_wall(wall + MINUTE * minutes, zone)
    if one.shown == one.wall and other.shown == other.wall:
        assert one.instant < other.instant or len(instants_of(one.wall, zone)) > 1
    else:  # a skipped time may land beyond one after the gap, never beyond the gap's length
        assert one.instant - other.instant < timedelta(hours=25)


@settings(max_examples=200)
@given(walls, zones)
def test_a_slot_survives_its_row_and_its_plan(wall: datetime, zone: str) -> None:
    slot = Slot.of_wall(wall, zone)
    stored = Slot.stored(slot.instant, slot.wall_text, slot.zone)
    assert stored == slot == slot.refreshed()
    assert Slot.model_validate_json(slot.model_dump_json()) == slot
    assert Slot.stored(slot.instant.astimezone(ZoneInfo(zone)), slot.wall_text, zone) == slot


@settings(max_examples=200)
@given(walls, zones)
def test_an_instant_is_shown_as_its_slot_says(wall: datetime, zone: str) -> None:
    instant = wall.replace(tzinfo=UTC)
    slot = Slot.of_instant(instant + timedelta(seconds=59), zone)
    assert slot.shown == slot.wall
    assert timedelta() <= instant + timedelta(seconds=59) - slot.instant < MINUTE


def test_changed_rules_move_the_instant_and_nothing_else() -> None:
    old = Slot(  # as it was stored while Indonesia was believed to be an hour further east
        instant=datetime(2027, 5, 3, 1, 0, tzinfo=UTC),
        wall=datetime(2027, 5, 3, 9, 0),
        zone="Asia/Jakarta",
    )
    new = old.refreshed()
    assert new.instant == datetime(2027, 5, 3, 2, 0, tzinfo=UTC)
    assert (new.wall, new.zone) == (old.wall, old.zone)


@settings(max_examples=200)
@given(walls, zones, st.integers(-26 * 60, 26 * 60))
@example(datetime(2026, 3, 29, 2, 30), "Europe/Berlin", 60)  # skipped
@example(datetime(2026, 10, 25, 2, 30), "Europe/Berlin", -60)  # twice
@example(datetime(2028, 2, 29, 9, 0), "Pacific/Apia", 24 * 60)
def test_whatever_the_old_rules_were_the_wall_time_stays(
    wall: datetime, zone: str, minutes: int
) -> None:
    right = Slot.of_wall(wall, zone)
    old = Slot(instant=right.instant + MINUTE * minutes, wall=wall, zone=zone)
    assert old.refreshed() == right
    assert old.refreshed().refreshed() == right
    assert old.next_same_wall(7) == right.next_same_wall(7)


def test_a_slot_needs_an_instant_with_and_a_wall_time_without_a_zone() -> None:
    aware, naive = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1)
    with pytest.raises(ValidationError, match="needs a time zone"):
        Slot(instant=naive, wall=naive, zone="UTC")
    with pytest.raises(ValidationError, match="without a zone"):
        Slot(instant=aware, wall=aware, zone="UTC")
    with pytest.raises(ZoneInfoNotFoundError):
        Slot.of_wall(naive, "Asia/Atlantis")
