"""A post from an empty editor."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.errors import InvalidInput, NotFound
from domain.slot import Slot
from domain.team import Right, Role, require
from storage.tables import ChannelAccount
from storage.uow import UnitOfWork
from web.drafts import read_editor, read_slot
from web.forms import Form, Form_
from web.pages import go, page
from web.visit import Visit, Visit_
from workflows.actions import ActionVerbs
from workflows.free_slots import next_free
from workflows.start import compose_post

router = APIRouter()


@router.get("/compose")
def editor(request: Request, visit: Visit_, brand: str = "") -> Response:
    """The empty editor."""
    return _show(request, visit, brand=brand)


@router.post("/compose")
def compose(request: Request, visit: Visit_, form: Form_) -> Response:
    """Put a new post into review."""
    services = visit.services
    try:
        with services.database.unit(visit.workspace_id) as uow:
            account = _account(uow, form)
            profile = uow.brands.profile(account.brand_id)
            offer = visit.house.limits.of(account)
        typed = read_editor(form, offer, services, account)
        slot = _time(form, profile.time_zone, services.clock.now())
        with services.database.unit(visit.workspace_id) as uow:
            verbs = ActionVerbs(uow, services.clock, undo_seconds=services.settings.undo_seconds)
            draft = typed.draft(uow, account.brand_id, languages=profile.languages[:1])
            if form.ticked("next_free"):  # nobody else gets it while this unit of work lasts
                slot = next_free(uow, account, services.clock.now())
            action = compose_post(uow, verbs, visit.user, account.id, draft, slot)
    except InvalidInput as error:
        return _show(request, visit, form=form, error=str(error), status=422)
    return go(f"/items/{action.id}", "composed")


def _time(form: Form, zone: str, now: datetime) -> Slot | None:
    """The date and time that were typed; None where the next free slot is wanted, or no time."""
    slot = read_slot(form, zone, after=now)
    if slot is not None and form.ticked("next_free"):
        raise InvalidInput("Give a date and time, or choose the next free slot, not both.")
    return slot


def _account(uow: UnitOfWork, form: Form) -> ChannelAccount:
    if not form.text("account"):
        raise InvalidInput("Choose the account that posts.")
    account = uow.brands.account(form.text("account"))
    if account.disabled_at is not None:
        raise InvalidInput("This account is disconnected. Connect it again, or choose another.")
    return account


def _show(
    request: Request,
    visit: Visit,
    *,
    brand: str = "",
    form: Form | None = None,
    error: str = "",
    status: int = 200,
) -> Response:
    require(Role(visit.user.role), Right.WRITE)
    with visit.services.database.unit(visit.workspace_id) as uow:
        brands = list(uow.brands.all())
        if brand and brand not in {item.id for item in brands}:
            raise NotFound("There is no such brand in this workspace.")
        accounts = [
            (item, account, visit.house.limits.of(account))
            for item in brands
            if not brand or item.id == brand
            for account in uow.brands.accounts(item.id)
        ]
        return page(
            request,
            "compose.html",
            visit,
            status=status,
            accounts=accounts,
            brands=brands,
            error=error,
            typed=form.plain() if form else {},
            texts=form.loose("text") if form else [],
        )
