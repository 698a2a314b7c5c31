"""One request of one person: who it is, in which language, with which login."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from config.i18n import choose, translations
from domain.team import RIGHTS, Right, Role
from storage.repositories.people import Logins
from storage.tables import LoginSession, User
from workflows.services import Services

if TYPE_CHECKING:
    from starlette.responses import Response

    from web.limits import LimitBook
    from web.security import LoginBrake

LANGUAGE_COOKIE = "humas_language"


class LoginNeeded(Exception):
    """Nobody is logged in; `back` is where to go afterwards."""

    def __init__(self, back: str) -> None:
        super().__init__(back)
        self.back = back


@dataclass(frozen=True)
class House:
    """What the application holds for all requests."""

    services: Services
    limits: LimitBook
    brake: LoginBrake
    https: bool

    @property
    def session_cookie(self) -> str:
        """The name of the session cookie; `__Host-` binds it to this host over https."""
        return "__Host-humas" if self.https else "humas"

    @property
    def login_cookie(self) -> str:
        """The cookie that the login form's token is compared with, before there is a session."""
        return "__Host-humas-login" if self.https else "humas-login"

    def set_cookie(self, response: Response, name: str, value: str, seconds: int | None) -> None:
        """Set a cookie that no script reads and no other site sends along; `seconds` 0 deletes."""
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            secure=self.https,
            httponly=True,
            samesite="lax",
        )


@dataclass(frozen=True)
class Visit:
    """A request of somebody who is logged in."""

    house: House
    user: User
    login: LoginSession
    language: str

    @property
    def services(self) -> Services:
        """The services of the installation."""
        return self.house.services

    @property
    def workspace_id(self) -> str:
        """The only workspace that this request may see."""
        return self.user.workspace_id

    def may(self, right: str) -> bool:
        """Whether the person's role includes a right; for showing forms, never for guarding."""
        return Right(right) in RIGHTS[Role(self.user.role)]

    def _(self, text: str) -> str:
        """Translate."""
        return translations(self.language).gettext(text)


def house_of(request: Request) -> House:
    """The application's house."""
    house: House = request.app.state.house
    return house


def machine_now() -> datetime:
    """Logins live by the machine's time: moving business time must log nobody out."""
    return datetime.now(UTC)


def visitor(request: Request) -> Visit:
    """The logged-in person.

    Raises:
        LoginNeeded: nobody is logged in.
    """
    house = house_of(request)
    token = request.cookies.get(house.session_cookie)
    if token:
        with house.services.database.system() as session:
            found = Logins(session).find(token, machine_now())
        if found is not None:
            login, user = found
            visit = Visit(house=house, user=user, login=login, language=choose(user.locale))
            request.state.visit = visit
            return visit
    back = request.url.path
    if request.url.query:
        back += "?" + request.url.query
    raise LoginNeeded(back if request.method in ("GET", "HEAD") else "/")


def language_of(request: Request) -> str:
    """The language for somebody who is not logged in."""
    return choose(
        request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE),
        request.headers.get("accept-language", ""),
    )


def safe_back(path: str | None) -> str:
    """A place on this site to go to; anything else becomes the home page."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\", "/login")):
        return "/"
    return "/" if any(ord(char) < 32 for char in path) else path


def login_address(back: str) -> str:
    """The login page, with the way back."""
    return "/login" if back == "/" else f"/login?next={quote(back, safe='/')}"


House_ = Annotated[House, Depends(house_of)]
Visit_ = Annotated[Visit, Depends(visitor)]
