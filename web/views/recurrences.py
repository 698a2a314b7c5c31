"""The posts of a brand that come again: each with its next date and what became of it so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.action import Payload
from domain.slot import Slot
from storage.repositories.recurrences import last_day, next_slot
from storage.tables import Action, ChannelAccount, Recurrence
from storage.uow import UnitOfWork
from web.views.item import whole_text

SHOWN = 20  # occurrences of one


@dataclass(frozen=True)
class RepeatView:
    """One post that comes again."""

    row: Recurrence
    source: Action
    account: ChannelAccount
    text: str
    slot: Slot | None  # the next date; None when it has ended
    last_day: date | None
    occurrences: Sequence[Action]

    @property
    def older(self) -> int:
        """How many occurrences are not shown."""
        return self.row.occurrence - len(self.occurrences)


def repeat_views(uow: UnitOfWork, brand_id: str) -> list[RepeatView]:
    """All of a brand: what is proposed next first, what has ended last."""
    return [_view(uow, row) for row in uow.recurrences.find(brand_id=brand_id)]


def _view(uow: UnitOfWork, row: Recurrence) -> RepeatView:
    source = uow.actions.get(row.source_id)
    version = uow.actions.version(source)
    assert version is not None
    return RepeatView(
        row=row,
        source=source,
        account=uow.brands.account(row.account_id),
        text=whole_text(Payload.model_validate(version.payload)),
        slot=None if row.state == "ended" else next_slot(row),
        last_day=last_day(row),
        occurrences=uow.recurrences.occurrences(row.id, SHOWN),
    )
