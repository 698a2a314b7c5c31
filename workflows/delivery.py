"""The only caller of a channel's publishing methods.

One round of a segment is: lock, check, commit `publishing` with the attempt and its lease, unlock;
send; a new transaction records the outcome of its own attempt. No lock is held across the network,
nothing is sent without a committed intent, and what may have happened is never sent again blindly.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select

from channels.base import (
    CannotTell,
    ChannelError,
    NotSent,
    Outcome,
    Refused,
    SendRequest,
    Sent,
    Unknown,
)
from domain.action import ActionState
from domain.approval import Verb, next_state
from domain.errors import HumasError, InvalidInput
from domain.events import EventKind
from storage.tables import Action, Attempt, ChannelAccount, SegmentRow
from storage.uow import UnitOfWork
from workflows.account_health import clear_problem, note_problem
from workflows.account_rows import without_secrets
from workflows.items import back_to_review, due_at, finish, mark_sent
from workflows.rehearsal import rehearse
from workflows.segments import approved_payload, new_attempt, prepare_segments, segment_request
from workflows.settlement import Settlement, pause_after

log = logging.getLogger(__name__)

STOP_PAUSE = timedelta(seconds=60)
DRY_PAUSE = timedelta(hours=1)


@dataclass(frozen=True)
class Claim:
    """A committed intent to send one segment."""

    account: ChannelAccount
    action_id: str
    attempt_id: str
    segment_id: str
    request: SendRequest
    tried: frozenset[str]  # how earlier tries ended that may have left: read before sending again
    since: float = field(default_factory=time.monotonic)


class Delivery(Settlement):
    """Publishes approved actions and settles unconfirmed ones."""

    def deliver(self, action_id: str) -> ActionState:
        """Send what is still to be sent of an action.

        Returns:
            The state the action is left in. `publishing` means that somebody else holds a lease.
        """
        if self._services.settings.dry_run:
            return self._rehearse(action_id)
        while True:
            claim = self._claim(action_id)
            if isinstance(claim, ActionState):
                return claim
            outcome = self._send(claim)
            state = self._record(claim, outcome)
            if state is not ActionState.PUBLISHING:
                return state

    def _rehearse(self, action_id: str) -> ActionState:
        """With HUMAS_DRY_RUN nothing leaves: the requests go to the log, the item waits."""
        try:
            wires = [asdict(wire) for wire in rehearse(self._services, self._workspace, action_id)]
            said = "Dry run (HUMAS_DRY_RUN): nothing was sent. The log has the exact request."
        except HumasError as error:
            wires, said = [], f"Dry run (HUMAS_DRY_RUN): it would not leave. {error}"
        with self._database.unit(self._workspace) as uow:
            action = uow.actions.get(action_id, lock=True)
            if action.state == ActionState.SCHEDULED.value:
                action.reason = said
                action.retry_at = self._services.clock.now() + DRY_PAUSE
                uow.audit.write("system", "dry_run", "action", action.id, requests=wires)
            return ActionState(action.state)

    # -- claim ---------------------------------------------------------------------------------

    def _claim(self, action_id: str) -> Claim | ActionState:
        now = self._services.clock.now()
        with self._database.unit(self._workspace) as uow:
            action = uow.actions.get(action_id, lock=True)
            state = ActionState(action.state)
            if state not in (ActionState.SCHEDULED, ActionState.PUBLISHING):
                return state
            if self._lost_or_running(uow, action):
                return ActionState(action.state)
            segments = list(uow.actions.segments(action))
            if state is ActionState.SCHEDULED and not self._may_go(uow, action, segments, now):
                return ActionState(action.state)
            if state is ActionState.PUBLISHING and (why := uow.stop.why_stopped(action.brand_id)):
                # In the middle of a thread: what is out stays out, the rest waits.
                action.state = next_state(state, Verb.NOT_SENT).value
                action.retry_at = now + STOP_PAUSE
                action.reason = why
                return ActionState(action.state)
            payload = approved_payload(uow, action)
            if not segments:
                segments = prepare_segments(self._services, uow, action, payload, now)
            if state is ActionState.SCHEDULED:
                action.state = next_state(state, Verb.CLAIM).value
                action.reason = ""
            uow.session.flush()
            pending = next((s for s in segments if s.state == "pending"), None)
            if pending is None:  # an earlier version of the item brought all of it out
                action.state = next_state(ActionState.PUBLISHING, Verb.SENT).value
                finish(uow, action, now)
                return ActionState(action.state)
            tried = uow.actions.tried_key(pending)
            number = len(uow.actions.attempts(pending.id)) + 1
            attempt = new_attempt(
                uow, action, pending, number, float(self._services.settings.lease_seconds)
            )
            return Claim(
                tried=tried,
                account=uow.brands.account(action.account_id),
                action_id=action.id,
                attempt_id=attempt.id,
                segment_id=pending.id,
                request=segment_request(uow, payload, segments, pending, attempt.number),
            )

    def _lost_or_running(self, uow: UnitOfWork, action: Action) -> bool:
        """Whether an attempt is open: its lease runs (leave it alone), or is over (unconfirmed)."""
        query = select(Attempt, Attempt.lease_until < func.clock_timestamp()).where(
            Attempt.workspace_id == self._workspace,
            Attempt.action_id == action.id,
            Attempt.outcome.is_(None),
        )
        found = uow.session.execute(query).first()
        if found is None:
            return False
        attempt, over = found
        if over:
            attempt.outcome = "unknown"
            attempt.detail = "The worker died while it was sending."
            attempt.finished_at = self._services.clock.now()
            self._unconfirmed(uow, action, attempt.detail)
        return True

    def _may_go(
        self, uow: UnitOfWork, action: Action, segments: list[SegmentRow], now: datetime
    ) -> bool:
        """The checks under the lock: stop switch, time, lateness, account."""
        due = due_at(action)
        if due is None or due > now:
            return False
        if reason := uow.stop.why_stopped(action.brand_id):
            action.retry_at = now + STOP_PAUSE
            action.reason = reason
            return False
        account = uow.brands.account(action.account_id)
        if account.disabled_at is not None:
            action.retry_at = now + STOP_PAUSE
            action.reason = f"The account {account.handle} is disconnected. Connect it again."
            return False
        grace = timedelta(minutes=uow.brands.profile(action.brand_id).grace_minutes)
        begun = any(segment.state == "sent" for segment in segments)
        assert action.slot_at is not None
        if now - action.slot_at > grace and not begun:
            held_up = f" What held it up: {action.reason}" if action.reason else ""
            back_to_review(
                uow,
                action,
                Verb.LATE,
                f"Its time passed more than {int(grace.total_seconds() // 60)} minutes ago. "
                f"Approve it again to send it now, or give it another time.{held_up}",
                now,
            )
            return False
        if account.waits_until is not None and account.waits_until > now:
            # Waiting for a budget of calls is no try.
            action.retry_at = account.waits_until
            action.reason = account.waits_for
            return False
        return True

    # -- send ----------------------------------------------------------------------------------

    def _send(self, claim: Claim) -> Outcome:
        channel = self._services.open_channel(claim.account)
        try:
            channel.prepare(claim.request)
        except InvalidInput as error:
            return Refused(str(error))
        except ChannelError as error:
            return NotSent(str(error))
        if claim.tried:
            found = self._look(channel, claim.request)
            if isinstance(found, Sent):
                return found
            if isinstance(found, CannotTell) and not found.ask_person:
                return NotSent(found.reason)
            if isinstance(found, CannotTell) and "unknown" in claim.tried:
                return Unknown(found.reason)
        if time.monotonic() - claim.since > self._services.settings.lease_seconds:
            # Somebody else may hold the item by now, or people may have changed it.
            return NotSent("Everything before the request took longer than the lease.")
        try:
            return channel.publish(claim.request)
        except Exception as error:
            # A channel must not raise here; if it does, the request may have left.
            log.exception("channel %s raised while publishing", claim.account.platform)
            return Unknown(f"{type(error).__name__}: {error}")

    # -- record --------------------------------------------------------------------------------

    def _record(self, claim: Claim, outcome: Outcome) -> ActionState:
        now = self._services.clock.now()
        with self._database.unit(self._workspace) as uow:
            action = uow.actions.get(claim.action_id, lock=True)
            account = uow.brands.account(action.account_id)
            outcome = without_secrets(self._services.box, account, outcome)
            attempt = uow.actions.attempt(claim.attempt_id)
            segment = uow.actions.row(SegmentRow, claim.segment_id)
            late = attempt.outcome is not None  # the lease ran out and somebody noted "unknown"
            if not late or isinstance(outcome, Sent | Unknown):
                # What was settled meanwhile by a read stays where nothing left; what left, left
                # after that read.
                attempt.outcome = _WORD[type(outcome)]
            attempt.detail = "" if isinstance(outcome, Sent) else outcome.reason
            attempt.raw = outcome.raw
            attempt.finished_at = now
            if isinstance(outcome, Sent) and segment.state == "pending":
                mark_sent(segment, outcome.remote_id, outcome.url, outcome.extra, now)
            if not late:
                self._after(uow, action, outcome, now)
            elif isinstance(outcome, Sent | Unknown):
                self._after_all(uow, action, outcome, now)
            if isinstance(outcome, Sent):
                clear_problem(uow, action.account_id)
            elif isinstance(outcome, NotSent) and outcome.reconnect:
                note_problem(uow, action.account_id, outcome.reason)
            uow.audit.write(
                "system",
                f"delivery_{attempt.outcome}",
                "action",
                action.id,
                attempt=attempt.id,
                digest=attempt.digest,
                answer=outcome.raw,
            )
            return ActionState(action.state)

    def _after(self, uow: UnitOfWork, action: Action, outcome: Outcome, now: datetime) -> None:
        state = ActionState(action.state)
        if isinstance(outcome, Sent):
            segments = uow.actions.segments(action)
            if all(segment.state == "sent" for segment in segments):
                action.state = next_state(state, Verb.SENT).value
                self._published(uow, action, now)
            return
        action.reason = outcome.reason
        if isinstance(outcome, Unknown):
            self._unconfirmed(uow, action, outcome.reason)
            return
        if isinstance(outcome, Refused):
            action.state = next_state(state, Verb.REFUSED).value
            return
        if outcome.counts:
            action.attempts += 1
        if action.attempts >= self._services.settings.publish_tries:
            action.state = next_state(state, Verb.GIVE_UP).value
            return
        action.state = next_state(state, Verb.NOT_SENT).value
        pause = pause_after(action.attempts)
        action.retry_at = max(
            outcome.retry_at or now, now + (pause if outcome.counts else timedelta(seconds=1))
        )

    def _after_all(
        self, uow: UnitOfWork, action: Action, outcome: Sent | Unknown, now: datetime
    ) -> None:
        """A request left although its attempt had been taken for lost: the item may have moved on."""
        if action.state == ActionState.FAILED.value:
            self._unconfirmed(uow, action, "A request that was taken for lost left after all.")
            # Its thread waits for people; it has to look now.
            uow.send(action.thread_id, EventKind.CHANGED, f"left after all {now.isoformat()}")
        if isinstance(outcome, Sent):
            where = outcome.url or outcome.remote_id
            if action.state == ActionState.UNCONFIRMED.value:
                self._found(uow, action, now)
            elif action.state in _WITH_PEOPLE:
                action.reason = (
                    f"It is on the platform after all: {where}. Approve it unchanged to close it; "
                    "nothing is sent twice."
                )
        elif action.state in _WITH_PEOPLE:
            action.reason = (
                "A request that was taken for lost left after all, and its answer was lost: the post "
                "may be on the platform. Look there before you change or reject it. Approved unchanged "
                "it is looked for first; nothing is sent twice."
            )

    def _unconfirmed(self, uow: UnitOfWork, action: Action, reason: str) -> None:
        action.state = next_state(ActionState(action.state), Verb.UNKNOWN).value
        action.reason = reason
        action.retry_at = self._services.clock.now()
        uow.audit.write("system", "unconfirmed", "action", action.id, reason=reason)


# A person decides next.
_WITH_PEOPLE = frozenset(
    state.value
    for state in (
        ActionState.IN_REVIEW,
        ActionState.CHANGES_REQUESTED,
        ActionState.ON_HOLD,
        ActionState.REJECTED,
    )
)
_WORD: dict[type, str] = {Sent: "sent", NotSent: "not_sent", Refused: "refused", Unknown: "unknown"}
