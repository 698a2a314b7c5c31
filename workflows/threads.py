"""Making threads: a row that says where a LangGraph thread begins."""

from __future__ import annotations

from storage.tables import Thread, new_id
from storage.uow import UnitOfWork
from workflows.graphs import GRAPHS


def new_thread(
    uow: UnitOfWork,
    graph: str,
    brand_id: str,
    subject_id: str,
    *,
    thread_id: str | None = None,
    parent_id: str | None = None,
) -> Thread:
    """A thread of the newest version of a graph, to be run after the commit."""
    spec = GRAPHS.newest(graph)
    thread = uow.threads.add(
        thread_id or new_id(),
        brand_id,
        spec.name,
        spec.version,
        subject_id,
        node=spec.first,
        queue=spec.first_queue,
        parent_id=parent_id,
    )
    uow.wake(thread)
    return thread
