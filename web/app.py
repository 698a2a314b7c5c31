"""The web application: pages over the same workflows as the command line. Uvicorn is started by the cli."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from web import errors
from web.limits import LimitBook
from web.pages import STATIC
from web.routes.acts import router as acts
from web.routes.auth import router as auth
from web.routes.brands import router as brands
from web.routes.compose import router as compose
from web.routes.dossiers import router as dossiers
from web.routes.health import router as health
from web.routes.home import router as home
from web.routes.inbox import router as inbox
from web.routes.items import router as items
from web.routes.media import router as media
from web.routes.outside import router as outside
from web.routes.papers import router as papers
from web.routes.people import router as people
from web.routes.plans import router as plans
from web.routes.queue import router as queue
from web.routes.recurrences import router as recurrences
from web.security import Guard, LoginBrake
from web.visit import House
from workflows.services import Services

ROUTERS = (
    auth,
    health,
    home,
    queue,
    acts,  # before the items, whose last part of the address is any verb
    recurrences,  # likewise
    items,
    compose,
    inbox,
    brands,
    outside,
    papers,
    dossiers,
    plans,
    people,
    media,
)


def create_app(services: Services) -> FastAPI:
    """The application over the given services."""
    https = (services.settings.public_url or "").startswith("https://")
    app = FastAPI(title="Humas", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.house = House(
        services=services,
        limits=LimitBook(services.open_channel),
        brake=LoginBrake(),
        https=https,
    )
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    errors.install(app)
    app.add_middleware(Guard, https=https)
    return app
