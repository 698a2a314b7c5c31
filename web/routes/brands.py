"""Brands: their profile, accounts, periods, stop switch."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from channels.base import ChannelError
from channels.registry import PLATFORMS
from domain.brand import BrandProfile, parse_brand
from domain.errors import InvalidInput, StaleVersion, TransitionRefused
from domain.team import Right, Role, require
from web.errors import status_of
from web.forms import Form, Form_
from web.pages import go, page
from web.views.home import brand_view, cycle_view
from web.visit import Visit, Visit_
from workflows.account_health import troubles
from workflows.accounts import connect_account
from workflows.changes import add_brand, save_brand, stop_brand
from workflows.start import end_period, start_cycle

router = APIRouter()
LISTS = ("documents", "competitors", "posting_times", "rhythm", "reports_to")
NUMBERS = ("posts_per_period", "period_days", "grace_minutes", "approvers")


@router.get("/brands")
def brands(request: Request, visit: Visit_) -> Response:
    """All brands."""
    with visit.services.database.unit(visit.workspace_id) as uow:
        views = [brand_view(uow, brand) for brand in uow.brands.all()]
        return page(request, "brands.html", visit, brands=views)


@router.get("/brands/new")
def new(request: Request, visit: Visit_) -> Response:
    """The form of a new brand."""
    require(Role(visit.user.role), Right.MANAGE)
    return page(request, "brand_new.html", visit, typed=_typed(None), error="")


@router.post("/brands/new")
def create(request: Request, visit: Visit_, form: Form_) -> Response:
    """Add a brand."""
    try:
        with visit.services.database.unit(visit.workspace_id) as uow:
            brand = add_brand(uow, visit.user, _profile(form))
    except InvalidInput as error:
        typed = _typed(None, form)
        return page(request, "brand_new.html", visit, status=422, typed=typed, error=str(error))
    return go(f"/brands/{brand.id}", "brand")


@router.get("/brands/{brand_id}")
def brand_page(request: Request, visit: Visit_, brand_id: str) -> Response:
    """A brand."""
    return _show(request, visit, brand_id)


@router.post("/brands/{brand_id}")
def save(request: Request, visit: Visit_, form: Form_, brand_id: str) -> Response:
    """Change the profile."""
    try:
        with visit.services.database.unit(visit.workspace_id) as uow:
            uow.brands.get(brand_id)
            save_brand(uow, visit.user, brand_id, form.number("version"), _profile(form))
    except (InvalidInput, StaleVersion) as error:
        return _show(request, visit, brand_id, error=error, form=form, part="profile")
    return go(f"/brands/{brand_id}", "brand")


@router.post("/brands/{brand_id}/accounts")
def connect(request: Request, visit: Visit_, form: Form_, brand_id: str) -> Response:
    """Connect an account; the credentials are tried before they are kept."""
    platform = form.text("platform")
    try:
        with visit.services.database.unit(visit.workspace_id) as uow:
            uow.brands.get(brand_id)
        _check_account(form, platform)
        connect_account(
            visit.services,
            visit.workspace_id,
            visit.user,
            brand_id,
            platform,
            form.text("base_url"),
            form.text("handle"),
            form.text("secret"),
        )
    except (InvalidInput, ChannelError) as error:
        return _show(request, visit, brand_id, error=error, form=form, part=platform)
    return go(f"/brands/{brand_id}", "account")


@router.post("/brands/{brand_id}/start")
def start(request: Request, visit: Visit_, form: Form_, brand_id: str) -> Response:
    """Start a period, with the model or by hand."""
    services = visit.services
    try:
        with services.database.unit(visit.workspace_id) as uow:
            by_hand = form.ticked("by_hand")
            start_cycle(uow, services.clock, visit.user, brand_id, by_hand=by_hand)
    except TransitionRefused as error:
        return _show(request, visit, brand_id, error=error)
    return go(f"/brands/{brand_id}", "started")


@router.post("/brands/{brand_id}/stop")
def stop(visit: Visit_, form: Form_, brand_id: str) -> Response:
    """Turn the stop switch on or off (field `on`)."""
    on = form.ticked("on")
    with visit.services.database.unit(visit.workspace_id) as uow:
        stop_brand(uow, visit.user, brand_id, on=on)
    return go(f"/brands/{brand_id}", "stopped" if on else "resumed")


@router.post("/cycles/{cycle_id}/end")
def end(visit: Visit_, _form: Form_, cycle_id: str) -> Response:
    """End a period now."""
    with visit.services.database.unit(visit.workspace_id) as uow:
        end_period(uow, visit.services.clock, visit.user, cycle_id)
        brand_id = uow.cycles.get(cycle_id).brand_id
    return go(f"/brands/{brand_id}", "ended")


def _check_account(form: Form, platform: str) -> None:
    if platform not in PLATFORMS:
        raise InvalidInput(f"There is no platform {platform!r}.")
    for field in PLATFORMS[platform].fields:
        if not form.text(field.name):
            raise InvalidInput(f"{field.label} is missing. {field.help}")


def _profile(form: Form) -> BrandProfile:
    """The profile as typed; lists stand one item a line."""
    data: dict[str, Any] = {
        "name": form.text("name"),
        "website": form.text("website") or None,
        "languages": form.texts("languages"),
        "time_zone": form.text("time_zone"),
        "voice": form.text("voice"),
        "market": {
            "age_from": form.text("age_from"),
            "age_to": form.text("age_to"),
            "region": form.text("region"),
            "description": form.text("market"),
        },
        "author_may_approve": form.ticked("author_may_approve"),
    }
    data |= {name: form.text(name) for name in NUMBERS}
    data |= {name: form.text(name).split("\n") for name in LISTS}
    for name in LISTS:
        data[name] = [item.strip() for item in data[name] if item.strip()]
    return parse_brand(data)


def _typed(profile: BrandProfile | None, form: Form | None = None) -> dict[str, Any]:
    """The fields of the profile form: as typed, else as they are, else the defaults."""
    if form is not None:
        return form.plain() | {"languages": form.loose("languages")}
    known = profile or BrandProfile(name="-")
    values: dict[str, Any] = known.model_dump(mode="json")
    values |= {name: "\n".join(str(item) for item in getattr(known, name)) for name in LISTS}
    values |= {
        "age_from": known.market.age_from,
        "age_to": known.market.age_to,
        "region": known.market.region,
        "market": known.market.description,
        "author_may_approve": "on" if known.author_may_approve else "",
        "website": known.website or "",
    }
    if profile is None:
        values["name"] = ""
    return values


def _show(
    request: Request,
    visit: Visit,
    brand_id: str,
    *,
    error: Exception | None = None,
    form: Form | None = None,
    part: str = "",
) -> Response:
    with visit.services.database.unit(visit.workspace_id) as uow:
        brand = uow.brands.get(brand_id)
        view = brand_view(uow, brand)
        return page(
            request,
            "brand.html",
            visit,
            status=status_of(error)[0] if error else 200,
            view=view,
            cycles=[cycle_view(uow, cycle) for cycle in uow.cycles.of_brand(brand_id)],
            platforms=list(PLATFORMS.values()),
            troubles={item.account.id: item for item in troubles(uow, visit.services, brand_id)},
            model_off=visit.services.model_off,
            now=visit.services.clock.now(),
            typed=_typed(view.profile, form if part == "profile" else None),
            account=form.plain() if form and part not in ("", "profile") else {},
            part=part,
            error=str(error) if error else "",
        )
