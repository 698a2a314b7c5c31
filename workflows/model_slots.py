"""The cap on concurrent model calls, over all workers of all machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

PAUSE = 0.25
FIRST_KEY = 7_202_000  # a range of advisory locks that nothing else uses


class ModelSlots:
    """Hands out a fixed number of places as advisory locks.

    A place belongs to a database session, so that the death of its holder frees it.
    """

    def __init__(
        self, engine: Engine, places: int, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._engine = engine
        self._places = places
        self._sleep = sleep

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Wait for a free place and hold it."""
        with self._engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            while True:
                for key in range(FIRST_KEY, FIRST_KEY + self._places):
                    taken = connection.execute(
                        text("select pg_try_advisory_lock(:key)"), {"key": key}
                    ).scalar_one()
                    if not taken:
                        continue
                    try:
                        yield
                    finally:
                        connection.execute(text("select pg_advisory_unlock(:key)"), {"key": key})
                    return
                self._sleep(PAUSE)
