"""Writing the dossier by hand, with or without a model's draft."""

from __future__ import annotations

from typing import Any, get_args

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from domain.brand import BusinessModel, Purpose
from domain.dossier import CompetitorProfile, Dossier, Finding, PlatformFit, Topic
from domain.errors import InvalidInput, NotFound, StaleVersion, TransitionRefused
from domain.source import Evidence, SourceSentence
from domain.team import Right, Role, require
from storage.uow import UnitOfWork
from web.errors import status_of
from web.forms import Form, Form_
from web.pages import go, page
from web.quotes import find_quote, relink
from web.views.papers import paper_view
from web.visit import Visit, Visit_
from workflows.papers import edit_paper, read_dossier

router = APIRouter()
Rows = list[dict[str, str]]
BLANK = 2  # empty rows under the filled ones


@router.get("/dossiers/{paper_id}/edit")
def editor(request: Request, visit: Visit_, paper_id: str) -> Response:
    """The form."""
    return _show(request, visit, paper_id)


@router.post("/dossiers/{paper_id}/edit")
def save(request: Request, visit: Visit_, form: Form_, paper_id: str) -> Response:
    """Save a new version, or (button `more`) only show more empty rows."""
    if form.ticked("more"):
        return _show(request, visit, paper_id, form=form)
    try:
        seen = form.number("version")
        with visit.services.database.unit(visit.workspace_id) as uow:
            paper = uow.cycles.paper(paper_id)
            if paper.kind != "dossier":
                raise NotFound("This paper is not a dossier.")
            sentences = uow.sources.sentences(paper.brand_id) if _quotes(form) else []
            content = _dossier(form, read_dossier(paper), sentences)
            new = edit_paper(uow, visit.user, paper_id, seen, content)
    except (InvalidInput, StaleVersion, TransitionRefused) as error:
        return _show(request, visit, paper_id, form=form, error=error)
    return go(f"/papers/{new.id}", "paper_edit")


def _quotes(form: Form) -> bool:
    answers = (form.text("business_model_quote"), form.text("purpose_quote"))
    return any(answers) or any(row.get("quote") for row in form.rows("finding"))


def _dossier(form: Form, old: Dossier, sentences: list[SourceSentence]) -> Dossier:
    """The dossier as typed; what the form does not show stays as it was."""
    try:
        return Dossier(
            business_model=form.text("business_model"),
            business_model_evidence=_answer(
                form,
                "business_model",
                old.business_model,
                old.business_model_evidence,
                sentences,
            ),
            purpose=form.text("purpose"),
            purpose_evidence=_answer(form, "purpose", old.purpose, old.purpose_evidence, sentences),
            findings=tuple(
                _finding(row, old, sentences)
                for row in form.rows("finding")
                if row.get("statement") and not row.get("remove")
            ),
            platforms=tuple(_platform(row) for row in form.rows("platform") if row.get("platform")),
            competitors=tuple(
                _competitor(row, old) for row in form.rows("competitor") if row.get("name")
            ),
            skipped_sources=old.skipped_sources,
            summary=form.text("summary"),
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{field}: {first['msg']}") from error


def _answer(
    form: Form,
    field: str,
    before: str,
    evidence: tuple[Evidence, ...],
    sentences: list[SourceSentence],
) -> tuple[Evidence, ...]:
    quote = form.text(f"{field}_quote")
    kept = evidence if form.text(field) == before else ()  # another answer needs its own quote
    return (*kept, find_quote(sentences, quote)) if quote else kept


def _finding(row: dict[str, str], old: Dossier, sentences: list[SourceSentence]) -> Finding:
    before = None
    if row.get("old", "").isdigit() and int(row["old"]) < len(old.findings):
        before = old.findings[int(row["old"])]
    evidence: tuple[Evidence, ...] = ()
    if before is not None and row.get("keep"):
        evidence = before.evidence
    if row.get("quote"):
        evidence = (*evidence, find_quote(sentences, row["quote"]))
    same = before is not None and before.statement == row["statement"]
    return Finding(
        topic=row.get("topic", "fact"),
        statement=row["statement"],
        evidence=evidence,
        entered_by=before.entered_by if same and before else "person",
    )


def _platform(row: dict[str, str]) -> PlatformFit:
    share, year = row.get("share", "").replace(",", "."), row.get("year", "")
    try:
        value = float(share) / 100 if share else None
        when = int(year) if year else None
    except ValueError as error:
        raise InvalidInput(
            f"{row['platform']}: share is a percentage and year a number; got {share!r} and {year!r}."
        ) from error
    return PlatformFit(
        platform=row["platform"],
        group=row.get("group", ""),
        share=value,
        method=row.get("method", ""),
        source=row.get("source", ""),
        year=when,
        second_hand=bool(row.get("second_hand")),
        note=row.get("note", ""),
    )


def _competitor(row: dict[str, str], old: Dossier) -> CompetitorProfile:
    before = next((item for item in old.competitors if item.name == row["name"]), None)

    def statements(name: str, kept: tuple[Finding, ...]) -> tuple[Finding, ...]:
        known = {finding.statement: finding for finding in kept}
        lines = [line.strip() for line in row.get(name, "").split("\n") if line.strip()]
        return tuple(
            known.get(line) or Finding(topic="competitor", statement=line, entered_by="person")
            for line in lines
        )

    return CompetitorProfile(
        name=row["name"],
        read=bool(row.get("read")),
        note=row.get("note", ""),
        imitate=statements("imitate", before.imitate if before else ()),
        add=statements("add", before.add if before else ()),
    )


def _rows(content: Dossier) -> dict[str, Rows]:
    """The form's rows from a dossier."""
    return {
        "finding": [
            {"topic": f.topic, "statement": f.statement, "old": str(number), "keep": "on"}
            for number, f in enumerate(content.findings)
        ],
        "platform": [
            {
                "platform": fit.platform,
                "group": fit.group,
                "share": "" if fit.share is None else f"{fit.share * 100:.4g}",
                "method": fit.method,
                "source": fit.source,
                "year": str(fit.year or ""),
                "second_hand": "on" if fit.second_hand else "",
                "note": fit.note,
            }
            for fit in content.platforms
        ],
        "competitor": [
            {
                "name": item.name,
                "read": "on" if item.read else "",
                "note": item.note,
                "imitate": "\n".join(f.statement for f in item.imitate),
                "add": "\n".join(f.statement for f in item.add),
            }
            for item in content.competitors
        ],
    }


def _show(
    request: Request,
    visit: Visit,
    paper_id: str,
    *,
    form: Form | None = None,
    error: Exception | None = None,
) -> Response:
    require(Role(visit.user.role), Right.WRITE)
    with visit.services.database.unit(visit.workspace_id) as uow:
        content = _content(uow, paper_id)
        view = paper_view(uow, paper_id)
        stale = isinstance(error, StaleVersion)
        if stale:  # what was typed is offered anew, on top of the newest version
            content = read_dossier(view.newest)
        rows = _rows(content)
        if form is not None:
            rows = {name: form.rows(name) for name in rows}
        if stale:
            texts = [finding.statement for finding in content.findings]
            rows["finding"] = relink(rows["finding"], "statement", texts)
        values: dict[str, Any] = {
            "business_model": content.business_model,
            "purpose": content.purpose,
            "summary": content.summary,
            "business_model_quote": "",
            "purpose_quote": "",
        }
        return page(
            request,
            "dossier_edit.html",
            visit,
            status=status_of(error)[0] if error else 200,
            view=view,
            content=content,
            rows={name: [*items, *({} for _ in range(BLANK))] for name, items in rows.items()},
            values=values | (form.plain() if form else {}),
            topics=get_args(Topic),
            models=get_args(BusinessModel),
            purposes=get_args(Purpose),
            error=str(error) if error else "",
            stale=stale,
        )


def _content(uow: UnitOfWork, paper_id: str) -> Dossier:
    paper = uow.cycles.paper(paper_id)
    if paper.kind != "dossier":
        raise NotFound("This paper is not a dossier.")
    return read_dossier(paper)
