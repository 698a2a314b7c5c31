"""The jobs: thin, they take ids, check the state first, and may run twice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache

from config.settings import settings
from workflows import account_health, intake, outside, proposals
from workflows.compose import build_services
from workflows.graphs import GRAPHS
from workflows.recurring_dates import lead_time
from workflows.runner import Runner, ThreadBusy
from workflows.services import Services

log = logging.getLogger(__name__)


_factory: list[Callable[[], Services]] = [lambda: build_services(settings(), pool_size=2)]


def use(factory: Callable[[], Services]) -> None:
    """Hand in another maker of services, before the first job; for benchmarks and tests."""
    _factory[:] = [factory]
    services.cache_clear()
    runner.cache_clear()


@lru_cache(maxsize=1)
def services() -> Services:
    """What the jobs of this process work with; made in the process that runs the job."""
    return _factory[0]()


@lru_cache(maxsize=1)
def runner() -> Runner:
    """What runs threads in this process; it keeps its connection and its graphs."""
    return Runner(services(), GRAPHS)


def advance(workspace_id: str, thread_id: str, expected: str) -> str:
    """Run one super-step of a thread."""
    try:
        return runner().advance(workspace_id, thread_id, expected)
    except ThreadBusy as busy:
        return str(busy)


def poll_account(workspace_id: str, account_id: str) -> int:
    """Read an account's new interactions."""
    return intake.poll(services(), workspace_id, account_id)


def import_posts(workspace_id: str, account_id: str) -> int:
    """Read an account's past posts, from where an earlier job came to."""
    return outside.import_posts(services(), workspace_id, account_id)


def read_outside(workspace_id: str, account_id: str) -> int:
    """Read what an account published beside Humas."""
    return outside.read_outside(services(), workspace_id, account_id)


def check_account(workspace_id: str, account_id: str) -> bool:
    """Try an account's credentials, and warn of what would break."""
    return account_health.check_account(services(), workspace_id, account_id)


def propose(workspace_id: str, recurrence_id: str) -> str:
    """Propose the next occurrence of a repeated post, if it is time."""
    made = services()
    with made.database.unit(workspace_id) as uow:
        return proposals.propose(uow, made.clock.now(), lead_time(made), recurrence_id)
