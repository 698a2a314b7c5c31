"""Whatever people, clocks and zones do, a repeated post keeps its promises.

Hypothesis writes the history; the repetition runs over the real database. What delivery would do to
a post is done to its row directly, so that hundreds of histories take seconds.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.action import ActionState
from domain.approval import ENDS
from domain.brand import BrandProfile
from domain.errors import HumasError
from domain.slot import Slot
from storage.repositories.recurrences import due_recurrences, last_day, next_slot
from storage.tables import Action
from storage.uow import Database, UnitOfWork
from tests import builders as b
from tests.fakes import START
from workflows import recurring
from workflows.free_slots import next_free
from workflows.items import set_slot
from workflows.proposals import propose
from workflows.recurring_dates import planned

pytestmark = pytest.mark.db
LEAD = timedelta(hours=72)
ZONES = ("Europe/Berlin", "Asia/Jakarta", "America/New_York", "Pacific/Apia", "Asia/Kathmandu")
RHYTHM = ("mon 09:00", "wed 02:30", "sun 02:30", "fri 23:30")
STARTS = (
    datetime(2026, 3, 20, 8),  # before the clocks of Europe go forward,
    datetime(2026, 10, 20, 8),  # and back
    datetime(2028, 2, 20, 2, 30),  # before a leap day
)

step = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 400)),
    st.tuples(st.just("sleep"), st.integers(1, 1500)),  # no clock looks meanwhile
    st.tuples(st.just("publish"), st.just(0)),
    st.tuples(st.just("reject"), st.just(0)),
    st.tuples(st.just("put off"), st.integers(1, 20)),
    st.tuples(st.just("pause"), st.just(0)),
    st.tuples(st.just("resume"), st.just(0)),
    st.tuples(st.just("compose"), st.just(0)),  # another post into the next free slot,
    st.tuples(st.just("take"), st.just(0)),  # or at the very time that this one was to have
    st.tuples(st.just("move"), st.integers(0, len(ZONES) - 1)),
    st.tuples(st.just("disconnect"), st.just(0)),
    st.tuples(st.just("connect"), st.just(0)),
)


@dataclass
class History:
    """One repeated post and what happened to it."""

    database: Database
    kind: str
    days: int
    now: datetime
    zone: str
    until: int | None
    proposed: list[Slot] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workspace_id = b.workspace(self.database)
        with self.unit() as uow:
            self.user = b.user(uow)
            brand = b.brand(uow, time_zone=self.zone, rhythm=RHYTHM, posts_per_period=2)
            self.account = b.account(uow, brand)
            wall = self.now.astimezone(BrandProfile(name="x", time_zone=self.zone).zone)
            self.first = Slot.of_wall(wall.replace(tzinfo=None), self.zone)
            source = b.action(
                uow, self.account, START, state=ActionState.PUBLISHED, slot=self.first
            )
            last = self.first.wall.date() + timedelta(days=self.until) if self.until else None
            row = recurring.repeat_post(
                uow, self.now, LEAD, self.user, source.id, self.kind, self.days, last
            )
            self.id, self.last_day = row.id, last

    def unit(self) -> AbstractContextManager[UnitOfWork]:
        return self.database.unit(self.workspace_id)

    def do(self, verb: str, value: int) -> None:
        """One step; what is refused changes nothing. Then a clock looks, unless it sleeps."""
        try:
            with self.unit() as uow:
                self._do(uow, verb, value)
        except HumasError:
            assert verb in ("pause", "resume", "compose")
        if verb != "sleep":
            self.look()
            self.look()

    def _do(self, uow: UnitOfWork, verb: str, value: int) -> None:
        last = uow.recurrences.last(self.id)
        account = uow.brands.account(self.account.id)
        if verb in ("wait", "sleep"):
            self.now += timedelta(hours=value)
        elif verb == "pause":
            recurring.pause(uow, self.user, self.id)
        elif verb == "resume":
            recurring.resume(uow, self.now, LEAD, self.user, self.id)
        elif verb == "compose":
            slot = next_free(uow, account, self.now)
            b.action(uow, account, START, state=ActionState.SCHEDULED, slot=slot)
        elif verb == "take":
            slot = next_slot(uow.recurrences.get(self.id))
            b.action(uow, account, START, state=ActionState.SCHEDULED, slot=slot)
        elif verb == "move":
            brand = uow.brands.get(account.brand_id)
            brand.profile = {**brand.profile, "time_zone": ZONES[value]}
        elif verb in ("disconnect", "connect"):
            account.disabled_at = self.now if verb == "disconnect" else None
        elif last is not None and ActionState(last.state) not in ENDS:
            self._decide(last, verb, value)

    def _decide(self, post: Action, verb: str, value: int) -> None:
        assert post.slot_at is not None and post.slot_zone is not None
        if verb == "reject":
            post.state = ActionState.REJECTED.value
        elif verb == "put off":
            late = max(post.slot_at, self.now) + timedelta(days=value)
            set_slot(post, Slot.of_instant(late, post.slot_zone))
        else:
            self.now = max(self.now, post.slot_at)
            post.state, post.published_at = ActionState.PUBLISHED.value, self.now

    def look(self) -> None:
        with self.database.system() as session:
            due = [row_id for _, row_id, _ in due_recurrences(session, self.now, 100)]
        if self.id not in due:
            return
        with self.unit() as uow:
            before = uow.recurrences.last(self.id)
            earlier = planned(uow, before, self.now) if before else self.first
            open_before = before is not None and ActionState(before.state) not in ENDS
            taken = uow.recurrences.taken(self.account.id, self.now, but=self.id)
            disconnected = uow.brands.account(self.account.id).disabled_at is not None
            if propose(uow, self.now, LEAD, self.id) != "proposed":
                return
            made = uow.recurrences.last(self.id)
        assert made is not None and made.slot_at is not None
        assert made.slot_wall is not None and made.slot_zone is not None
        slot = Slot.stored(made.slot_at, made.slot_wall, made.slot_zone)
        assert not open_before, "nothing piles up"
        assert not disconnected
        assert slot == slot.refreshed() and slot.instant > self.now, "people have time to decide"
        assert made.state == ActionState.DRAFTED and made.occurrence == len(self.proposed) + 1
        self._check_date(slot, earlier, slot.instant in taken)
        self.proposed.append(slot)

    def _check_date(self, slot: Slot, before: Slot, taken: bool) -> None:
        day = slot.wall.date()
        assert self.last_day is None or day <= self.last_day
        assert slot.instant not in {item.instant for item in self.proposed}
        if self.kind == "evergreen":
            assert slot.instant >= before.next_same_wall(self.days).instant, "the gap"
            assert f"{slot.wall:%a %H:%M}".lower() in RHYTHM and not taken
        else:
            assert (slot.zone, slot.wall.time()) == (self.first.zone, self.first.wall.time())
            passed: timedelta = day - self.first.wall.date()
            assert passed.days > 0 and passed.days % self.days == 0

    def check(self) -> None:
        """What is true at any time."""
        with self.unit() as uow:
            row = uow.recurrences.get(self.id)
            posts = uow.recurrences.occurrences(self.id, 1000)
            assert [post.occurrence for post in posts] == list(range(len(posts), 0, -1))
            assert row.occurrence == len(posts) == len(self.proposed)
            assert sum(ActionState(post.state) not in ENDS for post in posts) <= 1
            assert last_day(row) == self.last_day
            assert row.state == "active" or row.reason, "why it rests"


def run(
    database: Database,
    kind: str,
    days: int,
    start: datetime,
    zone: str,
    until: int | None,
    steps: list[tuple[str, int]],
) -> History:
    now = Slot.of_wall(start, zone).instant
    history = History(database, kind, days, now, zone, until)
    for verb, value in steps:
        history.do(verb, value)
        history.check()
    return history


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(recurring.KINDS),
    st.sampled_from([1, 2, 7, 10, 30]),
    st.sampled_from(STARTS),
    st.sampled_from(ZONES),
    st.none() | st.integers(40, 200),
    st.lists(step, min_size=5, max_size=30),
)
@example("evergreen", 7, STARTS[0], ZONES[0], None, [("wait", 100), ("publish", 0)] * 8)
@example("evergreen", 7, STARTS[0], ZONES[0], None, [("wait", 120), ("put off", 5), ("publish", 0)])
@example("evergreen", 7, STARTS[0], ZONES[1], None, [("take", 0), ("wait", 130), ("publish", 0)])
@example("evergreen", 7, STARTS[0], ZONES[0], 100, [("move", 3), ("wait", 200), ("publish", 0)] * 2)
@example("recurring", 1, STARTS[1], ZONES[0], 40, [("wait", 12), ("publish", 0)] * 12)
def test_the_promises_hold(
    database: Database,
    kind: str,
    days: int,
    start: datetime,
    zone: str,
    until: int | None,
    steps: list[tuple[str, int]],
) -> None:
    run(database, kind, days, start, zone, until, steps)


@pytest.mark.parametrize(("kind", "days"), [("recurring", 7), ("evergreen", 5)])
def test_histories_do_come_to_proposals(database: Database, kind: str, days: int) -> None:
    """The property says nothing where nothing is proposed."""
    steps = [("wait", 120), ("compose", 0), ("publish", 0)] * 10
    assert len(run(database, kind, days, STARTS[0], ZONES[0], None, steps).proposed) >= 6
