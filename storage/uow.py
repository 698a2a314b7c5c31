"""The unit of work: one transaction per boundary (web request, job, command).

It alone commits, and wakes threads only after the commit, so that no worker sees a row too early.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from domain.events import EventKind
from storage.repositories.actions import Actions
from storage.repositories.brands import Brands, Cycles, Sources
from storage.repositories.engagement import Interactions, Metrics
from storage.repositories.outside import Outside
from storage.repositories.people import People
from storage.repositories.recurrences import Recurrences
from storage.repositories.system import Audit, ModelLedger, StopSwitch
from storage.repositories.threads import Threads
from storage.tables import Thread


class Waker(Protocol):
    """What is told after a commit that a thread may run; see `storage.queue.JobQueue`."""

    def wake(
        self, workspace_id: str, thread_id: str, queue: str, checkpoint: str, reason: str
    ) -> None:
        """Queue the thread's next super-step."""
        ...


class NoQueue:
    """Null twin of the queue: wakes nobody; the sweep would."""

    def wake(
        self, workspace_id: str, thread_id: str, queue: str, checkpoint: str, reason: str
    ) -> None:
        """Do nothing."""


class UnitOfWork:
    """The repositories of one workspace over one transaction."""

    def __init__(self, session: Session, workspace_id: str) -> None:
        """Bind all repositories to the session and the workspace."""
        self.session = session
        self.workspace_id = workspace_id
        self.brands = Brands(session, workspace_id)
        self.sources = Sources(session, workspace_id)
        self.cycles = Cycles(session, workspace_id)
        self.actions = Actions(session, workspace_id)
        self.recurrences = Recurrences(session, workspace_id)
        self.interactions = Interactions(session, workspace_id)
        self.metrics = Metrics(session, workspace_id)
        self.outside = Outside(session, workspace_id)
        self.threads = Threads(session, workspace_id)
        self.people = People(session, workspace_id)
        self.audit = Audit(session, workspace_id)
        self.stop = StopSwitch(session, workspace_id)
        self.ledger = ModelLedger(session, workspace_id)
        self._wakes: dict[str, tuple[Thread, str]] = {}

    def wake(self, thread: Thread, reason: str | None = None) -> None:
        """Queue the thread's next step after the commit.

        Args:
            thread: the thread.
            reason: tells repeated wakes of the same step apart; by default the step's try.
        """
        self._wakes[thread.id] = (thread, reason or f"try {thread.tries}")

    def send(self, thread_id: str, kind: EventKind, key: str) -> None:
        """Put an event into a thread's inbox and wake the thread after the commit.

        A thread whose stage has failed is made ready: what a person did may be just what it lacked.
        """
        self.threads.send(thread_id, kind, key)
        thread = self.threads.get(thread_id)
        if thread.status == "failed":
            thread = self.threads.get(thread_id, lock=True)
            thread.status, thread.failures, thread.ready_at = "ready", 0, self.now()
        self.wake(thread, key)

    def now(self) -> datetime:
        """The machine's time as the database tells it, for stamps that people read."""
        instant: datetime = self.session.execute(select(func.clock_timestamp())).scalar_one()
        return instant

    def wakes(self) -> list[tuple[str, str, str, str, str]]:
        """What to queue after the commit; read before the session closes."""
        return [
            (thread.workspace_id, thread.id, thread.queue, thread.checkpoint_id, reason)
            for thread, reason in self._wakes.values()
        ]


class Database:
    """Hands out units of work."""

    def __init__(self, engine: Engine, waker: Waker) -> None:
        """Take an engine, and who is told of threads that may run."""
        self.engine = engine
        self.waker = waker

    @contextmanager
    def unit(self, workspace_id: str) -> Iterator[UnitOfWork]:
        """A unit of work of one workspace: commits at the end, rolls back on any error."""
        with Session(self.engine, expire_on_commit=False) as session:
            uow = UnitOfWork(session, workspace_id)
            with session.begin():
                yield uow
            for wake in uow.wakes():
                self.waker.wake(*wake)

    @contextmanager
    def system(self) -> Iterator[Session]:
        """A session outside any workspace: logins, the clock, commands of the operator."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session
