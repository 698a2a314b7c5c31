"""The written plan: themes, and for each post every column that the mission names."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from domain.source import Evidence


class Slot(BaseModel):
    """A posting time: the instant in UTC, and the wall time and zone that were meant."""

    model_config = ConfigDict(frozen=True)

    instant: datetime
    wall: datetime
    zone: str

    @classmethod
    def at(cls, day: date, at: time, zone: str) -> Slot:
        """The slot of a wall time; a time in a daylight-saving gap moves forward by the gap."""
        wall = datetime.combine(day, at)
        aware = wall.replace(tzinfo=ZoneInfo(zone))
        return cls(instant=aware.astimezone(ZoneInfo("UTC")), wall=wall, zone=zone)


class PlanItem(BaseModel):
    """One planned post."""

    model_config = ConfigDict(frozen=True)

    theme: str
    caption: str
    photo_brief: str = ""
    alt_text: str = ""
    hashtags: tuple[str, ...] = ()
    slot: Slot
    platforms: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    no_claim: bool = Field(
        default=False, description="A person marked it as making no factual claim"
    )

    @property
    def text(self) -> str:
        """Caption and hashtags as they are posted."""
        tags = " ".join(f"#{tag.lstrip('#')}" for tag in self.hashtags)
        return f"{self.caption}\n\n{tags}" if tags else self.caption


class Theme(BaseModel):
    """What a share of the posts is about, and why."""

    model_config = ConfigDict(frozen=True)

    name: str
    purpose: str = ""


class Plan(BaseModel):
    """All social media activity of one period."""

    model_config = ConfigDict(frozen=True)

    themes: tuple[Theme, ...] = ()
    items: tuple[PlanItem, ...] = ()
    used_findings: tuple[str, ...] = Field(
        default=(), description="Recommendations of the last evaluation that shaped it"
    )


def slots(
    start: datetime, days: int, count: int, times: tuple[str, ...], zone: str
) -> tuple[Slot, ...]:
    """Spread `count` posts evenly over a period.

    Args:
        start: the period's start, an aware instant; no slot lies before it.
        days: length of the period in days.
        count: how many slots.
        times: times of day as HH:MM, wall time of the zone.
        zone: IANA time zone.
    """
    first = start.astimezone(ZoneInfo(zone)).date()
    clock = sorted(time.fromisoformat(item) for item in times)
    candidates = [
        slot
        for offset in range(days + 1)
        for at in clock
        if start < (slot := Slot.at(first + timedelta(days=offset), at, zone)).instant
        and slot.instant < start + timedelta(days=days)
    ]
    if len(candidates) < count:
        raise ValueError(
            f"{count} posts do not fit into {days} days at {len(times)} times a day; "
            "add posting times or plan fewer posts"
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
