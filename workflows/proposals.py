"""Proposing the next occurrence of a repeated post, and keeping the same text from going out twice.

How it goes, in the words of docs/recurring.md:

* An occurrence is proposed ahead of its slot, once, and only after the post before it was
  published or rejected. Is that one still open, the date is passed over: nothing piles up.
* Dates that went by while nobody could propose them are not made up for.
* It rests while its account is disconnected, and ends after its last day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from config.i18n import N_
from domain.action import ActionKind, ActionState, Payload
from domain.approval import ENDS
from domain.errors import InvalidInput
from domain.slot import Slot
from storage.repositories.recurrences import next_slot
from storage.tables import Action, ActionVersion, ChannelAccount, Recurrence, new_id
from storage.uow import UnitOfWork
from workflows.items import Draft, new_action
from workflows.recurring_dates import disconnected, fits, following, log_change, plan, planned, rest
from workflows.threads import new_thread

Proposal = Literal["proposed", "passed over", "missed", "moved", "paused", "ended", "not due"]


def propose(uow: UnitOfWork, now: datetime, lead: timedelta, recurrence_id: str) -> Proposal:
    """Propose the next occurrence if it is time; may be called by several at once, and twice.

    Args:
        uow: the unit of work; it holds the recurrence's row until it commits.
        now: business time.
        lead: how long before its slot an occurrence is proposed.
        recurrence_id: the recurrence.

    Returns:
        What was done.
    """
    row = uow.recurrences.get(recurrence_id, lock=True)
    if row.propose_at is None or row.propose_at > now:
        return "not due"
    account = uow.brands.account(row.account_id)
    source = uow.actions.get(row.source_id)
    before = uow.recurrences.last(row.id) or source
    slot = next_slot(row)
    if account.disabled_at is not None:
        rest(row, "paused", disconnected(account))
        log_change(uow, row, "pause", reason=row.reason)
        return "paused"
    if source.state == ActionState.REJECTED.value:
        rest(row, "ended", _REJECTED)
        log_change(uow, row, "end", reason=row.reason)
        return "ended"
    try:
        if slot.instant <= now:
            return _skip(uow, row, account, slot, now, lead, "missed", _why(_MISSED, slot))
        if ActionState(before.state) not in ENDS:
            return _skip(uow, row, account, slot, now, lead, "passed over", _why(_OPEN, slot))
        if row.kind == "evergreen" and not fits(uow, row, before, slot, now):
            plan(row, following(uow, row, account, planned(uow, before, now), now, lead), lead)
            log_change(uow, row, "move", before=slot.wall_text, after=row.next_wall)
            return "moved"
        action = _make(uow, row, source, account, slot, now)
        row.occurrence += 1
        log_change(uow, row, "propose", action=action.id, occurrence=row.occurrence)
        row.reason = ""
        plan(row, following(uow, row, account, slot, now, lead), lead)
    except InvalidInput as error:  # no slot of the brand's week is free for the next one
        rest(row, "paused", str(error))
        log_change(uow, row, "pause", reason=row.reason)
        return "paused"
    return "proposed"


def refuse_repeat(uow: UnitOfWork, action: Action, version: ActionVersion) -> None:
    """Refuse to approve an occurrence with the text of the one before it.

    Platforms take the same text again for spam. Whoever wants it approved edits it first.

    Raises:
        InvalidInput: the text is the one that was published last.
    """
    if action.recurrence_id is None:
        return
    row = uow.recurrences.get(action.recurrence_id)
    for published in uow.recurrences.published(row, limit=1):
        sent = uow.actions.version(published)
        assert sent is not None
        if published.id != action.id and _words(sent) == _words(version):
            raise InvalidInput(
                f"This is word for word what went out on {_day(published, row.zone)}. Platforms take "
                "a text that comes twice for spam: edit it, then approve it."
            )


def same_text_note(uow: UnitOfWork, action: Action) -> str:
    """What a person is told who gets an occurrence that nobody has varied yet."""
    assert action.recurrence_id is not None
    row = uow.recurrences.get(action.recurrence_id)
    source = uow.actions.get(row.source_id)
    if source.published_at is None:
        return "Vary it: it repeats an earlier post."
    return f"Vary it: the same text went out on {_day(source, row.zone)}."


def _skip(
    uow: UnitOfWork,
    row: Recurrence,
    account: ChannelAccount,
    slot: Slot,
    now: datetime,
    lead: timedelta,
    what: Proposal,
    reason: str,
) -> Proposal:
    """Leave a date out and say why."""
    row.reason = reason
    plan(row, following(uow, row, account, slot, now, lead), lead)
    verb = what.replace(" ", "_")
    log_change(uow, row, verb, slot=slot.wall_text, next=row.next_wall, reason=reason)
    return what


def _make(
    uow: UnitOfWork,
    row: Recurrence,
    source: Action,
    account: ChannelAccount,
    slot: Slot,
    now: datetime,
) -> Action:
    """The occurrence as a draft with the old text; its thread writes it anew, or people do."""
    version = uow.actions.version(source)
    assert version is not None
    thread_id = new_id()
    cycles = uow.cycles.of_brand(source.brand_id)
    action = new_action(
        uow,
        account,
        ActionKind.POST,
        _copy(version),
        now,
        thread_id=thread_id,
        state=ActionState.DRAFTED,
        slot=slot,
        author_id=version.author_id,
        cycle_id=cycles[0].id if cycles else None,
        theme=source.theme,
        brief=source.brief,
    )
    action.recurrence_id, action.occurrence = row.id, row.occurrence + 1
    uow.session.flush()
    new_thread(uow, "post", source.brand_id, action.id, thread_id=thread_id)
    return action


def _copy(version: ActionVersion) -> Draft:
    """Everything a version carries, as a draft."""
    first, *more = Payload.model_validate(version.payload).segments
    return Draft(
        text=first.text,
        media=first.media,
        link=first.link,
        languages=first.languages,
        card=first.card,
        quote=first.quote,
        more=tuple(segment.text for segment in more),
        more_media=tuple(segment.media for segment in more),
        evidence=tuple(version.evidence),
        no_claim=version.no_claim,
    )


def _words(version: ActionVersion) -> list[str]:
    """The text of a version without what nobody reads as a difference: spaces and capitals."""
    segments = Payload.model_validate(version.payload).segments
    return " ".join(segment.text for segment in segments).casefold().split()


# Stored in English and shown in the reader's language: see `config.i18n.translate_stored`.
_MISSED = N_("{0}-{1}-{2} {3}:{4} went by before it could be proposed; it is not made up for.")
_OPEN = N_(
    "{0}-{1}-{2} {3}:{4} is passed over, because the post before it is still open. "
    "Publish or reject that one."
)
_REJECTED = N_("The post that it repeats was rejected.")


def _why(text: str, slot: Slot) -> str:
    return text.format(*f"{slot.wall:%Y %m %d %H %M}".split())


def _day(action: Action, zone: str) -> str:
    assert action.published_at is not None
    return f"{Slot.of_instant(action.published_at, zone).wall:%Y-%m-%d %H:%M} ({zone})"
