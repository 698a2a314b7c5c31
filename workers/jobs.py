"""The jobs: thin, they take ids, check the state first, and may run twice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache

from config.settings import settings
from workflows import intake
from workflows.compose import build_services
from workflows.graphs import GRAPHS
from workflows.runner import Runner, ThreadBusy
from workflows.services import Services

log = logging.getLogger(__name__)


_factory: list[Callable[[], Services]] = [lambda: build_services(settings(), pool_size=2)]


def use(factory: Callable[[], Services]) -> None:
    """Hand in another maker of services, before the first job; for benchmarks and tests."""
    _factory[:] = [factory]
    services.cache_clear()


@lru_cache(maxsize=1)
def services() -> Services:
    """What the jobs of this process work with; made in the process that runs the job."""
    return _factory[0]()


def advance(workspace_id: str, thread_id: str, expected: str) -> str:
    """Run one super-step of a thread."""
    try:
        return Runner(services(), GRAPHS).advance(workspace_id, thread_id, expected)
    except ThreadBusy as busy:
        return str(busy)


def poll_account(workspace_id: str, account_id: str) -> int:
    """Read an account's new interactions."""
    return intake.poll(services(), workspace_id, account_id)
