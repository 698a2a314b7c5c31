"""No approval, no effect: in the verbs, in the delivery, and in the database itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from domain.action import ActionState, MediaRef
from domain.approval import Verb
from domain.brand import BrandProfile
from domain.errors import InvalidInput, NotPermitted, StaleVersion
from domain.slot import Slot
from domain.team import Role
from storage.tables import new_id
from storage.uow import Database
from tests.fakes import START, ListWaker
from tests.rooms import Room, make_room
from workflows.items import Draft
from workflows.start import compose_post

pytestmark = pytest.mark.db


@pytest.fixture
def room(database: Database, database_url: str, waker: ListWaker) -> Room:
    return make_room(database, database_url, waker)


def test_the_database_refuses_an_attempt_without_approval(room: Room) -> None:
    action_id = room.post()
    room.pump.drain()
    with room.services.database.unit(room.workspace_id) as uow:
        version = uow.actions.version(uow.actions.get(action_id))
        assert version is not None
        digest = version.digest
    row = {
        "id": new_id(),
        "ws": room.workspace_id,
        "action": action_id,
        "digest": digest,
        "segment": new_id(),
    }
    segment = text(
        "insert into segments (id, workspace_id, action_id, version, digest, ordinal, state, client_key,"
        " client_time, remote_extra, row_version) values (:segment, :ws, :action, 1, :digest, 0, 'pending',"
        " 'k', now(), '{}', 1)"
    )
    attempt = text(
        "insert into attempts (id, workspace_id, action_id, version, digest, segment_id, number, lease_until,"
        " detail, raw, row_version) values (:id, :ws, :action, 1, :digest, :segment, 1, now(), '', '{}', 1)"
    )
    with pytest.raises(IntegrityError, match="fk_segments"), room.services.database.system() as s:
        s.execute(segment, row)
    with pytest.raises(IntegrityError), room.services.database.system() as s:
        s.execute(attempt, row)
    # Pretending to publish does not help either: the foreign key to the approval is missing.
    with pytest.raises(IntegrityError, match="fk_attempts"), room.services.database.system() as s:
        s.execute(text("update actions set state = 'publishing' where id = :action"), row)
        s.execute(text("alter table attempts disable trigger attempts_are_current"))
        s.execute(attempt, row)


@pytest.mark.parametrize("table", ["action_versions", "approvals", "decisions", "audit_log"])
def test_what_was_decided_cannot_be_changed_by_sql(room: Room, table: str) -> None:
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    for sql in (f"delete from {table}", f"truncate {table} cascade"):
        with pytest.raises(IntegrityError, match="only grow"):
            with room.services.database.system() as session:
                assert session.execute(text(f"select count(*) from {table}")).scalar_one() > 0
                session.execute(text(sql))
    column = "verb" if table in ("decisions", "audit_log") else "digest"
    with pytest.raises(IntegrityError, match="only grow"), room.services.database.system() as s:
        s.execute(text(f"update {table} set {column} = 'x'"))


def test_changed_bytes_of_a_picture_are_not_sent(room: Room) -> None:
    with room.services.database.unit(room.workspace_id) as uow:
        media = uow.brands.add_media(room.brand_id, b"approved bytes", "image/png", 1, 1)
    ref = MediaRef(media_id=media.id, sha256=media.sha256, mime="image/png", alt="Kopi")
    action_id = room.post("Lihat", media=(ref,))
    room.decide(action_id, Verb.APPROVE)
    with room.services.database.system() as session:
        session.execute(text("update media set data = 'other bytes'"))
    room.pump.drain()
    thread = room.thread_of(action_id)
    assert thread.status == "failed"
    assert "not the one that was approved" in thread.error
    assert room.platform.sends == 0
    assert room.action(action_id).state == ActionState.SCHEDULED


def test_an_edit_voids_the_approval(room: Room) -> None:
    slot = Slot.at(START.date() + timedelta(days=2), START.time(), "UTC")
    action_id = room.post(slot=slot)
    room.pump.drain()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    room.decide(action_id, Verb.EDIT, draft=Draft(text="Halo semua", no_claim=True))
    room.pump.drain()
    assert room.action(action_id).state == ActionState.IN_REVIEW
    room.clock.at = slot.instant
    room.pump.tick()
    assert room.platform.sends == 0
    with pytest.raises(StaleVersion):
        room.decide(action_id, Verb.APPROVE, seen=1)
    room.decide(action_id, Verb.APPROVE, seen=2)
    room.pump.drain()
    assert room.platform.texts() == ["Halo semua"]


def test_a_text_without_source_is_approved_only_as_making_no_claim(room: Room) -> None:
    with room.services.database.unit(room.workspace_id) as uow:
        draft = Draft(text="Kopi terbaik sejak 1990")
        action_id = compose_post(uow, room.verbs(uow), room.owner, room.account_id, draft, None).id
    with pytest.raises(InvalidInput, match="No source"):
        room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert room.platform.sends == 0
    room.decide(action_id, Verb.APPROVE, no_claim=True)
    room.pump.drain()
    action = room.action(action_id)
    assert (action.state, action.version) == (ActionState.PUBLISHED, 2)
    with room.services.database.unit(room.workspace_id) as uow:
        verbs = [item.verb for item in uow.actions.decisions(action_id)]
        assert verbs == ["no_claim", "approve"]


def test_two_approvers_and_not_the_author_alone(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    profile = BrandProfile(name="Dua Mata", approvers=2, author_may_approve=False)
    room = make_room(database, database_url, waker, profile)
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.IN_REVIEW
    with pytest.raises(NotPermitted, match="already"):
        room.decide(action_id, Verb.APPROVE)
    with pytest.raises(NotPermitted, match="wrote"), database.unit(room.workspace_id) as uow:
        room.verbs(uow).decide(room.owner, action_id, Verb.APPROVE, 1)
    with database.unit(room.workspace_id) as uow:
        second = uow.people.add("b@example.org", "B", "long enough 1", Role.REVIEWER)
    with database.unit(room.workspace_id) as uow:
        room.verbs(uow).decide(second, action_id, Verb.APPROVE, 1)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHED
