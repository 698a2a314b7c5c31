"""The team, for owners."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.errors import InvalidInput
from domain.team import Right, Role, require
from web.forms import Form_
from web.pages import go, page
from web.visit import Visit, Visit_
from workflows.changes import add_person

router = APIRouter()


@router.get("/people")
def people(request: Request, visit: Visit_) -> Response:
    """Everybody with their roles."""
    return _show(request, visit)


@router.post("/people")
def add(request: Request, visit: Visit_, form: Form_) -> Response:
    """A new person."""
    try:
        with visit.services.database.unit(visit.workspace_id) as uow:
            add_person(
                uow,
                visit.user,
                email=form.text("email"),
                name=form.text("name"),
                password=form.raw("password"),
                role=form.text("role"),
                locale=form.text("locale"),
            )
    except InvalidInput as error:
        return _show(request, visit, error=str(error), typed=form.plain(), status=422)
    return go("/people", "person")


def _show(
    request: Request,
    visit: Visit,
    *,
    error: str = "",
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    require(Role(visit.user.role), Right.MANAGE)
    with visit.services.database.unit(visit.workspace_id) as uow:
        return page(
            request,
            "people.html",
            visit,
            status=status,
            people=uow.people.all(),
            roles=[role.value for role in Role],
            error=error,
            typed=typed or {},
        )
