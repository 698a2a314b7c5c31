"""Generated from the routes themselves: login, token, and the wall between workspaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from storage.tables import User
from storage.uow import Database
from tests.integration.web.conftest import Browser, Tenant

pytestmark = pytest.mark.db

OPEN = {"/login", "/healthz"}
# Other path parameters, with a value that the route takes.
PLAIN = {"verb": "approve"}
# Routes whose parameter names a paper of another kind than the dossier.
SPECIAL = {
    "/plans/{paper_id}/edit": "plan_id",
    "/papers/{paper_id}/comment": "evaluation_id",
}
# Ids that arrive in queries or forms instead of the path.
QUERIES = ("/queue?brand={brand_id}", "/inbox?brand={brand_id}", "/compose?brand={brand_id}")


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    found = list(_walk(app.routes))
    assert len(found) > 25, "the routes of the application were not found"
    for route in found:
        for method in sorted((route.methods or set()) - {"HEAD"}):
            yield method, route.path


def _walk(items: object) -> Iterator[APIRoute]:
    for item in items:  # type: ignore[attr-defined]
        if isinstance(item, APIRoute):
            yield item
        elif hasattr(item, "original_router"):
            yield from _walk(item.original_router.routes)


def names(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def address(path: str, tenant: Tenant) -> str:
    values = dict(PLAIN)
    for name in names(path):
        if name in PLAIN:
            continue
        key = SPECIAL.get(path, name)
        assert key in tenant.ids, f"{path}: no object for the parameter {name}; add one to Tenant"
        values[name] = tenant.ids[key]
    return path.format(**values)


def form_for(path: str, version: str = "1") -> dict[str, str]:
    return {"version": version, "text": "halo", "sentiment": "neutral", "intent": "other"}


def test_without_a_login_everything_leads_to_the_login(app: FastAPI, tenant: Tenant) -> None:
    stranger = Browser(app)
    for method, path in routes(app):
        if path in OPEN:
            continue
        answer = stranger.client.request(method, address(path, tenant), data={"csrf": "x"})
        assert answer.status_code == 303, (method, path, answer.status_code)
        assert answer.headers["location"].startswith("/login"), (method, path)


def test_without_the_token_nothing_changes(app: FastAPI, owner: Browser, tenant: Tenant) -> None:
    tried = 0
    for method, path in routes(app):
        if method == "GET":
            continue
        tried += 1
        for data in ({}, {"csrf": ""}, {"csrf": "x" * 43}):
            answer = owner.client.request(method, address(path, tenant), data=form_for(path) | data)
            assert answer.status_code == 403, (method, path, answer.status_code)
    assert tried > 15


def test_the_token_of_another_login_is_refused(
    enter: Callable[[User], Browser], tenant: Tenant
) -> None:
    first, second = enter(tenant.owner), enter(tenant.reviewer)
    answer = first.client.post("/logout", data={"csrf": second.csrf()})
    assert answer.status_code == 403
    assert first.get("/").status_code == 200


def test_objects_of_another_workspace_do_not_exist(
    app: FastAPI, owner: Browser, tenant: Tenant, other: Tenant
) -> None:
    token = owner.csrf()
    tried = 0
    for method, path in routes(app):
        if not names(path):
            continue
        tried += 1
        data = form_for(path) | {"csrf": token}
        answer = owner.client.request(method, address(path, other), data=data)
        assert answer.status_code == 404, (method, path, answer.status_code)
        if method == "GET":  # the same route does answer for the own object
            assert owner.get(address(path, tenant)).status_code == 200, path
    assert tried > 15


def test_ids_of_another_workspace_in_queries_and_forms_do_not_exist(
    owner: Browser, other: Tenant
) -> None:
    for query in QUERIES:
        assert owner.get(query.format(**other.ids)).status_code == 404, query
    answer = owner.post("/compose", {"account": other.ids["account_id"], "text": "halo"})
    assert answer.status_code == 404


def test_lists_show_only_the_own_workspace(owner: Browser, tenant: Tenant, other: Tenant) -> None:
    for path in ("/", "/queue?show=all", "/inbox", "/brands", "/people", "/compose"):
        text = owner.get(path).text
        assert "Teh Pagi" not in text, path
        assert other.owner.email not in text, path
    assert "Kopi Senja" in owner.get("/queue?show=all").text


def test_refused_requests_left_no_trace(
    app: FastAPI, owner: Browser, tenant: Tenant, other: Tenant, database: Database
) -> None:
    test_objects_of_another_workspace_do_not_exist(app, owner, tenant, other)
    with database.unit(other.workspace_id) as uow:
        assert not uow.audit.of("action", other.ids["action_id"])
        assert not uow.audit.of("interaction", other.ids["interaction_id"])
        assert uow.actions.get(other.ids["action_id"]).state == "in_review"


def test_every_answer_carries_the_guards(owner: Browser, tenant: Tenant) -> None:
    for path in (
        "/",
        "/nowhere",
        "/healthz",
        "/static/humas.css",
        f"/media/{tenant.ids['media_id']}",
    ):
        headers = owner.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy, path
        assert headers["x-content-type-options"] == "nosniff", path
    assert owner.get("/").headers["cache-control"] == "no-store"
    assert "immutable" in owner.get(f"/media/{tenant.ids['media_id']}").headers["cache-control"]


def test_no_page_holds_inline_style_or_script_or_foreign_address(
    owner: Browser, tenant: Tenant, app: FastAPI
) -> None:
    for method, path in routes(app):
        if method != "GET" or path in ("/healthz", "/media/{media_id}"):
            continue
        html = owner.get(address(path, tenant)).text
        assert "<script" not in html and " style=" not in html and " onclick=" not in html, path
        for source in re.findall(r'(?:src|href|action)="(https?://[^"]*)"', html):
            # Links for people to follow; nothing that the browser loads by itself.
            assert f'<a href="{source}" rel="noopener nofollow">' in html, (path, source)
