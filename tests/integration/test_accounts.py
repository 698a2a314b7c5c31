"""Past posts, posts made elsewhere, and a budget of calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from channels.base import (
    ChannelBusy,
    ChannelUnavailable,
    Outcome,
    OwnPost,
    SendRequest,
)
from domain.action import ActionState
from domain.approval import Verb
from storage.queue import JobQueue
from storage.repositories.outside import due_checks, due_imports, due_reads
from storage.tables import MetricSnapshot, OutsidePost
from storage.uow import Database
from tests.accounts import HOUR, Stand, earlier, fail_once, make_stand
from tests.fakes import START, ListWaker
from workers.account_clock import queue_account_jobs
from workflows import intake, outside

pytestmark = pytest.mark.db


@pytest.fixture
def stand(database: Database, database_url: str, waker: ListWaker) -> Stand:
    return make_stand(database, database_url, waker)


# -- past posts --------------------------------------------------------------------------------


def test_past_posts_come_in_with_figures_and_go_on_where_they_stopped(stand: Stand) -> None:
    site = stand.site
    site.platform.earlier = [earlier(number) for number in range(1, 8)]
    site.fails = fail_once("own_posts 4", ChannelUnavailable("down"))
    assert stand.import_posts() == 4
    assert stand.row().import_cursor == "4"
    assert stand.row().import_done_at is None
    site.calls.clear()
    assert stand.import_posts() == 3
    assert site.calls == ["own_posts 4", "own_posts 6"]  # the pages before are not asked again
    assert stand.row().import_done_at == START
    assert stand.texts() == [f"Past {number}" for number in range(1, 8)]
    assert stand.import_posts() == 0
    assert len(site.calls) == 2  # done is done
    with stand.room.services.database.unit(stand.room.workspace_id) as uow:
        posts = uow.outside.find()
        assert uow.outside.figures([posts[0].id]) == {posts[0].id: {"likeCount": 3}}
        # The account's own figures, and the evaluation above them, do not have them.
        assert uow.metrics.latest(stand.room.account_id) == []


def test_the_import_ends_a_year_back(stand: Stand) -> None:
    old = [replace(earlier(n), posted_at=START - timedelta(days=n)) for n in range(400, 410)]
    stand.site.platform.earlier = [earlier(1), earlier(2), *old]
    assert stand.import_posts() == 2
    assert stand.row().import_done_at is not None
    assert stand.texts() == ["Past 1", "Past 2"]
    assert len(stand.site.calls) == 2


def test_the_import_ends_after_so_many_posts(stand: Stand) -> None:
    most = outside.IMPORT_MOST
    stand.site.platform.earlier = [earlier(number) for number in range(1, most + 5)]
    jobs = 0
    while stand.row().import_done_at is None:
        stand.import_posts()
        jobs += 1
    assert 1 < jobs < 20  # no job goes on without an end
    with stand.room.services.database.unit(stand.room.workspace_id) as uow:
        assert uow.outside.count(stand.room.account_id) == most


def test_what_humas_sent_is_not_outside(stand: Stand) -> None:
    room = stand.room
    item = room.post("From Humas")
    room.pump.drain()
    room.decide(item, Verb.APPROVE)
    room.pump.drain()
    assert room.action(item).state == ActionState.PUBLISHED
    stand.site.platform.earlier = [earlier(1)]
    assert stand.import_posts() == 1
    assert stand.texts() == ["Past 1"]


def test_what_is_just_being_sent_is_not_outside(stand: Stand) -> None:
    room, seen = stand.room, []

    def read_meanwhile(request: SendRequest) -> Outcome:
        """The post stands on the platform, and its outcome is not recorded yet."""
        sent = stand.site.platform.store(request)
        stand.site.platform.earlier.append(earlier(1))
        stand.import_posts()
        stand.read()
        seen.append(stand.texts())
        return sent

    stand.site.platform.script = [read_meanwhile]
    item = room.post("From Humas")
    room.pump.drain()
    room.decide(item, Verb.APPROVE)
    room.pump.drain()
    assert seen == [["Past 1"]]
    room.clock.advance(7 * HOUR)
    stand.read()
    assert stand.texts() == ["Past 1"]


def test_one_that_was_kept_too_early_goes_when_it_is_known_as_ours(stand: Stand) -> None:
    room = stand.room
    item = room.post("From Humas")
    room.pump.drain()
    room.decide(item, Verb.APPROVE)
    room.pump.drain()
    remote_id = room.action(item).remote_id
    assert remote_id is not None
    stand.import_posts()
    with room.services.database.unit(room.workspace_id) as uow:
        row = OutsidePost(
            workspace_id=room.workspace_id,
            brand_id=room.brand_id,
            account_id=room.account_id,
            remote_id=remote_id,
            kind="post",
            text="From Humas",
            posted_at=START,
            seen_at=START,
        )
        uow.session.add(row)
        uow.session.flush()
        uow.session.add(
            MetricSnapshot(
                workspace_id=room.workspace_id,
                account_id=room.account_id,
                outside_id=row.id,
                name="likeCount",
                value=1,
                status="ok",
                taken_at=START,
            )
        )
    assert stand.texts() == []  # not shown even before it is gone
    stand.read()
    with room.services.database.unit(room.workspace_id) as uow:
        assert uow.outside.count(room.account_id) == 0


def test_posts_made_elsewhere_are_found_and_figures_follow(stand: Stand) -> None:
    platform = stand.site.platform
    platform.earlier = [earlier(number) for number in range(1, 6)]
    stand.import_posts()
    stand.room.clock.advance(6 * HOUR)
    new = [
        OwnPost(f"new-{n}", "post", f"Elsewhere {n}", None, START + n * HOUR, ()) for n in (1, 2, 3)
    ]
    platform.earlier += new
    platform.earlier[0] = earlier(1, likes=9)
    stand.site.fails = fail_once("own_posts 2", ChannelUnavailable("down"))
    assert stand.read() == 0  # no half of it, or the rest would be missed
    assert stand.read() == 3
    assert stand.texts()[:4] == ["Elsewhere 3", "Elsewhere 2", "Elsewhere 1", "Past 1"]
    with stand.room.services.database.unit(stand.room.workspace_id) as uow:
        past = uow.outside.find()[3]
        assert uow.outside.figures([past.id])[past.id] == {"likeCount": 9}
        first = uow.outside.find(limit=3)
        rest = uow.outside.find(before=(first[-1].posted_at, first[-1].id))
        assert [post.text for post in rest] == [f"Past {n}" for n in range(1, 6)]


# -- a budget of calls -------------------------------------------------------------------------


def test_no_call_before_the_budget_is_back(stand: Stand) -> None:
    room = stand.room
    stand.waits(START + HOUR)
    assert intake.poll(room.services, room.workspace_id, room.account_id) == 0
    stand.import_posts()
    stand.read()
    stand.check()
    assert stand.site.calls == []
    assert stand.row().poll_at == START + HOUR  # the clock does not ask before, either
    with room.services.database.system() as session:
        now = room.clock.now()
        assert due_imports(session, now, now, 9) == due_checks(session, now, now, now, 9) == []
    room.clock.advance(HOUR)
    intake.poll(room.services, room.workspace_id, room.account_id)
    stand.import_posts()
    assert stand.site.calls == ["interactions", "own_posts None"]


def test_a_rate_limit_stops_the_import_until_it_is_over(stand: Stand) -> None:
    stand.site.platform.earlier = [earlier(number) for number in range(1, 4)]
    until = START + 2 * HOUR
    stand.site.fails = fail_once("own_posts 2", ChannelBusy("429", until))
    assert stand.import_posts() == 2
    assert stand.row().waits_until == until
    assert stand.import_posts() == 0
    assert len(stand.site.calls) == 2
    stand.room.clock.at = until
    assert stand.import_posts() == 1
    assert stand.row().import_done_at == until


def test_the_clock_queues_what_is_due(stand: Stand) -> None:
    room, queued = stand.room, []

    class Queue(JobQueue):
        def __init__(self) -> None:
            pass

        def enqueue(self, queue: str, function: str, *args: str | int, job_id: str) -> bool:
            assert queue == "intake" and args == (room.workspace_id, room.account_id), job_id
            queued.append(function.rpartition(".")[2])
            return True

    def tick() -> list[str]:
        queued.clear()
        services = room.services
        queue_account_jobs(services.database, Queue(), room.clock.now(), services.settings)
        return list(queued)

    assert tick() == ["check_account", "import_posts"]
    stand.check()
    stand.import_posts()
    assert tick() == []
    room.clock.advance(timedelta(hours=5, minutes=59))
    assert tick() == []
    room.clock.advance(timedelta(minutes=1))
    assert tick() == ["check_account", "read_outside"]
    stand.read()
    stand.check()
    with room.services.database.system() as session:
        assert due_reads(session, room.clock.now(), room.clock.now() - 6 * HOUR, 9) == []
