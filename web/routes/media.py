"""Pictures of the own workspace."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from web.visit import Visit_

router = APIRouter()


@router.get("/media/{media_id}")
def media(visit: Visit_, media_id: str) -> Response:
    """A picture. Its bytes never change under its id, so the browser may keep it for itself."""
    with visit.services.database.unit(visit.workspace_id) as uow:
        row = uow.brands.media(media_id)
        return Response(
            row.data,
            media_type=row.mime,
            headers={"Cache-Control": "private, max-age=86400, immutable"},
        )
