"""The agents on answers that a real model gave (`tests/recordings/`, each line names the model)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents import evaluator, responder, writer
from agents.calls import Model
from agents.evidence import facts
from agents.recording import replay_model
from agents.text import graphemes, language_of, numbers
from domain.brand import Language
from domain.conversation import Intent
from domain.dossier import Dossier
from domain.errors import InvalidOutput
from domain.evaluation import number_problems
from tests.unit.agents import material

RECORDINGS = Path(__file__).parents[2] / "recordings"
STORED = {item.text for item in material.sentences()}


def recorded(name: str) -> Model:
    return replay_model(RECORDINGS / f"{name}.jsonl")


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return material.run_research(recorded("research")).dossier


def test_every_recording_names_a_model() -> None:
    files = list(RECORDINGS.glob("*.jsonl"))
    assert {file.stem for file in files} >= {"research", "plan", "engagement", "evaluation"}
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            assert json.loads(line)["model"]


def test_quotes_of_the_dossier_stand_in_the_sources(dossier: Dossier) -> None:
    quotes = [item.quote for item in facts(dossier)]
    assert quotes
    assert set(quotes) <= STORED
    assert dossier.business_model != "unknown"
    assert dossier.business_model_evidence
    assert len([finding for finding in dossier.findings if finding.verified]) >= 3
    assert any(fit.share is not None for fit in dossier.platforms)
    assert [profile.read for profile in dossier.competitors] == [False]


def test_statements_are_in_the_brands_language_and_invent_no_number(dossier: Dossier) -> None:
    known = numbers(" ".join(STORED))
    for finding in dossier.findings:
        assert language_of(finding.statement) in {"id", None}
        assert numbers(finding.statement) <= known


def test_plan_has_a_post_per_slot_within_the_limit(dossier: Dossier) -> None:
    draft = material.run_plan(recorded("plan"), dossier)
    plan = draft.plan
    assert [item.slot for item in plan.items] == list(material.three_slots())
    assert len(draft.calls) == 4
    known = numbers(" ".join(item.quote for item in facts(dossier)))
    for item in plan.items:
        assert item.theme in {theme.name for theme in plan.themes}
        assert 0 < graphemes(item.text) <= 300
        assert item.photo_brief
        assert item.alt_text
        assert "#" not in item.caption
        assert numbers(item.caption) <= known
        assert {quote.quote for quote in item.evidence} <= STORED


def test_triage_of_recorded_comments() -> None:
    model = recorded("engagement")
    sorted_ = [
        responder.triage(model, comment, material.SCOPE).triage for comment in material.COMMENTS
    ]
    assert [item.intent for item in sorted_] == [Intent.QUESTION, Intent.SPAM, Intent.PRAISE]
    assert [item.answer for item in sorted_] == [True, False, True]
    assert [item.language for item in sorted_] == ["id", "id", "en"]


@pytest.mark.parametrize(
    ("comment", "language"), [(material.QUESTION, "id"), (material.PRAISE, "en")]
)
def test_replies_speak_the_comments_language(dossier: Dossier, comment: str, language: str) -> None:
    reply = responder.draft(
        recorded("engagement"),
        material.PROFILE,
        comment,
        material.POST,
        facts(dossier),
        material.SCOPE,
    )
    assert 0 < graphemes(reply.text) <= 300
    assert language_of(reply.text) == language
    assert {item.quote for item in reply.evidence} <= STORED


def test_the_model_obeyed_a_stranger_and_was_refused(dossier: Dossier) -> None:
    with pytest.raises(InvalidOutput, match="judi-murah"):
        responder.draft(
            recorded("engagement"),
            material.PROFILE,
            material.ATTACK,
            material.POST,
            facts(dossier),
            material.SCOPE,
        )


def test_a_redraft_that_hands_the_old_text_back_is_refused(dossier: Dossier) -> None:
    with pytest.raises(InvalidOutput, match="nothing has changed"):
        writer.redraft(
            recorded("engagement"),
            material.PROFILE,
            material.POST,
            material.REMARK,
            facts(dossier),
            material.SCOPE,
        )


@pytest.mark.parametrize("language", ["id", "en"])
def test_explanations_hold_placeholders_only(language: Language) -> None:
    result = evaluator.explain(recorded("evaluation"), material.FIGURES, language, material.SCOPE)
    names = {figure.id for figure in material.FIGURES}
    for paragraph in result.paragraphs:
        assert number_problems(paragraph.text, names) == []
    assert {paragraph.kind for paragraph in result.paragraphs} == {"observation", "recommendation"}
