"""When posts come again: free slots of the week, changes of clocks, of rules, of the brand's zone."""

from __future__ import annotations

import threading
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
import redis as redislib
from sqlalchemy import text

from config.clock import FixedClock
from config.settings import Settings
from domain.action import ActionState
from domain.approval import Verb
from domain.brand import BrandProfile
from domain.slot import Slot
from embedded.supervisor import EmbeddedServices
from storage.queue import JobQueue, connect
from storage.repositories.recurrences import last_day
from storage.uow import Database
from tests.fakes import START, ListWaker
from tests.repeats import (
    BERLIN,
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
from tests.waiting import wait_until
from workers.clock import ClockProcess
from workflows import recurring
from workflows.free_slots import next_free
from workflows.items import Draft
from workflows.realign import realign_slots
from workflows.recurring_dates import end_of
from workflows.start import compose_post

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


# -- evergreen -----------------------------------------------------------------------------------


RHYTHM = ("mon 09:00", "thu 18:00")


@pytest.fixture
def evergreen(database: Database, database_url: str, waker: ListWaker) -> Again:
    profile = BrandProfile(name="Kopi Senja", posts_per_period=2, rhythm=RHYTHM)
    room = make_room(database, database_url, waker, profile)
    return repeat(room, published(room, monday()), "evergreen", 10)


def test_evergreen_comes_into_slots_of_the_week_with_its_gap(evergreen: Again) -> None:
    days = [monday().wall]
    for number in range(5):
        assert evergreen.propose() == "proposed"
        days.append(datetime.fromisoformat(evergreen.last().slot_wall or ""))
        evergreen.publish(evergreen.last(), f"{OTHER} {number}")
    assert [f"{day:%a %H:%M}" for day in days[1:]] == [
        *("Thu 18:00", "Mon 09:00", "Thu 18:00", "Mon 09:00", "Thu 18:00")
    ]
    gaps = [later - day for day, later in pairwise(days)]
    assert min(gaps) >= timedelta(days=10) and max(gaps) < timedelta(days=14)


def test_evergreen_gives_way_and_keeps_its_gap(evergreen: Again) -> None:
    room = evergreen.room
    first = evergreen.slot()
    room.post("Lebih penting", slot=first)
    assert evergreen.propose() == "moved"
    moved = evergreen.slot()
    assert moved.instant > first.instant and f"{moved.wall:%a %H:%M}" == "Mon 09:00"
    assert evergreen.propose() == "proposed"
    # Published later than planned, so the next one comes later, too.
    later = Slot.at(moved.wall.date() + timedelta(days=6), time(7), JAKARTA)
    found = evergreen.last()
    room.decide(found.id, Verb.RESCHEDULE, found.version, slot=later)
    evergreen.publish(room.action(found.id), OTHER)
    while (done := evergreen.propose()) != "proposed":
        assert done == "moved"
    slot = datetime.fromisoformat(evergreen.last().slot_wall or "")
    assert slot - later.wall >= timedelta(days=10)


def test_evergreen_resumes_into_a_slot_that_is_still_to_come(evergreen: Again) -> None:
    room, database = evergreen.room, evergreen.room.services.database
    with database.unit(room.workspace_id) as uow:
        recurring.pause(uow, room.owner, evergreen.id)
    room.clock.advance(timedelta(days=100))
    with database.unit(room.workspace_id) as uow:
        recurring.resume(uow, room.clock.now(), LEAD, room.owner, evergreen.id)
    assert evergreen.slot().instant >= room.clock.now() + LEAD, "people get time to look at it"
    assert evergreen.propose() == "proposed"


def test_evergreen_rests_when_no_slot_is_free(evergreen: Again) -> None:
    room = evergreen.room
    # Two others take every slot of the week.
    for wall in (datetime(2026, 11, 26, 18), datetime(2026, 11, 30, 9)):
        repeat(room, published(room, Slot.of_wall(wall, JAKARTA), f"Tiap {wall:%a}"))
    assert evergreen.propose() == "paused"
    assert "No slot of Kopi Senja is free" in evergreen.row().reason
    assert evergreen.posts() == []


def test_the_next_free_slot_goes_to_one_of_two(evergreen: Again) -> None:
    room, database = evergreen.room, evergreen.room.services.database
    start = threading.Barrier(2)
    given: list[Slot] = []

    def compose() -> None:
        start.wait()
        with database.unit(room.workspace_id) as uow:
            account = uow.brands.account(room.account_id)
            slot = next_free(uow, account, room.clock.now())
            draft = Draft(text=f"Halo {len(given)}", no_claim=True)
            compose_post(uow, room.verbs(uow), room.owner, room.account_id, draft, slot)
        given.append(slot)

    writers = [threading.Thread(target=compose) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    # Thursday of this week and Monday of the next; the Thursday after that is the evergreen's.
    assert sorted(f"{slot.wall:%a %d}" for slot in given) == ["Mon 30", "Thu 26"]
    with database.unit(room.workspace_id) as uow:
        account = uow.brands.account(room.account_id)
        assert next_free(uow, account, room.clock.now()).wall.day == 7


# -- clocks that change --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wall", "shown"),
    [
        ("2027-03-19 09:00", ["03-26 09:00", "04-02 09:00"]),
        ("2027-03-21 02:30", ["03-28 03:30", "04-04 02:30"]),  # 02:30 of the 28th is skipped
        ("2026-10-18 02:30", ["10-25 02:30", "11-01 02:30"]),  # 02:30 of the 25th comes twice
    ],
)
def test_a_chain_over_a_change_of_clocks_keeps_its_wall_time(
    wall: str, shown: list[str], database: Database, database_url: str, waker: ListWaker
) -> None:
    room = make_room(database, database_url, waker, BrandProfile(name="Brot", time_zone=BERLIN))
    start = Slot.of_wall(datetime.fromisoformat(wall), BERLIN)
    room.clock.at = start.instant - timedelta(days=1)
    again = repeat(room, published(room, start))
    hours = []
    for number in range(2):
        assert again.propose() == "proposed"
        done = again.publish(again.last(), f"{OTHER} {number}")
        assert done.published_at is not None
        hours.append(done.published_at - start.instant)
        assert done.slot_wall == (start.wall + (number + 1) * WEEK).isoformat()
    seen = [Slot.of_instant(start.instant + gone, BERLIN).shown for gone in hours]
    assert [f"{at:%m-%d %H:%M}" for at in seen] == shown
    off = timedelta(hours=1) if "10-" in wall else timedelta(hours=-1)
    assert hours[1] == 2 * WEEK + off


def test_yearly_on_a_leap_day_goes_by_the_calendar(room: Room) -> None:
    leap = Slot.of_wall(datetime(2028, 2, 29, 9), JAKARTA)
    room.clock.at = leap.instant - timedelta(days=1)
    again = repeat(room, published(room, leap), days=366)
    assert again.slot().wall == datetime(2029, 3, 1, 9)


def test_a_brand_that_changes_its_zone(evergreen: Again) -> None:
    """What has a time keeps it; new times are of the new zone."""
    room, database = evergreen.room, evergreen.room.services.database
    with database.unit(room.workspace_id) as uow:
        uow.recurrences.get(evergreen.id).ends_at = end_of(date(2027, 6, 30), JAKARTA)
    weekly = repeat(room, published(room, monday(10), "Resep minggu ini"))
    weekly_slot = weekly.slot()
    waiting = room.post("Sudah punya waktu", slot=monday(20))
    evergreen.propose()
    proposed = evergreen.last()
    with database.unit(room.workspace_id) as uow:
        brand = uow.brands.get(room.brand_id)
        brand.profile = {**brand.profile, "time_zone": "Asia/Jayapura"}
    assert realign_slots(database, room.clock.now()) == 0
    assert room.action(waiting).slot_at == monday(20).instant
    assert room.action(proposed.id).slot_at == proposed.slot_at
    assert weekly.slot() == weekly_slot and weekly_slot.zone == JAKARTA
    evergreen.publish(proposed, OTHER)
    # The one that was planned before keeps its slot, those after it are of the new zone.
    assert evergreen.slot().zone == JAKARTA
    assert evergreen.propose() == "proposed"
    assert evergreen.last().slot_zone == JAKARTA
    new = evergreen.slot()
    assert new.zone == "Asia/Jayapura" and f"{new.wall:%a %H:%M}" in ("Mon 09:00", "Thu 18:00")
    assert last_day(evergreen.row()) == date(2027, 6, 30)
    assert evergreen.row().ends_at == end_of(date(2027, 6, 30), "Asia/Jayapura")
    with database.unit(room.workspace_id) as uow:
        account = uow.brands.account(room.account_id)
        assert next_free(uow, account, room.clock.now()).zone == "Asia/Jayapura"


def by_other_rules(room: Room, hours: int) -> None:
    """As if all slots had been stored while the clocks were believed to stand otherwise."""
    with room.services.database.system() as session:
        shift = {"hours": hours}
        session.execute(
            text("update actions set slot_at = slot_at + make_interval(hours => :hours)"), shift
        )


def test_new_rules_of_a_zone_keep_the_wall_time(weekly: Again, queue: JobQueue) -> None:
    room, database = weekly.room, weekly.room.services.database
    weekly.propose()
    weekly_post = weekly.last()
    ready = room.post("Sudah disetujui", slot=Slot.of_wall(monday().wall + WEEK / 7 * 8, JAKARTA))
    room.pump.drain()
    room.decide(ready, Verb.APPROVE)
    room.pump.drain()
    right = {item: room.action(item).slot_at for item in (ready, weekly_post.id)}
    out = room.action(weekly.source_id).slot_at
    by_other_rules(room, 1)
    stop = threading.Event()
    clock = ClockProcess(room.services.settings, database, queue, room.clock)
    leader = threading.Thread(target=clock.run, args=(stop,))
    leader.start()
    try:
        wait_until(
            lambda: {item: room.action(item).slot_at for item in right} == right,
            20,
            "the clock realigns when it takes the lead",
        )
    finally:
        stop.set()
        leader.join(20)
    assert out is not None
    moved = room.action(weekly.source_id).slot_at
    assert moved == out + timedelta(hours=1), "what is out stays as it was"
    with database.unit(room.workspace_id) as uow:
        assert [entry.verb for entry in uow.audit.of("action", ready)].count("realign") == 1
    assert realign_slots(database, room.clock.now()) == 0
    room.clock.at = right[ready] or START
    room.pump.tick()
    assert room.action(ready).state == ActionState.PUBLISHED, "its thread was told of the new time"


@pytest.mark.parametrize(
    ("off", "now", "moves"),
    [(0, -2, False), (-4, -2, True), (-4, 2, False), (4, 2, True)],
)
def test_new_rules_move_what_is_due_by_one_of_them(
    off: int, now: int, moves: bool, room: Room
) -> None:
    """The old rules were some hours off; it is some hours before or after the right instant."""
    slot = monday(20)
    action_id = room.post(TEXT, slot=slot)
    room.decide(action_id, Verb.APPROVE)
    by_other_rules(room, off)
    at = slot.instant + timedelta(hours=now)
    assert realign_slots(room.services.database, at) == int(moves)
    stays = slot.instant + timedelta(hours=off)
    assert room.action(action_id).slot_at == (slot.instant if moves else stays)


def test_every_clock_that_takes_the_lead_begins_with_it(room: Room, queue: JobQueue) -> None:
    began: list[str] = []
    stop = threading.Event()

    def begin(_database: Database, now: datetime) -> int:
        began.append(f"start {now:%H}")
        return 0

    def more(_database: Database, _queue: JobQueue, _now: datetime, config: Settings) -> int:
        assert config is room.services.settings
        began.append("tick")
        stop.set()
        return 5

    made = ClockProcess(
        room.services.settings,
        room.services.database,
        queue,
        FixedClock(START),
        also=[more],
        at_start=[begin],
    )
    made.run(stop)
    assert began == ["start 01", "tick"]
    assert made.tick() == 5
