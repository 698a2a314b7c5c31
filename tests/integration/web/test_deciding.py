"""Every verb on posts and replies through the forms of the pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from config.clock import FixedClock
from domain.action import ActionState as S
from domain.action import Payload
from domain.approval import TRANSITIONS, Verb, verbs_from
from storage.tables import Action, ActionVersion, User
from storage.uow import Database
from tests import builders as b
from tests.fakes import START, FakePlatform
from tests.integration.web.conftest import Browser, Tenant, forms_of, png, words

pytestmark = pytest.mark.db


def read(database: Database, tenant: Tenant, action_id: str) -> tuple[Action, ActionVersion]:
    with database.unit(tenant.workspace_id) as uow:
        action = uow.actions.get(action_id)
        version = uow.actions.version(action)
        assert version is not None
        return action, version


def text_of(version: ActionVersion) -> list[str]:
    return [segment.text for segment in Payload.model_validate(version.payload).segments]


FIELDS = {
    Verb.REQUEST_CHANGES: {"comment": "Sebut alamatnya."},
    Verb.REJECT: {"comment": "Tidak cocok."},
    Verb.EDIT: {"text": "Teks yang baru"},
    Verb.RESCHEDULE: {"date": "2026-12-24", "time": "19:30"},
    Verb.SETTLE_PUBLISHED: {"comment": "Saya lihat sendiri.", "remote_id": "https://x.example/1"},
    Verb.SETTLE_ABSENT: {"comment": "Tidak ada.", "accept_risk": "on"},
    Verb.SETTLE_FAILED: {"comment": "Biarkan."},
}
ROUNDS = max(len(verbs_from(state)) for state in S)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_every_verb_of_every_state_has_a_form_that_works(
    number: int, owner: Browser, tenant: Tenant, database: Database
) -> None:
    """The n-th verb of each state that has so many."""
    for state in S:
        for verb in verbs_from(state)[number : number + 1]:
            action_id = tenant.states[state]
            if verb is Verb.SETTLE_PUBLISHED:
                _pending_segment(database, tenant, action_id)
            answer = owner.send(f"/items/{action_id}", verb.value, **FIELDS.get(verb, {}))
            assert answer.status_code == 303, (state, verb, words(answer.text))
            assert answer.headers["location"] == f"/items/{action_id}?said={verb.value}"
            after, _ = read(database, tenant, action_id)
            assert after.state == TRANSITIONS[state, verb].value, (state, verb)
            page = owner.get(answer.headers["location"])
            assert page.status_code == 200 and 'role="status"' in page.text, (state, verb)


def _pending_segment(database: Database, tenant: Tenant, action_id: str) -> None:
    from storage.tables import SegmentRow, new_id

    with database.unit(tenant.workspace_id) as uow:
        action = uow.actions.get(action_id)
        version = uow.actions.version(action)
        assert version is not None
        uow.session.add(
            SegmentRow(
                id=new_id(),
                workspace_id=tenant.workspace_id,
                action_id=action_id,
                version=1,
                digest=version.digest,
                ordinal=0,
                state="pending",
                client_key="k",
                client_time=START,
                remote_extra={},
            )
        )


def test_only_the_verbs_of_the_state_are_offered(owner: Browser, tenant: Tenant) -> None:
    for state in S:
        forms = set(owner.forms(f"/items/{tenant.states[state]}")) - {"language", "logout"}
        after = {"again"} if state is S.PUBLISHED else set()
        assert forms - {"repeat"} == {verb.value for verb in verbs_from(state)} | after, state


def test_a_verb_that_the_state_has_not_is_refused_with_what_is_possible(
    owner: Browser, tenant: Tenant
) -> None:
    answer = owner.post(f"/items/{tenant.states[S.PUBLISHED]}/approve", {"version": "1"})
    assert answer.status_code == 409
    assert "It is published" in answer.text
    for verb in ("claim", "sent", "nonsense"):
        assert owner.post(f"/items/{tenant.ids['action_id']}/{verb}").status_code == 404


def test_edit_and_approve_approves_what_was_typed(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    page = f"/items/{tenant.ids['action_id']}"
    answer = owner.send(page, "edit", to=f"{page}/edit_and_approve", text="Halo lagi\r\nbaris dua")
    assert answer.headers["location"].endswith("said=edit_and_approve")
    action, version = read(database, tenant, tenant.ids["action_id"])
    assert (action.state, action.version) == ("approved", 2)
    assert text_of(version) == ["Halo lagi\nbaris dua"]
    assert version.author_id == tenant.owner.id and version.evidence


def test_a_stale_decision_is_refused_with_what_changed_and_keeps_the_text(
    enter: Callable[[User], Browser], tenant: Tenant, database: Database
) -> None:
    first, second = enter(tenant.owner), enter(tenant.reviewer)
    page = f"/items/{tenant.ids['action_id']}"
    opened = second.forms(page)
    assert first.send(page, "edit", text="Teks dari Dewi").status_code == 303

    edit = opened["edit"]["fields"] | {"text": "Teks dari Budi", "comment": "ejaan"}
    answer = second.client.post(opened["edit"]["action"], data=edit)
    assert answer.status_code == 409
    assert "<ins>Teks dari Dewi" in answer.text and "<del>" in answer.text
    again = forms_of(answer.text)["edit"]["fields"]
    assert again["text"] == "Teks dari Budi" and again["comment"] == "ejaan"
    assert again["version"] == "2"

    stale = second.client.post(opened["approve"]["action"], data=opened["approve"]["fields"])
    assert stale.status_code == 409
    assert read(database, tenant, tenant.ids["action_id"])[0].state == "in_review"
    assert second.client.post(edit_action(page), data=again).status_code == 303
    assert text_of(read(database, tenant, tenant.ids["action_id"])[1]) == ["Teks dari Budi"]


def edit_action(page: str) -> str:
    return f"{page}/edit"


def test_what_is_missing_is_said_and_nothing_typed_is_lost(
    owner: Browser, tenant: Tenant, platform: FakePlatform, database: Database
) -> None:
    page = f"/items/{tenant.ids['action_id']}"
    answer = owner.send(page, "reject", comment="  ")
    assert answer.status_code == 422 and "needs a comment" in answer.text
    answer = owner.send(page, "reschedule", date="2026-02-30", time="09:00")
    assert answer.status_code == 422
    assert forms_of(answer.text)["reschedule"]["fields"]["date"] == "2026-02-30"
    answer = owner.send(page, "reschedule", date="2020-01-01", time="09:00")
    assert answer.status_code == 422 and "has passed already" in answer.text
    answer = owner.send(page, "edit", text="x" * (platform.text_max + 1), comment="panjang")
    assert answer.status_code == 422 and "301 characters" in answer.text
    assert forms_of(answer.text)["edit"]["fields"]["text"] == "x" * 301
    answer = owner.post(f"{page}/approve", {})
    assert answer.status_code == 422
    assert read(database, tenant, tenant.ids["action_id"])[0].version == 1


def test_a_text_over_the_limit_is_marked_and_cannot_be_approved(
    owner: Browser, tenant: Tenant, platform: FakePlatform
) -> None:
    platform.text_max = 5
    page = f"/items/{tenant.ids['action_id']}"
    assert "too long" in owner.get(page).text
    assert owner.send(page, "approve").status_code == 422


def test_two_approvers_are_needed_where_the_brand_says_so(
    enter: Callable[[User], Browser], tenant: Tenant, database: Database
) -> None:
    with database.unit(tenant.workspace_id) as uow:
        brand = uow.brands.get(tenant.ids["brand_id"])
        brand.profile = {**brand.profile, "approvers": 2}
    page = f"/items/{tenant.ids['action_id']}"
    first = enter(tenant.owner)
    assert first.send(page, "approve").headers["location"].endswith("said=approve_more")
    assert "1 of 2" in first.get(page).text
    assert first.send(page, "approve").status_code == 403
    assert enter(tenant.reviewer).send(page, "approve").headers["location"].endswith("said=approve")


def test_pictures_are_added_described_and_removed(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    page = f"/items/{tenant.states[S.DRAFTED]}"
    picture = {"image": ("x.png", png(color="navy"), "image/png")}
    refused = owner.send(page, "edit", files=picture, text="Halo")
    assert refused.status_code == 422 and "Describe the picture" in refused.text
    saved = owner.send(page, "edit", files=picture, text="Halo", image_alt="Cangkir biru")
    assert saved.status_code == 303
    media = Payload.model_validate(read(database, tenant, tenant.states[S.DRAFTED])[1].payload)
    [ref] = media.segments[0].media
    assert (ref.alt, ref.mime) == ("Cangkir biru", "image/png")
    assert owner.get(f"/media/{ref.media_id}").content == png(color="navy")
    assert owner.send(page, "edit", text="Halo", alt__0="Cangkir biru tua").status_code == 303
    changed = Payload.model_validate(read(database, tenant, tenant.states[S.DRAFTED])[1].payload)
    assert changed.segments[0].media[0].alt == "Cangkir biru tua"
    assert owner.send(page, "edit", text="Halo", remove__0="on").status_code == 303
    gone = Payload.model_validate(read(database, tenant, tenant.states[S.DRAFTED])[1].payload)
    assert gone.segments[0].media == ()


def test_history_names_people_times_and_changes(
    owner: Browser, enter: Callable[[User], Browser], tenant: Tenant
) -> None:
    page = f"/items/{tenant.ids['action_id']}"
    enter(tenant.reviewer).send(page, "request_changes", comment="Sebut <b>alamat</b>.")
    owner.send(page, "edit", text="Kopi Senja berkata selamat pagi")
    html = owner.get(page).text
    assert "“Sebut &lt;b&gt;alamat&lt;/b&gt;.”" in html and "<b>alamat" not in html
    text = words(html)
    assert "Budi Santoso requested changes" in text and "Dewi Anggraini edited" in text
    assert "<ins>" in html and "<del>" in html


def test_queue_filters_count_and_sort_by_due_time(owner: Browser, tenant: Tenant) -> None:
    everything = owner.get("/queue?show=all").text
    places = [everything.index(f"keadaan {state.value}<") for state in S]
    assert places == sorted(places)
    assert 'Everything <span class="count">12</span>' in everything
    only = owner.get(f"/queue?show=failed&brand={tenant.ids['brand_id']}&kind=post").text
    assert "keadaan failed<" in only and "keadaan in_review<" not in only
    assert "Nothing here." in owner.get("/queue?show=all&kind=reply").text


def test_a_failed_stage_runs_again_or_goes_on_by_hand(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    thread_id = tenant.ids["thread_id"]
    assert "No answer." in owner.get("/").text
    assert owner.send("/", f"retry-{thread_id}").headers["location"] == "/?said=stage_again"
    with database.unit(tenant.workspace_id) as uow:
        assert uow.threads.get(thread_id).status == "ready"
        thread = uow.threads.get(uow.cycles.get(tenant.ids["cycle_id"]).thread_id)
        thread.status = "failed"
        period = thread.id
    assert owner.post(f"/threads/{thread_id}/retry").status_code == 409
    answer = owner.post(f"/threads/{period}/retry", {"by_hand": "on"})
    assert answer.headers["location"] == "/?said=stage_by_hand"
    with database.unit(tenant.workspace_id) as uow:
        assert uow.cycles.get(tenant.ids["cycle_id"]).by_hand


def test_times_stand_in_the_zone_of_the_brand(
    owner: Browser, tenant: Tenant, database: Database, clock: FixedClock
) -> None:
    with database.unit(tenant.workspace_id) as uow:
        brand = b.brand(uow, "Timur", time_zone="Asia/Jayapura")
        account = b.account(uow, brand)
        from domain.slot import Slot

        at = (clock.now() + timedelta(days=1)).replace(hour=9)
        slot = Slot.at(at.date(), at.time(), "Asia/Jayapura")
        action = b.action(uow, account, clock.now(), slot=slot)
    text = owner.get(f"/items/{action.id}").text
    assert "09:00" in text and "Asia/Jayapura" in text
