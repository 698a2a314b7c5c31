"""What people do to posts and replies: the verbs, each with the version the person saw."""

from __future__ import annotations

from datetime import timedelta

from config.clock import Clock
from domain.action import WRITTEN, ActionKind, ActionState, Payload
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
from domain.slot import Slot
from domain.team import Right, Role, require
from storage.tables import Action, ActionVersion, ChannelAccount, User
from storage.uow import UnitOfWork
from workflows.items import (
    Draft,
    check_text,
    finish,
    mark_sent,
    new_action,
    next_version,
    set_slot,
)
from workflows.proposals import refuse_repeat
from workflows.risks import accept_risk
from workflows.segments import changed_published_part

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
        accept: bool = False,
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
            accept: the person accepts that it could be published a second time, where
                `workflows.risks.repeat_risk` names that risk.

        Raises:
            RiskNotAccepted: it could be published a second time, and `accept` is not set.
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
        if verb is Verb.APPROVE:
            refuse_repeat(self._uow, action, version)
        accept_risk(self._uow, user, action, version, verb, accepted=accept)
        claims = action.kind in WRITTEN and not (version.evidence or version.no_claim)
        if verb is Verb.APPROVE and claims:
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
        self,
        user: User,
        action_id: str,
        seen: int,
        draft: Draft,
        comment: str = "",
        *,
        accept: bool = False,
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
            accept=accept,
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
                finish(self._uow, action, self._clock.now())
        if verb is Verb.SETTLE_ABSENT:
            for attempt in self._uow.actions.attempts(pending[0].id) if pending else ():
                if attempt.outcome == "unknown":
                    attempt.outcome = "denied"
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
            part = changed_published_part(self._uow, action, payload)
            if part is not None:
                raise InvalidInput(
                    f"Part {part} is on the platform already and cannot be changed here. Change only "
                    "the parts after it, or write a new post."
                )
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
        draft: Draft | None,
        *,
        thread_id: str,
        slot: Slot | None = None,
        interaction_id: str | None = None,
        target: str | None = None,
        revises_id: str | None = None,
    ) -> Action:
        """A post, a reply or an act without words; it goes into review like any other.

        Args:
            user: who writes.
            account: where it is to happen.
            kind: what is done.
            draft: the words; None for kinds that have none.
            thread_id: the LangGraph thread that will carry it.
            slot: when; None: as soon as it is approved.
            interaction_id: what a reply answers.
            target: the platform's id of what is answered or meant.
            revises_id: the published item that it was made from.
        """
        require(Role(user.role), Right.WRITE)
        if draft is not None:
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
        action.revises_id = revises_id
        self._uow.audit.write(user.id, "compose", "action", action.id, kind=kind.value)
        return action
