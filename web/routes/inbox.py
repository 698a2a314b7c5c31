"""What the public does: read, classify, answer or leave."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.conversation import ANSWERABLE, Intent, InteractionKind, Sentiment
from domain.errors import InvalidInput, NotFound, TransitionRefused
from storage.uow import UnitOfWork
from web.drafts import read_editor
from web.errors import status_of
from web.forms import Form, Form_
from web.pages import go, page
from web.views.item import conversation
from web.visit import Visit, Visit_
from workflows.actions import ActionVerbs
from workflows.start import classify, compose_reply, no_answer

router = APIRouter()
STATES = ("new", "drafted", "answered", "no_answer", "noted")


@router.get("/inbox")
def inbox(
    request: Request, visit: Visit_, brand: str = "", state: str = "", kind: str = ""
) -> Response:
    """Interactions, newest first."""
    with visit.services.database.unit(visit.workspace_id) as uow:
        brands = {item.id: item for item in uow.brands.all()}
        if brand and brand not in brands:
            raise NotFound("There is no such brand in this workspace.")
        rows = uow.interactions.of_brand(brand or None)
        kinds = [item.value for item in InteractionKind]
        counts = {name: sum(1 for row in rows if row.state == name) for name in STATES}
        shown = [
            (row, uow.interactions.person(row.person_id), brands[row.brand_id])
            for row in rows
            if (not state or row.state == state) and (not kind or row.kind == kind)
        ]
        return page(
            request,
            "inbox.html",
            visit,
            rows=shown,
            brands=list(brands.values()),
            kinds=kinds,
            counts=counts,
            total=len(rows),
            filters={"brand": brand, "state": state, "kind": kind},
            now=visit.services.clock.now(),
        )


@router.get("/inbox/{interaction_id}")
def interaction(request: Request, visit: Visit_, interaction_id: str) -> Response:
    """One interaction."""
    return _show(request, visit, interaction_id)


@router.post("/inbox/{interaction_id}/reply")
def reply(request: Request, visit: Visit_, form: Form_, interaction_id: str) -> Response:
    """Write a reply; it goes into review."""
    services = visit.services
    try:
        with services.database.unit(visit.workspace_id) as uow:
            row = uow.interactions.get(interaction_id)
            _answerable(row.kind)
            account = uow.brands.account(row.account_id)
            languages = uow.brands.profile(row.brand_id).languages[:1]
            offer = visit.house.limits.of(account)
        typed = read_editor(form, offer, services, account)
        with services.database.unit(visit.workspace_id) as uow:
            verbs = ActionVerbs(uow, services.clock, undo_seconds=services.settings.undo_seconds)
            draft = typed.draft(uow, row.brand_id, languages=languages)
            action = compose_reply(uow, verbs, visit.user, interaction_id, draft)
    except (InvalidInput, TransitionRefused) as error:
        return _show(request, visit, interaction_id, form=form, error=error)
    return go(f"/items/{action.id}", "composed")


@router.post("/inbox/{interaction_id}/no_answer")
def leave(request: Request, visit: Visit_, form: Form_, interaction_id: str) -> Response:
    """It gets no answer."""
    try:
        with visit.services.database.unit(visit.workspace_id) as uow:
            no_answer(uow, visit.user, interaction_id, form.text("reason"))
    except TransitionRefused as error:
        return _show(request, visit, interaction_id, form=form, error=error)
    return go(f"/inbox/{interaction_id}", "no_answer")


@router.post("/inbox/{interaction_id}/classify")
def sort(request: Request, visit: Visit_, form: Form_, interaction_id: str) -> Response:
    """Say how it feels and what it wants."""
    try:
        with visit.services.database.unit(visit.workspace_id) as uow:
            classify(
                uow,
                visit.user,
                interaction_id,
                sentiment=form.text("sentiment"),
                intent=form.text("intent"),
            )
    except InvalidInput as error:
        return _show(request, visit, interaction_id, form=form, error=error)
    return go(f"/inbox/{interaction_id}", "classified")


def show_error(request: Request, visit: Visit, interaction_id: str, error: Exception) -> Response:
    """The interaction with what could not be done to it."""
    return _show(request, visit, interaction_id, error=error)


def _answerable(kind: str) -> None:
    if InteractionKind(kind) not in ANSWERABLE:
        raise InvalidInput("There are no words to answer here.")


def _show(
    request: Request,
    visit: Visit,
    interaction_id: str,
    *,
    form: Form | None = None,
    error: Exception | None = None,
) -> Response:
    with visit.services.database.unit(visit.workspace_id) as uow:
        return _page(uow, request, visit, interaction_id, form, error)


def _page(
    uow: UnitOfWork,
    request: Request,
    visit: Visit,
    interaction_id: str,
    form: Form | None,
    error: Exception | None,
) -> Response:
    row = uow.interactions.get(interaction_id)
    account = uow.brands.account(row.account_id)
    return page(
        request,
        "interaction.html",
        visit,
        status=status_of(error)[0] if error else 200,
        talk=conversation(uow, row),
        account=account,
        offer=visit.house.limits.of(account),
        brand=uow.brands.get(row.brand_id),
        zone=uow.brands.profile(row.brand_id).time_zone,
        reply=uow.actions.reply_to(row.id),
        answerable=InteractionKind(row.kind) in ANSWERABLE,
        sentiments=[item.value for item in Sentiment],
        intents=[item.value for item in Intent],
        error=str(error) if error else "",
        typed=form.plain() if form else {},
        texts=form.loose("text") if form else [],
    )
