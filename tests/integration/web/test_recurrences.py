"""Posts that come again, on the pages: begin, the list of a brand, pause, resume, stop; free slots."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from config.clock import FixedClock
from domain.action import ActionState
from domain.slot import Slot
from storage.repositories.recurrences import next_slot
from storage.tables import Action, Recurrence, User
from storage.uow import Database
from tests import builders as b
from tests.fakes import START
from tests.integration.web.conftest import Browser, Tenant, forms_of, words
from workflows.proposals import propose

pytestmark = pytest.mark.db
LEAD = timedelta(hours=72)


def row_of(database: Database, tenant: Tenant, source_id: str) -> Recurrence:
    with database.unit(tenant.workspace_id) as uow:
        return uow.recurrences.find(source_id=source_id)[0]


def action_at(database: Database, tenant: Tenant, location: str) -> Action:
    with database.unit(tenant.workspace_id) as uow:
        return uow.actions.get(location.split("/")[2].split("?", maxsplit=1)[0])


@pytest.fixture
def source(tenant: Tenant) -> str:
    return tenant.states[ActionState.PUBLISHED]


@pytest.fixture
def page(tenant: Tenant) -> str:
    return f"/brands/{tenant.ids['brand_id']}/repeats"


def test_a_published_post_comes_again(
    owner: Browser, tenant: Tenant, source: str, page: str, database: Database
) -> None:
    answer = owner.send(f"/items/{source}", "repeat", every_days="14", until="2027-01-31")
    assert answer.status_code == 303, words(answer.text)
    assert answer.headers["location"] == f"{page}?said=repeat"
    row = row_of(database, tenant, source)
    assert (row.kind, row.every_days, row.state, row.zone) == ("recurring", 14, "active", b.ZONE)
    html = owner.get(answer.headers["location"]).text
    text = words(html)
    assert "Each time waits for an approval of its own" in text
    assert "Every 14 days" in text and "31 Jan 2027" in text and b.ZONE in text
    assert f"{next_slot(row).wall:%H:%M}" in text and f'href="/items/{source}"' in html
    # The item leads there, and does not offer it a second time.
    item = owner.get(f"/items/{source}").text
    assert f"{page}#r-{row.id}" in item and "repeat" not in forms_of(item)
    assert (
        owner.post(f"/items/{source}/repeat", {"kind": "recurring", "every_days": "7"}).status_code
        == 409
    )


def test_an_occurrence_leads_to_what_it_repeats(
    owner: Browser,
    tenant: Tenant,
    source: str,
    page: str,
    database: Database,
    clock: FixedClock,
) -> None:
    owner.send(f"/items/{source}", "repeat", kind="evergreen", every_days="10")
    row = row_of(database, tenant, source)
    assert "Evergreen, at least 10 days apart" in owner.get(page).text
    assert row.propose_at is not None
    clock.at = row.propose_at
    with database.unit(tenant.workspace_id) as uow:
        assert propose(uow, clock.now(), LEAD, row.id) == "proposed"
        made = uow.recurrences.last(row.id)
        assert made is not None
    item = owner.get(f"/items/{made.id}").text
    assert f'href="/items/{source}"' in item and f"{page}#r-{row.id}" in item
    assert "Number 1" in words(item) and "repeat" not in forms_of(item)
    listed = owner.get(page).text
    assert (
        f'href="/items/{made.id}"' in listed and "Nothing was proposed yet." in listed
    )  # the other
    # Exactly the words that are out are not approved on the page either.
    owner.send(f"/items/{made.id}", "submit")
    refused = owner.send(f"/items/{made.id}", "approve")
    assert refused.status_code == 422 and "word for word" in refused.text


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"every_days": "0"}, 422, "from 1 to 366"),
        ({"every_days": "often"}, 422, "not a whole number"),
        ({"every_days": ""}, 422, "not a whole number"),
        ({"until": "soon"}, 422, "is not a date"),
        ({"until": "2026-11-24"}, 422, "It would not come once"),
        ({"kind": "yearly"}, 422, "no way to repeat"),
    ],
)
def test_what_cannot_be_is_refused_and_kept(
    fields: dict[str, str], status: int, said: str, owner: Browser, source: str
) -> None:
    answer = owner.send(f"/items/{source}", "repeat", **{"every_days": "21", **fields})
    assert answer.status_code == status and said in words(answer.text)
    kept = forms_of(answer.text)["repeat"]["fields"]
    assert kept["every_days"] == fields.get("every_days", "21")
    assert 'id="box-repeat" open' in answer.text


def test_only_what_is_approved_or_published_offers_it(owner: Browser, tenant: Tenant) -> None:
    offered = {
        state for state, item in tenant.states.items() if "repeat" in owner.forms(f"/items/{item}")
    }
    assert offered == {ActionState.PUBLISHED, ActionState.APPROVED}  # the scheduled one comes again
    answer = owner.post(
        f"/items/{tenant.states[ActionState.IN_REVIEW]}/repeat",
        {"kind": "recurring", "every_days": "7"},
    )
    assert answer.status_code == 409 and "approved or published" in words(answer.text)


def test_it_is_paused_resumed_and_stopped(
    owner: Browser, tenant: Tenant, page: str, database: Database
) -> None:
    row_id = tenant.ids["recurrence_id"]

    def state() -> str:
        with database.unit(tenant.workspace_id) as uow:
            return uow.recurrences.get(row_id).state

    answer = owner.send(page, f"pause-{row_id}")
    assert answer.headers["location"] == f"{page}?said=repeat_pause" and state() == "paused"
    paused = owner.get(page).text
    assert "Dewi Anggraini: paused it" in paused and f"pause-{row_id}" not in forms_of(paused)
    again = owner.post(f"/repeats/{row_id}/pause")
    assert again.status_code == 409 and "the repetition is paused" in again.text
    assert owner.send(page, f"resume-{row_id}").status_code == 303 and state() == "active"
    assert owner.send(page, f"stop-{row_id}").status_code == 303 and state() == "ended"
    ended = owner.get(page).text
    assert not {name for name in forms_of(ended) if name.endswith(row_id)}
    assert "Next date" not in ended and "Ended" in ended
    assert owner.post(f"/repeats/{row_id}/resume").status_code == 409


def test_a_viewer_sees_it_and_changes_nothing(
    enter: Callable[[User], Browser], tenant: Tenant, source: str, page: str, database: Database
) -> None:
    viewer = enter(tenant.viewer)
    html = viewer.get(page).text
    assert "Every 7 days" in html
    assert set(forms_of(html)) == {"language", "logout"}
    assert "repeat" not in viewer.forms(f"/items/{source}")
    fields = {"kind": "recurring", "every_days": "7"}
    assert viewer.post(f"/items/{source}/repeat", fields).status_code == 403
    for verb in ("pause", "stop"):
        assert viewer.post(f"/repeats/{tenant.ids['recurrence_id']}/{verb}").status_code == 403
    with database.unit(tenant.workspace_id) as uow:
        assert uow.recurrences.get(tenant.ids["recurrence_id"]).state == "active"
        assert not uow.recurrences.find(source_id=source)


def test_a_brand_without_any_says_how_to_begin(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    with database.unit(tenant.workspace_id) as uow:
        empty = b.brand(uow)
    assert "Nothing comes again yet" in owner.get(f"/brands/{empty.id}/repeats").text


def test_a_post_goes_into_the_next_free_slot(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    first = Slot.at(START.date(), datetime(2026, 11, 23, 9).time(), b.ZONE)
    slots = []
    for _ in range(2):
        answer = owner.send("/compose", "compose", text="Halo", next_free="on")
        assert answer.status_code == 303, words(answer.text)
        slots.append(action_at(database, tenant, answer.headers["location"]))
    assert [item.slot_at for item in slots] == [first.instant, first.instant + timedelta(hours=3)]
    assert [item.slot_wall for item in slots] == ["2026-11-23T09:00:00", "2026-11-23T12:00:00"]
    both = owner.send(
        "/compose", "compose", text="Halo", next_free="on", date="2026-12-24", time="09:00"
    )
    assert both.status_code == 422 and "not both" in both.text
    assert forms_of(both.text)["compose"]["fields"]["next_free"] == ["on"]
    plain = owner.send("/compose", "compose", text="Halo")
    assert action_at(database, tenant, plain.headers["location"]).slot_at is None
