"""A sign of life for whoever watches the installation."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse

from storage.database import DatabaseUnavailable, ping
from storage.repositories.threads import Schedule
from web.visit import House_

router = APIRouter()
CLOCK = "clock"


@router.get("/healthz")
def health(house: House_) -> JSONResponse:
    """503 while the database does not answer; the age of the clock's heartbeat in seconds."""
    database = house.services.database
    try:
        version = ping(database.engine)
    except DatabaseUnavailable:
        return JSONResponse({"status": "down", "database": "unavailable"}, status_code=503)
    with database.system() as session:
        age = Schedule(session).heartbeat_age(CLOCK)
    late = age is None or age > max(60.0, 6 * house.services.settings.tick_seconds)
    return JSONResponse(
        {
            "status": "clock late" if late else "ok",
            "database": version,
            "clock_age_seconds": None if age is None else round(age, 1),
        }
    )
