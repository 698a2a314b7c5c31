"""Jinja environments, one per language, and the one way to make a page."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse

from config.i18n import LANGUAGES, translate_stored, translations
from web.labels import SAID, label
from web.visit import Visit, language_of, machine_now

WEB = Path(__file__).resolve().parent
STATIC = WEB / "static"


def web_link(url: object) -> str:
    """The address when it is an ordinary web address, else nothing: no other scheme is ever linked."""
    text = str(url or "")
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc else ""


def same_page(path: str, current: dict[str, str], **changes: str | None) -> str:
    """The address of a list with some of its filters changed."""
    values = {**current, **changes}
    query = urlencode({key: value for key, value in values.items() if value})
    return f"{path}?{query}" if query else path


@cache
def static_address(name: str) -> str:
    """The address of a static file, changed with its content so that browsers may keep it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


@cache
def environment(language: str) -> Environment:
    """The templates in one language; compiled templates stay in memory."""
    env = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    texts = translations(language)
    env.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
    env.policies["ext.i18n.trimmed"] = True
    env.globals.update(
        language=language,
        languages=LANGUAGES,
        label=lambda table, key: texts.gettext(label(table, key)) if key else "",
        said=SAID,
        static=static_address,
        same_page=same_page,
    )
    env.filters.update(
        web_link=web_link,
        stored=lambda text: translate_stored(text, texts.gettext),
        when=partial(_when, language),
        day=partial(_day, language),
        since=partial(_since, language),
        number=lambda value: format_decimal(value, locale=language),
        percent=lambda value: format_percent(value, "#,##0.#%", locale=language),
    )
    return env


def _when(language: str, instant: datetime | None, zone: str) -> str:
    """Date and time in a zone."""
    if instant is None:
        return ""
    return format_datetime(instant, "EEE d MMM y, HH:mm", tzinfo=ZoneInfo(zone), locale=language)


def _day(language: str, instant: datetime | date | None, zone: str) -> str:
    if instant is None:
        return ""
    if isinstance(instant, datetime):
        instant = instant.astimezone(ZoneInfo(zone)).date()
    return format_date(instant, "d MMM y", locale=language)


def _since(language: str, instant: datetime, now: datetime) -> str:
    """How long ago, or in how long, in words."""
    return format_timedelta(instant - now, add_direction=True, locale=language)


def page(
    request: Request, template: str, visit: Visit | None = None, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """Render a template.

    Args:
        request: the request that is answered.
        template: file name in `web/templates`.
        visit: who is logged in; None for the pages before a login.
        status: HTTP status.
        **values: what the template shows.
    """
    language = visit.language if visit else language_of(request)
    said = request.query_params.get("said", "")
    html = (
        environment(language)
        .get_template(template)
        .render(
            visit=visit,
            csrf=visit.login.csrf_token if visit else values.pop("csrf", ""),
            message=label("said", said) if said in SAID else "",
            path=request.url.path,
            machine_now=machine_now(),
            **values,
        )
    )
    return HTMLResponse(html, status_code=status)


def go(path: str, said: str = "") -> RedirectResponse:
    """Redirect after a form was accepted; `said` is a key of `web.labels.SAID`."""
    if said:
        path += ("&" if "?" in path else "?") + urlencode({"said": said})
    return RedirectResponse(path, status_code=303)
