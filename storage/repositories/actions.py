"""Outbound actions, their versions, decisions, approvals, segments and attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, or_, select, true

from domain.action import WRITTEN, ActionKind, ActionState, Payload
from domain.approval import ENDS
from storage.repositories.base import Repository
from storage.tables import Action, ActionVersion, Approval, Attempt, Decision, SegmentRow, new_id

_NOT_FOUND = ("absent", "denied")  # outcomes of tries that left and that nobody has found


class Actions(Repository):
    """Everything Humas does, or would do, to the outside world."""

    def add(self, action: Action) -> Action:
        """A new action."""
        self.session.add(action)
        self.session.flush()
        return action

    def get(self, action_id: str, *, lock: bool = False) -> Action:
        """An action by its id; `lock` holds its row until the transaction ends."""
        return self.row(Action, action_id, lock=lock)

    def add_version(
        self,
        action: Action,
        payload: Payload,
        now: datetime,
        *,
        origin: str,
        author_id: str | None,
        evidence: Sequence[dict[str, Any]] = (),
        no_claim: bool = False,
        llm_call_id: str | None = None,
    ) -> ActionVersion:
        """Store what would be sent as the action's current version (`action.version`)."""
        version = ActionVersion(
            workspace_id=self.workspace_id,
            action_id=action.id,
            version=action.version,
            digest=payload.digest(),
            payload=payload.model_dump(mode="json"),
            evidence=list(evidence),
            no_claim=no_claim,
            origin=origin,
            author_id=author_id,
            llm_call_id=llm_call_id,
            created_at=now,
        )
        self.session.add(version)
        self.session.flush()
        return version

    def version(self, action: Action, number: int | None = None) -> ActionVersion | None:
        """A version of the action, the current one by default; None before the first draft."""
        query = select(ActionVersion).where(
            ActionVersion.workspace_id == self.workspace_id,
            ActionVersion.action_id == action.id,
            ActionVersion.version == (number if number is not None else action.version),
        )
        return self.session.scalars(query).one_or_none()

    def versions(self, action: Action) -> Sequence[ActionVersion]:
        """All versions, oldest first."""
        query = (
            select(ActionVersion)
            .where(
                ActionVersion.workspace_id == self.workspace_id,
                ActionVersion.action_id == action.id,
            )
            .order_by(ActionVersion.version)
        )
        return self.session.scalars(query).all()

    def decide(self, version: ActionVersion, user_id: str, verb: str, comment: str) -> Decision:
        """Log what a person did to a version."""
        decision = Decision(
            id=new_id(),
            workspace_id=self.workspace_id,
            action_id=version.action_id,
            version=version.version,
            digest=version.digest,
            user_id=user_id,
            verb=verb,
            comment=comment,
        )
        self.session.add(decision)
        self.session.flush()
        return decision

    def decisions(self, action_id: str) -> Sequence[Decision]:
        """The log of decisions on an action, oldest first."""
        query = (
            select(Decision)
            .where(Decision.workspace_id == self.workspace_id, Decision.action_id == action_id)
            .order_by(Decision.id)
        )
        return self.session.scalars(query).all()

    def approve(self, version: ActionVersion, decision: Decision, now: datetime) -> Approval:
        """The complete approval of a version."""
        approval = Approval(
            workspace_id=self.workspace_id,
            action_id=version.action_id,
            version=version.version,
            digest=version.digest,
            decision_id=decision.id,
            approved_at=now,
        )
        self.session.add(approval)
        self.session.flush()
        return approval

    def approval(self, action: Action) -> Approval | None:
        """The approval of the current version."""
        query = select(Approval).where(
            Approval.workspace_id == self.workspace_id,
            Approval.action_id == action.id,
            Approval.version == action.version,
        )
        return self.session.scalars(query).one_or_none()

    def segments(self, action: Action) -> Sequence[SegmentRow]:
        """The segments of the current version in order."""
        query = (
            select(SegmentRow)
            .where(
                SegmentRow.workspace_id == self.workspace_id,
                SegmentRow.action_id == action.id,
                SegmentRow.version == action.version,
            )
            .order_by(SegmentRow.ordinal)
        )
        return self.session.scalars(query).all()

    def left_segments(self, action: Action, *, absent: bool = False) -> Sequence[SegmentRow]:
        """Segments of any version that are, or may be, on the platform; newest version first.

        Args:
            action: the item.
            absent: also those that left, and that neither a read nor a person has found.
        """
        outcomes = ["unknown", "sent", *(_NOT_FOUND if absent else ())]
        maybe = exists().where(
            Attempt.segment_id == SegmentRow.id,
            or_(Attempt.outcome.is_(None), Attempt.outcome.in_(outcomes)),
        )
        query = (
            select(SegmentRow)
            .where(
                SegmentRow.workspace_id == self.workspace_id,
                SegmentRow.action_id == action.id,
                or_(SegmentRow.state == "sent", maybe),
            )
            .order_by(SegmentRow.version.desc(), SegmentRow.ordinal)
        )
        return self.session.scalars(query).all()

    def key_since(self, segment: SegmentRow) -> datetime:
        """When the segment's key was made, under whatever version of the item."""
        query = select(func.min(SegmentRow.client_time)).where(
            SegmentRow.workspace_id == self.workspace_id,
            SegmentRow.action_id == segment.action_id,
            SegmentRow.client_key == segment.client_key,
        )
        return self.session.scalars(query).one()

    def tried_key(self, segment: SegmentRow) -> frozenset[str]:
        """How tries with the segment's key ended that may have left, under whatever version.

        Returns:
            `unknown`; `absent`, where a read did not find it, though it may have been on its way
            still; `denied`, where a person said that it is not there. Empty: nothing left.
        """
        query = (
            select(func.coalesce(Attempt.outcome, "unknown"))
            .distinct()
            .join(
                SegmentRow,
                (SegmentRow.id == Attempt.segment_id)
                & (SegmentRow.workspace_id == Attempt.workspace_id),
            )
            .where(
                Attempt.workspace_id == self.workspace_id,
                SegmentRow.action_id == segment.action_id,
                SegmentRow.client_key == segment.client_key,
                or_(Attempt.outcome.is_(None), Attempt.outcome.in_(["unknown", *_NOT_FOUND])),
            )
        )
        return frozenset(self.session.scalars(query))

    def twins(self, action: Action, digest: str) -> Sequence[Action]:
        """Other actions that have sent, or may have sent, exactly that payload."""
        query = (
            select(Action)
            .join(
                ActionVersion,
                (ActionVersion.action_id == Action.id)
                & (ActionVersion.workspace_id == Action.workspace_id)
                & (ActionVersion.version == Action.version),
            )
            .where(
                ActionVersion.workspace_id == self.workspace_id,
                ActionVersion.digest == digest,
                Action.id != action.id,
                Action.state.in_(
                    [
                        ActionState.PUBLISHED.value,
                        ActionState.PUBLISHING.value,
                        ActionState.UNCONFIRMED.value,
                    ]
                ),
            )
            .order_by(Action.published_at.desc().nulls_first())
        )
        return self.session.scalars(query).all()

    def attempts(self, segment_id: str) -> Sequence[Attempt]:
        """The attempts at a segment, oldest first."""
        query = (
            select(Attempt)
            .where(Attempt.workspace_id == self.workspace_id, Attempt.segment_id == segment_id)
            .order_by(Attempt.number)
        )
        return self.session.scalars(query).all()

    def attempt(self, attempt_id: str) -> Attempt:
        """An attempt by its id."""
        return self.row(Attempt, attempt_id, lock=True)

    def find(
        self,
        *,
        states: Sequence[ActionState] | None = None,
        brand_id: str | None = None,
        kind: str | None = None,
        cycle_id: str | None = None,
        limit: int = 200,
    ) -> Sequence[Action]:
        """Actions by due time, those without one last."""
        query = select(Action).where(Action.workspace_id == self.workspace_id)
        if states is not None:
            query = query.where(Action.state.in_([state.value for state in states]))
        if brand_id is not None:
            query = query.where(Action.brand_id == brand_id)
        if kind is not None:
            query = query.where(Action.kind == kind)
        if cycle_id is not None:
            query = query.where(Action.cycle_id == cycle_id)
        query = query.order_by(Action.slot_at.asc().nulls_last(), Action.id).limit(limit)
        return self.session.scalars(query).all()

    def counts(self, brand_id: str | None = None) -> dict[str, int]:
        """Number of actions by state."""
        query = (
            select(Action.state, func.count())
            .where(Action.workspace_id == self.workspace_id)
            .group_by(Action.state)
        )
        if brand_id is not None:
            query = query.where(Action.brand_id == brand_id)
        return {state: int(count) for state, count in self.session.execute(query)}

    def of_plan(self, plan_id: str) -> Sequence[Action]:
        """The actions that were made from a plan."""
        query = (
            select(Action)
            .where(Action.workspace_id == self.workspace_id, Action.plan_id == plan_id)
            .order_by(Action.plan_ordinal)
        )
        return self.session.scalars(query).all()

    def published(self, account_id: str) -> Sequence[Action]:
        """What an account has published, newest first."""
        query = (
            select(Action)
            .where(
                Action.workspace_id == self.workspace_id,
                Action.account_id == account_id,
                Action.state == ActionState.PUBLISHED.value,
            )
            .order_by(Action.published_at.desc())
        )
        return self.session.scalars(query).all()

    def open_act(self, account_id: str, kind: ActionKind, target: str) -> Action | None:
        """An act without words on that target that is neither done nor given up."""
        query = (
            select(Action)
            .join(
                ActionVersion,
                (ActionVersion.action_id == Action.id)
                & (ActionVersion.workspace_id == Action.workspace_id)
                & (ActionVersion.version == Action.version),
            )
            .where(
                Action.workspace_id == self.workspace_id,
                Action.account_id == account_id,
                Action.kind == kind.value,
                Action.state.not_in([state.value for state in ENDS]),
                ActionVersion.payload["target"].astext == target,
            )
            .limit(1)
        )
        return self.session.scalars(query).one_or_none()

    def reply_to(self, interaction_id: str) -> Action | None:
        """The living reply to an interaction."""
        query = select(Action).where(
            Action.workspace_id == self.workspace_id,
            Action.interaction_id == interaction_id,
            Action.state != ActionState.REJECTED.value,
        )
        return self.session.scalars(query).one_or_none()

    def last_reply(self, interaction_id: str) -> Action | None:
        """The newest reply to an interaction, in whatever state."""
        query = (
            select(Action)
            .where(
                Action.workspace_id == self.workspace_id, Action.interaction_id == interaction_id
            )
            .order_by(Action.id.desc())
            .limit(1)
        )
        return self.session.scalars(query).one_or_none()

    def by_remote_id(
        self, account_id: str, remote_id: str, *, but: str | None = None
    ) -> Action | None:
        """Our action whose (first or later) segment is that post; `but` is left out."""
        query = (
            select(Action)
            .join(
                SegmentRow,
                (SegmentRow.action_id == Action.id)
                & (SegmentRow.workspace_id == Action.workspace_id),
            )
            .where(
                Action.workspace_id == self.workspace_id,
                Action.account_id == account_id,
                SegmentRow.remote_id == remote_id,
                Action.id != but if but is not None else true(),
                Action.kind.in_([kind.value for kind in WRITTEN]),
            )
            .limit(1)
        )
        return self.session.scalars(query).one_or_none()
