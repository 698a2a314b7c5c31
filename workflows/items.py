"""The rows of posts and replies: drafts, versions, slots, what is on the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import zip_longest
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.action import ActionKind, ActionState, LinkCard, MediaRef, Payload, Segment
from domain.approval import Verb, next_state
from domain.errors import InvalidInput
from domain.slot import Slot
from storage.tables import Action, ActionVersion, ChannelAccount, SegmentRow, new_id
from storage.uow import UnitOfWork


@dataclass(frozen=True)
class Draft:
    """What a person or a model wrote for one action."""

    text: str
    media: tuple[MediaRef, ...] = ()
    evidence: tuple[dict[str, Any], ...] = ()
    no_claim: bool = False
    link: str | None = None
    languages: tuple[str, ...] = ()
    more: tuple[str, ...] = ()  # texts of further segments of a thread
    more_media: tuple[tuple[MediaRef, ...], ...] = ()  # media of those, as far as they have any
    card: LinkCard | None = None
    quote: str | None = None

    def segments(self) -> tuple[Segment, ...]:
        """The segments in order; link, card and quote belong to the first."""
        first = Segment(
            text=self.text,
            media=self.media,
            link=self.link,
            languages=self.languages,
            card=self.card,
            quote=self.quote,
        )
        return (
            first,
            *(
                Segment(text=text, media=media, languages=self.languages)
                for text, media in zip_longest(
                    self.more, self.more_media[: len(self.more)], fillvalue=()
                )
            ),
        )


def check_text(draft: Draft) -> None:
    """Refuse an item without text and picture, or with an empty segment."""
    if (not draft.text.strip() and not draft.media) or any(not t.strip() for t in draft.more):
        raise InvalidInput("The text is empty. Write something, or add a picture.")


def new_payload(
    account: ChannelAccount, kind: ActionKind, draft: Draft | None, target: str | None
) -> Payload:
    """What would leave for an account."""
    return Payload(
        account_id=account.id,
        platform=account.platform,
        kind=kind,
        target=target,
        segments=draft.segments() if draft else (),
    )


def new_action(
    uow: UnitOfWork,
    account: ChannelAccount,
    kind: ActionKind,
    draft: Draft | None,
    now: datetime,
    *,
    thread_id: str,
    state: ActionState,
    slot: Slot | None = None,
    interaction_id: str | None = None,
    target: str | None = None,
    author_id: str | None = None,
    cycle_id: str | None = None,
    plan: tuple[str, int] | None = None,
    theme: str = "",
    brief: str = "",
    llm_call_id: str | None = None,
) -> Action:
    """Store an action with its first version; one without a draft is an act without words."""
    action = Action(
        id=new_id(),
        workspace_id=uow.workspace_id,
        brand_id=account.brand_id,
        account_id=account.id,
        cycle_id=cycle_id,
        interaction_id=interaction_id,
        plan_id=plan[0] if plan else None,
        plan_ordinal=plan[1] if plan else None,
        thread_id=thread_id,
        author_id=author_id,
        kind=kind.value,
        state=state.value,
        version=1,
        theme=theme,
        brief=brief,
    )
    if slot is not None:
        set_slot(action, slot)
    uow.actions.add(action)
    uow.actions.add_version(
        action,
        new_payload(account, kind, draft, target),
        now,
        origin="person" if author_id else "model",
        author_id=author_id,
        evidence=draft.evidence if draft else (),
        no_claim=draft is None or draft.no_claim,
        llm_call_id=llm_call_id,
    )
    return action


def next_version(
    uow: UnitOfWork,
    action: Action,
    old: ActionVersion,
    payload: Payload,
    now: datetime,
    *,
    origin: str,
    author_id: str | None,
    evidence: tuple[dict[str, Any], ...],
    no_claim: bool,
    llm_call_id: str | None = None,
) -> ActionVersion:
    """Make the next version the current one; the approval of the one before it stays behind."""
    action.version = old.version + 1
    action.effective_at = None
    if action.slot_at is not None and action.slot_at <= now:
        action.slot_wall = None  # the planned time is gone; approved anew, it leaves at once
    return uow.actions.add_version(
        action,
        payload,
        now,
        origin=origin,
        author_id=author_id,
        evidence=evidence,
        no_claim=no_claim,
        llm_call_id=llm_call_id,
    )


def back_to_review(uow: UnitOfWork, action: Action, verb: Verb, reason: str, now: datetime) -> None:
    """The machine sends an item back to people, with the same text and a fresh approval to give."""
    old = uow.actions.version(action)
    assert old is not None
    action.state = next_state(ActionState(action.state), verb).value
    action.reason = reason
    next_version(
        uow,
        action,
        old,
        Payload.model_validate(old.payload),
        now,
        origin=old.origin,
        author_id=old.author_id,
        evidence=tuple(old.evidence),
        no_claim=old.no_claim,
    )
    uow.audit.write("system", verb.value, "action", action.id, reason=reason)


def set_slot(action: Action, slot: Slot) -> None:
    """Give the action a time: the instant, and what the clock on the wall shows there."""
    action.slot_at = slot.instant
    action.slot_wall = slot.wall.isoformat()
    action.slot_zone = slot.zone


def due_at(action: Action) -> datetime | None:
    """When it may leave: its slot, or later where a try is put off."""
    return max(filter(None, (action.slot_at, action.retry_at)), default=None)


def mark_sent(
    segment: SegmentRow, remote_id: str, url: str | None, extra: dict[str, Any], now: datetime
) -> None:
    """A segment is on the platform."""
    segment.state = "sent"
    segment.remote_id = remote_id
    segment.remote_url = url
    segment.remote_extra = extra
    segment.sent_at = now


def finish(uow: UnitOfWork, action: Action, now: datetime) -> None:
    """All segments are on the platform: the first is what people call the post."""
    first = uow.actions.segments(action)[0]
    action.remote_id = first.remote_id
    action.remote_url = first.remote_url
    action.published_at = now
    action.retry_at = None
    if action.kind == ActionKind.DELETE.value and first.remote_id is not None:
        gone = uow.actions.by_remote_id(action.account_id, first.remote_id, but=action.id)
        if gone is not None:
            gone.reason = f"Deleted on the platform on {now:%Y-%m-%d %H:%M} UTC."
    if action.interaction_id is not None:
        uow.interactions.get(action.interaction_id, lock=True).state = "answered"


def parse_slot(day: str, at: str, zone: str) -> Slot:
    """A slot from what a person typed.

    Raises:
        InvalidInput: the date, the time or the zone cannot be read.
    """
    try:
        ZoneInfo(zone)
        return Slot.at(date.fromisoformat(day), time.fromisoformat(at), zone)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise InvalidInput(
            f"{day!r} {at!r} ({zone}) is not a date and time; write 2026-12-31 and 19:00."
        ) from error
