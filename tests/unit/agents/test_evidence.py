"""Quotes by pointing: what counts as evidence of a text."""

from typing import Any

import pytest
from pydantic import BaseModel, create_model

from agents.evidence import (
    facts,
    labels,
    pointed,
    pointers,
    proof_of_statement,
    proof_of_text,
    quote,
)
from agents.researcher import research
from agents.schema import strict_schema
from domain.dossier import Dossier, Finding
from domain.errors import InvalidInput
from domain.source import SourceSentence
from tests.unit.agents.material import PROFILE, SCOPE, sentences

ALL = {item.id: quote(item) for item in sentences()}
FARMERS = ALL["tentang-1"]
OPEN = ALL["kontak-0"]
PETS = ALL["kontak-1"]


def test_labels_become_an_enum_that_admits_no_other() -> None:
    table = labels("s", 2)
    model: Any = create_model("Pointing", to=(pointers(table, most=2), ...))
    model(to=["s1", "s2"])
    for wrong in (["s3"], ["s1", "s2", "s1"], ["kontak-0"]):
        with pytest.raises(ValueError, match="to"):
            model(to=wrong)
    assert strict_schema(model)["properties"]["to"]["items"]["enum"] == ["s1", "s2"]


def test_no_labels_admit_only_an_empty_list() -> None:
    model: type[BaseModel] = create_model("Nothing", to=(pointers([], most=2), ...))
    model.model_validate({"to": []})
    with pytest.raises(ValueError, match="to"):
        model.model_validate({"to": ["s1"]})


def test_pointing_copies_each_sentence_once() -> None:
    assert pointed(["s2", "s1", "s2"], labels("s", 2), [OPEN, PETS]) == (PETS, OPEN)


def test_a_statement_keeps_the_quote_it_points_at() -> None:
    assert proof_of_statement("Kopi dibeli dari 42 petani mitra.", FARMERS, [OPEN, FARMERS]) == (
        FARMERS,
    )


def test_a_statement_with_the_wrong_label_finds_its_sentence() -> None:
    assert proof_of_statement(OPEN.quote, PETS, [PETS, OPEN]) == (OPEN,)


@pytest.mark.parametrize(
    "statement", ["Kopi dibeli dari 99 petani mitra.", "Kami punya cabang di Surabaya dan Medan."]
)
def test_a_statement_that_no_sentence_carries_is_unverified(statement: str) -> None:
    assert proof_of_statement(statement, FARMERS, list(ALL.values())) == ()


def test_a_text_drops_what_it_does_not_tell_and_gains_what_it_does() -> None:
    text = "Mampir yuk! Kedai kami buka setiap hari pukul 07.00 sampai 21.00 di Bandung."
    assert proof_of_text(text, [PETS], [PETS, OPEN, FARMERS]) == (OPEN,)


def test_a_text_in_another_language_keeps_what_was_pointed_at() -> None:
    assert proof_of_text("The dogs are welcome on our terrace.", [PETS], [PETS, OPEN]) == (PETS,)


def test_facts_of_a_dossier_come_once() -> None:
    finding = Finding(topic="fact", statement="x", evidence=(OPEN, PETS))
    dossier = Dossier(findings=(finding,), purpose_evidence=(OPEN,))
    assert facts(dossier) == (OPEN, PETS)


def test_a_sentence_without_a_date_cannot_be_quoted() -> None:
    with pytest.raises(InvalidInput, match="date"):
        quote(SourceSentence(id="a", text="Kami buka.", url="https://a.example"))


def test_research_on_nothing_says_what_to_do() -> None:
    class Never:
        def ask(self, *args: object, **kwargs: object) -> Any:
            raise AssertionError("no model is needed to see that there is nothing")

    with pytest.raises(InvalidInput, match="by hand"):
        research(Never(), PROFILE, [], SCOPE)
