"""Logging in and out, and the language."""

from __future__ import annotations

import secrets

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from config.i18n import LANGUAGES, choose
from storage.repositories.people import Logins
from web.forms import Form_, LoginForm_
from web.pages import go, page
from web.visit import (
    LANGUAGE_COOKIE,
    House,
    House_,
    LoginNeeded,
    Visit_,
    machine_now,
    safe_back,
    visitor,
)

router = APIRouter()
YEAR = 365 * 86_400


@router.get("/login")
def login_page(request: Request, house: House_) -> Response:
    """The form; somebody who is logged in goes on."""
    try:
        visitor(request)
    except LoginNeeded:
        answer = _door(request, house)
    else:
        return go(safe_back(request.query_params.get("next")))
    wanted = request.query_params.get("lang")
    if wanted in LANGUAGES:
        house.set_cookie(answer, LANGUAGE_COOKIE, str(wanted), YEAR)
    return answer


@router.post("/login")
def login(request: Request, house: House_, form: LoginForm_) -> Response:
    """Check address and password; a pair that failed too often waits."""
    email, back = form.text("email"), safe_back(form.text("next"))
    address = request.client.host if request.client else "unknown"
    wait = house.brake.wait_seconds(address, email)
    if wait:
        answer = _door(request, house, status=429, email=email, wait=-(-wait // 60))
        answer.headers["Retry-After"] = str(wait)
        return answer
    with house.services.database.system() as session:
        logins = Logins(session)
        user = logins.check(email, form.raw("password"))
        if user is None:
            house.brake.failed(address, email)
            return _door(request, house, status=403, email=email, wrong=True)
        hours = house.services.settings.session_hours
        token, _ = logins.start(user, machine_now(), hours)
    house.brake.succeeded(address, email)
    answer = go(back)
    house.set_cookie(answer, house.session_cookie, token, hours * 3600)
    house.set_cookie(answer, house.login_cookie, "", 0)
    return answer


@router.post("/logout")
def logout(visit: Visit_, _form: Form_) -> RedirectResponse:
    """End the login here and in the database."""
    with visit.services.database.system() as session:
        Logins(session).end(session.merge(visit.login), machine_now())
    answer = go("/login")
    visit.house.set_cookie(answer, visit.house.session_cookie, "", 0)
    return answer


@router.post("/language")
def language(visit: Visit_, form: Form_) -> RedirectResponse:
    """Change the person's language."""
    wanted = form.text("language")
    if wanted in LANGUAGES:
        with visit.services.database.unit(visit.workspace_id) as uow:
            uow.people.get(visit.user.id).locale = wanted
    answer = go(safe_back(form.text("next")), "language")
    visit.house.set_cookie(answer, LANGUAGE_COOKIE, choose(wanted), YEAR)
    return answer


def _door(
    request: Request,
    house: House,
    *,
    status: int = 200,
    email: str = "",
    wrong: bool = False,
    wait: int = 0,
) -> Response:
    # A browser that has the form open already keeps its token: two tabs can both log in.
    token = request.cookies.get(house.login_cookie) or secrets.token_urlsafe(32)
    answer = page(
        request,
        "login.html",
        status=status,
        csrf=token,
        email=email,
        wrong=wrong,
        wait=wait,
        back=safe_back(request.query_params.get("next")),
    )
    house.set_cookie(answer, house.login_cookie, token, 3600)
    return answer
