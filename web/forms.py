"""Posted forms: one way to read them, and the check that they were ours."""

from __future__ import annotations

import re
import secrets
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from domain.errors import InvalidInput
from web.visit import Visit_, house_of

CSRF = "csrf"
FIELDS_MAX = 3000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class WrongToken(Exception):
    """The form's token is missing or not this login's."""


class Form:
    """A posted form, read."""

    def __init__(self, data: FormData) -> None:
        """Take what was posted."""
        self._data = data

    def text(self, name: str, default: str = "") -> str:
        """A field as text with plain line ends, without white space around it.

        Raises:
            InvalidInput: it holds control characters.
        """
        value = self._data.get(name, default)
        if not isinstance(value, str):
            return default
        value = value.replace("\r\n", "\n").replace("\r", "\n").strip()
        if _CONTROL.search(value):
            raise InvalidInput("The text holds control characters. Type it anew without them.")
        return value

    def raw(self, name: str) -> str:
        """A field exactly as typed: a password may begin or end with a space."""
        value = self._data.get(name, "")
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """A field as a whole number.

        Raises:
            InvalidInput: it is none.
        """
        value = self.text(name)
        if not re.fullmatch(r"-?\d{1,9}", value):
            raise InvalidInput(f"The field {name!r} holds {value!r}, which is not a whole number.")
        return int(value)

    def ticked(self, name: str) -> bool:
        """Whether a checkbox is ticked."""
        return bool(self._data.get(name))

    def texts(self, name: str) -> list[str]:
        """All values of a field that may stand several times, without the empty ones."""
        values = [value for value in self._data.getlist(name) if isinstance(value, str)]
        cleaned = [value.replace("\r\n", "\n").replace("\r", "\n").strip() for value in values]
        if any(_CONTROL.search(value) for value in cleaned):
            raise InvalidInput("The text holds control characters. Type it anew without them.")
        return [value for value in cleaned if value]

    def loose(self, name: str) -> list[str]:
        """All values of a field as typed, to fill a form again."""
        return [value for value in self._data.getlist(name) if isinstance(value, str)]

    def file(self, name: str) -> UploadFile | None:
        """An uploaded file; None when none was chosen."""
        value = self._data.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def rows(self, prefix: str) -> list[dict[str, str]]:
        """Fields named `prefix-NUMBER-field`, one dictionary per number, in order."""
        found: dict[int, dict[str, str]] = {}
        for key in self._data:
            match = re.fullmatch(rf"{prefix}-(\d{{1,4}})-([a-z_]+)", key)
            if match:
                found.setdefault(int(match.group(1)), {})[match.group(2)] = self.text(key)
        return [found[number] for number in sorted(found)]

    def plain(self) -> dict[str, str]:
        """All text fields but the token, to fill a form again."""
        return {
            key: value
            for key, value in self._data.items()
            if isinstance(value, str) and key != CSRF
        }


async def read_form(request: Request) -> Form:
    """Read the body. Asynchronous because reading a request's body is."""
    try:
        data = await request.form(max_files=8, max_fields=FIELDS_MAX)
    except HTTPException as error:
        raise InvalidInput(f"The form cannot be read: {error.detail}") from error
    return Form(data)


Posted = Annotated[Form, Depends(read_form)]


def check_form(visit: Visit_, form: Posted) -> Form:
    """The form of a logged-in person.

    Raises:
        WrongToken: the token is not this login's.
    """
    if not secrets.compare_digest(form.text(CSRF).encode(), visit.login.csrf_token.encode()):
        raise WrongToken
    return form


def check_login_form(request: Request, form: Posted) -> Form:
    """The login form: its token stands in a cookie of this browser too.

    Raises:
        WrongToken: the two differ, or one is missing.
    """
    cookie = request.cookies.get(house_of(request).login_cookie, "")
    if not cookie or not secrets.compare_digest(form.text(CSRF).encode(), cookie.encode()):
        raise WrongToken
    return form


# Every route that changes something takes one of these two, which a test checks for each route.
Form_ = Annotated[Form, Depends(check_form)]
LoginForm_ = Annotated[Form, Depends(check_login_form)]
