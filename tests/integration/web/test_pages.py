"""Every page of the web, read by people of every role."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.action import ActionState
from storage.tables import User
from tests.integration.web.conftest import Browser, Tenant, words

pytestmark = pytest.mark.db
PAGES = (
    "/",
    "/queue",
    "/queue?show=all&kind=post",
    "/inbox",
    "/inbox/{interaction_id}",
    "/items/{action_id}",
    "/brands",
    "/brands/{brand_id}",
    "/papers/{paper_id}",
    "/papers/{plan_id}",
    "/papers/{evaluation_id}",
)
WRITERS = ("/compose", "/dossiers/{paper_id}/edit", "/plans/{plan_id}/edit")
OWNERS = ("/people", "/brands/new")


def test_every_page_answers_in_both_languages(owner: Browser, tenant: Tenant) -> None:
    for language, mark in (("en", "Log out"), ("id", "Keluar")):
        assert owner.post("/language", {"language": language, "next": "/"}).status_code == 303
        for path in PAGES + WRITERS + OWNERS:
            answer = owner.get(path.format(**tenant.ids))
            assert answer.status_code == 200, (path, answer.text[:500])
            assert mark in answer.text
            assert f'<html lang="{language}">' in answer.text


def test_rights_decide_which_pages_there_are(
    enter: Callable[[User], Browser], tenant: Tenant
) -> None:
    viewer, reviewer = enter(tenant.viewer), enter(tenant.reviewer)
    for path in PAGES:
        assert viewer.get(path.format(**tenant.ids)).status_code == 200
    for path in WRITERS:
        assert viewer.get(path.format(**tenant.ids)).status_code == 403
        assert reviewer.get(path.format(**tenant.ids)).status_code == 200
    for path in OWNERS:
        assert reviewer.get(path).status_code == 403


def test_an_item_shows_in_every_state(owner: Browser, tenant: Tenant) -> None:
    for state in ActionState:
        answer = owner.get(f"/items/{tenant.states[state]}")
        assert answer.status_code == 200, state
        assert f"keadaan {state.value}" in answer.text
        assert "menyangrai biji kopi Gayo" in answer.text


def test_a_viewer_sees_no_forms_that_decide(
    enter: Callable[[User], Browser], tenant: Tenant
) -> None:
    forms = enter(tenant.viewer).forms(f"/items/{tenant.ids['action_id']}")
    assert set(forms) == {"language", "logout"}


def test_pages_of_dossier_and_evaluation_tell_what_is_not_known(
    owner: Browser, tenant: Tenant
) -> None:
    dossier = words(owner.get(f"/papers/{tenant.ids['paper_id']}").text)
    assert "unverified No quote stands behind this." in dossier
    assert "84.7%" in dossier and "no figure" in dossier
    evaluation = words(owner.get(f"/papers/{tenant.ids['evaluation_id']}").text)
    assert "Kami menerbitkan 3 kiriman dan mendapat 42 suka." in evaluation
    assert "Reach not offered" in evaluation and "too few to say" in evaluation


def test_unknown_addresses_and_filters_are_not_found(owner: Browser, tenant: Tenant) -> None:
    for path in (
        "/nowhere",
        "/items/x",
        "/queue?brand=x",
        "/queue?show=x",
        "/queue?kind=x",
        "/inbox?brand=x",
        "/compose?brand=x",
        f"/dossiers/{tenant.ids['plan_id']}/edit",
        f"/plans/{tenant.ids['paper_id']}/edit",
    ):
        assert owner.get(path).status_code == 404, path


def test_health_tells_database_and_clock(owner: Browser) -> None:
    answer = owner.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "clock late"
    assert answer.json()["clock_age_seconds"] is None
