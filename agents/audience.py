"""How platforms fit a target market: published figures of one method and one region at a time.

Plain code over `data/audience.json`. A platform without a figure stays unknown; nothing is
borrowed from another country or measured another way.
"""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from config.i18n import N_
from domain.brand import TargetMarket
from domain.dossier import PlatformFit

DATA = Path(__file__).parent / "data" / "audience.json"
OLD_MONTHS = 24
ADULT = 18

# Whoever shows these translates them. A note is one or more of them with a space between.
NO_REGION = N_("No figure by a comparable method for this country.")
NO_FIGURE = N_("No published figure for this platform and country.")
OTHER_AGES = N_("No figure for these ages; this is the figure for all ages.")
PARTLY = N_("Covers only a part of the ages.")
SECOND_HAND = N_("Seen second-hand; open the report itself before relying on it.")
OLD = N_("Older than two years.")
MINORS = N_(
    "The target market includes people under 18: check the platform's minimum age and rules."
)


class AudienceRecord(BaseModel):
    """One published figure: a share (0-1) of people of an age in a region."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    platform: str
    region: str
    age_from: int
    age_to: int | None
    group: str
    value: float = Field(ge=0, le=1)
    method: str
    sample: int | None
    publisher: str
    year: int
    field_dates: str
    seen_at: str
    url: str
    seen_second_hand: bool
    retrieved_on: date

    def overlap(self, market: TargetMarket) -> int:
        """How many years of age the figure and the market share."""
        upper = market.age_to if self.age_to is None else min(self.age_to, market.age_to)
        return max(upper - max(self.age_from, market.age_from) + 1, 0)


class AudienceData(BaseModel):
    """The data file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    collected_on: date
    about: str
    methods: dict[str, str]
    platforms: tuple[str, ...]
    records: tuple[AudienceRecord, ...]


@cache
def audience_data() -> AudienceData:
    """The figures that ship with Humas."""
    return AudienceData.model_validate(json.loads(DATA.read_text(encoding="utf-8")))


def platform_fit(
    market: TargetMarket, *, today: date | None = None, data: AudienceData | None = None
) -> tuple[PlatformFit, ...]:
    """Every known platform against a market: known shares first, highest first, then the unknown.

    Args:
        market: ages and country.
        today: for the age of figures; the day of collection where not given.
        data: other figures than those that ship with Humas.
    """
    data = data or audience_data()
    today = today or data.collected_on
    method = data.methods.get(market.region)
    fits = [_fit(platform, market, method, today, data) for platform in data.platforms]
    return tuple(sorted(fits, key=lambda fit: (fit.share is None, -(fit.share or 0), fit.platform)))


def _fit(
    platform: str, market: TargetMarket, method: str | None, today: date, data: AudienceData
) -> PlatformFit:
    minors = [MINORS] if market.age_from < ADULT else []
    if method is None:
        return PlatformFit(platform=platform, note=" ".join([NO_REGION, *minors]))
    records = [
        item
        for item in data.records
        if item.platform == platform and item.region == market.region and item.method == method
    ]
    if not records:
        return PlatformFit(platform=platform, method=method, note=" ".join([NO_FIGURE, *minors]))
    record, remark = _closest(records, market)
    notes = [*remark, *minors]
    if (today.year - record.year) * 12 + today.month > OLD_MONTHS:
        notes.append(OLD)
    if record.seen_second_hand:
        notes.append(SECOND_HAND)
    return PlatformFit(
        platform=platform,
        group=_group(record),
        share=record.value,
        method=record.method,
        source=record.publisher,
        year=record.year,
        second_hand=record.seen_second_hand,
        note=" ".join(notes),
    )


def _closest(
    records: list[AudienceRecord], market: TargetMarket
) -> tuple[AudienceRecord, list[str]]:
    """The newest figure of the age group that shares most years with the market."""
    newest = max(record.year for record in records)
    current = [record for record in records if record.year == newest]
    whole = [record for record in current if record.group.startswith("all")]
    groups = [record for record in current if not record.group.startswith("all")]
    best = max(groups, key=lambda record: record.overlap(market), default=None)
    years = market.age_to - market.age_from + 1
    if best is not None and best.overlap(market) == years:
        return best, []
    if whole:
        # No single group covers the market, so the figure for everybody is the honest one.
        return whole[0], [OTHER_AGES]
    if best is not None and best.overlap(market):
        return best, [PARTLY]
    return current[0], [OTHER_AGES]


def _group(record: AudienceRecord) -> str:
    ages = f"{record.age_from}+" if record.age_to is None else f"{record.age_from}-{record.age_to}"
    return f"{record.group} ({ages})" if record.group else ages
