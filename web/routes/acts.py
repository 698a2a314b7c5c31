"""What is done to posts that are out: like, unlike, delete, write anew. Each is reviewed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.action import ActionKind, Payload
from domain.errors import InvalidInput, TransitionRefused
from storage.uow import UnitOfWork
from web.drafts import kept_media, read_editor, read_slot
from web.forms import Form_
from web.pages import go
from web.routes import inbox, items
from web.visit import Visit, Visit_
from workflows.actions import ActionVerbs
from workflows.start import compose_act, compose_deletion, revise_post

router = APIRouter()
AGAIN = "again"


@router.post("/items/{action_id}/again")
def again(request: Request, visit: Visit_, form: Form_, action_id: str) -> Response:
    """A new post from a published one; the published one stays."""
    services = visit.services
    try:
        with services.database.unit(visit.workspace_id) as uow:
            old = uow.actions.get(action_id)
            account = uow.brands.account(old.account_id)
            offer = visit.house.limits.of(account)
            zone = uow.brands.profile(old.brand_id).time_zone
        typed = read_editor(form, offer, services, account)
        slot = read_slot(form, zone, after=services.clock.now())
        with services.database.unit(visit.workspace_id) as uow:
            version = uow.actions.version(uow.actions.get(action_id))
            assert version is not None
            kept = kept_media(form, Payload.model_validate(version.payload))
            draft = typed.draft(uow, old.brand_id, kept=kept, old=version)
            made = revise_post(uow, _verbs(visit, uow), visit.user, action_id, draft, slot)
    except (InvalidInput, TransitionRefused) as error:
        return items.show_error(request, visit, action_id, error, form=form, verb=AGAIN)
    return go(f"/items/{made.id}", "composed")


@router.post("/items/{action_id}/delete")
def delete(request: Request, visit: Visit_, form: Form_, action_id: str) -> Response:
    """The deletion of a part on the platform; it waits for an approval."""
    try:
        part = form.number("part")
        with visit.services.database.unit(visit.workspace_id) as uow:
            made = compose_deletion(uow, _verbs(visit, uow), visit.user, action_id, part)
    except (InvalidInput, TransitionRefused) as error:
        return items.show_error(request, visit, action_id, error, form=form, verb="delete")
    return go(f"/items/{made.id}", "composed")


@router.post("/inbox/{interaction_id}/like")
def like(request: Request, visit: Visit_, form: Form_, interaction_id: str) -> Response:
    """Like a comment; it waits for an approval."""
    del form  # only its token counts
    return _on_comment(request, visit, interaction_id, ActionKind.LIKE)


@router.post("/inbox/{interaction_id}/unlike")
def unlike(request: Request, visit: Visit_, form: Form_, interaction_id: str) -> Response:
    """Take back the like of a comment; it waits for an approval."""
    del form
    return _on_comment(request, visit, interaction_id, ActionKind.UNLIKE)


def _on_comment(request: Request, visit: Visit, interaction_id: str, kind: ActionKind) -> Response:
    try:
        with visit.services.database.unit(visit.workspace_id) as uow:
            row = uow.interactions.get(interaction_id)
            made = compose_act(
                uow, _verbs(visit, uow), visit.user, row.account_id, kind, row.remote_id
            )
    except (InvalidInput, TransitionRefused) as error:
        return inbox.show_error(request, visit, interaction_id, error)
    return go(f"/items/{made.id}", "composed")


def _verbs(visit: Visit, uow: UnitOfWork) -> ActionVerbs:
    services = visit.services
    return ActionVerbs(uow, services.clock, undo_seconds=services.settings.undo_seconds)
