"""A post's thread over the real database: review, schedule, publish, settle, measure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from channels.base import NotSent, Refused, SendRequest, Sent, Unknown
from domain.action import ActionState
from domain.approval import Verb
from domain.errors import NotPermitted, TransitionRefused
from domain.slot import Slot
from storage.tables import Attempt, ChannelAccount
from storage.uow import Database
from tests.fakes import START, ListWaker
from tests.rooms import Room, make_room

pytestmark = pytest.mark.db


@pytest.fixture
def room(database: Database, database_url: str, waker: ListWaker) -> Room:
    return make_room(database, database_url, waker)


def test_nothing_leaves_before_approval_and_once_after_it(room: Room) -> None:
    action_id = room.post()
    room.pump.drain()
    room.pump.pass_time(timedelta(days=1))
    assert room.action(action_id).state == ActionState.IN_REVIEW
    assert room.platform.sends == 0
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    action = room.action(action_id)
    assert action.state == ActionState.PUBLISHED
    assert action.remote_id == "remote-1"
    assert room.platform.texts() == ["Halo dunia"]
    assert room.platform.sends == 1


def test_a_slot_is_waited_for_and_figures_are_read_afterwards(room: Room) -> None:
    slot = Slot.at(START.date() + timedelta(days=2), START.time(), "Asia/Jakarta")
    action_id = room.post(slot=slot)
    room.pump.drain()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.SCHEDULED
    room.pump.pass_time(timedelta(days=1))
    assert room.platform.sends == 0
    room.clock.at = slot.instant
    room.pump.tick()
    assert room.action(action_id).state == ActionState.PUBLISHED
    room.platform.posts[next(iter(room.platform.posts))].likes = 7
    room.pump.pass_time(timedelta(hours=2))
    with room.services.database.unit(room.workspace_id) as uow:
        figures = {item.name: item.value for item in uow.metrics.latest(room.account_id)}
        assert figures["likeCount"] == 7
    thread = room.thread_of(action_id)
    assert thread.status == "finished"
    with room.services.database.system() as session:
        kept = text("select count(*) from checkpoints where thread_id = :id")
        assert session.execute(kept, {"id": thread.id}).scalar_one() == 0


def test_a_lost_answer_is_settled_by_reading_and_never_sent_again(room: Room) -> None:
    room.platform.script = [room.platform.lose_answer]
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHED
    assert room.platform.sends == 1
    assert len(room.platform.posts) == 1


def test_unconfirmed_waits_while_the_platform_is_down_then_proves_absence(room: Room) -> None:
    room.platform.script = [lambda _request: Unknown("reset")]
    room.platform.down = True
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.UNCONFIRMED
    room.pump.pass_time(timedelta(minutes=2))
    assert room.action(action_id).state == ActionState.UNCONFIRMED
    room.platform.down = False
    room.pump.pass_time(timedelta(minutes=10))
    assert room.action(action_id).state == ActionState.PUBLISHED
    assert room.platform.sends == 2
    assert len(room.platform.posts) == 1


def test_not_sent_backs_off_and_gives_up_after_its_tries(room: Room) -> None:
    room.platform.script = [lambda _r: NotSent("refused connection")] * 20
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    for _ in range(12):
        room.pump.pass_time(timedelta(minutes=9))
    action = room.action(action_id)
    assert action.state == ActionState.FAILED
    assert room.platform.sends == room.services.settings.publish_tries
    # A person may try again: that is a new version with an approval of its own.
    room.platform.script = []
    room.decide(action_id, Verb.RETRY)
    room.pump.drain()
    assert room.platform.posts == {}
    room.decide(action_id, Verb.APPROVE, seen=2)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHED


def test_a_platform_that_keeps_losing_requests_is_not_hammered(room: Room) -> None:
    room.platform.script = [lambda _r: Unknown("time-out")] * 20
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert room.platform.sends == 2  # one is lost easily: it goes again at once
    for _ in range(12):
        room.pump.pass_time(timedelta(minutes=9))
    action = room.action(action_id)
    assert action.state == ActionState.FAILED
    assert room.platform.sends == room.services.settings.publish_tries
    assert room.platform.posts == {}
    assert action.reason


def test_waiting_for_a_rate_budget_consumes_no_attempt(room: Room) -> None:
    wait = START + timedelta(minutes=15)
    room.platform.script = [lambda _r: NotSent("rate limit", retry_at=wait, counts=False)] * 3
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert room.action(action_id).attempts == 0
    room.pump.pass_time(timedelta(minutes=5))
    assert room.platform.sends == 1
    for _ in range(3):
        room.pump.pass_time(timedelta(minutes=11))
    assert room.action(action_id).state == ActionState.PUBLISHED


def test_refused_for_good_waits_for_a_person(room: Room) -> None:
    room.platform.script = [lambda _r: Refused("blocked word")]
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    action = room.action(action_id)
    assert (action.state, action.reason) == (ActionState.FAILED, "blocked word")


def test_a_thread_resumes_at_the_segment_where_it_stopped(room: Room) -> None:
    room.platform.script = [
        room.platform.store,
        room.platform.lose_answer,
        room.platform.store,
    ]
    action_id = room.post("satu", more=("dua", "tiga"))
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    room.pump.pass_time(timedelta(minutes=1))
    assert room.action(action_id).state == ActionState.PUBLISHED
    assert room.platform.texts() == ["satu", "dua", "tiga"]
    assert room.platform.sends == 3
    parents = [post.request.reply_to for post in room.platform.posts.values()]
    assert parents[0] is None
    assert [p.remote_id for p in parents[1:] if p] == ["remote-1", "remote-2"]


def test_the_stop_switch_halts_and_releases(room: Room) -> None:
    action_id = room.post()
    with room.services.database.unit(room.workspace_id) as uow:
        uow.brands.get(room.brand_id).stopped = True
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    room.pump.pass_time(timedelta(minutes=5))
    action = room.action(action_id)
    assert room.platform.sends == 0
    assert action.state == ActionState.SCHEDULED
    assert "stop switch" in action.reason
    with room.services.database.unit(room.workspace_id) as uow:
        uow.brands.get(room.brand_id).stopped = False
    room.pump.pass_time(timedelta(minutes=5))
    assert room.platform.sends == 1


def test_the_stop_switch_halts_in_the_middle_of_a_thread(room: Room) -> None:
    def stop_now(request: SendRequest) -> Sent:
        with room.services.database.unit(room.workspace_id) as uow:
            uow.brands.get(room.brand_id).stopped = True
        return room.platform.store(request)

    room.platform.script = [stop_now]
    action_id = room.post("satu", more=("dua",))
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert room.platform.texts() == ["satu"]
    assert room.action(action_id).state == ActionState.SCHEDULED
    with room.services.database.unit(room.workspace_id) as uow:
        uow.brands.get(room.brand_id).stopped = False
    room.clock.advance(timedelta(days=1))  # a thread that was begun is finished, however late
    room.pump.tick()
    assert room.platform.texts() == ["satu", "dua"]
    assert room.action(action_id).state == ActionState.PUBLISHED


def test_too_late_goes_back_to_people(room: Room) -> None:
    slot = Slot.at(START.date() + timedelta(days=1), START.time(), "UTC")
    action_id = room.post(slot=slot)
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    room.clock.at = slot.instant + timedelta(hours=5)  # all workers were down
    room.pump.tick()
    action = room.action(action_id)
    assert room.platform.sends == 0
    assert (action.state, action.version) == (ActionState.IN_REVIEW, 2)
    room.decide(action_id, Verb.APPROVE, seen=2)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHED


def test_undecided_items_expire_and_can_be_reopened(room: Room) -> None:
    slot = Slot.at(START.date() + timedelta(days=1), START.time(), "UTC")
    action_id = room.post(slot=slot)
    room.pump.drain()
    room.clock.at = slot.instant + timedelta(hours=3)
    room.pump.tick()
    assert room.action(action_id).state == ActionState.EXPIRED
    room.decide(action_id, Verb.REOPEN)
    room.pump.drain()
    room.decide(action_id, Verb.APPROVE, seen=2)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHED


def test_a_lost_worker_leaves_a_lease_that_ends_in_reconciling(room: Room) -> None:
    class Killed(BaseException):
        """Stands for a kill -9 in the middle of the request."""

    def die(request: SendRequest) -> Unknown:
        room.platform.store(request)
        raise Killed

    room.platform.script = [die]
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    with pytest.raises(Killed):
        room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHING
    room.pump.waker.wakes.clear()  # the queue forgot it, too
    room.pump.tick()
    assert room.action(action_id).state == ActionState.PUBLISHING, "the lease still runs"
    assert room.platform.sends == 1
    with pytest.raises(TransitionRefused, match="publishing"):
        room.decide(action_id, Verb.HOLD)
    with room.services.database.system() as session:
        session.execute(text("update attempts set lease_until = now() - interval '1 s'"))
    room.pump.pass_time(timedelta(minutes=5))
    assert room.action(action_id).state == ActionState.PUBLISHED
    assert room.platform.sends == 1
    assert len(room.platform.posts) == 1


def test_people_settle_what_the_platform_does_not_tell(room: Room) -> None:
    room.platform.script = [lambda _r: Unknown("reset")]
    room.platform.down = True
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    room.decide(
        action_id, Verb.SETTLE_PUBLISHED, comment="I see it in the app", remote_id="remote-x"
    )
    room.pump.drain()
    action = room.action(action_id)
    assert (action.state, action.remote_id) == (ActionState.PUBLISHED, "remote-x")
    assert room.platform.sends == 1


def test_hold_release_and_roles(room: Room) -> None:
    slot = Slot.at(START.date() + timedelta(days=1), START.time(), "UTC")
    action_id = room.post(slot=slot)
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    room.decide(action_id, Verb.HOLD)
    room.clock.at = slot.instant
    room.pump.tick()
    assert room.platform.sends == 0
    with pytest.raises(NotPermitted), room.services.database.unit(room.workspace_id) as uow:
        room.verbs(uow).decide(room.viewer, action_id, Verb.RELEASE, 1)
    room.decide(action_id, Verb.RELEASE)
    room.pump.tick()
    assert room.action(action_id).state == ActionState.PUBLISHED


def test_an_old_job_does_nothing(room: Room) -> None:
    action_id = room.post()
    first = list(room.pump.waker.wakes)
    room.pump.drain()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    sends = room.platform.sends
    for _ in range(2):
        room.pump.waker.wakes.extend(first)
        assert room.pump.drain() == ["stale"]
    assert room.platform.sends == sends


def test_attempts_are_counted_per_segment(room: Room) -> None:
    room.platform.script = [lambda _r: NotSent("down")]
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    room.pump.pass_time(timedelta(minutes=5))
    with room.services.database.unit(room.workspace_id) as uow:
        (segment,) = uow.actions.segments(uow.actions.get(action_id))
        attempts: list[Attempt] = list(uow.actions.attempts(segment.id))
        assert [(a.number, a.outcome) for a in attempts] == [(1, "not_sent"), (2, "sent")]
        assert isinstance(uow.brands.account(room.account_id), ChannelAccount)
