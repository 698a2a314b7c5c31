"""What all graphs share: their state, waiting, and the table of graphs by name and version."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, TypedDict

from langgraph.graph import END, StateGraph
from langgraph.types import interrupt

from domain.errors import HumasError
from domain.events import EventKind


class UnknownGraph(HumasError):
    """A thread was started by a version of its graph that this release does not have."""


class ThreadState(TypedDict, total=False):
    """Ids and small values only; the rows hold the content."""

    workspace_id: str
    thread_id: str
    brand_id: str
    subject_id: str
    route: str


def wait_for(*kinds: EventKind, due: datetime | None = None) -> list[str]:
    """Stop the thread until an event of one of the kinds arrives or the time has come.

    LangGraph runs a node again from its start when it resumes, so this must come before anything
    that has an effect.

    Args:
        kinds: what wakes the thread.
        due: business time at which it wakes by itself.

    Returns:
        The kinds that arrived; empty when only the time had come.
    """
    answer = interrupt(
        {"events": [kind.value for kind in kinds], "due": due.isoformat() if due else None}
    )
    return list(answer["events"])


def edges(*names: str, **also: str) -> dict[Hashable, str]:
    """The table of a graph's edges: a node's `route` names the next node, `end` ends the thread.

    Args:
        names: nodes that are reached by their own names.
        also: other routes and the nodes they lead to.
    """
    table: dict[Hashable, str] = {"end": END}
    table.update({name: name for name in names})
    table.update(also)
    return table


@dataclass(frozen=True)
class GraphSpec:
    """One version of one graph.

    Attributes:
        name: cycle, post or answer.
        version: counts up when nodes or edges change.
        first: the node after START.
        first_queue: its queue.
        module: where `build(services)` is; imported only when a thread runs.
    """

    name: str
    version: int
    first: str
    first_queue: str
    module: str

    def build(self, services: Any) -> StateGraph[ThreadState]:
        """The graph's builder, not compiled yet."""
        graph: StateGraph[ThreadState] = import_module(self.module).build(services)
        return graph


class Graphs:
    """The table of graphs; old versions stay in it while threads of them may sleep."""

    def __init__(self, specs: tuple[GraphSpec, ...]) -> None:
        self._specs = {(spec.name, spec.version): spec for spec in specs}

    def get(self, name: str, version: int) -> GraphSpec:
        """A graph.

        Raises:
            UnknownGraph: this release does not have that version.
        """
        try:
            return self._specs[name, version]
        except KeyError:
            raise UnknownGraph(
                f"This release has no graph {name} version {version}. Run the release that started the thread, "
                "or a newer one that still lists this version."
            ) from None

    def newest(self, name: str) -> GraphSpec:
        """The newest version of a graph; new threads start with it."""
        return max(
            (spec for (known, _), spec in self._specs.items() if known == name),
            key=lambda spec: spec.version,
        )
