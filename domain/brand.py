"""A brand: who it is, whom it talks to, in which languages, on whose clock."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from domain.errors import InvalidBrand
from domain.rhythm import RhythmSlot, WrittenSlot, every_day, most_slots

BusinessModel = Literal["b2b", "b2c", "both", "unknown"]
Purpose = Literal["reputation", "sales", "both", "unknown"]
Language = Literal["id", "en"]

_SLUG = re.compile(r"[^a-z0-9]+")


@cache
def _zones() -> frozenset[str]:
    """The names of the tz database; finding them walks its files, so once per process."""
    return frozenset(available_timezones())


class TargetMarket(BaseModel):
    """Whom the brand wants to reach; ages in years, both ends included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    age_from: int = Field(default=18, ge=0, le=120)
    age_to: int = Field(default=65, ge=0, le=120)
    region: str = Field(default="ID", description="ISO 3166 country code")
    description: str = ""


class BrandProfile(BaseModel):
    """What a person says of the brand when a workflow is started."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=120)
    website: str | None = None
    documents: tuple[str, ...] = ()
    languages: tuple[Language, ...] = ("id",)
    time_zone: str = "Asia/Jakarta"
    voice: str = ""
    market: TargetMarket = TargetMarket()
    competitors: tuple[str, ...] = Field(default=(), max_length=5)
    posts_per_period: int = Field(default=3, ge=1, le=50)
    period_days: int = Field(default=7, ge=1, le=92)
    posting_times: tuple[str, ...] = ("09:00", "12:00", "19:00")
    rhythm: tuple[WrittenSlot, ...] = Field(
        default=(), description="Slots of the week, such as 'mon 09:00'; empty: posting_times daily"
    )
    grace_minutes: int = Field(default=120, ge=1, le=1440)
    approvers: int = Field(default=1, ge=1, le=5)
    author_may_approve: bool = True
    reports_to: tuple[str, ...] = Field(
        default=(), description="Apprise URLs that receive the evaluation"
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in _zones():
            raise ValueError(
                f"unknown time zone {value!r}; use an IANA name such as Asia/Jakarta, Asia/Makassar or UTC"
            )
        return value

    @field_validator("posting_times")
    @classmethod
    def _clock_times(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", item):
                raise ValueError(f"{item!r} is not a time of day; write it as HH:MM, such as 19:00")
        if not value:
            raise ValueError("give at least one posting time, such as 19:00")
        return value

    @field_validator("rhythm")
    @classmethod
    def _each_once(cls, value: tuple[RhythmSlot, ...]) -> tuple[RhythmSlot, ...]:
        for slot in value:
            if value.count(slot) > 1:
                raise ValueError(f"{slot} stands there twice; name each slot once")
        return tuple(sorted(value, key=lambda slot: (slot.weekday, slot.at)))

    @field_validator("website")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^\s/]+", value):
            raise ValueError(f"{value!r} is not a web address; it starts with https:// or http://")
        return value

    @model_validator(mode="after")
    def _rhythm_has_room(self) -> Self:
        room = most_slots(self.rhythm, self.period_days)
        if self.rhythm and self.posts_per_period > room:
            raise ValueError(
                f"{self.posts_per_period} posts do not fit into {self.period_days} days of this "
                f"rhythm, which has {room} slots in them; add slots to rhythm, or lower "
                "posts_per_period"
            )
        return self

    @property
    def week(self) -> tuple[RhythmSlot, ...]:
        """When the brand posts: its rhythm, or its posting times on each day of the week."""
        return self.rhythm or every_day(self.posting_times)

    @property
    def zone(self) -> ZoneInfo:
        """The brand's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def slug(self) -> str:
        """A short name for addresses and commands, unique in a workspace."""
        return _SLUG.sub("-", self.name.lower()).strip("-") or "brand"


def parse_brand(data: object) -> BrandProfile:
    """Check a brand description (decoded TOML, JSON or a form).

    Raises:
        InvalidBrand: with one line per wrong field.
    """
    try:
        return BrandProfile.model_validate(data)
    except ValidationError as error:
        lines = []
        for item in error.errors():
            field = ".".join(str(part) for part in item["loc"]) or "brand"
            lines.append(f"{field}: {item['msg'].removeprefix('Value error, ')}")
        raise InvalidBrand(
            "The brand description cannot be used:\n  " + "\n  ".join(lines)
        ) from error
