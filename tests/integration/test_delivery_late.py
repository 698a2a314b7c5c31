"""Requests that leave, or arrive, after they were taken for lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from channels.base import Outcome, Refused, SendRequest, Sent, Unknown
from domain.action import ActionState
from domain.approval import Verb
from storage.uow import Database
from tests.fakes import START, ListWaker
from tests.rooms import Room, make_room
from workflows.delivery import Delivery

pytestmark = pytest.mark.db


@pytest.fixture
def room(database: Database, database_url: str, waker: ListWaker) -> Room:
    return make_room(database, database_url, waker)


def overtaken(room: Room, ends: Callable[[SendRequest], Outcome]) -> Callable[..., Outcome]:
    """A send that lasts longer than its lease: the item is settled and refused before it ends."""

    def slow(request: SendRequest) -> Outcome:
        with room.services.database.system() as session:
            session.execute(text("update attempts set lease_until = now() - interval '1 s'"))
            action_id = session.execute(text("select action_id::text from attempts")).scalar_one()
        other = Delivery(room.services, room.workspace_id)
        room.platform.script.append(lambda _r: Refused("It does not like the text."))
        assert other.deliver(action_id) is ActionState.UNCONFIRMED
        assert other.settle(action_id) is ActionState.SCHEDULED
        assert other.deliver(action_id) is ActionState.FAILED
        return ends(request)

    return slow


def outcomes(room: Room, action_id: str) -> list[str | None]:
    with room.services.database.unit(room.workspace_id) as uow:
        segment = uow.actions.segments(uow.actions.get(action_id))[0]
        return [attempt.outcome for attempt in uow.actions.attempts(segment.id)]


def test_a_failed_item_is_looked_for_again_when_a_late_request_left_after_all(room: Room) -> None:
    def lost(request: SendRequest) -> Outcome:
        room.platform.store(request)
        return Unknown("reset")

    room.platform.script = [overtaken(room, lost)]
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert outcomes(room, action_id) == ["found", "refused"]
    action = room.action(action_id)
    assert (action.state, action.remote_id) == (ActionState.PUBLISHED, "remote-1")
    assert (room.platform.sends, len(room.platform.posts)) == (2, 1)


def test_a_failed_item_is_published_when_a_late_request_was_answered(room: Room) -> None:
    def answered(request: SendRequest) -> Sent:
        return room.platform.store(request)

    room.platform.script = [overtaken(room, answered)]
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert outcomes(room, action_id) == ["sent", "refused"]
    assert room.action(action_id).state == ActionState.PUBLISHED
    assert (room.platform.sends, len(room.platform.posts)) == (2, 1)


@pytest.mark.parametrize("answered", [True, False])
def test_a_thread_that_waits_for_people_learns_of_a_late_request(
    room: Room, answered: bool
) -> None:
    def slow(request: SendRequest) -> Outcome:
        with room.services.database.system() as session:
            session.execute(text("update attempts set lease_until = now() - interval '1 s'"))
        room.platform.script.append(lambda _r: Refused("It does not like the text."))
        room.pump.drain()
        room.pump.pass_time(timedelta(minutes=5))
        assert room.action(action_id).state == ActionState.FAILED
        sent = room.platform.store(request)
        return sent if answered else Unknown("reset")

    action_id = room.post()
    room.pump.drain()
    room.decide(action_id, Verb.APPROVE)
    with room.services.database.unit(room.workspace_id) as uow:
        action = uow.actions.get(action_id, lock=True)
        action.state, action.slot_at = ActionState.SCHEDULED.value, START
    room.platform.script = [slow]
    Delivery(room.services, room.workspace_id).deliver(action_id)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHED
    assert (room.platform.sends, len(room.platform.posts)) == (2, 1)


def test_what_arrives_after_it_was_looked_for_is_found_before_the_next_try(room: Room) -> None:
    under_way: list[SendRequest] = []

    def delayed(request: SendRequest) -> Outcome:
        under_way.append(request)
        return Unknown("time-out")

    room.platform.script = [delayed, lambda _r: Refused("Not now.")]
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.FAILED
    room.platform.store(under_way[0])
    room.decide(action_id, Verb.RETRY)
    room.decide(action_id, Verb.APPROVE, seen=2)
    room.pump.drain()
    action = room.action(action_id)
    assert (action.state, action.remote_id) == (ActionState.PUBLISHED, "remote-1")
    assert (room.platform.sends, len(room.platform.posts)) == (2, 1)


def test_a_second_try_of_what_was_not_found_is_dated_anew_and_looked_for_from_the_first(
    room: Room,
) -> None:
    asked: list[SendRequest] = []

    def noted(answer: Outcome | None) -> Callable[[SendRequest], Outcome]:
        def send(request: SendRequest) -> Outcome:
            asked.append(request)
            return answer or room.platform.store(request)

        return send

    room.platform.script = [noted(Unknown("reset")), noted(Refused("Not now.")), noted(None)]
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    room.clock.at = room.clock.at.replace(hour=room.clock.at.hour + 3)
    room.decide(action_id, Verb.RETRY)
    room.decide(action_id, Verb.APPROVE, seen=2)
    room.pump.drain()
    first, again, last = asked
    assert first.client_key == again.client_key == last.client_key
    assert first.client_time == again.client_time < last.client_time
    assert (first.looked_from, last.looked_from) == (None, first.client_time)
    assert room.action(action_id).state == ActionState.PUBLISHED
