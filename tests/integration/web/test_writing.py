"""What people write by hand: posts, replies, brands, dossier, plan, evaluation, the team."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.action import Payload
from storage.tables import User
from storage.uow import Database
from tests import builders as b
from tests.fakes import START
from tests.integration.web.conftest import Browser, Tenant, forms_of, png, words
from workflows.papers import read_dossier, read_evaluation, read_plan

pytestmark = pytest.mark.db


def latest(database: Database, tenant: Tenant, kind: str):  # type: ignore[no-untyped-def]
    with database.unit(tenant.workspace_id) as uow:
        paper = uow.cycles.latest_paper(tenant.ids["cycle_id"], kind)
        assert paper is not None
        return paper


# -- posts and replies ---------------------------------------------------------------------------


def test_a_post_from_an_empty_editor_goes_into_review(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    answer = owner.send(
        "/compose",
        "compose",
        files={"image": ("x.png", png(), "image/png")},
        image_alt="Kopi",
        text=["Bagian satu", "Bagian dua", ""],
        date="2026-12-24",
        time="19:30",
    )
    assert answer.status_code == 303, words(answer.text)
    action_id = answer.headers["location"].split("/")[2].split("?")[0]
    with database.unit(tenant.workspace_id) as uow:
        action = uow.actions.get(action_id)
        version = uow.actions.version(action)
        assert version is not None
        payload = Payload.model_validate(version.payload)
        assert (action.state, action.slot_wall) == ("in_review", "2026-12-24T19:30:00")
        assert action.slot_at is not None and action.slot_at.hour == 12  # 19:30 in Jakarta
        assert [segment.text for segment in payload.segments] == ["Bagian satu", "Bagian dua"]
        assert payload.segments[0].media[0].alt == "Kopi"
        assert uow.threads.get(action.thread_id).graph == "post"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"text": ""}, "The text is empty"),
        ({"text": "x" * 301}, "301 characters"),
        ({"text": "Halo", "date": "2026-12-24"}, "not a date and time"),
        ({"text": "Halo", "date": "2020-01-01", "time": "09:00"}, "has passed already"),
        ({"text": "Halo", "account": ""}, "Choose the account"),
    ],
)
def test_a_post_that_cannot_be_is_refused_and_kept(
    fields: dict[str, str], reason: str, owner: Browser, tenant: Tenant
) -> None:
    answer = owner.send("/compose", "compose", **fields)
    assert answer.status_code == 422 and reason in answer.text
    assert forms_of(answer.text)["compose"]["fields"]["text"] == fields["text"]


def test_a_reply_is_written_once(owner: Browser, tenant: Tenant, database: Database) -> None:
    page = f"/inbox/{tenant.ids['interaction_id']}"
    answer = owner.send(page, "reply", text="Pukul tujuh pagi, Kak.")
    assert answer.status_code == 303
    assert "Jam berapa toko buka" in owner.get(answer.headers["location"]).text
    assert "reply" not in owner.forms(page)
    again = owner.post(f"{page}/reply", {"text": "Dua kali"})
    assert again.status_code == 409
    refused = owner.post(f"{page}/no_answer")
    assert refused.status_code == 409 and "There is a reply draft" in refused.text


def test_an_interaction_is_classified_and_left(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    page = f"/inbox/{tenant.ids['interaction_id']}"
    assert owner.send(page, "classify", sentiment="positive", intent="lead").status_code == 303
    assert owner.send(page, "classify", sentiment="angry").status_code == 422
    assert owner.send(page, "no_answer", reason="Sudah jelas").status_code == 303
    with database.unit(tenant.workspace_id) as uow:
        row = uow.interactions.get(tenant.ids["interaction_id"])
        assert (row.sentiment, row.intent, row.state) == ("positive", "lead", "no_answer")


def test_foreign_text_stays_text(owner: Browser, tenant: Tenant, database: Database) -> None:
    with database.unit(tenant.workspace_id) as uow:
        account = uow.brands.account(tenant.ids["account_id"])
        row = b.interaction(
            uow,
            account,
            START,
            text="<script>alert(1)</script> %s {{ 7*7 }}",
            handle="<i>x",
        )
        row.url = "javascript:alert(1)"
    for path in (f"/inbox/{row.id}", "/inbox"):
        html = owner.get(path).text
        assert "<script>" not in html and "<i>x" not in html and "javascript:" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt; %s {{ 7*7 }}" in html


# -- brands --------------------------------------------------------------------------------------


def test_a_brand_is_added_changed_stopped_and_started(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    wrong = owner.send("/brands/new", "brand", name="Toko Baru", time_zone="Asia/Nowhere")
    assert wrong.status_code == 422 and "unknown time zone" in wrong.text
    assert forms_of(wrong.text)["brand"]["fields"]["name"] == "Toko Baru"
    made = owner.send(
        "/brands/new",
        "brand",
        name="Toko Baru",
        competitors="Satu\r\nDua\r\n",
        languages=["id", "en"],
    )
    assert made.status_code == 303, words(made.text)
    page = made.headers["location"].split("?")[0]
    brand_id = page.split("/")[2]
    assert owner.send(page, "brand", voice="Ramah", posts_per_period="5").status_code == 303
    late = owner.post(page, owner.forms(page)["brand"]["fields"] | {"version": "1", "voice": "Y"})
    assert late.status_code == 409
    assert forms_of(late.text)["brand"]["fields"]["voice"] == "Y"
    assert owner.send(page, "start", by_hand="on").status_code == 303
    assert owner.post(f"{page}/start").status_code == 409
    assert owner.send(page, "stop", on="on").status_code == 303
    assert "Nothing leaves" in owner.get(page).text
    with database.unit(tenant.workspace_id) as uow:
        profile = uow.brands.profile(brand_id)
        assert (profile.voice, profile.posts_per_period) == ("Ramah", 5)
        assert profile.competitors == ("Satu", "Dua") and profile.languages == ("id", "en")
        assert uow.brands.get(brand_id).stopped
        assert uow.cycles.of_brand(brand_id)[0].by_hand
    assert owner.send(page, "resume").status_code == 303
    assert 'id="resume"' not in owner.get(page).text


def test_an_account_is_connected_after_its_check(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    page = f"/brands/{tenant.ids['brand_id']}"
    empty = owner.send(page, "connect-mastodon", base_url="https://m.example", handle="kopi")
    assert empty.status_code == 422 and "Access token is missing" in empty.text
    assert forms_of(empty.text)["connect-mastodon"]["fields"]["handle"] == "kopi"
    answer = owner.send(
        page,
        "connect-mastodon",
        base_url="https://m.example/",
        handle="@kopi",
        secret="s3cret-value",
    )
    assert answer.status_code == 303
    with database.unit(tenant.workspace_id) as uow:
        account = uow.brands.accounts(tenant.ids["brand_id"])[-1]
        assert (account.platform, account.handle) == ("mastodon", "kopi")
        assert b"s3cret" not in account.sealed_secret
    assert "s3cret" not in owner.get(page).text


def test_only_owners_change_brands_and_people(
    enter: Callable[[User], Browser], tenant: Tenant
) -> None:
    reviewer = enter(tenant.reviewer)
    page = f"/brands/{tenant.ids['brand_id']}"
    assert "brand" not in reviewer.forms(page)
    form = {"name": "X", "time_zone": "UTC", "age_from": "1", "age_to": "2", "region": "ID"}
    form |= {"posts_per_period": "1", "period_days": "1", "grace_minutes": "1", "approvers": "1"}
    form |= {"posting_times": "09:00", "languages": "id"}
    assert reviewer.post(page, form | {"version": "1"}).status_code == 403
    assert reviewer.post("/brands/new", form).status_code == 403
    person = {"name": "X", "email": "x@y.z", "password": "long enough", "role": "owner"}
    assert reviewer.post("/people", person).status_code == 403
    assert enter(tenant.viewer).post(f"{page}/stop", {"on": "on"}).status_code == 403


def test_a_person_is_added_and_can_log_in(
    app: object, owner: Browser, enter: Callable[[User], Browser]
) -> None:
    short = owner.send("/people", "person", name="Tono", email="tono@x.example", password="short")
    assert short.status_code == 422 and "at least 10" in short.text
    assert forms_of(short.text)["person"]["fields"]["email"] == "tono@x.example"
    fine = owner.send(
        "/people", "person", name="Tono", email="tono@x.example", password=b.PASSWORD, role="viewer"
    )
    assert fine.status_code == 303
    assert enter(User(email="tono@x.example")).get("/").status_code == 200


# -- papers --------------------------------------------------------------------------------------


def test_the_dossier_is_edited_by_hand_with_quotes_from_the_pages(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    page = f"/dossiers/{tenant.ids['paper_id']}/edit"
    wrong = owner.send(page, "edit", finding__2__statement="Buka", finding__2__quote="tidak ada")
    assert wrong.status_code == 422 and "does not stand" in wrong.text
    assert forms_of(wrong.text)["edit"]["fields"]["finding-2-quote"] == "tidak ada"
    more = owner.send(page, "edit", more="on", finding__3__statement="Belum disimpan")
    fields = forms_of(more.text)["edit"]["fields"]
    assert more.status_code == 200 and fields["finding-3-statement"] == "Belum disimpan"
    saved = owner.send(
        page,
        "edit",
        finding__1__remove="on",
        finding__2__statement="Toko buka pagi.",
        finding__2__quote="setiap hari dari pukul tujuh",
        platform__0__share="80,5",
    )
    assert saved.status_code == 303, words(saved.text)
    paper = latest(database, tenant, "dossier")
    content = read_dossier(paper)
    assert (paper.number, paper.state) == (2, "in_review")
    assert [item.entered_by for item in content.findings] == ["model", "person"]
    assert content.findings[0].verified
    assert content.findings[1].evidence[0].quote == (
        "Toko kami buka setiap hari dari pukul tujuh pagi."
    )
    assert content.platforms[0].share == pytest.approx(0.805)
    assert len(content.competitors[0].imitate) == 1


def test_a_stale_dossier_keeps_the_typed_text_and_mixes_up_no_quotes(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    page = f"/dossiers/{tenant.ids['paper_id']}/edit"
    typed = owner.forms(page)["edit"]["fields"] | {"summary": "Ringkasan saya"}
    typed["finding-0-statement"] = "Sesuatu yang lain"
    # Meanwhile the first finding goes, so that other findings move up.
    assert owner.send(page, "edit", finding__1__remove="on").status_code == 303
    stale = owner.client.post(page, data=typed)
    assert stale.status_code == 409 and "newest version" in stale.text
    form = forms_of(stale.text)["edit"]
    newest = latest(database, tenant, "dossier")
    assert form["action"] == f"/dossiers/{newest.id}/edit"
    assert (form["fields"]["summary"], form["fields"]["version"]) == ("Ringkasan saya", "2")
    assert owner.client.post(form["action"], data=form["fields"]).status_code == 303
    content = read_dossier(latest(database, tenant, "dossier"))
    assert content.summary == "Ringkasan saya"
    assert [(f.statement, f.verified) for f in content.findings] == [
        ("Sesuatu yang lain", False),
        ("Pembelinya terutama pekerja muda di Jakarta.", False),
    ]


def test_the_plan_is_edited_as_a_table(owner: Browser, tenant: Tenant, database: Database) -> None:
    page = f"/plans/{tenant.ids['plan_id']}/edit"
    wrong = owner.send(page, "edit", item__0__date="besok")
    assert wrong.status_code == 422 and "Post 1" in wrong.text
    saved = owner.send(
        page,
        "edit",
        item__1__remove="on",
        item__3__caption="Kiriman baru",
        item__3__date="2026-11-24",
        item__3__time="06:00",
        item__3__hashtags="#baru kopi",
        themes="Satu: reputasi\r\nDua",
    )
    assert saved.status_code == 303, words(saved.text)
    plan = read_plan(latest(database, tenant, "plan"))
    assert "Kiriman baru" in [item.caption for item in plan.items]
    new = next(item for item in plan.items if item.caption == "Kiriman baru")
    assert (len(plan.items), new.hashtags) == (3, ("baru", "kopi"))
    assert plan.items == tuple(sorted(plan.items, key=lambda item: item.slot.instant))
    assert [theme.name for theme in plan.themes] == ["Satu", "Dua"]
    assert sum(bool(item.evidence) for item in plan.items) == 1
    old = owner.get(f"/papers/{tenant.ids['plan_id']}")
    assert "This is an older version." in old.text and "approve" not in forms_of(old.text)


def test_papers_are_approved_and_sent_back(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    dossier, plan = f"/papers/{tenant.ids['paper_id']}", f"/papers/{tenant.ids['plan_id']}"
    assert owner.send(dossier, "request_changes", comment=" ").status_code == 422
    assert owner.send(dossier, "request_changes", comment="Cari pesaing.").status_code == 303
    assert owner.send(plan, "approve").status_code == 303
    assert owner.post(f"{plan}/approve", {"version": "1"}).status_code == 409
    assert owner.post(f"{plan}/approve", {"version": "9"}).status_code == 409
    assert owner.post(f"{plan}/reject", {"version": "1"}).status_code == 404
    assert latest(database, tenant, "plan").state == "approved"
    assert "Cari pesaing." in owner.get(dossier).text
    assert owner.send(f"/plans/{tenant.ids['plan_id']}/edit", "edit").status_code == 409


def test_a_comment_is_added_to_the_evaluation(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    page = f"/papers/{tenant.ids['evaluation_id']}"
    wrong = owner.send(page, "comment", text="Lihat {nothing}")
    assert wrong.status_code == 422 and "There is no figure" in wrong.text
    assert forms_of(wrong.text)["comment"]["fields"]["text"] == "Lihat {nothing}"
    answer = owner.send(page, "comment", text="Dari {posts} kiriman, 2 terbaik di pagi hari.")
    assert answer.status_code == 303
    assert "Dari 3 kiriman, 2 terbaik" in owner.get(answer.headers["location"]).text
    last = read_evaluation(latest(database, tenant, "evaluation")).paragraphs[-1]
    assert (last.kind, last.entered_by) == ("comment", "person")
