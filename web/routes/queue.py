"""The queue."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from web.pages import page
from web.views.queue import queue_view
from web.visit import Visit_
from workflows.account_health import troubles

router = APIRouter()


@router.get("/queue")
def queue(
    request: Request, visit: Visit_, show: str = "needs", brand: str = "", kind: str = ""
) -> Response:
    """Posts and replies by due time."""
    with visit.services.database.unit(visit.workspace_id) as uow:
        view = queue_view(uow, show=show or "needs", brand_id=brand, kind=kind)
        found = troubles(uow, visit.services, brand or None)
        now = visit.services.clock.now()
        return page(request, "queue.html", visit, view=view, troubles=found, now=now)
