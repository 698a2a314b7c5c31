"""What delivery does besides sending: budgets, parts that are out, repetition, acts, dry runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from channels.base import NotSent, Outcome, Refused, SendRequest, Unknown
from domain.action import ActionKind, ActionState
from domain.approval import Verb
from domain.errors import InvalidInput, RiskNotAccepted, TransitionRefused
from domain.slot import Slot
from storage.tables import AuditEntry, ChannelAccount
from storage.uow import Database
from tests.fakes import START, ListWaker
from tests.rooms import Room, make_room
from workflows.account_rows import RowBudgets
from workflows.delivery import Claim, Delivery
from workflows.items import Draft
from workflows.rehearsal import rehearse
from workflows.start import compose_act, compose_deletion, revise_post

pytestmark = pytest.mark.db


@pytest.fixture
def room(database: Database, database_url: str, waker: ListWaker) -> Room:
    return make_room(database, database_url, waker)


def account(room: Room) -> ChannelAccount:
    with room.services.database.unit(room.workspace_id) as uow:
        return uow.brands.account(room.account_id)


def published(room: Room, words: str = "Halo dunia", **more: object) -> str:
    action_id = room.post(words, **more)  # type: ignore[arg-type]
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHED
    return action_id


def revise(room: Room, action_id: str, words: str) -> str:
    with room.services.database.unit(room.workspace_id) as uow:
        draft = Draft(text=words, no_claim=True)
        return revise_post(uow, room.verbs(uow), room.owner, action_id, draft).id


def audited(room: Room, action_id: str) -> list[str]:
    with room.services.database.system() as session:
        query = select(AuditEntry.verb).where(AuditEntry.object_id == action_id)
        return list(session.scalars(query))


def test_a_used_up_budget_is_waited_for_without_a_try(room: Room) -> None:
    budgets = RowBudgets(room.services.database, account(room))
    budgets.spent(START + timedelta(minutes=30), "The hour's calls are used up.")
    budgets.spent(START + timedelta(minutes=10), "An older answer.")  # the latest instant counts
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    action = room.action(action_id)
    assert (action.state, action.attempts) == (ActionState.SCHEDULED, 0)
    assert action.reason == "The hour's calls are used up."
    room.pump.pass_time(timedelta(minutes=29))
    assert room.platform.sends == 0
    room.pump.pass_time(timedelta(minutes=2))
    assert room.action(action_id).state == ActionState.PUBLISHED


def test_late_says_what_held_it_up(room: Room) -> None:
    refusal = NotSent(
        "The app password was revoked.",
        retry_at=START + timedelta(minutes=10),
        counts=False,
        reconnect=True,
    )
    room.platform.script = [lambda _r: refusal] * 40
    action_id = room.post(slot=Slot.at(START.date(), (START + timedelta(hours=8)).time(), "UTC"))
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    room.pump.pass_time(timedelta(hours=8))
    assert account(room).credentials_problem == "The app password was revoked."
    for _ in range(15):
        room.pump.pass_time(timedelta(minutes=11))
    action = room.action(action_id)
    assert action.state == ActionState.IN_REVIEW
    assert "held it up: The app password was revoked." in action.reason


def test_looking_without_an_answer_is_no_try(room: Room) -> None:
    room.platform.script = [lambda _r: Unknown("reset")]
    room.platform.down = True
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    for _ in range(6):
        room.pump.pass_time(timedelta(minutes=40))
    action = room.action(action_id)
    assert (action.state, action.attempts) == (ActionState.UNCONFIRMED, 0)
    assert action.looks > 3


def test_a_published_part_is_never_sent_again_by_a_new_version(room: Room) -> None:
    room.platform.script = [room.platform.store, lambda _r: Refused("too loud")]
    action_id = room.post("satu", more=("DUA!!!", "tiga"))
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.FAILED
    with pytest.raises(InvalidInput, match="Part 1 is on the platform already"):
        room.decide(
            action_id, Verb.EDIT, draft=Draft(text="SATU", more=("dua", "tiga"), no_claim=True)
        )
    with pytest.raises(InvalidInput, match="Part 1"):
        room.decide(action_id, Verb.EDIT, draft=Draft(text="tiga", no_claim=True))
    room.decide(action_id, Verb.EDIT, draft=Draft(text="satu", more=("dua", "tiga"), no_claim=True))
    room.decide(action_id, Verb.APPROVE, seen=2)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHED
    assert sorted(room.platform.texts()) == ["dua", "satu", "tiga"]


def test_what_may_be_out_keeps_its_key_in_the_next_version(room: Room) -> None:
    requests: list[SendRequest] = []

    def lost(request: SendRequest) -> Unknown:
        requests.append(request)
        room.platform.store(request)
        return Unknown("reset")

    room.platform.script = [lost]
    room.platform.down = True
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    room.decide(action_id, Verb.SETTLE_FAILED, comment="I give up")
    room.decide(action_id, Verb.RETRY)
    room.platform.down = False
    room.decide(action_id, Verb.APPROVE, seen=2)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHED
    assert len(room.platform.posts) == 1
    assert room.platform.sends == 1  # the second try looked first


def test_another_text_after_an_unknown_outcome_needs_an_opt_in(room: Room) -> None:
    room.platform.script = [lambda _r: Unknown("reset")]
    room.platform.down = True
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    room.decide(action_id, Verb.SETTLE_FAILED, comment="I give up")
    room.decide(action_id, Verb.EDIT, draft=Draft(text="Halo lagi", no_claim=True))
    with pytest.raises(RiskNotAccepted, match="Version 1 may be on the platform"):
        room.decide(action_id, Verb.APPROVE, seen=2)
    assert room.action(action_id).state == ActionState.IN_REVIEW
    room.decide(action_id, Verb.APPROVE, seen=2, accept=True)
    assert "accept_risk" in audited(room, action_id)
    with room.services.database.unit(room.workspace_id) as uow:
        kept = [d for d in uow.actions.decisions(action_id) if d.verb == "accept_risk"]
    assert [(d.user_id, d.version) for d in kept] == [(room.reviewer.id, 2)]
    assert "second post" in kept[0].comment


def test_to_say_that_it_is_absent_needs_an_opt_in(room: Room) -> None:
    room.platform.script = [lambda _r: Unknown("reset")]
    room.platform.down = True
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    with pytest.raises(RiskNotAccepted, match="stands there twice"):
        room.decide(action_id, Verb.SETTLE_ABSENT, comment="not there")
    assert room.action(action_id).state == ActionState.UNCONFIRMED
    assert "accept_risk" not in audited(room, action_id)
    room.platform.down = False
    room.decide(action_id, Verb.SETTLE_ABSENT, comment="not there", accept=True)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHED
    assert "accept_risk" in audited(room, action_id)


def test_a_persons_word_counts_where_nothing_can_be_read(room: Room) -> None:
    room.platform.script = [lambda _r: Unknown("reset")]
    room.platform.unreadable = True
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    action = room.action(action_id)
    assert (action.state, room.platform.sends) == (ActionState.UNCONFIRMED, 1)
    assert "settle it by hand" in action.reason
    room.decide(action_id, Verb.SETTLE_ABSENT, comment="not there", accept=True)
    room.pump.drain()
    assert room.action(action_id).state == ActionState.PUBLISHED
    assert room.platform.sends == 2
    with room.services.database.unit(room.workspace_id) as uow:
        segment = uow.actions.segments(uow.actions.get(action_id))[0]
        outcomes = [attempt.outcome for attempt in uow.actions.attempts(segment.id)]
    assert outcomes == ["denied", "sent"]


def test_editing_a_published_item_makes_a_new_one_with_its_own_approval(room: Room) -> None:
    first = published(room)
    again = revise(room, first, "Halo dunia, sekarang dengan teh")
    room.pump.drain()
    assert room.action(again).state == ActionState.IN_REVIEW
    assert room.action(again).revises_id == first
    assert room.action(first).state == ActionState.PUBLISHED
    assert room.platform.texts() == ["Halo dunia"]
    room.decide(again, Verb.APPROVE)
    room.pump.drain()
    assert room.platform.texts() == ["Halo dunia", "Halo dunia, sekarang dengan teh"]
    unpublished = room.post("baru")
    with pytest.raises(TransitionRefused, match="Only a published post"):
        revise(room, unpublished, "x")


def test_the_same_again_on_the_same_account_needs_an_opt_in(room: Room) -> None:
    first = published(room)
    again = revise(room, first, "Halo dunia")
    with pytest.raises(RiskNotAccepted, match=r"Exactly the same was published .* 2026-11-23"):
        room.decide(again, Verb.APPROVE)
    room.decide(again, Verb.APPROVE, accept=True)
    room.pump.drain()
    assert room.platform.texts() == ["Halo dunia", "Halo dunia"]


def test_deleting_is_an_act_with_an_approval_of_its_own(room: Room) -> None:
    seen: list[SendRequest] = []

    def delete(request: SendRequest) -> object:
        seen.append(request)
        from channels.base import Sent

        assert request.reply_to is not None
        return Sent(request.reply_to.remote_id, None)

    first = published(room)
    with room.services.database.unit(room.workspace_id) as uow:
        act = compose_deletion(uow, room.verbs(uow), room.owner, first).id
        with pytest.raises(TransitionRefused, match="already waiting"):
            compose_deletion(uow, room.verbs(uow), room.owner, first)
        with pytest.raises(TransitionRefused, match="Part 2 of this is not on the platform"):
            compose_deletion(uow, room.verbs(uow), room.owner, first, 2)
    room.pump.drain()
    assert not seen
    room.platform.script = [delete]  # type: ignore[list-item]
    room.decide(act, Verb.APPROVE)  # no words, so nothing to state about claims
    room.pump.drain()
    assert room.action(act).state == ActionState.PUBLISHED
    assert [r.kind for r in seen] == [ActionKind.DELETE]
    assert "Deleted on the platform" in room.action(first).reason
    assert room.thread_of(act).status == "finished"  # there is nothing to measure


def test_an_act_has_no_words(room: Room) -> None:
    with (
        room.services.database.unit(room.workspace_id) as uow,
        pytest.raises(InvalidInput, match="write it in the editor"),
    ):
        compose_act(uow, room.verbs(uow), room.owner, room.account_id, ActionKind.POST, "x")


def test_a_rehearsal_shows_requests_and_sends_nothing(room: Room) -> None:
    action_id = room.post("satu", more=("dua",))
    wires = rehearse(room.services, room.workspace_id, action_id)
    assert [wire.body for wire in wires] == ["satu", "dua"]
    assert room.platform.sends == 0
    long = room.post("x" * 301)
    with pytest.raises(InvalidInput, match="301"):
        rehearse(room.services, room.workspace_id, long)


def test_with_the_dry_run_setting_nothing_leaves(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    room = make_room(database, database_url, waker, dry_run=True)
    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    room.pump.pass_time(timedelta(minutes=61))
    action = room.action(action_id)
    assert action.state == ActionState.SCHEDULED
    assert "nothing was sent" in action.reason
    assert room.platform.sends == 0
    assert audited(room, action_id).count("dry_run") == 2


def test_steps_after_publishing_cannot_change_that_it_is_published(room: Room) -> None:
    room.platform.figures_fail = True
    action_id = published(room)
    room.pump.pass_time(timedelta(hours=2))
    assert room.action(action_id).state == ActionState.PUBLISHED
    assert "measure_failed" in audited(room, action_id)
    assert room.thread_of(action_id).status == "finished"


def test_the_figures_of_all_parts_count(room: Room) -> None:
    published(room, "satu", more=("dua",))
    for post in room.platform.posts.values():
        post.likes = 3
    room.platform.down = True  # the fake's figures do not need it, the reading of intake does
    room.pump.pass_time(timedelta(hours=2))
    with room.services.database.unit(room.workspace_id) as uow:
        figures = {item.name: item.value for item in uow.metrics.latest(room.account_id)}
    assert figures["likeCount"] == 6


def test_a_worker_that_stood_still_longer_than_its_lease_sends_nothing(room: Room) -> None:
    class StoodStill(Delivery):
        """Its process was stopped between the claim and the request."""

        def _send(self, claim: Claim) -> Outcome:
            lease = room.services.settings.lease_seconds
            return super()._send(replace(claim, since=claim.since - lease))

    action_id = room.post()
    room.decide(action_id, Verb.APPROVE)
    with room.services.database.unit(room.workspace_id) as uow:
        action = uow.actions.get(action_id, lock=True)
        action.state = ActionState.SCHEDULED.value
        action.slot_at = START
    StoodStill(room.services, room.workspace_id).deliver(action_id)
    assert room.platform.sends == 0
    assert room.action(action_id).state == ActionState.SCHEDULED
    room.pump.drain()
    room.pump.pass_time(timedelta(minutes=2))
    assert room.platform.sends == 1
