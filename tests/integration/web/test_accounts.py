"""Accounts on the pages: what is wrong with them, and what they published outside Humas."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi import FastAPI

from channels.base import AccountInfo, CredentialsRefused, MetricValue, OwnPost
from config.clock import FixedClock
from storage.tables import ChannelAccount
from storage.uow import Database
from tests.fakes import START, FakeChannel, FakePlatform
from tests.integration.web.conftest import Browser, Tenant, logged_in, words
from web.app import create_app
from workflows.account_health import note_problem
from workflows.outside import import_posts
from workflows.services import Services

pytestmark = pytest.mark.db


def account_of(database: Database, tenant: Tenant) -> ChannelAccount:
    with database.unit(tenant.workspace_id) as uow:
        return uow.brands.accounts(tenant.ids["brand_id"])[0]


@pytest.fixture
def page(tenant: Tenant) -> str:
    return f"/brands/{tenant.ids['brand_id']}"


def past(number: int, text: str = "") -> OwnPost:
    figures = (MetricValue("likeCount", 1000 + number),)
    url = f"https://social.example/past-{number}" if number else "javascript:alert(1)"
    at = START - timedelta(hours=number)
    return OwnPost(f"past-{number}", "post", text or f"Past {number}.", url, at, figures)


def test_posts_outside_humas_are_listed_page_by_page(
    owner: Browser,
    tenant: Tenant,
    page: str,
    database: Database,
    services: Services,
    platform: FakePlatform,
) -> None:
    account = account_of(database, tenant)
    link = f"{page}/outside?account={account.id}"
    assert link in owner.get(page).text
    assert "are still being read" in owner.get(link).text
    platform.earlier = [past(0, "<b>Sale</b>"), *(past(number) for number in range(1, 35))]
    import_posts(services, tenant.workspace_id, account.id)
    first = owner.get(link)
    assert first.status_code == 200
    assert "are still being read" not in first.text
    assert "&lt;b&gt;Sale&lt;/b&gt;" in first.text and "<b>Sale" not in first.text
    assert "javascript:" not in first.text
    assert 'href="https://social.example/past-3"' in first.text
    text = words(first.text)
    assert "likeCount 1,003" in text and "outside Humas" in text
    assert "Past 29." in text and "Past 30." not in text
    older = first.text.split('class="button" href="')[-1].split('"')[0].replace("&amp;", "&")
    second = words(owner.get(older).text)
    assert "Past 29." not in second
    assert all(f"Past {number}." in second for number in range(30, 35))
    assert "Older posts" not in second


def test_a_false_place_in_the_list_is_explained(owner: Browser, page: str) -> None:
    for place in ("x", "2026-11-23~x", "2026-11-23T00:00:00~" + "0" * 32):
        answer = owner.get(f"{page}/outside?before={place}")
        assert answer.status_code == 422, place
        assert "no place in the list" in words(answer.text)


def test_nobody_sees_the_posts_of_another_workspace(
    owner: Browser, page: str, other: Tenant, database: Database
) -> None:
    theirs = account_of(database, other).id
    assert owner.get(f"{page}/outside?account={theirs}").status_code == 404
    assert owner.get(f"/brands/{other.ids['brand_id']}/outside").status_code == 404


def test_what_is_wrong_with_an_account_stands_at_the_brand(
    owner: Browser, tenant: Tenant, page: str, database: Database, clock: FixedClock
) -> None:
    account = account_of(database, tenant)
    assert 'role="alert"' not in owner.get(page).text + owner.get("/queue").text
    with database.unit(tenant.workspace_id) as uow:
        row = uow.brands.account(account.id, lock=True)
        row.credentials_expire_at = clock.now() + timedelta(days=3)
        row.waits_until, row.waits_for = clock.now() + timedelta(hours=1), "Too many calls."
    text = words(owner.get(page).text)
    assert f"@{account.handle}: the credentials end on Thu 26 Nov 2026" in text
    assert "The platform takes no calls before" in text and "Too many calls." in text
    with database.unit(tenant.workspace_id) as uow:
        note_problem(uow, account.id, "The token was revoked.")
    text = words(owner.get(page).text)
    assert "refuses the credentials (The token was revoked)" in text
    assert "approved post" in text  # the tenant has some
    queue = words(owner.get("/queue").text)
    assert "refuses the credentials (The token was revoked)" in queue


def test_an_account_that_is_refused_is_explained_and_not_stored(
    services: Services, tenant: Tenant, page: str, database: Database
) -> None:
    class Refusing(FakeChannel):
        def check(self) -> AccountInfo:
            """Refuse."""
            raise CredentialsRefused("The app password is wrong.")

    refusing = replace(services, open_channel=lambda _account: Refusing(FakePlatform()))
    app: FastAPI = create_app(refusing)
    browser = logged_in(app, tenant.owner)
    answer = browser.send(page, "connect-bluesky", handle="@new.example", secret="wrong")
    assert answer.status_code == 502
    assert "The app password is wrong." in words(answer.text)
    assert "new.example" in answer.text and 'wrong"' not in answer.text
    with database.unit(tenant.workspace_id) as uow:
        assert len(uow.brands.accounts(tenant.ids["brand_id"], active=False)) == 1


def test_connecting_again_takes_the_problem_away(
    owner: Browser, tenant: Tenant, page: str, database: Database
) -> None:
    fields = {"handle": "again.example", "secret": "first"}
    assert owner.send(page, "connect-bluesky", **fields).status_code == 303
    with database.unit(tenant.workspace_id) as uow:
        [made] = [
            row
            for row in uow.brands.accounts(tenant.ids["brand_id"])
            if row.handle == "again.example"
        ]
        note_problem(uow, made.id, "The token was revoked.")
    assert "The token was revoked" in owner.get(page).text
    assert owner.send(page, "connect-bluesky", **fields).status_code == 303
    assert "The token was revoked" not in owner.get(page).text
