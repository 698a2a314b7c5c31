"""A browser without a screen, and two workspaces full of things."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from config.clock import FixedClock
from domain.action import ActionState
from domain.slot import Slot
from domain.team import Role
from storage.tables import User
from storage.uow import Database
from tests import builders as b
from tests.fakes import START, FakePlatform, fake_services
from web.app import create_app
from workflows.recurring import repeat_post
from workflows.services import Services


class FormReader(HTMLParser):
    """Collects the forms of a page: address, fields with their values, by the form's id."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, Any]] = {}
        self._now: dict[str, Any] | None = None
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = dict(attrs)
        if tag == "form":
            self._now = {"action": got.get("action"), "fields": {}}
            self.forms[got.get("id") or ""] = self._now
        if self._now is None:
            return
        fields, name = self._now["fields"], got.get("name")
        if tag == "input" and name and got.get("type") not in ("file", "submit"):
            if got.get("type") != "checkbox":
                fields[name] = got.get("value") or ""
            elif "checked" in got:  # several boxes of one name are sent one after the other
                known = fields.get(name, [])
                fields[name] = [*known, got.get("value") or "on"]
        elif tag == "textarea" and name and not (name in fields and name == "text"):
            self._area = name
            fields[name] = ""
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select and ("selected" in got or self._select not in fields):
            fields[self._select] = got.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self._area and self._now is not None:
            self._now["fields"][self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._now = None
        if tag == "textarea" and self._area and self._now is not None:
            text = self._now["fields"][self._area]
            self._now["fields"][self._area] = text.removeprefix("\n")
            self._area = None
        if tag == "select":
            self._select = None


class Browser:
    """A person at the pages, through the same forms as everybody."""

    def __init__(self, app: FastAPI, base: str = "http://testserver") -> None:
        self.client = TestClient(
            app, base_url=base, follow_redirects=False, raise_server_exceptions=False
        )

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **more)

    def forms(self, path: str) -> dict[str, dict[str, Any]]:
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:400])
        return forms_of(answer.text)

    def csrf(self) -> str:
        return str(self.forms("/")["logout"]["fields"]["csrf"])

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
        return self.client.post(path, data={"csrf": self.csrf()} | (data or {}), **more)

    def send(self, page: str, form: str, to: str = "", files: Any = None, **fields: Any) -> Any:
        """Open a page, fill one of its forms, send it."""
        found = self.forms(page)
        assert form in found, (form, sorted(found))
        data = {**found[form]["fields"], **{k.replace("__", "-"): v for k, v in fields.items()}}
        return self.client.post(to or found[form]["action"], data=data, files=files)

    def login(self, email: str, password: str = b.PASSWORD) -> Any:
        return self.send("/login", "login", email=email, password=password)


def forms_of(html: str) -> dict[str, dict[str, Any]]:
    reader = FormReader()
    reader.feed(html)
    return reader.forms


def words(html: str) -> str:
    """The text of a page without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@dataclass
class Tenant:
    """A workspace with one of everything, by the name of the path parameter."""

    workspace_id: str
    owner: User
    reviewer: User
    viewer: User
    ids: dict[str, str] = field(default_factory=dict)
    states: dict[ActionState, str] = field(default_factory=dict)


def png(size: tuple[int, int] = (60, 40), color: str = "sienna") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
def services(
    database: Database, database_url: str, clock: FixedClock, platform: FakePlatform
) -> Services:
    return fake_services(database, database_url, clock=clock, platform=platform, undo_seconds=10)


@pytest.fixture
def app(services: Services) -> FastAPI:
    return create_app(services)


@pytest.fixture
def tenant(database: Database) -> Tenant:
    return make_tenant(database, "Kopi Senja")


@pytest.fixture
def other(database: Database) -> Tenant:
    return make_tenant(database, "Teh Pagi")


@pytest.fixture
def owner(app: FastAPI, tenant: Tenant) -> Iterator[Browser]:
    yield logged_in(app, tenant.owner)


@pytest.fixture
def enter(app: FastAPI) -> Callable[[User], Browser]:
    return lambda user: logged_in(app, user)


def logged_in(app: FastAPI, user: User) -> Browser:
    browser = Browser(app)
    assert browser.login(user.email).status_code == 303
    return browser


def make_tenant(database: Database, name: str) -> Tenant:
    workspace_id = b.workspace(database)
    with database.unit(workspace_id) as uow:
        owner = b.user(uow, role=Role.OWNER, name="Dewi Anggraini")
        reviewer = b.user(uow, role=Role.REVIEWER, name="Budi Santoso")
        viewer = b.user(uow, role=Role.VIEWER, name="Rina Lestari")
        brand = b.brand(uow, name, website="https://kopi.example", voice="Hangat dan lugas")
        account = b.account(uow, brand, handle=f"{brand.slug}.example")
        period = b.cycle(uow, brand, START, stage="engagement")
        b.source(uow, brand, START, "Toko kami buka setiap hari dari pukul tujuh pagi.")
        quote = b.evidence("Setiap Selasa kami menyangrai biji kopi Gayo.", START)
        picture = b.media(uow, brand, png())
        states = {}
        for number, state in enumerate(ActionState):
            at = START + timedelta(days=1, hours=number)
            slot = Slot.at(at.date(), at.time(), b.ZONE)
            states[state] = b.action(
                uow,
                account,
                START,
                state=state,
                text=f"{name} berkata halo, keadaan {state.value}",
                slot=slot,
                quotes=(quote,),
                pictures=(picture,) if number == 1 else (),
            ).id
        comment = b.interaction(uow, account, START)
        dossier = b.paper(uow, period, "dossier", b.dossier_content(START))
        plan = b.paper(uow, period, "plan", b.plan_content(START))
        evaluation = b.paper(
            uow,
            period,
            "evaluation",
            b.evaluation_content(START, ((comment.person_id, 2),)),
            state="approved",
        )
        failed = b.thread(
            uow, brand.id, "answer", comment.id, node="triage", status="failed", error="No answer."
        )
        again = repeat_post(
            uow, START, timedelta(days=3), owner, states[ActionState.SCHEDULED], "recurring", 7
        )
        ids = {
            "brand_id": brand.id,
            "account_id": account.id,
            "cycle_id": period.id,
            "action_id": states[ActionState.IN_REVIEW],
            "interaction_id": comment.id,
            "paper_id": dossier.id,
            "plan_id": plan.id,
            "evaluation_id": evaluation.id,
            "media_id": picture.id,
            "thread_id": failed.id,
            "recurrence_id": again.id,
        }
    return Tenant(workspace_id, owner, reviewer, viewer, ids, states)
