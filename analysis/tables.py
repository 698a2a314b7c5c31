"""The input rows of the three layers: plain values, no database, no names of the public."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean, median

from config.i18n import N_
from domain.conversation import ANSWERABLE, InteractionKind, Sentiment
from domain.evaluation import Figure, FigureStatus, Layer

RATE_FROM = 5  # below this many posts no rate is given
MEAN_FROM = 30  # below this many posts the median speaks, labelled as a small sample

ENGAGING = ANSWERABLE | {InteractionKind.LIKE, InteractionKind.REPOST}


@dataclass(frozen=True)
class Metric:
    """A platform's figure, or the reason why there is none. `value` is None unless it is ok."""

    value: int | None
    status: FigureStatus = "ok"
    taken_at: datetime | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.status == "ok"):
            raise ValueError(f"a metric with the value {self.value} cannot be {self.status}")


@dataclass(frozen=True)
class PostRow:
    """One published post (or reply) of ours with what its platform says of it."""

    id: str
    account_id: str
    platform: str
    published_at: datetime
    reply: bool = False
    metrics: dict[str, Metric] = field(default_factory=dict)  # by the platform's own names


@dataclass(frozen=True)
class AccountRow:
    """One of our accounts; `not_offered` holds the figures its platform does not have."""

    id: str
    platform: str
    followers: Metric
    not_offered: frozenset[str] = frozenset()


@dataclass(frozen=True)
class EngagementRow:
    """One thing that a member of the public did.

    Attributes:
        target_person: whom it answers, where that is another member of the public; None: us.
        answered_at: when our answer was published; None where there is none.
    """

    id: str
    person_id: str
    kind: InteractionKind
    occurred_at: datetime
    sentiment: Sentiment = Sentiment.UNKNOWN
    text: str = ""
    target_person: str | None = None
    answered_at: datetime | None = None

    @property
    def has_words(self) -> bool:
        """Whether it is a reply, a mention or a quote."""
        return self.kind in ANSWERABLE


def typical(
    figure_id: str,
    layer: Layer,
    label: str,
    values: Sequence[float],
    *,
    unit: str,
    note: str = "",
    as_of: datetime | None = None,
) -> Figure:
    """What is usual among posts: nothing below 5, the median below 30, the mean from there on."""
    count = len(values)
    if count < RATE_FROM:
        said = N_("needs at least {0} posts with figures, there are {1}").format(RATE_FROM, count)
        return Figure(
            id=figure_id, layer=layer, label=label, unit=unit, status="too_few", note=said
        )
    if count < MEAN_FROM:
        value, said = float(median(values)), N_("small sample: median of {0} posts")
    else:
        value, said = float(fmean(values)), N_("mean of {0} posts")
    assert math.isfinite(value)
    return Figure(
        id=figure_id,
        layer=layer,
        label=label,
        value=value,
        unit=unit,
        note="; ".join(filter(None, (said.format(count), note))),
        as_of=as_of,
    )


def count_figure(
    figure_id: str, layer: Layer, label: str, value: int, unit: str, note: str = ""
) -> Figure:
    """A plain count of what we stored ourselves; here zero is a real zero."""
    return Figure(id=figure_id, layer=layer, label=label, value=value, unit=unit, note=note)
