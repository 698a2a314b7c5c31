"""The queue of posts and replies, with filters and their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.action import ActionKind, ActionState, Payload
from domain.errors import NotFound
from storage.tables import Action, Brand, ChannelAccount
from storage.uow import UnitOfWork
from web.labels import GROUPS
from web.views.item import whole_text

SHOWN = 200  # rows on one page


@dataclass(frozen=True)
class Row:
    """One line of a list."""

    action: Action
    brand: Brand
    account: ChannelAccount
    text: str
    parts: int
    pictures: int
    zone: str


@dataclass(frozen=True)
class QueueView:
    """The queue under its filters."""

    rows: list[Row]
    more: bool
    groups: list[tuple[str, int]]
    states: list[tuple[str, int]]
    brands: list[tuple[Brand, int]]
    filters: dict[str, str]

    @property
    def show(self) -> str:
        """The group or state that is shown."""
        return self.filters["show"]


def queue_view(uow: UnitOfWork, *, show: str, brand_id: str, kind: str) -> QueueView:
    """Gather the queue.

    Args:
        uow: the unit of work.
        show: a key of `GROUPS`, or a state.
        brand_id: only this brand; empty for all.
        kind: only this kind of action; empty for all.

    Raises:
        NotFound: a filter names something that there is not.
    """
    brands = {brand.id: brand for brand in uow.brands.all()}
    if brand_id and brand_id not in brands:
        raise NotFound("There is no such brand in this workspace.")
    if kind and kind not in set(ActionKind):
        raise NotFound(f"There is no kind {kind!r}.")
    states = _states(show)
    found = uow.actions.find(
        states=states, brand_id=brand_id or None, kind=kind or None, limit=SHOWN + 1
    )
    counts = uow.actions.counts(brand_id or None)
    return QueueView(
        rows=rows(uow, found[:SHOWN], brands),
        more=len(found) > SHOWN,
        groups=[(key, _sum(counts, wanted)) for key, (_, wanted) in GROUPS.items()],
        states=[(state.value, counts.get(state.value, 0)) for state in ActionState],
        brands=[(brand, _sum(uow.actions.counts(brand.id), states)) for brand in brands.values()],
        filters={"show": show, "brand": brand_id, "kind": kind},
    )


def rows(uow: UnitOfWork, actions: Sequence[Action], brands: dict[str, Brand]) -> list[Row]:
    """The lines of some actions; one without a first draft yet shows an empty text."""
    accounts: dict[str, ChannelAccount] = {}
    result = []
    for action in actions:
        if action.account_id not in accounts:
            accounts[action.account_id] = uow.brands.account(action.account_id)
        version = uow.actions.version(action)
        payload = Payload.model_validate(version.payload) if version else None
        brand = brands[action.brand_id]
        result.append(
            Row(
                action=action,
                brand=brand,
                account=accounts[action.account_id],
                text=whole_text(payload) if payload else "",
                parts=len(payload.segments) if payload else 0,
                pictures=sum(len(s.media) for s in payload.segments) if payload else 0,
                zone=str(brand.profile["time_zone"]),
            )
        )
    return result


def _states(show: str) -> tuple[ActionState, ...] | None:
    if show in GROUPS:
        return GROUPS[show][1]
    if show in set(ActionState):
        return (ActionState(show),)
    raise NotFound(f"There is no state {show!r}.")


def _sum(counts: dict[str, int], states: Sequence[ActionState] | None) -> int:
    wanted = [state.value for state in states] if states is not None else list(counts)
    return sum(counts.get(state, 0) for state in wanted)
