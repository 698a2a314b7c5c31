"""The research agent: answers the questions of fact finding by pointing at stored sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from agents.audience import platform_fit
from agents.calls import Answer, CallRecord, CallScope, Message, Model
from agents.evidence import labels, one_of, pointed, pointers, proof_of_statement, quote
from agents.prompting import LANGUAGE_NAMES, as_data, messages, neutral, numbered
from agents.selection import choose
from agents.text import language_problems, number_problems
from config.i18n import N_
from domain.brand import BrandProfile, BusinessModel, Purpose
from domain.dossier import CompetitorProfile, Dossier, Finding, PlatformFit
from domain.errors import InvalidInput
from domain.source import Evidence, SourceSentence

MOST_FINDINGS = 6
FEWEST_FINDINGS = 3
# Whoever shows it translates it.
NOT_READ = N_("Not read yet: name an account to read, or enter what you know.")


class Business(BaseModel):
    """What the model answers on business model and purpose; labels narrow to an enum per call."""

    business_model: BusinessModel
    business_model_sources: list[str]
    purpose: Purpose
    purpose_sources: list[str]


class Item(BaseModel):
    """One finding as the model answers it."""

    source: str
    statement: Annotated[str, Field(min_length=1)]
    topic: Literal["product", "audience", "fact"]


class Findings(BaseModel):
    """All findings as the model answers them."""

    findings: list[Item]


@dataclass(frozen=True)
class DossierDraft:
    """A dossier for people to check, and the calls behind it."""

    dossier: Dossier
    calls: tuple[CallRecord, ...]


def research(
    model: Model,
    profile: BrandProfile,
    sentences: Sequence[SourceSentence],
    scope: CallScope,
    *,
    platforms: tuple[PlatformFit, ...] | None = None,
    skipped_sources: Sequence[str] = (),
) -> DossierDraft:
    """Write the dossier of a brand in its first language.

    Args:
        model: the language model.
        profile: what a person said of the brand.
        sentences: what was read, each with title and date; code chooses those that the model reads.
        scope: on whose behalf.
        platforms: the platforms' fit; computed from the published figures where not given.
        skipped_sources: sources that could not be read, to be shown in the dossier.

    Raises:
        InvalidInput: there is no sentence to point at.
        ModelError: the model could not do it.
    """
    chosen = choose(sentences)
    if not chosen:
        raise InvalidInput(
            f"Nothing readable was found about {profile.name}. Check the website's address, give "
            "documents, or enter the dossier by hand."
        )
    evidence = [quote(sentence) for sentence in chosen]
    business = _ask_business(model, profile, evidence, scope)
    found = _ask_findings(model, profile, evidence, scope)
    table = labels("s", len(evidence))
    answers = business.value
    dossier = Dossier(
        business_model=answers.business_model,
        business_model_evidence=pointed(answers.business_model_sources, table, evidence)
        if answers.business_model != "unknown"
        else (),
        purpose=answers.purpose,
        purpose_evidence=pointed(answers.purpose_sources, table, evidence)
        if answers.purpose != "unknown"
        else (),
        findings=_findings(found.value.findings, table, evidence),
        platforms=platform_fit(profile.market) if platforms is None else platforms,
        competitors=tuple(
            CompetitorProfile(name=name, note=NOT_READ) for name in profile.competitors
        ),
        skipped_sources=tuple(skipped_sources),
    )
    return DossierDraft(dossier, (business.call, found.call))


def _ask_business(
    model: Model, profile: BrandProfile, evidence: Sequence[Evidence], scope: CallScope
) -> Answer[Business]:
    pointer = pointers(labels("s", len(evidence)), most=2)
    return model.ask(
        "researcher",
        "research_business",
        _prompt("research_business", profile, evidence),
        create_model(
            "Business",
            __base__=Business,
            business_model_sources=(pointer, ...),
            purpose_sources=(pointer, ...),
        ),
        scope=scope,
        max_tokens=160,
    )


def _ask_findings(
    model: Model, profile: BrandProfile, evidence: Sequence[Evidence], scope: CallScope
) -> Answer[Findings]:
    table = labels("s", len(evidence))
    entry: Any = create_model("Item", __base__=Item, source=(one_of(table), ...))
    fewest = min(FEWEST_FINDINGS, len(evidence))
    entries: Any = Annotated[list[entry], Field(min_length=fewest, max_length=MOST_FINDINGS)]

    def problems(value: Findings) -> list[str]:
        found = []
        for entry in value.findings:
            what = f"the statement on {entry.source}"
            found += language_problems(entry.statement, profile.languages[0], what)
            found += number_problems(entry.statement, [item.quote for item in evidence], what)
        return found

    return model.ask(
        "researcher",
        "research_findings",
        _prompt("research_findings", profile, evidence),
        create_model("Findings", __base__=Findings, findings=(entries, ...)),
        scope=scope,
        max_tokens=480,
        validate=problems,
    )


def _prompt(task: str, profile: BrandProfile, evidence: Sequence[Evidence]) -> tuple[Message, ...]:
    # Both questions share everything but their end, which endpoints with a prompt cache read once.
    listed = numbered("s", [item.quote for item in evidence])
    values = {
        "brand": neutral(profile.name),
        "language": LANGUAGE_NAMES[profile.languages[0]],
        "most": str(MOST_FINDINGS),
    }
    (question,) = messages(task, values)
    return messages(
        "research",
        {**values, "sentences": as_data("sentences", listed), "question": question.content},
    )


def _findings(
    entries: Sequence[Item], table: dict[str, int], evidence: Sequence[Evidence]
) -> tuple[Finding, ...]:
    findings: dict[str, Finding] = {}
    for entry in entries:
        statement = entry.statement.strip()
        proof = proof_of_statement(statement, evidence[table[entry.source]], evidence)
        findings.setdefault(
            proof[0].sentence_id if proof else statement,  # a sentence is told once
            Finding(topic=entry.topic, statement=statement, evidence=proof),
        )
    return tuple(findings.values())
