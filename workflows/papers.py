"""Dossier, plan and evaluation as papers: written by an agent or by hand, versioned, decided on."""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from domain.approval import Verb
from domain.dossier import Dossier
from domain.errors import InvalidInput, StaleVersion, TransitionRefused
from domain.evaluation import Evaluation
from domain.events import EventKind
from domain.plan import Plan
from domain.team import Right, Role, require
from storage.tables import Cycle, Paper, User
from storage.uow import UnitOfWork

PaperKind = Literal["dossier", "plan", "evaluation"]
CONTENT: dict[PaperKind, type[BaseModel]] = {
    "dossier": Dossier,
    "plan": Plan,
    "evaluation": Evaluation,
}
Content = TypeVar("Content", bound=BaseModel)


def read_dossier(paper: Paper) -> Dossier:
    """The content of a dossier."""
    return Dossier.model_validate(paper.content)


def read_plan(paper: Paper) -> Plan:
    """The content of a plan."""
    return Plan.model_validate(paper.content)


def read_evaluation(paper: Paper) -> Evaluation:
    """The content of an evaluation."""
    return Evaluation.model_validate(paper.content)


def write_paper(
    uow: UnitOfWork,
    cycle: Cycle,
    kind: PaperKind,
    content: BaseModel,
    *,
    state: str,
    author_id: str | None = None,
) -> Paper:
    """Store a new version; nothing of the versions before it is lost."""
    assert isinstance(content, CONTENT[kind])
    paper = uow.cycles.add_paper(
        cycle, kind, content.model_dump(mode="json"), state=state, author_id=author_id
    )
    uow.audit.write(author_id or "system", "write", kind, paper.id, number=paper.number)
    return paper


def edit_paper(uow: UnitOfWork, user: User, paper_id: str, seen: int, content: BaseModel) -> Paper:
    """A person changes a paper: a new version, in review.

    Raises:
        NotPermitted: the role does not allow it.
        StaleVersion: there is a newer version.
        InvalidInput: the content is not of the paper's kind.
        TransitionRefused: it is approved already and its period runs on it.
    """
    require(Role(user.role), Right.WRITE)
    paper = _current(uow, paper_id, seen)
    if paper.state == "approved" and paper.kind != "evaluation":
        raise TransitionRefused(
            f"The {paper.kind} is approved and the period runs on it. Change single posts in the queue, "
            "or start a new period."
        )
    kind: PaperKind = paper.kind  # type: ignore[assignment]
    try:
        checked = CONTENT[kind].model_validate(content.model_dump())
    except ValidationError as error:
        raise InvalidInput(f"This is not a {kind}: {error}") from error
    cycle = uow.cycles.get(paper.cycle_id)
    return write_paper(uow, cycle, kind, checked, state="in_review", author_id=user.id)


def decide_paper(
    uow: UnitOfWork, user: User, paper_id: str, verb: Verb, seen: int, comment: str = ""
) -> Paper:
    """Approve a paper, or request changes to it; wakes the cycle.

    Args:
        uow: the unit of work; its owner commits.
        user: who decides.
        paper_id: the paper.
        verb: APPROVE or REQUEST_CHANGES.
        seen: the version number that the person saw.
        comment: needed for REQUEST_CHANGES.

    Raises:
        NotPermitted, StaleVersion, TransitionRefused, InvalidInput: as the names say.
    """
    require(Role(user.role), Right.DECIDE)
    paper = _current(uow, paper_id, seen)
    if verb not in (Verb.APPROVE, Verb.REQUEST_CHANGES):
        raise InvalidInput(f"A {paper.kind} can be approved, or changes be requested.")
    if paper.state not in ("in_review", "drafted"):
        raise TransitionRefused(
            f"The {paper.kind} is {paper.state.replace('_', ' ')} already; there is nothing to decide."
        )
    if verb is Verb.REQUEST_CHANGES and not comment.strip():
        raise InvalidInput("Say what should change.")
    if verb is Verb.APPROVE and paper.kind == "plan":
        check_plan(read_plan(paper))
    paper.state = "approved" if verb is Verb.APPROVE else "changes_requested"
    paper.decided_by = user.id
    paper.decided_at = uow.now()
    paper.comment = comment.strip()
    uow.audit.write(user.id, verb.value, paper.kind, paper.id, number=paper.number)
    uow.session.flush()
    cycle = uow.cycles.get(paper.cycle_id)
    uow.send(cycle.thread_id, EventKind.DECISION, f"{paper.kind} {paper.number} {verb.value}")
    return paper


def check_plan(plan: Plan) -> None:
    """Refuse a plan that cannot be carried out.

    Raises:
        InvalidInput: it has no posts, or one of them has no caption.
    """
    if not plan.items:
        raise InvalidInput("The plan has no posts yet. Add at least one before you approve it.")
    for number, item in enumerate(plan.items, start=1):
        if not item.caption.strip():
            raise InvalidInput(f"Post {number} of the plan has no caption yet.")


def _current(uow: UnitOfWork, paper_id: str, seen: int) -> Paper:
    paper = uow.cycles.paper(paper_id, lock=True)
    newest = uow.cycles.latest_paper(paper.cycle_id, paper.kind)
    assert newest is not None
    if newest.id != paper.id or seen != paper.number:
        raise StaleVersion(f"The {paper.kind}", seen, newest.number)
    return paper
