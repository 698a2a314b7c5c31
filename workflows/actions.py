"""What people do to posts and replies: the verbs, each with the version the person saw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from config.clock import Clock
from domain.action import ActionKind, ActionState, MediaRef, Payload, Segment
from domain.approval import (
    HUMAN_VERBS,
    NEEDS_COMMENT,
    NEW_VERSION,
    Policy,
    Verb,
    next_state,
)
from domain.errors import InvalidInput, StaleVersion
from domain.events import EventKind
from domain.plan import Slot
from domain.team import Right, Role, require
from storage.tables import Action, ActionVersion, ChannelAccount, SegmentRow, User, new_id
from storage.uow import UnitOfWork

# Verbs that end a wait for a decision; the others only change what a waiting thread looks at.
_DECISIONS = frozenset(
    {
        Verb.APPROVE,
        Verb.REQUEST_CHANGES,
        Verb.REJECT,
        Verb.EDIT,
        Verb.RETRY,
        Verb.REOPEN,
        Verb.SUBMIT,
    }
)


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

    def segments(self) -> tuple[Segment, ...]:
        """The segments in order; media and link belong to the first."""
        first = Segment(text=self.text, media=self.media, link=self.link, languages=self.languages)
        return (first, *(Segment(text=text, languages=self.languages) for text in self.more))


class ActionVerbs:
    """The verbs of people over one unit of work. The caller's unit commits."""

    def __init__(self, uow: UnitOfWork, clock: Clock, *, undo_seconds: int) -> None:
        """Bind to a unit of work; `undo_seconds` is the pause before an approval takes effect."""
        self._uow = uow
        self._clock = clock
        self._undo = timedelta(seconds=undo_seconds)

    def decide(
        self,
        user: User,
        action_id: str,
        verb: Verb,
        seen: int,
        *,
        comment: str = "",
        draft: Draft | None = None,
        slot: Slot | None = None,
        remote_id: str | None = None,
        no_claim: bool = False,
    ) -> Action:
        """Do what a person decided.

        Args:
            user: who decides.
            action_id: what about.
            verb: one of `domain.approval.HUMAN_VERBS`.
            seen: the version the person saw.
            comment: needed for the verbs of `NEEDS_COMMENT`.
            draft: the new content, with EDIT only.
            slot: the new time, with RESCHEDULE only.
            remote_id: the platform's id, with SETTLE_PUBLISHED only.
            no_claim: with APPROVE, the person states that the text makes no factual claim, which a
                text without a source needs.

        Raises:
            NotPermitted: the person's role or the brand's policy does not allow it.
            StaleVersion: the action has changed since.
            TransitionRefused: the state does not allow the verb.
            InvalidInput: the comment, the text or the time is missing.
        """
        if verb not in HUMAN_VERBS:
            raise InvalidInput(f"{verb.value} is not a verb for people.")
        require(
            Role(user.role),
            Right.WRITE if verb in (Verb.EDIT, Verb.SUBMIT, Verb.RESCHEDULE) else Right.DECIDE,
        )
        action = self._uow.actions.get(action_id, lock=True)
        version = self._uow.actions.version(action)
        assert version is not None
        if seen != action.version:
            raise StaleVersion("This item", seen, action.version)
        target = next_state(ActionState(action.state), verb)
        if verb is Verb.APPROVE and not (version.evidence or version.no_claim):
            version = self._mark_no_claim(action, version, user, stated=no_claim)
        if verb in NEEDS_COMMENT and not comment.strip():
            raise InvalidInput(f"Say why: {verb.value.replace('_', ' ')} needs a comment.")
        decision = self._uow.actions.decide(version, user.id, verb.value, comment.strip())
        before = action.state
        if verb is Verb.APPROVE:
            self._approve(action, version, user, decision_id=decision.id)
        elif verb is Verb.RESCHEDULE:
            self._reschedule(action, slot, target)
        elif verb in (Verb.SETTLE_PUBLISHED, Verb.SETTLE_ABSENT, Verb.SETTLE_FAILED):
            self._settle(action, verb, remote_id, comment.strip(), target)
        else:
            action.state = target.value
            action.reason = comment.strip()
            if verb in NEW_VERSION:
                self._new_version(action, version, user, draft if verb is Verb.EDIT else None)
            if verb is Verb.RETRY:
                action.attempts = 0
                action.retry_at = None
        self._uow.audit.write(
            user.id,
            verb.value,
            "action",
            action.id,
            version=version.version,
            digest=version.digest,
            before=before,
            after=action.state,
        )
        self._uow.session.flush()
        kind = EventKind.DECISION if verb in _DECISIONS else EventKind.CHANGED
        self._uow.send(action.thread_id, kind, f"{verb.value} {decision.id}")
        return action

    def edit_and_approve(
        self, user: User, action_id: str, seen: int, draft: Draft, comment: str = ""
    ) -> Action:
        """Edit and approve in one go: what was typed is what is approved."""
        action = self.decide(user, action_id, Verb.EDIT, seen, draft=draft, comment=comment)
        return self.decide(
            user,
            action_id,
            Verb.APPROVE,
            action.version,
            comment=comment,
            no_claim=draft.no_claim,
        )

    def _approve(
        self, action: Action, version: ActionVersion, user: User, *, decision_id: str
    ) -> None:
        policy = Policy.of(self._uow.brands.profile(action.brand_id))
        decisions = self._uow.actions.decisions(action.id)
        so_far = [
            item.user_id
            for item in decisions
            if item.verb == Verb.APPROVE.value
            and item.version == version.version
            and item.id != decision_id
        ]
        policy.check_approver(author_id=version.author_id, approver_id=user.id, so_far=so_far)
        if not policy.complete(len(so_far) + 1):
            action.reason = f"{len(so_far) + 1} of {policy.approvers} approvals"
            return
        now = self._clock.now()
        decision = next(item for item in decisions if item.id == decision_id)
        self._uow.actions.approve(version, decision, now)
        action.state = ActionState.APPROVED.value
        action.effective_at = now + self._undo
        action.reason = ""
        if action.slot_at is None or action.slot_wall is None or action.slot_at < now:
            # No planned time, or it has passed: it leaves as soon as the approval takes effect.
            action.slot_at, action.slot_wall = action.effective_at, None

    def _mark_no_claim(
        self, action: Action, version: ActionVersion, user: User, *, stated: bool
    ) -> ActionVersion:
        """A text without a source is approved only as one that claims nothing; who said so is kept."""
        if not stated:
            raise InvalidInput(
                "No source stands behind this text. Add a quote to it, or state that it makes no factual claim "
                "(a greeting, a question, an opinion)."
            )
        self._uow.actions.decide(version, user.id, "no_claim", "")
        return next_version(
            self._uow,
            action,
            version,
            Payload.model_validate(version.payload),
            self._clock.now(),
            origin=version.origin,
            author_id=version.author_id,
            evidence=(),
            no_claim=True,
        )

    def _reschedule(self, action: Action, slot: Slot | None, target: ActionState) -> None:
        if slot is None:
            raise InvalidInput("Give the new date and time.")
        if slot.instant <= self._clock.now():
            raise InvalidInput(f"{slot.wall:%Y-%m-%d %H:%M} ({slot.zone}) has passed already.")
        set_slot(action, slot)
        action.state = target.value

    def _settle(
        self, action: Action, verb: Verb, remote_id: str | None, comment: str, target: ActionState
    ) -> None:
        """A person says what happened to an unconfirmed item; the audit keeps who and why."""
        pending = [s for s in self._uow.actions.segments(action) if s.state == "pending"]
        if verb is Verb.SETTLE_PUBLISHED:
            if not remote_id:
                raise InvalidInput("Give the address or id of the post that you found.")
            mark_sent(pending[0], remote_id, remote_id, {}, self._clock.now())
            if len(pending) > 1:
                target = next_state(ActionState.UNCONFIRMED, Verb.CONTINUE)
            else:
                finish(action, self._uow.actions.segments(action)[0], self._clock.now())
        action.state = target.value
        action.reason = comment
        action.retry_at = None

    def _new_version(
        self, action: Action, old: ActionVersion, user: User, draft: Draft | None
    ) -> None:
        payload = Payload.model_validate(old.payload)
        if draft is not None:
            check_text(draft)
            payload = payload.model_copy(update={"segments": draft.segments()})
        next_version(
            self._uow,
            action,
            old,
            payload,
            self._clock.now(),
            origin="person" if draft else old.origin,
            author_id=user.id if draft else old.author_id,
            evidence=draft.evidence if draft else tuple(old.evidence),
            no_claim=draft.no_claim if draft else old.no_claim,
        )

    def compose(
        self,
        user: User,
        account: ChannelAccount,
        kind: ActionKind,
        draft: Draft,
        *,
        thread_id: str,
        slot: Slot | None = None,
        interaction_id: str | None = None,
        target: str | None = None,
    ) -> Action:
        """A post or reply from an empty editor; it goes into review like any other."""
        require(Role(user.role), Right.WRITE)
        check_text(draft)
        action = new_action(
            self._uow,
            account,
            kind,
            draft,
            self._clock.now(),
            thread_id=thread_id,
            slot=slot,
            interaction_id=interaction_id,
            target=target,
            author_id=user.id,
            state=ActionState.IN_REVIEW,
        )
        self._uow.audit.write(user.id, "compose", "action", action.id, kind=kind.value)
        return action


def check_text(draft: Draft) -> None:
    """Refuse an item without text and picture, or with an empty segment."""
    if (not draft.text.strip() and not draft.media) or any(not t.strip() for t in draft.more):
        raise InvalidInput("The text is empty. Write something, or add a picture.")


def new_action(
    uow: UnitOfWork,
    account: ChannelAccount,
    kind: ActionKind,
    draft: Draft,
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
    """Store an action with its first version."""
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
    payload = Payload(
        account_id=account.id,
        platform=account.platform,
        kind=kind,
        target=target,
        segments=draft.segments(),
    )
    uow.actions.add_version(
        action,
        payload,
        now,
        origin="person" if author_id else "model",
        author_id=author_id,
        evidence=draft.evidence,
        no_claim=draft.no_claim,
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


def mark_sent(
    segment: SegmentRow, remote_id: str, url: str | None, extra: dict[str, Any], now: datetime
) -> None:
    """A segment is on the platform."""
    segment.state = "sent"
    segment.remote_id = remote_id
    segment.remote_url = url
    segment.remote_extra = extra
    segment.sent_at = now


def finish(action: Action, first: SegmentRow, now: datetime) -> None:
    """All segments are on the platform: the first is what people call the post."""
    action.remote_id = first.remote_id
    action.remote_url = first.remote_url
    action.published_at = now
    action.retry_at = None


def parse_slot(day: str, at: str, zone: str) -> Slot:
    """A slot from what a person typed.

    Raises:
        InvalidInput: the date, the time or the zone cannot be read.
    """
    from datetime import date, time
    from zoneinfo import ZoneInfoNotFoundError

    try:
        ZoneInfo(zone)
        return Slot.at(date.fromisoformat(day), time.fromisoformat(at), zone)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise InvalidInput(
            f"{day!r} {at!r} ({zone}) is not a date and time; write 2026-12-31 and 19:00."
        ) from error
