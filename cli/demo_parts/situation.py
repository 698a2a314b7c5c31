"""Where a period stands, read from the database: what runs, what waits for people, what comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import exists, func, select

from domain.action import ActionKind, ActionState
from domain.conversation import ANSWERABLE
from storage.tables import Action, Cycle, EventRow, InteractionRow, LlmCall, Thread
from storage.uow import Database, UnitOfWork

WaitingKind = Literal["dossier", "plan", "post", "reply", "comment", "failure"]

# States of an action in which only a person can go on.
FOR_PEOPLE = frozenset(
    {
        ActionState.IN_REVIEW.value,
        ActionState.ON_HOLD.value,
        ActionState.FAILED.value,
        ActionState.EXPIRED.value,
    }
)
# States of a post that has come to its end, in which no customer will see another change.
DONE = frozenset({ActionState.PUBLISHED.value, ActionState.REJECTED.value})


@dataclass(frozen=True)
class Waiting:
    """One thing that waits for a person.

    Attributes:
        kind: what it is; `failure` is a stage that gave up.
        id: of the paper, action, interaction or thread.
        path: its page in the web application.
        text: what to tell the person.
        thread_id: of a failed stage, else empty.
        handle: whom a failed answer was for, else empty.
        node: of a failed stage, else empty.
    """

    kind: WaitingKind
    id: str
    path: str
    text: str
    thread_id: str = ""
    handle: str = ""
    node: str = ""


@dataclass(frozen=True)
class Situation:
    """A period at one moment.

    Attributes:
        stage: of the cycle.
        progress: what the stage says that it does.
        finished: whether the cycle has come to its end.
        running: nodes of threads that a worker has or will take at once.
        waiting: what waits for people, in the order in which they meet it.
        next_due: business time at which a waiting thread wakes by itself; None when none does.
        next_node: what it will do then.
        posts: number of the period's posts by state.
        published: the network's ids of the period's published posts, oldest first.
        comments: number of comments by state.
        papers: kinds of papers that are written.
        calls: number of model calls so far.
        call_seconds: their mean length; None before the first.
    """

    stage: str
    progress: str
    finished: bool
    running: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    next_due: datetime | None
    next_node: str
    posts: Mapping[str, int]
    published: tuple[str, ...]
    comments: Mapping[str, int]
    papers: tuple[str, ...]
    calls: int
    call_seconds: float | None

    @property
    def posts_out(self) -> bool:
        """Whether all posts of the period have come to an end, and at least one is published."""
        return bool(self.published) and set(self.posts) <= DONE

    @property
    def written(self) -> bool:
        """Whether the first draft of a post is in the queue."""
        return self.posts.get(ActionState.IN_REVIEW.value, 0) > 0 or bool(self.published)


def read(database: Database, workspace_id: str, cycle_id: str) -> Situation:
    """Read the situation of a period."""
    with database.unit(workspace_id) as uow:
        cycle = uow.cycles.get(cycle_id)
        calls, milliseconds = _calls(uow, cycle)
        thread = uow.threads.get(cycle.thread_id)
        next_due, next_node = _next(uow, cycle)
        posts = uow.actions.find(cycle_id=cycle_id, kind=ActionKind.POST.value)
        comments = [
            row
            for row in uow.interactions.of_brand(cycle.brand_id)
            if row.occurred_at >= cycle.period_start and row.kind in ANSWERABLE
        ]
        return Situation(
            stage=cycle.stage,
            progress=cycle.progress,
            finished=thread.status == "finished",
            running=_running(uow, cycle),
            waiting=_waiting(uow, cycle, comments),
            next_due=next_due,
            next_node=next_node,
            posts=Counter(post.state for post in posts),
            published=tuple(
                str(post.remote_id)
                for post in sorted(posts, key=lambda item: item.id)
                if post.state == ActionState.PUBLISHED.value
            ),
            comments=Counter(row.state for row in comments),
            papers=tuple(
                kind
                for kind in ("dossier", "plan", "evaluation")
                if uow.cycles.latest_paper(cycle_id, kind)
            ),
            calls=calls,
            call_seconds=milliseconds / 1000 if milliseconds is not None else None,
        )


def _calls(uow: UnitOfWork, cycle: Cycle) -> tuple[int, float | None]:
    """Number of model calls and their mean length in milliseconds."""
    query = select(func.count(), func.avg(LlmCall.milliseconds)).where(
        LlmCall.workspace_id == uow.workspace_id, LlmCall.brand_id == cycle.brand_id
    )
    count, mean = uow.session.execute(query).one()
    return int(count), None if mean is None else float(mean)


def _running(uow: UnitOfWork, cycle: Cycle) -> tuple[str, ...]:
    letter = exists().where(
        EventRow.thread_id == Thread.id,
        EventRow.consumed_at.is_(None),
        Thread.waits_for.has_key(EventRow.kind),
    )
    query = select(Thread.node).where(
        Thread.workspace_id == uow.workspace_id,
        Thread.brand_id == cycle.brand_id,
        (Thread.status == "ready") | ((Thread.status == "waiting") & letter),
    )
    return tuple(uow.session.scalars(query.order_by(Thread.id)))


def _next(uow: UnitOfWork, cycle: Cycle) -> tuple[datetime | None, str]:
    query = (
        select(Thread.due_at, Thread.node)
        .where(
            Thread.workspace_id == uow.workspace_id,
            Thread.brand_id == cycle.brand_id,
            Thread.status == "waiting",
            Thread.due_at.is_not(None),
        )
        .order_by(Thread.due_at)
        .limit(1)
    )
    found = uow.session.execute(query).one_or_none()
    return (found[0], found[1]) if found else (None, "")


def _waiting(uow: UnitOfWork, cycle: Cycle, comments: list[InteractionRow]) -> tuple[Waiting, ...]:
    found = [_failure(uow, thread) for thread in uow.threads.failed(cycle.brand_id)]
    failed = {item.thread_id for item in found}
    papers: tuple[WaitingKind, ...] = ("dossier", "plan")
    for kind in papers:
        paper = uow.cycles.latest_paper(cycle.id, kind)
        # Both are decided once both are written: the plan shows what the dossier is good for.
        if paper is not None and paper.state in ("in_review", "drafted") and _at_review(uow, cycle):
            text = f"the {kind}" + (" (empty: write it)" if paper.state == "drafted" else "")
            found.append(Waiting(kind, paper.id, f"/papers/{paper.id}", text))
    for action in uow.actions.find(brand_id=cycle.brand_id):
        if action.thread_id not in failed and _for_people(uow, action):
            kind = "reply" if action.kind == ActionKind.REPLY.value else "post"
            state = "" if action.state == "in_review" else f" ({action.state.replace('_', ' ')})"
            found.append(Waiting(kind, action.id, f"/items/{action.id}", f"a {kind}{state}"))
    for row in sorted(comments, key=lambda item: item.id):
        thread = uow.threads.get(row.thread_id) if row.thread_id else None
        if (
            row.state == "new"
            and thread is not None
            and (thread.node, thread.status)
            == (
                "idle",
                "waiting",
            )
        ):
            text = "a comment that seems to need no answer: answer it or leave it"
            found.append(Waiting("comment", row.id, f"/inbox/{row.id}", text))
    return tuple(found)


def _at_review(uow: UnitOfWork, cycle: Cycle) -> bool:
    return uow.threads.get(cycle.thread_id).node == "review"


def _for_people(uow: UnitOfWork, action: Action) -> bool:
    if action.state in FOR_PEOPLE:
        return True
    # A draft that breaks a limit, or that no model writes anew, waits in review without being in it.
    stuck = (ActionState.DRAFTED.value, ActionState.CHANGES_REQUESTED.value)
    thread = uow.threads.get(action.thread_id)
    return action.state in stuck and (thread.node, thread.status) == ("review", "waiting")


def _failure(uow: UnitOfWork, thread: Thread) -> Waiting:
    text = f"the stage {thread.node} gave up: {thread.error}"
    if thread.graph != "answer":
        return Waiting("failure", thread.id, "/", text, thread_id=thread.id, node=thread.node)
    row = uow.interactions.get(thread.subject_id)
    handle = uow.interactions.person(row.person_id).handle or ""
    return Waiting(
        "failure",
        thread.id,
        f"/inbox/{row.id}",
        text,
        thread_id=thread.id,
        handle=handle,
        node=thread.node,
    )
