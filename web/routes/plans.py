"""Writing the plan by hand: a table of rows that are added, changed and removed without scripts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from domain.errors import InvalidInput, NotFound, StaleVersion, TransitionRefused
from domain.plan import Plan, PlanItem, Theme
from domain.source import Evidence, SourceSentence
from domain.team import Right, Role, require
from web.errors import status_of
from web.forms import Form, Form_
from web.pages import go, page
from web.quotes import find_quote, relink
from web.views.papers import paper_view
from web.visit import Visit, Visit_
from workflows.items import parse_slot
from workflows.papers import edit_paper, read_plan

router = APIRouter()
FILLED = ("theme", "caption", "photo_brief", "alt_text", "hashtags", "date")


@router.get("/plans/{paper_id}/edit")
def editor(request: Request, visit: Visit_, paper_id: str) -> Response:
    """The form."""
    return _show(request, visit, paper_id)


@router.post("/plans/{paper_id}/edit")
def save(request: Request, visit: Visit_, form: Form_, paper_id: str) -> Response:
    """Save a new version, or (button `more`) only show one more empty row."""
    if form.ticked("more"):
        return _show(request, visit, paper_id, form=form)
    try:
        seen = form.number("version")
        with visit.services.database.unit(visit.workspace_id) as uow:
            paper = uow.cycles.paper(paper_id)
            if paper.kind != "plan":
                raise NotFound("This paper is not a plan.")
            zone = uow.brands.profile(paper.brand_id).time_zone
            quotes = any(row.get("quote") for row in form.rows("item"))
            sentences = uow.sources.sentences(paper.brand_id) if quotes else []
            content = _plan(form, read_plan(paper), zone, sentences)
            new = edit_paper(uow, visit.user, paper_id, seen, content)
    except (InvalidInput, StaleVersion, TransitionRefused) as error:
        return _show(request, visit, paper_id, form=form, error=error)
    return go(f"/papers/{new.id}", "paper_edit")


def _plan(form: Form, old: Plan, zone: str, sentences: list[SourceSentence]) -> Plan:
    items = []
    for number, row in enumerate(form.rows("item"), start=1):
        if row.get("remove") or not any(row.get(name) for name in FILLED):
            continue
        try:
            items.append(_item(row, old, zone, sentences))
        except (InvalidInput, ValidationError) as error:
            raise InvalidInput(f"Post {number}: {error}") from error
    items.sort(key=lambda item: item.slot.instant)
    return Plan(
        themes=_themes(form.text("themes")),
        items=tuple(items),
        used_findings=old.used_findings,
    )


def _item(row: dict[str, str], old: Plan, zone: str, sentences: list[SourceSentence]) -> PlanItem:
    evidence: tuple[Evidence, ...] = ()
    if row.get("old", "").isdigit() and int(row["old"]) < len(old.items) and row.get("keep"):
        evidence = old.items[int(row["old"])].evidence
    if row.get("quote"):
        evidence = (*evidence, find_quote(sentences, row["quote"]))
    return PlanItem(
        theme=row.get("theme", ""),
        caption=row.get("caption", ""),
        photo_brief=row.get("photo_brief", ""),
        alt_text=row.get("alt_text", ""),
        hashtags=tuple(tag.lstrip("#") for tag in row.get("hashtags", "").split() if tag != "#"),
        slot=parse_slot(row.get("date", ""), row.get("time", ""), zone),
        platforms=tuple(row.get("platforms", "").replace(",", " ").split()),
        evidence=evidence,
        no_claim=bool(row.get("no_claim")),
    )


def _themes(text: str) -> tuple[Theme, ...]:
    """One theme a line, its purpose after a colon."""
    lines = [line.partition(":") for line in text.split("\n") if line.strip()]
    return tuple(Theme(name=name.strip(), purpose=purpose.strip()) for name, _, purpose in lines)


def _rows(plan: Plan) -> list[dict[str, str]]:
    return [
        {
            "theme": item.theme,
            "caption": item.caption,
            "photo_brief": item.photo_brief,
            "alt_text": item.alt_text,
            "hashtags": " ".join(f"#{tag.lstrip('#')}" for tag in item.hashtags),
            "date": item.slot.wall.strftime("%Y-%m-%d"),
            "time": item.slot.wall.strftime("%H:%M"),
            "platforms": ", ".join(item.platforms),
            "old": str(number),
            "keep": "on",
            "no_claim": "on" if item.no_claim else "",
        }
        for number, item in enumerate(plan.items)
    ]


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
        view = paper_view(uow, paper_id)
        if view.paper.kind != "plan":
            raise NotFound("This paper is not a plan.")
        stale = isinstance(error, StaleVersion)
        # What was typed on an older version is offered anew, on top of the newest.
        plan = read_plan(view.newest if stale else view.paper)
        rows = form.rows("item") if form else _rows(plan)
        if stale:
            rows = relink(rows, "caption", [item.caption for item in plan.items])
        themes = "\n".join(
            f"{theme.name}: {theme.purpose}" if theme.purpose else theme.name
            for theme in plan.themes
        )
        values: dict[str, Any] = {"themes": themes}
        accounts = uow.brands.accounts(view.brand.id)
        return page(
            request,
            "plan_edit.html",
            visit,
            status=status_of(error)[0] if error else 200,
            view=view,
            content=plan,
            rows=[*rows, {}],
            values=values | (form.plain() if form else {}),
            platforms=sorted({account.platform for account in accounts}),
            error=str(error) if error else "",
            stale=stale,
        )
