"""Posts that come again: proposed ahead, approved one by one, never piling up."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta

import pytest
import redis as redislib
from rq import Queue, SimpleWorker

from domain.action import ActionState
from domain.approval import Verb
from domain.errors import (
    InvalidInput,
    InvalidOutput,
    NotPermitted,
    TransitionRefused,
)
from domain.slot import Slot
from embedded.supervisor import EmbeddedServices
from storage.queue import JobQueue, connect
from storage.repositories.recurrences import last_day, next_slot
from storage.tables import Recurrence, User
from storage.uow import Database
from tests.fakes import START, FakeModel, ListWaker
from tests.repeats import (
    JAKARTA,
    LEAD,
    OTHER,
    TEXT,
    WEEK,
    Again,
    monday,
    published,
    repeat,
)
from tests.rooms import Room, make_room
from workers import jobs
from workers.clock import ClockProcess
from workers.recurring_clock import queue_proposals
from workflows import recurring
from workflows.items import Draft
from workflows.proposals import propose

pytestmark = pytest.mark.db


@pytest.fixture
def room(database: Database, database_url: str, waker: ListWaker) -> Room:
    return make_room(database, database_url, waker)


@pytest.fixture
def weekly(room: Room) -> Again:
    return repeat(room, published(room, monday()))


@pytest.fixture
def queue(servers: EmbeddedServices) -> JobQueue:
    connection: redislib.Redis = connect(servers.urls.redis_url)
    connection.flushall()
    return JobQueue(connection)


# -- each occurrence for itself ------------------------------------------------------------------


def test_it_is_proposed_ahead_of_its_slot_and_waits_for_an_approval_of_its_own(
    weekly: Again,
) -> None:
    room, slot = weekly.room, weekly.slot()
    assert slot.wall == monday().wall + WEEK
    assert weekly.row().propose_at == slot.instant - LEAD
    assert weekly.propose(slot.instant - LEAD - timedelta(minutes=1)) == "not due"
    assert weekly.propose() == "proposed"
    found = weekly.last()
    assert (found.state, found.occurrence, found.slot_at) == ("in_review", 1, slot.instant)
    assert (found.slot_wall, found.slot_zone) == (slot.wall_text, JAKARTA)
    assert weekly.propose(room.clock.now()) == "not due", "a second job finds nothing to do"
    room.clock.at = slot.instant
    room.pump.tick()
    assert room.platform.sends == 1, "the approval of the first post is none of the second"
    room.pump.pass_time(timedelta(hours=3))
    assert room.action(found.id).state == ActionState.EXPIRED


def test_a_chain_of_approved_occurrences(weekly: Again) -> None:
    for number in (1, 2, 3):
        assert weekly.propose() == "proposed"
        done = weekly.publish(weekly.last(), f"{OTHER} Kali {number}")
        assert done.published_at == monday().instant + number * WEEK
    assert weekly.room.platform.texts()[1:] == [f"{OTHER} Kali {n}" for n in (1, 2, 3)]
    assert [item.occurrence for item in weekly.posts()] == [3, 2, 1]


def test_the_same_text_is_not_approved_again(weekly: Again) -> None:
    room = weekly.room
    weekly.propose()
    first = weekly.last()
    assert first.reason.startswith("Vary it: the same text went out on 2026-11-23 09:00")
    with pytest.raises(InvalidInput, match="word for word"):
        room.decide(first.id, Verb.APPROVE, first.version)
    shouted = Draft(text=f"  {TEXT.upper()} ", no_claim=True)
    room.decide(first.id, Verb.EDIT, first.version, draft=shouted)
    with pytest.raises(InvalidInput, match="word for word"):
        room.decide(first.id, Verb.APPROVE, first.version + 1)
    assert room.action(first.id).state == ActionState.IN_REVIEW
    room.pump.drain()
    weekly.publish(room.action(first.id), OTHER)
    # It is compared with what went out last, which is another text now.
    weekly.propose()
    second = weekly.last()
    room.decide(second.id, Verb.EDIT, second.version, draft=Draft(text=OTHER, no_claim=True))
    with pytest.raises(InvalidInput, match="2026-11-30 09:00"):
        room.decide(second.id, Verb.APPROVE, second.version + 1)


def test_two_clocks_and_four_jobs_make_one_proposal(weekly: Again, queue: JobQueue) -> None:
    room = weekly.room
    due = weekly.row().propose_at
    assert due is not None
    room.clock.at = due
    database = room.services.database

    def queued(now: datetime) -> int:
        return queue_proposals(database, queue, now, room.services.settings)

    assert queued(due - timedelta(seconds=1)) == 0
    assert [queued(due) for _clock in range(2)] == [1, 0]
    done: list[str] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        with database.unit(room.workspace_id) as uow:
            done.append(propose(uow, due, LEAD, weekly.id))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert sorted(done) == ["not due", "not due", "not due", "proposed"]
    assert len(weekly.posts()) == 1
    assert queued(due + timedelta(minutes=2)) == 0


def test_the_tick_queues_what_the_job_proposes(
    weekly: Again, queue: JobQueue, servers: EmbeddedServices
) -> None:
    room = weekly.room
    due = weekly.row().propose_at
    assert due is not None
    clock = ClockProcess(
        room.services.settings, room.services.database, queue, room.clock, also=(queue_proposals,)
    )
    room.clock.at = due - timedelta(minutes=1)
    room.pump.tick()
    clock.tick()
    room.clock.at = due
    assert clock.tick() == 1
    assert clock.tick() == 0, "its job waits in the queue"
    jobs.use(lambda: room.services)
    connection = connect(servers.urls.redis_url)
    SimpleWorker([Queue("intake", connection=connection)], connection=connection).work(burst=True)
    assert [item.occurrence for item in weekly.posts()] == [1]
    assert jobs.propose(room.workspace_id, weekly.id) == "not due"
    room.pump.drain()
    assert weekly.last().state == ActionState.IN_REVIEW


# -- other words ---------------------------------------------------------------------------------


def test_a_model_writes_it_anew(database: Database, database_url: str, waker: ListWaker) -> None:
    model = FakeModel({"vary": lambda _: {"sources": [], "opening": "Tanya", "text": OTHER}})
    room = make_room(database, database_url, waker, model=model)
    again = repeat(room, published(room, monday()))
    again.propose()
    found = again.last()
    assert model.asked == ["vary"] and TEXT in model.prompts[0]
    assert (found.state, found.version, found.reason) == ("in_review", 2, "")
    with database.unit(room.workspace_id) as uow:
        version = uow.actions.version(found)
        assert version is not None
        assert version.payload["segments"][0]["text"] == OTHER
        assert (version.origin, version.no_claim) == ("model", False)
    # Nobody said of the new words that they claim nothing; the approval has to.
    with pytest.raises(InvalidInput, match="No source"):
        room.decide(found.id, Verb.APPROVE, 2)
    room.decide(found.id, Verb.APPROVE, 2, no_claim=True)
    room.pump.drain()
    room.clock.at = again.last().slot_at or START
    room.pump.tick()
    assert room.platform.texts() == [TEXT, OTHER]


def test_a_model_that_cannot_leaves_it_to_people(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    model = FakeModel({"vary": lambda _: InvalidOutput("It repeats itself.")})
    room = make_room(database, database_url, waker, model=model)
    again = repeat(room, published(room, monday()))
    again.propose()
    found = again.last()
    assert (found.state, found.version) == ("in_review", 1)
    assert found.reason.startswith("Vary it") and "It repeats itself." in found.reason
    assert len(model.asked) == room.services.settings.stage_tries


# -- when ----------------------------------------------------------------------------------------


def test_while_the_one_before_is_open_a_date_is_passed_over(weekly: Again) -> None:
    room = weekly.room
    weekly.propose()
    first = weekly.last()
    assert weekly.propose() == "passed over"
    row = weekly.row()
    assert "2026-12-07 09:00 is passed over" in row.reason
    assert next_slot(row).wall == monday().wall + 3 * WEEK
    assert [item.id for item in weekly.posts()] == [first.id]
    room.pump.tick()
    room.decide(first.id, Verb.REJECT, room.action(first.id).version, comment="Tidak lagi")
    room.pump.drain()
    assert weekly.propose() == "proposed"
    assert (weekly.last().occurrence, weekly.row().reason) == (2, "")


def test_an_approved_source_is_waited_for(room: Room) -> None:
    source = room.post(TEXT, slot=Slot.of_wall(monday().wall + timedelta(days=5), JAKARTA))
    room.pump.drain()
    with pytest.raises(TransitionRefused, match="approved or published"):
        repeat(room, source)
    room.decide(source, Verb.APPROVE)
    room.pump.drain()
    again = repeat(room, source, days=2)
    room.decide(source, Verb.HOLD)
    assert again.propose() == "passed over"
    room.decide(source, Verb.REJECT, comment="Batal")
    assert again.propose() == "ended"
    assert (again.row().state, again.posts()) == ("ended", [])


def test_dates_that_went_by_are_not_made_up_for(weekly: Again) -> None:
    late = weekly.slot().instant + 3 * WEEK + timedelta(hours=1)
    assert weekly.propose(late) == "missed"
    row = weekly.row()
    assert next_slot(row).wall == monday().wall + 5 * WEEK
    assert "2026-11-30 09:00 went by" in row.reason and weekly.posts() == []
    assert weekly.propose() == "proposed"


def test_it_rests_while_its_account_is_disconnected(weekly: Again) -> None:
    room = weekly.room

    def connect_account(*, on: bool) -> None:
        with room.services.database.unit(room.workspace_id) as uow:
            account = uow.brands.account(room.account_id)
            account.disabled_at = None if on else room.clock.now()

    connect_account(on=False)
    assert weekly.propose() == "paused"
    row = weekly.row()
    assert (row.state, row.propose_at) == ("paused", None) and "disconnected" in row.reason
    room.clock.advance(3 * WEEK)
    database = room.services.database
    with pytest.raises(TransitionRefused, match="connect it again"):
        with database.unit(room.workspace_id) as uow:
            recurring.resume(uow, room.clock.now(), LEAD, room.owner, weekly.id)
    connect_account(on=True)
    with database.unit(room.workspace_id) as uow:
        recurring.resume(uow, room.clock.now(), LEAD, room.owner, weekly.id)
    assert weekly.row().state == "active"
    assert weekly.slot().wall == monday().wall + 4 * WEEK
    assert weekly.propose() == "proposed"


@pytest.mark.parametrize(("days", "times"), [(14, 2), (13, 1)])  # the last day itself counts
def test_it_ends_after_its_last_day(days: int, times: int, room: Room) -> None:
    last = START.date() + timedelta(days=days)
    again = repeat(room, published(room, monday()), until=last)
    assert last_day(again.row()) == last
    for number in range(times):
        assert again.propose() == "proposed"
        again.publish(again.last(), f"{OTHER} {number}")
    row = again.row()
    assert (row.state, row.propose_at) == ("ended", None) and "last day" in row.reason
    assert again.propose(room.clock.now() + 2 * WEEK) == "not due"
    expected = [(monday().wall + n * WEEK).isoformat() for n in range(times, 0, -1)]
    assert [item.slot_wall for item in again.posts()] == expected
    for until in (START.date() + timedelta(days=6), date(9999, 12, 31)):
        with pytest.raises(InvalidInput, match="last day"):
            repeat(room, again.source_id, until=until)


def test_people_pause_resume_and_stop(weekly: Again) -> None:
    room, database = weekly.room, weekly.room.services.database

    def done(what: str, user: User) -> Recurrence:
        with database.unit(room.workspace_id) as uow:
            if what == "resume":
                return recurring.resume(uow, room.clock.now(), LEAD, user, weekly.id)
            return {"pause": recurring.pause, "stop": recurring.stop}[what](uow, user, weekly.id)

    slot = weekly.slot()
    with pytest.raises(TransitionRefused):
        done("resume", room.owner)
    for what in ("pause", "stop"):
        with pytest.raises(NotPermitted):
            done(what, room.viewer)
    assert "paused it" in done("pause", room.reviewer).reason
    assert weekly.propose(slot.instant - LEAD) == "not due"
    assert done("resume", room.owner).state == "active"
    assert weekly.slot() == slot, "a date that is still to come stays"
    with pytest.raises(TransitionRefused, match="repeated already"):
        repeat(room, weekly.source_id)
    assert done("stop", room.owner).state == "ended"
    with pytest.raises(TransitionRefused, match="ended"):
        done("resume", room.owner)
    repeat(room, weekly.source_id)  # anew
    with database.unit(room.workspace_id) as uow:
        verbs = {entry.verb for entry in uow.audit.of("recurrence", weekly.id)}
    assert verbs == {"repeat", "pause", "resume", "stop"}


def test_what_cannot_be_repeated(weekly: Again) -> None:
    room = weekly.room
    weekly.propose()
    with pytest.raises(TransitionRefused, match="repetition itself"):
        weekly.publish(weekly.last(), OTHER)
        repeat(room, weekly.last().id)
    other = published(room, words="Yang lain")
    for kind, days, said in (
        ("yearly", 7, "no way"),
        ("recurring", 0, "1 to 366"),
        ("evergreen", 367, "1 to 366"),
    ):
        with pytest.raises(InvalidInput, match=said):
            repeat(room, other, kind, days)
    with pytest.raises(NotPermitted):
        repeat(room, other, user=room.viewer)
