"""The week of a brand: when it posts, and which of those times are free."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from domain.slot import Slot

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOW = "write a weekday and a time, such as 'mon 09:00' (mon, tue, wed, thu, fri, sat or sun)"
SEARCH_DAYS = 366  # how far a free slot is looked for,
SEARCH_STEP = 31  # and in what steps
_WRITTEN = re.compile(r"([a-z]{3}) ([01]\d|2[0-3]):([0-5]\d)")


class RhythmSlot(BaseModel):
    """A time of the week, on the brand's clocks; 0 is Monday."""

    model_config = ConfigDict(frozen=True)

    weekday: int
    at: time

    @classmethod
    def parse(cls, text: str) -> RhythmSlot:
        """Read `mon 09:00`.

        Raises:
            ValueError: it is not written so; the message says how.
        """
        match = _WRITTEN.fullmatch(" ".join(text.lower().split()))
        if match is None or match[1] not in DAYS:
            raise ValueError(f"{text!r} is no slot of a week; {HOW}")
        return cls(weekday=DAYS.index(match[1]), at=time(int(match[2]), int(match[3])))

    def __str__(self) -> str:
        return f"{DAYS[self.weekday]} {self.at:%H:%M}"


def _read(value: object) -> object:
    if isinstance(value, str):
        return RhythmSlot.parse(value)
    if isinstance(value, RhythmSlot):
        return value
    raise ValueError(f"{value!r} is no slot of a week; {HOW}")


# In files, forms and rows it is written as people write it.
WrittenSlot = Annotated[
    RhythmSlot, BeforeValidator(_read), PlainSerializer(str, return_type=str, when_used="json")
]


def every_day(times: Iterable[str]) -> tuple[RhythmSlot, ...]:
    """The week that has the same times of day (HH:MM) on each of its days."""
    clock = sorted({time.fromisoformat(item) for item in times})
    return tuple(RhythmSlot(weekday=day, at=at) for day in range(len(DAYS)) for at in clock)


def most_slots(week: Sequence[RhythmSlot], days: int) -> int:
    """How many slots that many days in a row can hold at most, whichever day is the first."""
    per_day = [sum(slot.weekday == day for slot in week) for day in range(len(DAYS))]
    rest = days % len(DAYS)
    best = max(sum((per_day * 2)[first : first + rest]) for first in range(len(DAYS)))
    return days // len(DAYS) * len(week) + best


def week_slots(
    week: Sequence[RhythmSlot], zone: str, after: datetime, until: datetime
) -> list[Slot]:
    """The slots of a week's times between two instants, both left out, in order, each once.

    Args:
        week: times of the week.
        zone: IANA time zone they are meant in.
        after: aware instant.
        until: aware instant.
    """
    first, last = _day(after, zone), _day(until, zone)
    # A day earlier, because a skipped wall time moves forward, over midnight where a zone skips
    # hours around it. Two wall times may then be one instant: the first of them stands.
    days = [first + timedelta(days=number) for number in range(-1, (last - first).days + 1)]
    found = [
        Slot.at(day, item.at, zone)
        for day in days
        for item in sorted(week, key=lambda item: item.at)
        if item.weekday == day.weekday()
    ]
    found.sort(key=lambda slot: slot.instant)
    inside = (slot for slot in found if after < slot.instant < until)
    return list({slot.instant: slot for slot in reversed(list(inside))}.values())[::-1]


def _day(instant: datetime, zone: str) -> date:
    return instant.astimezone(ZoneInfo(zone)).date()


def next_free_slot(
    week: Sequence[RhythmSlot], zone: str, after: datetime, taken: Collection[datetime] = ()
) -> Slot | None:
    """The first slot of the week's times after an instant that nobody has taken.

    Args:
        week: times of the week.
        zone: IANA time zone they are meant in.
        after: aware instant, left out itself.
        taken: instants that are given to others.

    Returns:
        The slot; None when there is none within a year.
    """
    for days in range(0, SEARCH_DAYS, SEARCH_STEP):
        # The end of one step is left out there, and so is looked at with the next one.
        start = after + timedelta(days=days) - (timedelta(seconds=1) if days else timedelta())
        until = after + timedelta(days=days + SEARCH_STEP)
        for slot in week_slots(week, zone, start, until):
            if slot.instant not in taken:
                return slot
    return None


def spread_slots(candidates: Sequence[Slot], count: int) -> tuple[Slot, ...]:
    """Choose `count` of the slots, spread evenly; one a day as long as there are days enough.

    Args:
        candidates: slots in order.
        count: how many, at least 1.

    Raises:
        ValueError: there are fewer.
    """
    if len(candidates) < count:
        raise ValueError(
            f"{count} posts do not fit into the {len(candidates)} slots that are left of the period; "
            "add posting times or slots to the rhythm, or plan fewer posts"
        )
    days_with: dict[date, list[Slot]] = {}
    for slot in candidates:
        days_with.setdefault(slot.wall.date(), []).append(slot)
    open_days = list(days_with.values())
    if count <= len(open_days):
        # One a day at most: the days are spread evenly, the times of day take turns.
        chosen = (open_days[index * len(open_days) // count] for index in range(count))
        return tuple(day[index % len(day)] for index, day in enumerate(chosen))
    step = len(candidates) / count
    return tuple(candidates[int(index * step)] for index in range(count))
