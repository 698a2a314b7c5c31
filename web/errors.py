"""Domain errors as friendly pages with the right status."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from channels.base import ChannelError
from config.i18n import N_
from domain.errors import (
    HumasError,
    InvalidInput,
    ModelError,
    NotFound,
    NotPermitted,
    StaleVersion,
    Stopped,
    TransitionRefused,
)
from web.forms import WrongToken
from web.pages import page
from web.security import HEADERS
from web.visit import LoginNeeded, Visit, login_address

log = logging.getLogger(__name__)

STATUS: dict[type[Exception], tuple[int, str]] = {
    NotFound: (404, N_("There is nothing here")),
    NotPermitted: (403, N_("You may not do that")),
    WrongToken: (403, N_("This form has expired")),
    StaleVersion: (409, N_("It has changed since you opened it")),
    TransitionRefused: (409, N_("That is not possible now")),
    Stopped: (409, N_("A stop switch is on")),
    StaleDataError: (409, N_("Somebody else changed this at the same moment")),
    InvalidInput: (422, N_("Something needs to be corrected")),
    ChannelError: (502, N_("The platform did not accept that")),
    ModelError: (503, N_("The language model could not do its part")),
    OperationalError: (503, N_("The database does not answer")),
}


def status_of(error: Exception) -> tuple[int, str]:
    """HTTP status and headline (English) of an error."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500, N_("Something went wrong")


def detail_of(error: Exception) -> str:
    """What a page may say of an error; the text of foreign exceptions stays in the log."""
    if isinstance(error, HumasError | ChannelError):
        return str(error)
    return ""


def error_page(request: Request, error: Exception) -> HTMLResponse:
    """The page of an error."""
    status, title = status_of(error)
    visit: Visit | None = getattr(request.state, "visit", None)
    return page(
        request,
        "error.html",
        visit,
        status=status,
        title=title,
        detail=detail_of(error),
        token=isinstance(error, WrongToken),
    )


def install(app: FastAPI) -> None:
    """Register the handlers."""

    def to_login(_request: Request, error: Exception) -> RedirectResponse:
        assert isinstance(error, LoginNeeded)
        return RedirectResponse(login_address(error.back), status_code=303)

    def http_error(request: Request, error: Exception) -> HTMLResponse:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            error = NotFound("This address leads nowhere.")
            return error_page(request, error)
        visit: Visit | None = getattr(request.state, "visit", None)
        return page(
            request,
            "error.html",
            visit,
            status=error.status_code,
            title=N_("This request cannot be answered"),
            detail=str(error.detail),
            token=False,
        )

    def unexpected(request: Request, error: Exception) -> HTMLResponse:
        log.error("unexpected error at %s", request.url.path, exc_info=error)
        answer = error_page(request, error)
        answer.headers.update(HEADERS)  # this handler runs outside the middleware
        return answer

    app.add_exception_handler(LoginNeeded, to_login)
    app.add_exception_handler(HTTPException, http_error)
    for kind in STATUS:
        app.add_exception_handler(kind, error_page)
    app.add_exception_handler(HumasError, error_page)
    app.add_exception_handler(Exception, unexpected)
