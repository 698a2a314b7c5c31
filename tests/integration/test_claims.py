"""Many processes at the same due posts: each post is claimed once (R8)."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from config.clock import SystemClock
from config.settings import Settings
from domain.action import ActionState
from domain.approval import Verb
from domain.errors import TransitionRefused
from storage.secrets import SecretBox, new_key
from storage.uow import Database
from tests.bench.office import open_office
from tests.spine.world import TablePlatform, world_services
from workflows.actions import ActionVerbs
from workflows.delivery import Delivery

pytestmark = pytest.mark.db

PROCESSES = 8
POSTS = 200
REVOKED = 30


def claim_all(
    url: str, key: str, workspace_id: str, ids: list[str], seed: int, begin: float
) -> None:
    """A process that tries to deliver every post, in an order of its own."""
    random.Random(seed).shuffle(ids)
    settings = Settings(
        _env_file=None, database_url=url, redis_url="redis://unused.invalid", secret_key=key
    )
    services = world_services(settings, url)
    delivery = Delivery(services, workspace_id)
    time.sleep(max(0.0, begin - time.time()))
    for action_id in ids:
        delivery.deliver(action_id)
    services.database.engine.dispose()


def test_eight_processes_send_each_due_post_once(database: Database, database_url: str) -> None:
    key = new_key()
    office = open_office(database, SecretBox(key), "https://x.example", "bluesky")
    table = TablePlatform(database_url)
    table.create()
    clock = SystemClock()
    words = [f"post {number}" for number in range(POSTS)]
    office.approved_posts(words, clock.now() - timedelta(seconds=5), clock.now())
    with database.system() as session:
        ids = list(session.scalars(text("select id::text from actions order by id")))
    begin = time.time() + 6
    context = multiprocessing.get_context("spawn")
    crew = [
        context.Process(
            target=claim_all,
            args=(database_url, key, office.workspace_id, list(ids), seed, begin),
        )
        for seed in range(PROCESSES)
    ]
    for process in crew:
        process.start()
    time.sleep(max(0.0, begin + 0.2 - time.time()))
    held = set()
    for action_id in random.Random(99).sample(ids, REVOKED):  # people change their minds meanwhile
        try:
            with database.unit(office.workspace_id) as uow:
                verbs = ActionVerbs(uow, clock, undo_seconds=0)
                verbs.decide(office.owner, action_id, Verb.HOLD, 1)
            held.add(action_id)
        except TransitionRefused:
            continue  # it is out or on its way: too late to hold it
    for process in crew:
        process.join(120)
        assert process.exitcode == 0

    sends = Counter(row[0] for row in table.rows("select client_key from fake_sends"))
    assert set(sends.values()) == {1}
    with database.unit(office.workspace_id) as uow:
        states = {action.id: ActionState(action.state) for action in uow.actions.find(limit=POSTS)}
        text_of = {name: uow.actions.version(uow.actions.get(name)) for name in held}
    assert {name for name, state in states.items() if state is ActionState.ON_HOLD} == held
    assert set(states.values()) <= {ActionState.PUBLISHED, ActionState.ON_HOLD}
    live = Counter(body for _, body in table.posts())
    assert len(live) == POSTS - len(held)
    assert set(live.values()) == {1}
    for version in text_of.values():
        assert version is not None
        assert version.payload["segments"][0]["text"] not in live
    assert held  # some of them were in time, or nothing was raced
