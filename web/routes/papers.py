"""Dossier, plan and evaluation: read, decide, comment."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.approval import Verb
from domain.errors import InvalidInput, NotFound, StaleVersion, TransitionRefused
from domain.evaluation import PLACEHOLDER, Evaluation, Paragraph
from storage.uow import UnitOfWork
from web.errors import status_of
from web.forms import Form, Form_
from web.pages import go, page
from web.views.papers import PaperView, evaluation_view, paper_view
from web.visit import Visit, Visit_
from workflows.papers import decide_paper, edit_paper, read_dossier, read_evaluation, read_plan

router = APIRouter()
VERBS = (Verb.APPROVE.value, Verb.REQUEST_CHANGES.value)


@router.get("/papers/{paper_id}")
def paper(request: Request, visit: Visit_, paper_id: str) -> Response:
    """A paper."""
    return show(request, visit, paper_id)


@router.post("/papers/{paper_id}/comment")
def comment(request: Request, visit: Visit_, form: Form_, paper_id: str) -> Response:
    """Add a person's paragraph to an evaluation."""
    try:
        seen = form.number("version")
        with visit.services.database.unit(visit.workspace_id) as uow:
            row = uow.cycles.paper(paper_id)
            if row.kind != "evaluation":
                raise NotFound("Comments are added to evaluations.")
            content = _commented(read_evaluation(row), form.text("text"))
            new = edit_paper(uow, visit.user, paper_id, seen, content)
    except (InvalidInput, StaleVersion) as error:
        return show(request, visit, paper_id, error=error, form=form)
    return go(f"/papers/{new.id}", "comment")


@router.post("/papers/{paper_id}/{verb}")
def decide(request: Request, visit: Visit_, form: Form_, paper_id: str, verb: str) -> Response:
    """Approve a paper or request changes; `version` is the number that the person saw."""
    if verb not in VERBS:
        raise NotFound(f"There is no verb {verb!r} for a paper.")
    try:
        seen = form.number("version")
        with visit.services.database.unit(visit.workspace_id) as uow:
            decide_paper(uow, visit.user, paper_id, Verb(verb), seen, form.text("comment"))
    except (InvalidInput, StaleVersion, TransitionRefused) as error:
        return show(request, visit, paper_id, error=error, form=form)
    return go(f"/papers/{paper_id}", f"paper_{verb}")


def _commented(evaluation: Evaluation, text: str) -> Evaluation:
    if not text:
        raise InvalidInput("The comment is empty.")
    known = {figure.id for figure in evaluation.figures}
    if wrong := [name for name in PLACEHOLDER.findall(text) if name not in known]:
        raise InvalidInput(f"There is no figure {wrong[0]!r} in this evaluation.")
    added = Paragraph(text=text, kind="comment", entered_by="person")
    return evaluation.model_copy(update={"paragraphs": (*evaluation.paragraphs, added)})


def show(
    request: Request,
    visit: Visit,
    paper_id: str,
    *,
    error: Exception | None = None,
    form: Form | None = None,
) -> Response:
    """The page of a paper; after a refused decision with what was typed."""
    with visit.services.database.unit(visit.workspace_id) as uow:
        view = paper_view(uow, paper_id)
        return page(
            request,
            f"{view.paper.kind}.html",
            visit,
            status=status_of(error)[0] if error else 200,
            view=view,
            content=_content(uow, view, visit.language),
            error=str(error) if error else "",
            stale=isinstance(error, StaleVersion),
            typed=form.plain() if form else {},
        )


def _content(uow: UnitOfWork, view: PaperView, language: str) -> object:
    if view.paper.kind == "dossier":
        return read_dossier(view.paper)
    if view.paper.kind == "plan":
        return read_plan(view.paper)
    return evaluation_view(uow, read_evaluation(view.paper), language)
