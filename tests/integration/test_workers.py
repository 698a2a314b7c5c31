"""Real workers and a real clock over PostgreSQL and Valkey, with kill -9, a flush and a restart."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from domain.action import ActionState
from domain.approval import Verb
from domain.brand import BrandProfile
from domain.team import Role
from embedded.supervisor import EmbeddedServices
from storage.database import migrate
from storage.queue import connect
from storage.repositories.people import Workspaces
from storage.secrets import new_key
from storage.tables import User, new_id
from tests.spine.processes import Processes
from tests.spine.world import TablePlatform, world_services
from tests.waiting import wait_until
from workflows.actions import ActionVerbs
from workflows.items import Draft
from workflows.services import Services
from workflows.start import compose_post

pytestmark = [pytest.mark.db, pytest.mark.live, pytest.mark.timeout(400)]
POSTS = 24


@pytest.fixture
def own_servers(tmp_path: Path) -> Iterator[EmbeddedServices]:
    """Servers of this test alone: it crashes them, and no commit may be lost by that."""
    embedded = EmbeddedServices(tmp_path / "home", durable=True)
    embedded.ensure()
    try:
        yield embedded
    finally:
        embedded.destroy()


def environment(embedded: EmbeddedServices) -> dict[str, str]:
    return {
        "HUMAS_DATABASE_URL": embedded.urls.database_url,
        "HUMAS_REDIS_URL": embedded.urls.redis_url,
        "HUMAS_SECRET_KEY": new_key(),
        "HUMAS_LLM_BASE_URL": "off",
        "HUMAS_UNDO_SECONDS": "0",
        "HUMAS_MEASURE_HOURS": "0",
        "HUMAS_TICK_SECONDS": "0.3",
        "HUMAS_SWEEP_SECONDS": "2",
        "HUMAS_LEASE_SECONDS": "5",
        "HUMAS_LOG_LEVEL": "ERROR",
        "HUMAS_STAGE_TRIES": "5",
    }


class Office:
    """A workspace with a brand that posts by hand, over the instant world."""

    def __init__(self, embedded: EmbeddedServices, monkeypatch: pytest.MonkeyPatch) -> None:
        env = environment(embedded)
        migrate(embedded.urls.database_url)
        platform_url = embedded.create_database("platform")
        self.table = TablePlatform(platform_url)
        self.table.create()
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        self.services: Services = world_services(Settings(_env_file=None), platform_url)
        self.processes = Processes({**env, "SPINE_PLATFORM": platform_url, "SPINE_SLOW": "0.05"})
        with self.services.database.system() as session:
            self.workspace_id = Workspaces(session).add("office").id
        with self.services.database.unit(self.workspace_id) as uow:
            self.brand_id = uow.brands.add(BrandProfile(name="Kopi", grace_minutes=60)).id
            self.account_id = new_id()
            uow.brands.add_account(
                self.account_id, self.brand_id, "bluesky", "https://x.example", "kopi", b"sealed"
            )
            self.owner: User = uow.people.add("a@example.org", "A", "long enough 1", Role.OWNER)

    def compose(self, count: int) -> list[str]:
        ids = []
        for number in range(count):
            with self.services.database.unit(self.workspace_id) as uow:
                verbs = ActionVerbs(uow, self.services.clock, undo_seconds=0)
                draft = Draft(text=f"post {number}", no_claim=True)
                ids.append(compose_post(uow, verbs, self.owner, self.account_id, draft, None).id)
        return ids

    def approve(self, action_id: str) -> None:
        with self.services.database.unit(self.workspace_id) as uow:
            verbs = ActionVerbs(uow, self.services.clock, undo_seconds=0)
            verbs.decide(self.owner, action_id, Verb.APPROVE, 1)

    def states(self) -> dict[str, int]:
        with self.services.database.unit(self.workspace_id) as uow:
            return uow.actions.counts()

    def all_published(self, count: int) -> bool:
        return self.states() == {ActionState.PUBLISHED.value: count}

    def unfinished(self) -> int:
        with self.services.database.unit(self.workspace_id) as uow:
            return uow.threads.unfinished(self.brand_id)


@pytest.fixture
def office(own_servers: EmbeddedServices, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    made = Office(own_servers, monkeypatch)
    try:
        yield made
    finally:
        made.processes.stop()
        made.services.database.engine.dispose()


def test_the_queue_is_rebuilt_after_a_flush_in_mid_run(
    office: Office, own_servers: EmbeddedServices
) -> None:
    ids = office.compose(6)  # their jobs are in Redis, no worker runs yet
    redis = connect(own_servers.urls.redis_url)
    redis.flushall()
    for action_id in ids:
        office.approve(action_id)
    redis.flushall()
    office.processes.start("worker", "planning", "publishing", "evaluation")
    office.processes.start("clock")
    wait_until(lambda: office.all_published(6), 90, "all published after the flush")
    wait_until(lambda: office.unfinished() == 0, 60, "all threads finished")
    assert sorted(text for _, text in office.table.posts()) == [f"post {n}" for n in range(6)]
    redis.close()


def test_chaos_publishes_each_approved_item_once(
    office: Office, own_servers: EmbeddedServices
) -> None:
    ids = office.compose(POSTS)
    pools = [
        office.processes.start("worker", "planning", "publishing", "publishing", "evaluation")
        for _ in range(2)
    ]
    office.processes.start("clock")
    up = lambda: all(len(office.processes.descendants(pool)) >= 4 for pool in pools)  # noqa: E731
    wait_until(up, 60, "the workers are up")
    dice = random.Random(20261122)
    kills = 0
    redis = connect(own_servers.urls.redis_url)
    for number, action_id in enumerate(ids):
        office.approve(action_id)
        time.sleep(dice.uniform(0.0, 0.3))
        victims = [pid for pool in pools for pid in office.processes.descendants(pool)]
        if victims and dice.random() < 0.7:
            try:
                os.kill(dice.choice(victims), signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                pass
        if number == POSTS // 3:
            redis.flushall()
        if number == POSTS // 2:
            pid = own_servers.postgres.daemon.pid()  # a crash, not an orderly stop
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            own_servers.ensure()
            office.services.database.engine.dispose()
    wait_until(lambda: office.all_published(POSTS), 200, f"all published, now {office.states()}")
    wait_until(lambda: office.unfinished() == 0, 60, "all threads finished")
    texts = sorted(text for _, text in office.table.posts())
    assert texts == sorted(f"post {n}" for n in range(POSTS))
    assert kills >= 5
    redis.close()
