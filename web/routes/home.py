"""The home page, and what to do about stages that failed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from web.forms import Form_
from web.pages import go, page
from web.views.home import home_view
from web.visit import Visit_
from workflows.start import retry_stage

router = APIRouter()


@router.get("/")
def home(request: Request, visit: Visit_) -> Response:
    """What needs me, per brand."""
    with visit.services.database.unit(visit.workspace_id) as uow:
        return page(request, "home.html", visit, brands=home_view(uow))


@router.post("/threads/{thread_id}/retry")
def retry(visit: Visit_, form: Form_, thread_id: str) -> Response:
    """Run a failed stage again, or go on by hand."""
    by_hand = form.ticked("by_hand")
    with visit.services.database.unit(visit.workspace_id) as uow:
        retry_stage(uow, visit.user, thread_id, by_hand=by_hand)
    return go("/", "stage_by_hand" if by_hand else "stage_again")
