"""A whole period: by hand without any model, and with a model that answers as set."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels.base import Unknown
from domain.action import ActionState
from domain.approval import Verb
from domain.brand import BrandProfile
from domain.dossier import Dossier, Finding
from domain.errors import InvalidInput, ModelUnavailable, StaleVersion, TransitionRefused
from domain.evaluation import Paragraph
from domain.plan import Plan
from sources.errors import SiteUnreachable
from storage.tables import Action, Cycle, InteractionRow, Paper
from storage.uow import Database
from tests.fakes import FakeModel, ListWaker
from tests.rooms import Room, make_room
from tests.spine.answers import DOCUMENT, set_answers
from workflows import intake
from workflows.items import Draft
from workflows.papers import decide_paper, edit_paper, read_evaluation, read_plan
from workflows.services import Reading
from workflows.start import compose_reply, no_answer, retry_stage

pytestmark = pytest.mark.db


@pytest.fixture
def room(database: Database, database_url: str, waker: ListWaker) -> Room:
    return make_room(
        database, database_url, waker, BrandProfile(name="Kopi Senja", posts_per_period=2)
    )


def paper(room: Room, cycle: Cycle, kind: str) -> Paper:
    with room.services.database.unit(room.workspace_id) as uow:
        found = uow.cycles.latest_paper(cycle.id, kind)
        assert found is not None
        return found


def posts(room: Room, cycle: Cycle) -> list[Action]:
    with room.services.database.unit(room.workspace_id) as uow:
        return list(uow.actions.find(cycle_id=cycle.id, kind="post"))


def inbox(room: Room) -> list[InteractionRow]:
    with room.services.database.unit(room.workspace_id) as uow:
        return list(uow.interactions.of_brand(room.brand_id))


def approve(room: Room, seen: Paper) -> None:
    with room.services.database.unit(room.workspace_id) as uow:
        decide_paper(uow, room.reviewer, seen.id, Verb.APPROVE, seen.number)
    room.pump.drain()


def edit(room: Room, seen: Paper, content: Dossier | Plan) -> Paper:
    with room.services.database.unit(room.workspace_id) as uow:
        return edit_paper(uow, room.owner, seen.id, seen.number, content)


def test_a_whole_cycle_by_hand_with_the_model_off(room: Room) -> None:
    cycle = room.start()
    room.pump.drain()
    dossier = paper(room, cycle, "dossier")
    assert (dossier.state, dossier.content["findings"]) == ("drafted", [])
    finding = Finding(topic="product", statement="Kopi gula aren", entered_by="person")
    approve(room, edit(room, dossier, Dossier(business_model="b2c", findings=(finding,))))

    plan = paper(room, cycle, "plan")
    empty = read_plan(plan)
    assert len(empty.items) == 2
    with pytest.raises(InvalidInput, match="caption"):
        approve(room, plan)
    filled = empty.model_copy(
        update={
            "items": tuple(
                item.model_copy(
                    update={"caption": f"Kopi {n}", "hashtags": ("kopi",), "no_claim": True}
                )
                for n, item in enumerate(empty.items)
            )
        }
    )
    newer = edit(room, plan, filled)
    with pytest.raises(StaleVersion):
        approve(room, plan)
    approve(room, newer)

    made = posts(room, cycle)
    assert [a.state for a in made] == [ActionState.IN_REVIEW] * 2
    for action in made:
        room.decide(action.id, Verb.APPROVE)
    room.pump.drain()
    for item in filled.items:
        room.clock.at = item.slot.instant
        room.pump.tick()
    assert room.platform.texts() == ["Kopi 0\n\n#kopi", "Kopi 1\n\n#kopi"]
    with pytest.raises(TransitionRefused, match="running already"):
        room.start()

    room.platform.comment("Buka jam berapa?", "remote-1", "sari", room.clock.at)
    room.platform.comment("spam spam", "remote-1", "bot", room.clock.at)
    for _ in range(2):  # reading twice changes nothing
        intake.poll(room.services, room.workspace_id, room.account_id)
    room.pump.drain()
    asked = {row.text: row for row in inbox(room)}
    assert len(asked) == 2
    with room.services.database.unit(room.workspace_id) as uow:
        reply = compose_reply(
            uow,
            room.verbs(uow),
            room.owner,
            asked["Buka jam berapa?"].id,
            Draft(text="Jam 8 ya", no_claim=True),
        )
    with room.services.database.unit(room.workspace_id) as uow:
        no_answer(uow, room.reviewer, asked["spam spam"].id)
    room.pump.drain()
    assert room.platform.texts()[-1] != "Jam 8 ya"
    room.decide(reply.id, Verb.APPROVE)
    room.pump.drain()
    answer = list(room.platform.posts.values())[-1].request
    assert answer.text == "Jam 8 ya"
    assert answer.reply_to is not None
    assert answer.reply_to.remote_id == asked["Buka jam berapa?"].remote_id

    room.clock.at = cycle.period_end + timedelta(minutes=1)
    room.pump.tick()
    evaluation = read_evaluation(paper(room, cycle, "evaluation"))
    figures = {figure.id: figure.value for figure in evaluation.figures}
    assert figures["posts_published"] == 2
    assert figures["interactions_received"] == 2
    assert figures["texts_answered"] == 1
    assert evaluation.paragraphs == ()
    with room.services.database.unit(room.workspace_id) as uow:
        seen = uow.cycles.latest_paper(cycle.id, "evaluation")
        assert seen is not None
        words = evaluation.model_copy(
            update={"paragraphs": (Paragraph(text="Bagus: {posts_published}", kind="comment"),)}
        )
        edit_paper(uow, room.owner, seen.id, seen.number, words)
    assert room.thread_of(cycle.id).status == "finished"
    room.pump.pass_time(timedelta(days=2))
    with room.services.database.unit(room.workspace_id) as uow:
        assert uow.threads.unfinished(room.brand_id) == 0
    room.start()  # the next period may begin


def test_an_unreachable_site_fails_the_stage_which_can_be_run_again(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    room = make_room(
        database,
        database_url,
        waker,
        BrandProfile(name="Kopi", website="https://kopi.example"),
        reading=Reading(()),
    )

    def unreachable(_profile: BrandProfile, _progress: object) -> Reading:
        raise SiteUnreachable("https://kopi.example does not answer. Check the address.")

    object.__setattr__(room.services, "read_sources", unreachable)
    cycle = room.start()
    room.pump.drain()
    thread = room.thread_of(cycle.id)
    assert (thread.status, thread.node) == ("failed", "research")
    assert "does not answer" in thread.error
    object.__setattr__(room.services, "read_sources", lambda _profile, _progress: Reading(()))
    with database.unit(room.workspace_id) as uow:
        retry_stage(uow, room.owner, thread.id)
    room.pump.drain()
    assert room.thread_of(cycle.id).status == "waiting"
    assert paper(room, cycle, "dossier").state == "drafted"


@pytest.fixture
def modelled(database: Database, database_url: str, waker: ListWaker) -> Room:
    return make_room(
        database,
        database_url,
        waker,
        BrandProfile(
            name="Kopi Senja",
            website="https://kopi.example",
            posts_per_period=2,
            reports_to=("json://localhost",),
        ),
        model=FakeModel(set_answers()),
        reading=Reading((DOCUMENT,), (("https://kopi.example/pdf", "not HTML"),)),
    )


def model_of(room: Room) -> FakeModel:
    model = room.services.model_of(room.workspace_id)
    assert isinstance(model, FakeModel)
    return model


def test_a_whole_cycle_with_a_model(modelled: Room) -> None:
    room = modelled
    notes: list[Any] = []
    object.__setattr__(room.services, "notify", lambda *note: notes.append(note))
    cycle = room.start()
    room.pump.drain()
    dossier = paper(room, cycle, "dossier")
    assert dossier.state == "in_review"
    quotes = [e["quote"] for f in dossier.content["findings"] for e in f["evidence"]]
    assert quotes
    assert all(quote in DOCUMENT.text for quote in quotes)
    assert paper(room, cycle, "plan").state == "in_review"

    with room.services.database.unit(room.workspace_id) as uow:
        seen = paper(room, cycle, "plan")
        decide_paper(
            uow, room.reviewer, seen.id, Verb.REQUEST_CHANGES, seen.number, "Lebih singkat"
        )
    model_of(room).answers |= {"plan_item": set_answers()["plan_item"]}
    room.pump.drain()
    assert paper(room, cycle, "plan").number == 2
    assert any("Lebih singkat" in prompt for prompt in model_of(room).prompts)
    approve(room, paper(room, cycle, "dossier"))
    approve(room, paper(room, cycle, "plan"))

    first, second = posts(room, cycle)
    room.decide(first.id, Verb.REQUEST_CHANGES, comment="Ajak orang datang")
    room.pump.drain()
    redrafted = room.action(first.id)
    assert (redrafted.state, redrafted.version) == (ActionState.IN_REVIEW, 2)
    room.decide(first.id, Verb.APPROVE, seen=2, no_claim=True)
    room.decide(second.id, Verb.APPROVE, no_claim=True)
    room.pump.drain()
    for item in read_plan(paper(room, cycle, "plan")).items:
        room.clock.at = item.slot.instant
        room.pump.tick()
    assert room.platform.texts()[0].startswith("Ayo datang")
    assert len(room.platform.posts) == 2

    room.platform.comment("Buka hari Minggu?", "remote-1", "sari", room.clock.at)
    intake.poll(room.services, room.workspace_id, room.account_id)
    room.pump.drain()
    with room.services.database.unit(room.workspace_id) as uow:
        (reply,) = uow.actions.find(kind="reply")
        assert reply.state == ActionState.IN_REVIEW
    assert len(room.platform.posts) == 2
    room.decide(reply.id, Verb.APPROVE, no_claim=True)
    room.pump.drain()
    assert len(room.platform.posts) == 3

    room.clock.at = cycle.period_end
    room.pump.tick()
    evaluation = read_evaluation(paper(room, cycle, "evaluation"))
    assert evaluation.paragraphs[0].text.count("{") == 1
    assert len(notes) == 1
    assert notes[0][0] == ("json://localhost",)
    assert "2" in notes[0][2]


def test_a_model_that_is_down_fails_the_stage_and_people_may_go_on_by_hand(
    modelled: Room,
) -> None:
    room = modelled
    model_of(room).answers["research_business"] = lambda _s: ModelUnavailable("endpoint down")
    cycle = room.start()
    room.pump.drain()
    for _ in range(4):
        room.pump.skip_pauses()
        room.pump.tick()
    thread = room.thread_of(cycle.id)
    assert (thread.status, thread.node, thread.error) == ("failed", "research", "endpoint down")
    assert model_of(room).asked.count("research_business") == room.services.settings.stage_tries
    with room.services.database.unit(room.workspace_id) as uow:
        retry_stage(uow, room.owner, thread.id, by_hand=True)
    room.pump.drain()
    assert paper(room, cycle, "dossier").state == "drafted"
    assert paper(room, cycle, "plan").state == "drafted"


def test_a_rejected_reply_leaves_the_comment_to_people(modelled: Room) -> None:
    room = modelled
    room.platform.comment("Halo?", "remote-9", "sari")
    intake.poll(room.services, room.workspace_id, room.account_id)
    room.pump.drain()
    with room.services.database.unit(room.workspace_id) as uow:
        (reply,) = uow.actions.find(kind="reply")
    room.decide(reply.id, Verb.REJECT, comment="tidak perlu")
    room.pump.drain()
    (row,) = inbox(room)
    assert row.state == "new"
    with room.services.database.unit(room.workspace_id) as uow:
        second = compose_reply(
            uow, room.verbs(uow), room.owner, row.id, Draft(text="Halo Kak", no_claim=True)
        )
    room.pump.drain()
    room.decide(second.id, Verb.APPROVE, no_claim=True)
    room.pump.drain()
    assert room.platform.texts() == ["Halo Kak"]
    (row,) = inbox(room)
    assert row.state == "answered"


def test_a_reply_that_a_person_found_on_the_platform_counts_as_an_answer(room: Room) -> None:
    room.platform.comment("Halo?", "remote-9", "sari")
    intake.poll(room.services, room.workspace_id, room.account_id)
    (row,) = inbox(room)
    with room.services.database.unit(room.workspace_id) as uow:
        draft = Draft(text="Halo Kak", no_claim=True)
        reply = compose_reply(uow, room.verbs(uow), room.owner, row.id, draft)
    room.pump.drain()
    room.platform.script = [lambda _request: Unknown("reset")]
    room.decide(reply.id, Verb.APPROVE)
    room.platform.down = True
    room.pump.drain()
    assert room.action(reply.id).state == ActionState.UNCONFIRMED
    room.decide(reply.id, Verb.SETTLE_PUBLISHED, comment="ada di aplikasi", remote_id="remote-x")
    room.pump.drain()
    (row,) = inbox(room)
    assert (row.state, room.action(reply.id).remote_id) == ("answered", "remote-x")
