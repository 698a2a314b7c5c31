"""Posts that come again: begin, the list of a brand, pause, resume, stop."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.errors import InvalidInput, TransitionRefused
from storage.tables import Recurrence
from storage.uow import UnitOfWork
from web.errors import status_of
from web.forms import Form, Form_
from web.pages import go, page
from web.routes import items
from web.views.recurrences import repeat_views
from web.visit import Visit, Visit_
from workflows import recurring
from workflows.recurring_dates import lead_time

router = APIRouter()
REPEAT = "repeat"


@router.post("/items/{action_id}/repeat")
def repeat(request: Request, visit: Visit_, form: Form_, action_id: str) -> Response:
    """Let a post come again (fields `kind`, `every_days`, `until`)."""
    services = visit.services
    try:
        with services.database.unit(visit.workspace_id) as uow:
            brand_id = uow.actions.get(action_id).brand_id
            recurring.repeat_post(
                uow,
                services.clock.now(),
                lead_time(services),
                visit.user,
                action_id,
                form.text("kind"),
                form.number("every_days"),
                _until(form),
            )
    except (InvalidInput, TransitionRefused) as error:
        return items.show_error(request, visit, action_id, error, form=form, verb=REPEAT)
    return go(f"/brands/{brand_id}/repeats", "repeat")


@router.get("/brands/{brand_id}/repeats")
def repeats(request: Request, visit: Visit_, brand_id: str) -> Response:
    """What of a brand comes again."""
    return _show(request, visit, brand_id)


@router.post("/repeats/{recurrence_id}/pause")
def pause(request: Request, visit: Visit_, form: Form_, recurrence_id: str) -> Response:
    """Propose nothing until it is resumed."""
    del form  # only its token counts
    return _change(request, visit, recurrence_id, "pause")


@router.post("/repeats/{recurrence_id}/resume")
def resume(request: Request, visit: Visit_, form: Form_, recurrence_id: str) -> Response:
    """Go on."""
    del form
    return _change(request, visit, recurrence_id, "resume")


@router.post("/repeats/{recurrence_id}/stop")
def stop(request: Request, visit: Visit_, form: Form_, recurrence_id: str) -> Response:
    """End it for good."""
    del form
    return _change(request, visit, recurrence_id, "stop")


def _change(request: Request, visit: Visit, recurrence_id: str, verb: str) -> Response:
    with visit.services.database.unit(visit.workspace_id) as uow:
        brand_id = uow.recurrences.get(recurrence_id).brand_id
    try:
        with visit.services.database.unit(visit.workspace_id) as uow:
            _do(visit, uow, recurrence_id, verb)
    except (InvalidInput, TransitionRefused) as error:
        return _show(request, visit, brand_id, error=error)
    return go(f"/brands/{brand_id}/repeats", f"repeat_{verb}")


def _do(visit: Visit, uow: UnitOfWork, recurrence_id: str, verb: str) -> Recurrence:
    services = visit.services
    if verb == "pause":
        return recurring.pause(uow, visit.user, recurrence_id)
    if verb == "stop":
        return recurring.stop(uow, visit.user, recurrence_id)
    now = services.clock.now()
    return recurring.resume(uow, now, lead_time(services), visit.user, recurrence_id)


def _until(form: Form) -> date | None:
    text = form.text("until")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidInput(f"{text!r} is not a date; write 2026-12-31.") from error


def _show(
    request: Request, visit: Visit, brand_id: str, *, error: Exception | None = None
) -> Response:
    with visit.services.database.unit(visit.workspace_id) as uow:
        return page(
            request,
            "recurrences.html",
            visit,
            status=status_of(error)[0] if error else 200,
            brand=uow.brands.get(brand_id),
            repeats=repeat_views(uow, brand_id),
            lead_hours=visit.services.settings.propose_ahead_hours,
            error=str(error) if error else "",
        )
