"""Settling what may or may not be on a platform: by reading there, never by sending again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from channels.base import Absent, CannotTell, Channel, ChannelError, SendRequest, Sent
from domain.action import ActionState, Payload
from domain.approval import Verb, next_state
from storage.tables import Action, Attempt, SegmentRow
from storage.uow import UnitOfWork
from workflows.items import finish, mark_sent
from workflows.segments import segment_request
from workflows.services import Services

FIRST_PAUSE = timedelta(seconds=30)


def pause_after(tries: int) -> timedelta:
    """How long to wait before the next try or look: twice as long each time, up to 32 minutes."""
    return FIRST_PAUSE * (1 << min(tries, 6))


class Settlement:
    """Settles unconfirmed actions of a workspace."""

    def __init__(self, services: Services, workspace_id: str) -> None:
        self._services = services
        self._workspace = workspace_id
        self._database = services.database

    def _published(self, uow: UnitOfWork, action: Action, now: datetime) -> None:
        finish(uow, action, now)
        action.reason = ""

    def _found(self, uow: UnitOfWork, action: Action, now: datetime) -> None:
        """A segment of an unconfirmed action is on the platform."""
        done = all(segment.state == "sent" for segment in uow.actions.segments(action))
        verb = Verb.FOUND if done else Verb.CONTINUE
        action.state = next_state(ActionState(action.state), verb).value
        action.retry_at = None if done else now
        if done:
            self._published(uow, action, now)

    def settle(self, action_id: str) -> ActionState:
        """Ask the platform what became of an unconfirmed action. Has no effect there."""
        with self._database.unit(self._workspace) as uow:
            action = uow.actions.get(action_id)
            if action.state != ActionState.UNCONFIRMED.value:
                return ActionState(action.state)
            version = uow.actions.version(action)
            assert version is not None
            segments = list(uow.actions.segments(action))
            pending = next((s for s in segments if s.state == "pending"), None)
            if pending is None:
                locked = uow.actions.get(action_id, lock=True)
                self._found(uow, locked, self._services.clock.now())
                return ActionState(locked.state)
            attempts = uow.actions.attempts(pending.id)
            request = segment_request(
                uow,
                Payload.model_validate(version.payload),
                segments,
                pending,
                len(attempts),
            )
            account = uow.brands.account(action.account_id)
            age = self._age(uow, attempts[-1])
        channel = self._services.open_channel(account)
        result = self._look(channel, request)
        if (
            isinstance(result, Absent)
            and not channel.capabilities().native_idempotency
            and age < self._services.settings.lease_seconds
        ):
            # The lost request may still be under way; absence counts only after the lease.
            result = CannotTell("Not there yet; looking again.")
        return self._settled(action_id, pending.id, result)

    def _look(self, channel: Channel, request: SendRequest) -> Sent | Absent | CannotTell:
        try:
            return channel.reconcile(request)
        except ChannelError as error:
            return CannotTell(str(error))

    def _age(self, uow: UnitOfWork, attempt: Attempt) -> float:
        """Machine seconds since the attempt was begun."""
        age = uow.session.scalar(
            select(func.extract("epoch", func.clock_timestamp() - Attempt.created_at)).where(
                Attempt.id == attempt.id
            )
        )
        return float(age or 0)

    def _settled(
        self, action_id: str, segment_id: str, result: Sent | Absent | CannotTell
    ) -> ActionState:
        now = self._services.clock.now()
        with self._database.unit(self._workspace) as uow:
            action = uow.actions.get(action_id, lock=True)
            if action.state != ActionState.UNCONFIRMED.value:
                return ActionState(action.state)
            segment = uow.actions.row(SegmentRow, segment_id)
            if isinstance(result, Sent | Absent):
                for attempt in uow.actions.attempts(segment_id):
                    if attempt.outcome == "unknown":
                        attempt.outcome = "found" if isinstance(result, Sent) else "absent"
            if isinstance(result, Sent):
                if segment.state == "pending":
                    mark_sent(segment, result.remote_id, result.url, result.extra, now)
                self._found(uow, action, now)
            elif isinstance(result, Absent):
                self._absent(action, result, now)
            else:
                action.looks += 1  # no try: only looking
                action.retry_at = now + pause_after(action.looks)
                action.reason = (
                    f"{result.reason} Look on the platform and settle it by hand."
                    if result.ask_person
                    else result.reason
                )
            uow.audit.write(
                "system", f"settled_{type(result).__name__.lower()}", "action", action.id
            )
            return ActionState(action.state)

    def _absent(self, action: Action, result: Absent, now: datetime) -> None:
        """A read has shown that it is not there: a try that failed, like any other."""
        action.looks = 0
        action.attempts += 1
        action.reason = result.reason
        if action.attempts >= self._services.settings.publish_tries:
            action.state = next_state(ActionState.UNCONFIRMED, Verb.GIVE_UP).value
            return
        action.state = next_state(ActionState.UNCONFIRMED, Verb.ABSENT).value
        # A single lost request goes out again at once; a platform that keeps losing them waits.
        action.retry_at = now if action.attempts == 1 else now + pause_after(action.attempts - 2)
