"""On published posts and comments: write anew, delete, like; the risk of a repetition; previews."""

from __future__ import annotations

import pytest

from domain.action import ActionKind, ActionState, MediaRef, Payload, Segment
from storage.tables import Action, SegmentRow, new_id
from storage.uow import Database, UnitOfWork
from tests import builders as b
from tests.fakes import START
from tests.integration.web.conftest import Browser, Tenant, png, words

pytestmark = pytest.mark.db
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\x00" * 64


def on_the_platform(database: Database, tenant: Tenant) -> str:
    """The published item, with the segment that delivery would have left."""
    action_id = tenant.states[ActionState.PUBLISHED]
    with database.unit(tenant.workspace_id) as uow:
        action = uow.actions.get(action_id)
        if not uow.actions.segments(action):
            version = uow.actions.version(action)
            assert version is not None
            if uow.actions.approval(action) is None:
                decision = uow.actions.decide(version, tenant.owner.id, "approve", "")
                uow.actions.approve(version, decision, START)
            uow.session.add(
                SegmentRow(
                    id=new_id(),
                    workspace_id=tenant.workspace_id,
                    action_id=action_id,
                    version=action.version,
                    digest=version.digest,
                    ordinal=0,
                    state="sent",
                    client_key="key",
                    client_time=START,
                    remote_id="remote-77",
                    remote_extra={},
                )
            )
    return action_id


def made(database: Database, tenant: Tenant, location: str) -> tuple[Action, Payload]:
    action_id = location.split("/")[2].split("?", maxsplit=1)[0]
    with database.unit(tenant.workspace_id) as uow:
        return payload_of(uow, action_id)


def payload_of(uow: UnitOfWork, action_id: str) -> tuple[Action, Payload]:
    action = uow.actions.get(action_id)
    version = uow.actions.version(action)
    assert version is not None
    return action, Payload.model_validate(version.payload)


def test_a_published_post_is_written_anew(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    first = on_the_platform(database, tenant)
    page = owner.get(f"/items/{first}").text
    assert "The published one stays as it is" in page
    answer = owner.send(f"/items/{first}", "again", text="Halo sekali lagi")
    assert answer.status_code == 303, words(answer.text)
    action, payload = made(database, tenant, answer.headers["location"])
    assert (action.state, action.revises_id) == ("in_review", first)
    assert payload.segments[0].text == "Halo sekali lagi"
    assert "the published post" in owner.get(answer.headers["location"]).text
    late = owner.send(f"/items/{first}", "again", date="2020-01-01", time="09:00", text="Disimpan")
    assert late.status_code == 422 and "has passed already" in late.text
    assert "Disimpan" in late.text  # what was typed is kept


def test_the_same_text_again_is_approved_only_with_the_risk_accepted(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    first = on_the_platform(database, tenant)
    answer = owner.send(f"/items/{first}", "again")
    item = answer.headers["location"].split("?")[0]
    page = owner.get(item).text
    assert "Exactly the same was published" in page and "I accept that risk" in page
    refused = owner.send(item, "approve")
    assert refused.status_code == 422 and "Exactly the same" in refused.text
    assert made(database, tenant, item)[0].state == "in_review"
    assert owner.send(item, "approve", accept_risk="on").status_code == 303
    assert made(database, tenant, item)[0].state == "approved"
    assert "accepted the risk" in owner.get(item).text


def test_to_say_that_it_is_absent_names_the_risk(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    item = f"/items/{tenant.states[ActionState.UNCONFIRMED]}"
    assert "stands there twice" in owner.get(item).text
    refused = owner.send(item, "settle_absent", comment="looked")
    assert refused.status_code == 422 and "accept the risk" in refused.text
    assert owner.send(item, "settle_absent", comment="looked", accept_risk="on").status_code == 303


def test_a_deletion_and_a_like_go_into_review(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    first = on_the_platform(database, tenant)
    answer = owner.send(f"/items/{first}", "delete-1")
    action, payload = made(database, tenant, answer.headers["location"])
    assert (action.state, action.kind, payload.target) == ("in_review", "delete", "remote-77")
    again = owner.send(f"/items/{first}", "delete-1")
    assert again.status_code == 409 and "already waiting" in again.text
    page = owner.get(answer.headers["location"]).text
    assert "remote-77" in page and "no factual claim" not in page
    assert owner.send(answer.headers["location"].split("?")[0], "approve").status_code == 303
    comment = f"/inbox/{tenant.ids['interaction_id']}"
    for form, kind in (("like", ActionKind.LIKE), ("unlike", ActionKind.UNLIKE)):
        liked = owner.send(comment, form)
        action, payload = made(database, tenant, liked.headers["location"])
        assert (action.kind, action.interaction_id) == (kind.value, None)
        assert payload.target is not None and not payload.segments
    assert owner.send(comment, "like").status_code == 409
    assert "reply" in owner.forms(comment)  # a like is no answer


def test_a_link_gets_the_preview_that_is_approved(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    answer = owner.send("/compose", "compose", text="Baca ini", link="https://kopi.example/cerita")
    assert answer.status_code == 303, words(answer.text)
    item = answer.headers["location"].split("?")[0]
    _, payload = made(database, tenant, item)
    card = payload.segments[0].card
    assert card is not None and card.title == "Title of https://kopi.example/cerita"
    assert "Title of https://kopi.example/cerita" in owner.get(item).text
    # An edit that leaves the link alone keeps the preview, another link brings another.
    owner.send(item, "edit", text="Baca ini ya")
    assert made(database, tenant, item)[1].segments[0].card == card
    owner.send(item, "edit", link="https://kopi.example/lain")
    changed = made(database, tenant, item)[1].segments[0].card
    assert changed is not None and changed.title.endswith("/lain")
    owner.send(item, "edit", link="")
    assert made(database, tenant, item)[1].segments[0].card is None


def test_a_quoted_post_is_named_by_the_address_of_its_page(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    typed = {"text": "Setuju", "quote": "https://social.example/@siti/remote-9"}
    item = owner.send("/compose", "compose", **typed).headers["location"].split("?")[0]
    assert made(database, tenant, item)[1].segments[0].quote == "remote-9"
    owner.send(item, "edit", text="Sangat setuju")  # the id that the editor shows stays itself
    assert made(database, tenant, item)[1].segments[0].quote == "remote-9"
    wrong = owner.send("/compose", "compose", text="Setuju", quote="https://social.example/about")
    assert wrong.status_code == 422
    assert "There is no post at https://social.example/about" in words(wrong.text)


def test_pictures_stay_with_their_parts(owner: Browser, tenant: Tenant, database: Database) -> None:
    with database.unit(tenant.workspace_id) as uow:
        account = uow.brands.account(tenant.ids["account_id"])
        first, second = (
            b.media(uow, uow.brands.get(account.brand_id), png(color=c)) for c in ("red", "blue")
        )
        action = b.action(uow, account, START, state=ActionState.IN_REVIEW, text="satu")
        version = uow.actions.version(action)
        assert version is not None
        parts = tuple(
            Segment(
                text=text, media=(MediaRef(media_id=m.id, sha256=m.sha256, mime=m.mime, alt=text),)
            )
            for text, m in (("satu", first), ("dua", second))
        )
        action.version = 2
        payload = Payload.model_validate(version.payload).model_copy(update={"segments": parts})
        uow.actions.add_version(action, payload, START, origin="person", author_id=tenant.owner.id)
    item = f"/items/{action.id}"
    assert owner.send(item, "edit", text=["satu!", "dua!"]).status_code == 303
    _, kept = made(database, tenant, item)
    assert [[m.alt for m in segment.media] for segment in kept.segments] == [["satu"], ["dua"]]


def test_a_video_is_taken_where_the_platform_does(
    owner: Browser, tenant: Tenant, database: Database
) -> None:
    answer = owner.send(
        "/compose",
        "compose",
        text="Lihat",
        files={"image": ("v.mp4", MP4, "video/mp4")},
        image_alt="Kopi dituang",
    )
    assert answer.status_code == 422 and "video" in answer.text.lower()
