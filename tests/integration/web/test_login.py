"""Logging in and out, cookies, the brake, the language, large bodies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI

from storage.uow import Database
from tests import builders as b
from tests.fakes import fake_services
from tests.integration.web.conftest import Browser, Tenant, forms_of
from web.app import create_app
from web.security import BODY_MAX
from workflows.services import Services

pytestmark = pytest.mark.db


def test_login_leads_back_to_where_people_wanted(app: FastAPI, tenant: Tenant) -> None:
    browser = Browser(app)
    wanted = f"/items/{tenant.ids['action_id']}"
    turned = browser.get(wanted)
    assert turned.status_code == 303
    fields = forms_of(browser.get(turned.headers["location"]).text)["login"]["fields"]
    fields |= {"email": tenant.owner.email.upper(), "password": b.PASSWORD}
    answer = browser.client.post("/login", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, wanted)
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("humas="))
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie


def test_cookies_are_bound_to_the_host_over_https(
    database: Database, database_url: str, tenant: Tenant
) -> None:
    services = fake_services(database, database_url, public_url="https://humas.example")
    browser = Browser(create_app(services), "https://humas.example")
    answer = browser.login(tenant.owner.email)
    cookies = answer.headers.get_list("set-cookie")
    session = next(c for c in cookies if c.startswith("__Host-humas="))
    assert "Secure" in session and "Path=/" in session and "Domain" not in session
    assert "strict-transport-security" in answer.headers
    assert browser.get("/").status_code == 200


def test_logout_ends_the_login_on_the_server(app: FastAPI, tenant: Tenant) -> None:
    browser = Browser(app)
    browser.login(tenant.owner.email)
    token = browser.client.cookies["humas"]
    assert browser.send("/", "logout").status_code == 303
    browser.client.cookies.set("humas", token)
    assert browser.get("/").status_code == 303


def test_wrong_passwords_are_refused_and_then_braked(app: FastAPI, tenant: Tenant) -> None:
    browser = Browser(app)
    for _ in range(5):
        answer = browser.login(tenant.owner.email, "wrong password")
        assert answer.status_code == 403 and "not right" in answer.text
        assert "wrong password" not in answer.text
    braked = browser.login(tenant.owner.email)
    assert braked.status_code == 429 and int(braked.headers["retry-after"]) > 800
    assert browser.login(tenant.reviewer.email).status_code == 303


def test_unknown_and_disabled_people_get_the_same_answer(
    app: FastAPI, tenant: Tenant, database: Database
) -> None:
    with database.unit(tenant.workspace_id) as uow:
        uow.people.get(tenant.viewer.id).disabled_at = uow.now()
    for email in ("nobody@example.org", tenant.viewer.email):
        assert Browser(app).login(email).status_code == 403


def test_the_language_is_the_persons(app: FastAPI, tenant: Tenant) -> None:
    browser = Browser(app)
    assert "Masuk" in browser.get("/login", headers={"accept-language": "id-ID"}).text
    assert "Log in" in browser.get("/login?lang=en", headers={"accept-language": "id"}).text
    browser.login(tenant.owner.email)
    assert (
        browser.send("/queue", "language", language="id").headers["location"].startswith("/queue")
    )
    assert "Antrean" in browser.get("/queue").text


def test_a_body_larger_than_any_form_is_cut_off(owner: Browser) -> None:
    token = owner.csrf()

    def stream() -> Iterator[bytes]:
        for _ in range(BODY_MAX // 1_000_000 + 2):
            yield b"x" * 1_000_000

    kind = {"content-type": "application/x-www-form-urlencoded"}
    declared = owner.client.post("/compose", content=b"x" * (BODY_MAX + 1), headers=kind)
    chunked = owner.client.post("/compose", content=stream(), headers=kind)
    assert (declared.status_code, chunked.status_code) == (413, 413)
    assert token == owner.csrf()


def test_an_unexpected_error_shows_no_insides(
    services: Services, tenant: Tenant, database: Database
) -> None:
    def broken(_account: object) -> object:
        raise RuntimeError("secret inside")

    app = create_app(replace(services, open_channel=broken))  # type: ignore[arg-type]
    browser = Browser(app)
    browser.login(tenant.owner.email)
    answer = browser.get("/compose")
    assert answer.status_code == 500 and "secret inside" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
