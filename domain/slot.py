"""A posting time: the instant in UTC, and the wall time and IANA zone that were meant.

Three rules, each tested for every zone of the tz database:

* A wall time that the clocks skip (spring) moves forward by what they skip: 02:30 becomes 03:30.
* A wall time that comes twice (autumn) is the first of the two.
* Wall time and zone are what a person chose and stay; the instant follows from them. When the
  rules of a zone change, `refreshed` gives the instant anew.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, field_validator


class Slot(BaseModel):
    """A posting time. Slots compare by their fields; sort them by `instant`."""

    model_config = ConfigDict(frozen=True)

    instant: datetime
    wall: datetime
    zone: str

    @field_validator("instant")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("the instant of a slot needs a time zone")
        return value.astimezone(UTC)

    @field_validator("wall")
    @classmethod
    def _without_zone(cls, value: datetime) -> datetime:
        if value.tzinfo is not None:
            raise ValueError(
                "the wall time of a slot stands without a zone, which has its own field"
            )
        return value.replace(fold=0)

    @classmethod
    def at(cls, day: date, at: time, zone: str) -> Slot:
        """The slot of a day and a time of day on the zone's clocks."""
        return cls.of_wall(datetime.combine(day, at), zone)

    @classmethod
    def of_wall(cls, wall: datetime, zone: str) -> Slot:
        """The slot of a wall time, by the rules of the module.

        Args:
            wall: date and time of day, without a zone.
            zone: IANA name.

        Raises:
            zoneinfo.ZoneInfoNotFoundError: there is no such zone.
        """
        # With fold=0 zoneinfo takes the offset before the change: in a gap that lands later by
        # the gap, in an overlap on the first of the two.
        instant = wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
        return cls(instant=instant, wall=wall, zone=zone)

    @classmethod
    def of_instant(cls, instant: datetime, zone: str) -> Slot:
        """The slot that lies at an instant, to the minute, as the zone's clocks show it.

        In an hour that comes twice it may be the second, which no wall time stands for: made
        anew from its wall time, it is the first.
        """
        shown = instant.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0)
        return cls(instant=shown, wall=shown.replace(tzinfo=None, fold=0), zone=zone)

    @classmethod
    def stored(cls, instant: datetime, wall: str, zone: str) -> Slot:
        """The slot of a row: its instant, its wall time as ISO text, its zone."""
        return cls(instant=instant, wall=datetime.fromisoformat(wall), zone=zone)

    @property
    def wall_text(self) -> str:
        """The wall time as it is stored: ISO, without a zone."""
        return self.wall.isoformat()

    @property
    def shown(self) -> datetime:
        """What the zone's clocks show at the instant: the wall time, but for skipped ones."""
        return self.instant.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None, fold=0)

    def refreshed(self) -> Slot:
        """The same wall time in the same zone, with the instant by the rules of today.

        Raises:
            zoneinfo.ZoneInfoNotFoundError: the zone is gone from the tz database.
        """
        return Slot.of_wall(self.wall, self.zone)

    def next_same_wall(self, days: int) -> Slot:
        """The slot that many days of the calendar later, at the same wall time."""
        return Slot.of_wall(self.wall + timedelta(days=days), self.zone)
