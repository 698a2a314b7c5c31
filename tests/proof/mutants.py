"""Seeded bugs: the delivery with one thing wrong. The proof must catch each of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.base import NotSent, Outcome, Refused, Unknown
from domain.action import ActionState
from storage.tables import Attempt
from storage.uow import UnitOfWork
from workflows.delivery import Claim, Delivery


@contextmanager
def looking(delivery: Delivery) -> Iterator[UnitOfWork]:
    """A transaction of the bug's own that is never committed: no crash point of production."""
    with Session(delivery._database.engine, expire_on_commit=False) as session:
        yield UnitOfWork(session, delivery._workspace)


class ResendsOnTimeOut(Delivery):
    """A time-out counts as not sent, so it is sent again."""

    def _send(self, claim: Claim) -> Outcome:
        outcome = super()._send(claim)
        return NotSent(outcome.reason) if isinstance(outcome, Unknown) else outcome


class ChecksOutsideTheLock(Delivery):
    """Whether it may go is found out in a transaction before the one that claims."""

    _checked = False

    def _claim(self, action_id: str) -> Claim | ActionState:
        with self._database.unit(self._workspace) as uow:
            action = uow.actions.get(action_id)
            segments = list(uow.actions.segments(action))
            now = self._services.clock.now()
            self._checked = not super()._lost_or_running(uow, action) and (
                action.state != ActionState.SCHEDULED or super()._may_go(uow, action, segments, now)
            )
        return super()._claim(action_id)

    def _lost_or_running(self, *given: Any) -> bool:
        return not self._checked and super()._lost_or_running(*given)

    def _may_go(self, *given: Any) -> bool:
        return self._checked or super()._may_go(*given)


class WritesToTheNewestAttempt(Delivery):
    """An outcome goes to whatever attempt is the newest."""

    def _record(self, claim: Claim, outcome: Outcome) -> ActionState:
        with looking(self) as uow:
            query = select(Attempt.id).where(Attempt.action_id == claim.action_id)
            newest = uow.session.scalars(query.order_by(Attempt.id.desc()).limit(1)).one()
        return super()._record(replace(claim, attempt_id=newest), outcome)


class TakesAnyRefusalAtItsWord(Delivery):
    """Every 4xx counts as without effect, listed or not."""

    def _send(self, claim: Claim) -> Outcome:
        outcome = super()._send(claim)
        if isinstance(outcome, Unknown) and 400 <= outcome.raw.get("status", 0) < 500:
            return Refused(outcome.reason)
        return outcome


class NeverReconciles(Delivery):
    """A lost worker's item is sent again as if nothing had left."""

    def settle(self, action_id: str) -> ActionState:
        with self._database.unit(self._workspace) as uow:
            action = uow.actions.get(action_id, lock=True)
            if action.state == ActionState.UNCONFIRMED:
                action.state = ActionState.SCHEDULED.value
                for segment in uow.actions.segments(action):
                    for attempt in uow.actions.attempts(segment.id):
                        if attempt.outcome == "unknown":
                            attempt.outcome = "not_sent"
            return ActionState(action.state)


MUTANTS: tuple[type[Delivery], ...] = (
    ResendsOnTimeOut,
    ChecksOutsideTheLock,
    WritesToTheNewestAttempt,
    TakesAnyRefusalAtItsWord,
    NeverReconciles,
)
