"""Nodes that posts and answers share: waiting for people, for the slot, for certainty."""

from __future__ import annotations

from datetime import datetime, timedelta

from channels.base import ChannelError
from domain.action import WRITTEN, ActionState
from domain.approval import Verb, next_state
from domain.events import EventKind
from storage.tables import Action
from storage.uow import UnitOfWork
from workflows.delivery import Delivery
from workflows.evaluation import thread_values
from workflows.graph import ThreadState, wait_for
from workflows.items import due_at
from workflows.services import Services

# Where a thread goes from each state of its action; the rows decide, events only wake.
ROUTES: dict[ActionState, str] = {
    ActionState.DRAFTED: "review",
    ActionState.IN_REVIEW: "review",
    ActionState.CHANGES_REQUESTED: "write",
    ActionState.APPROVED: "schedule",
    ActionState.SCHEDULED: "schedule",
    ActionState.ON_HOLD: "schedule",
    ActionState.PUBLISHING: "schedule",
    ActionState.UNCONFIRMED: "settle",
    ActionState.PUBLISHED: "measure",
    ActionState.FAILED: "review",
    ActionState.EXPIRED: "review",
    ActionState.REJECTED: "end",
}
WAKING = (EventKind.DECISION, EventKind.CHANGED)


class ActionSteps:
    """The nodes. `action_of` finds the action of a thread: its subject, or the reply to it."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def action_of(self, uow: UnitOfWork, state: ThreadState) -> Action:
        """The thread's action."""
        return uow.actions.get(state["subject_id"])

    def read(self, state: ThreadState) -> Action:
        """The thread's action in a transaction of its own."""
        with self.services.database.unit(state["workspace_id"]) as uow:
            return self.action_of(uow, state)

    def route(self, state: ThreadState) -> ThreadState:
        """What comes next by the action's state."""
        return {"route": ROUTES[ActionState(self.read(state).state)]}

    def review(self, state: ThreadState) -> ThreadState:
        """Wait for people; an item that nobody decided in time expires."""
        action = self.read(state)
        grace = self._grace(state, action)
        undecided = action.state == ActionState.IN_REVIEW.value and action.slot_wall is not None
        due = action.slot_at + grace if undecided and action.slot_at else None
        wait_for(*WAKING, due=due)
        now = self.services.clock.now()
        with self.services.database.unit(state["workspace_id"]) as uow:
            action = uow.actions.get(action.id, lock=True)
            late = action.slot_wall is not None and action.slot_at and action.slot_at + grace <= now
            # Rescheduling or a second version moves the time; only what is late now expires.
            if action.state == ActionState.IN_REVIEW.value and late and due and due <= now:
                action.state = next_state(ActionState.IN_REVIEW, Verb.EXPIRE).value
                action.reason = "Nobody decided before its time had passed."
                uow.audit.write("system", Verb.EXPIRE.value, "action", action.id)
        return self.route(state)

    def schedule(self, state: ThreadState) -> ThreadState:
        """Wait for the undo window, then for the slot; hand over to publishing when it is due."""
        action = self.read(state)
        wait_for(*WAKING, due=self._next_time(action))
        now = self.services.clock.now()
        with self.services.database.unit(state["workspace_id"]) as uow:
            action = uow.actions.get(action.id, lock=True)
            current = ActionState(action.state)
            if (
                current is ActionState.APPROVED
                and action.slot_at
                and action.effective_at
                and action.effective_at <= now
            ):
                action.state = next_state(current, Verb.SCHEDULE).value
                current = ActionState.SCHEDULED
            due = due_at(action)
            if current is ActionState.PUBLISHING or (
                current is ActionState.SCHEDULED and due is not None and due <= now
            ):
                return {"route": "publish"}
        return self.route(state)

    def publish(self, state: ThreadState) -> ThreadState:
        """Send it, through the delivery and nothing else."""
        result = Delivery(self.services, state["workspace_id"]).deliver(self.read(state).id)
        return {"route": ROUTES[result]}

    def settle(self, state: ThreadState) -> ThreadState:
        """Find out by reading what became of it; between two looks, wait."""
        action = self.read(state)
        wait_for(*WAKING, due=action.retry_at)
        result = Delivery(self.services, state["workspace_id"]).settle(action.id)
        return {"route": ROUTES[result]}

    def measure(self, state: ThreadState) -> ThreadState:
        """Read the figures of all parts after a while. Cannot change that it is published."""
        action = self.read(state)
        if action.kind not in WRITTEN:
            return {"route": "end"}
        assert action.published_at is not None
        wait_for(
            EventKind.CHANGED,
            due=action.published_at + timedelta(hours=self.services.settings.measure_hours),
        )
        with self.services.database.unit(state["workspace_id"]) as uow:
            account = uow.brands.account(action.account_id)
            remote_ids = uow.metrics.remote_ids([action]).get(action.id, ())
        try:
            found = self.services.open_channel(account).post_metrics(list(remote_ids))
        except ChannelError as error:
            with self.services.database.unit(state["workspace_id"]) as uow:
                uow.audit.write("system", "measure_failed", "action", action.id, reason=str(error))
            return {"route": "end"}
        now = self.services.clock.now()
        with self.services.database.unit(state["workspace_id"]) as uow:
            for name, value in thread_values(remote_ids, found).items():
                uow.metrics.add(account.id, action.id, name, value, "ok", now)
        return {"route": "end"}

    def submit(self, action: Action, verb: Verb, problem: str | None) -> None:
        """Put a draft into review if the platform would take it.

        What breaks a limit stays where it is, with the reason, for a person to shorten: nothing is
        ever cut.

        Args:
            action: the draft, locked.
            verb: SUBMIT or REDRAFT.
            problem: what `limit_problem` found, before the action was locked.
        """
        if problem:
            action.reason = problem
            return
        action.state = next_state(ActionState(action.state), verb).value
        action.reason = ""

    def _grace(self, state: ThreadState, action: Action) -> timedelta:
        with self.services.database.unit(state["workspace_id"]) as uow:
            return timedelta(minutes=uow.brands.profile(action.brand_id).grace_minutes)

    def _next_time(self, action: Action) -> datetime | None:
        if action.state == ActionState.APPROVED.value:
            return action.effective_at
        if action.state == ActionState.PUBLISHING.value:
            # Another worker may be sending: look again when its lease is over.
            return self.services.clock.now() + timedelta(
                seconds=self.services.settings.lease_seconds
            )
        if action.state == ActionState.SCHEDULED.value:
            return due_at(action)
        return None
