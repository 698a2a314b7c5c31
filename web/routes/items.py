"""One post or reply: everything about it, and every verb as a form."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.action import ActionState, Payload
from domain.approval import HUMAN_VERBS, Verb
from domain.errors import (
    InvalidInput,
    NotFound,
    RiskNotAccepted,
    StaleVersion,
    TransitionRefused,
)
from storage.tables import Action
from storage.uow import UnitOfWork
from web.drafts import Typed, kept_media, read_editor, read_slot
from web.errors import status_of
from web.forms import Form, Form_
from web.limits import Offer
from web.pages import go, page
from web.views.item import item_view
from web.visit import Visit, Visit_
from workflows.actions import ActionVerbs
from workflows.items import Draft

router = APIRouter()
EDIT_AND_APPROVE = "edit_and_approve"
VERBS = {verb.value for verb in HUMAN_VERBS} | {EDIT_AND_APPROVE}


@router.get("/items/{action_id}")
def item(request: Request, visit: Visit_, action_id: str) -> Response:
    """The item."""
    return _show(request, visit, action_id)


@router.post("/items/{action_id}/{verb}")
def decide(request: Request, visit: Visit_, form: Form_, action_id: str, verb: str) -> Response:
    """Do one verb; the field `version` says which version the person saw."""
    if verb not in VERBS:
        raise NotFound(f"There is no verb {verb!r}.")
    seen: int | None = None
    try:
        seen = form.number("version")
        said = _decide(visit, form, action_id, verb, seen)
    except (InvalidInput, StaleVersion, TransitionRefused) as error:
        return _show(
            request,
            visit,
            action_id,
            status=status_of(error)[0],
            error=error,
            seen=seen,
            form=form,
            verb=verb,
        )
    return go(f"/items/{action_id}", said)


def _decide(visit: Visit, form: Form, action_id: str, verb: str, seen: int) -> str:
    services = visit.services
    with services.database.unit(visit.workspace_id) as uow:
        action = uow.actions.get(action_id)
        # Asked before anything is locked: it may have to ask the platform.
        account = uow.brands.account(action.account_id)
        offer = visit.house.limits.of(account)
        version = uow.actions.version(action, seen)
        link = Payload.model_validate(version.payload).part(0).link if version else None
    edits = verb in (Verb.EDIT.value, EDIT_AND_APPROVE)
    typed = read_editor(form, offer, services, account, link=link or "") if edits else None
    comment = form.text("comment")
    with services.database.unit(visit.workspace_id) as uow:
        verbs = ActionVerbs(uow, services.clock, undo_seconds=services.settings.undo_seconds)
        action = uow.actions.get(action_id)
        draft = _draft(uow, form, action, typed, seen) if typed else None
        if verb == EDIT_AND_APPROVE:
            assert draft is not None
            action = verbs.edit_and_approve(
                visit.user, action_id, seen, draft, comment, accept=form.ticked("accept_risk")
            )
            return "edit_and_approve" if _approved(action) else "approve_more"
        if verb == Verb.APPROVE.value:
            _check_length(uow, action, offer)
        zone = uow.brands.profile(action.brand_id).time_zone
        action = verbs.decide(
            visit.user,
            action_id,
            Verb(verb),
            seen,
            comment=comment,
            draft=draft,
            slot=read_slot(form, zone) if verb == Verb.RESCHEDULE.value else None,
            remote_id=form.text("remote_id") or None,
            no_claim=form.ticked("no_claim"),
            accept=form.ticked("accept_risk"),
        )
        if verb == Verb.APPROVE.value and not _approved(action):
            return "approve_more"
    return verb


def _draft(uow: UnitOfWork, form: Form, action: Action, typed: Typed, seen: int) -> Draft:
    # The version that was seen says which pictures the form spoke of.
    old = uow.actions.version(action, seen)
    if old is None:
        raise StaleVersion("This item", seen, action.version)
    kept = kept_media(form, Payload.model_validate(old.payload))
    return typed.draft(uow, action.brand_id, kept=kept, old=old)


def _check_length(uow: UnitOfWork, action: Action, offer: Offer) -> None:
    version = uow.actions.version(action)
    if version is not None:
        offer.check([s.text for s in Payload.model_validate(version.payload).segments])


def _approved(action: Action) -> bool:
    return action.state == ActionState.APPROVED.value


def show_error(
    request: Request,
    visit: Visit,
    action_id: str,
    error: Exception,
    *,
    form: Form,
    verb: str,
) -> Response:
    """The item with what could not be done to it; what was typed is kept."""
    status = status_of(error)[0]
    return _show(request, visit, action_id, status=status, error=error, form=form, verb=verb)


def _show(
    request: Request,
    visit: Visit,
    action_id: str,
    *,
    status: int = 200,
    error: Exception | None = None,
    seen: int | None = None,
    form: Form | None = None,
    verb: str = "",
) -> Response:
    with visit.services.database.unit(visit.workspace_id) as uow:
        view = item_view(
            uow,
            visit.house.limits,
            action_id,
            seen=seen if isinstance(error, StaleVersion) else None,
        )
        edited = verb in (Verb.EDIT.value, EDIT_AND_APPROVE, "again")
        return page(
            request,
            "item.html",
            visit,
            status=status,
            view=view,
            error=str(error) if error else "",
            stale=isinstance(error, StaleVersion),
            risk=str(error) if isinstance(error, RiskNotAccepted) else "",
            typed=form.plain() if form else {},
            texts=form.loose("text") if form and edited else [],
            verb=verb,
            now=visit.services.clock.now(),
            undo=visit.services.settings.undo_seconds,
        )
