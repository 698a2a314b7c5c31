"""Quotes by pointing: a model names labels, code copies the sentences behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from agents.text import numbers, support
from domain.dossier import Dossier
from domain.errors import InvalidInput
from domain.source import Evidence, SourceSentence

POINTED = 0.25  # least share of words where the model itself points
FOUND = 0.8  # least share of a statement's words in a sentence that only code finds
TOLD = 0.6  # least share of a sentence's words in a text, likewise


def quote(sentence: SourceSentence) -> Evidence:
    """The evidence that a stored sentence is.

    Raises:
        InvalidInput: nobody knows when the sentence was read.
    """
    if sentence.fetched_at is None:
        raise InvalidInput(
            f"Sentence {sentence.id} of {sentence.url or 'an unnamed source'} has no date of reading, so "
            "it cannot be quoted. Read the source again."
        )
    return Evidence(
        sentence_id=sentence.id,
        quote=sentence.text,
        url=sentence.url,
        title=sentence.title,
        fetched_at=sentence.fetched_at,
    )


def facts(dossier: Dossier) -> tuple[Evidence, ...]:
    """All quotes of a dossier, each sentence once, those of the findings first."""
    found = [item for finding in dossier.findings for item in finding.evidence]
    found += [*dossier.business_model_evidence, *dossier.purpose_evidence]
    return tuple({item.sentence_id: item for item in found}.values())


def labels(prefix: str, count: int) -> dict[str, int]:
    """Short labels s1, s2, ... with the index that each stands for."""
    return {f"{prefix}{index + 1}": index for index in range(count)}


def one_of(names: Iterable[str]) -> Any:
    """The type of exactly these labels: an enum in the JSON schema."""
    return Literal[tuple(names)]


def pointers(names: Iterable[str], *, most: int) -> Any:
    """The type of a list of these labels, at most that many; of an empty list where there are none."""
    listed = list(names)
    if not listed:
        return Annotated[list[str], Field(max_length=0)]
    return Annotated[list[one_of(listed)], Field(max_length=most)]  # type: ignore[misc]


def pointed(
    names: Iterable[str], table: dict[str, int], evidence: Sequence[Evidence]
) -> tuple[Evidence, ...]:
    """The evidence behind labels, each once, in the order named."""
    return tuple(evidence[table[label]] for label in dict.fromkeys(names))


def proof_of_statement(
    statement: str, pointed_at: Evidence, evidence: Iterable[Evidence]
) -> tuple[Evidence, ...]:
    """The quote behind a single statement: the one pointed at, or the one it was really taken from.

    Small models sometimes copy one sentence and name the label of another. Code then finds the
    sentence by its words. A statement that fits neither is unverified.
    """
    if _carries(statement, pointed_at.quote, POINTED):
        return (pointed_at,)
    best = max(evidence, key=lambda item: support(statement, item.quote) or 0.0)
    return (best,) if _carries(statement, best.quote, FOUND) else ()


def proof_of_text(
    text: str, listed: Iterable[Evidence], evidence: Iterable[Evidence]
) -> tuple[Evidence, ...]:
    """The quotes that a longer text tells: those pointed at, and those that code finds in it.

    A quote that is pointed at stays unless the text has next to nothing of it; one that is not
    must be there for the most part, or be where a number of the text comes from. Where the languages differ, counting words tells nothing and
    what was pointed at stays.
    """
    kept = [item for item in listed if _told(item, text, unknown=1.0) >= POINTED]
    used = numbers(text)
    found = [
        item
        for item in evidence
        if item not in kept
        and (_told(item, text, unknown=0.0) >= TOLD or used & numbers(item.quote))
    ]
    return (*kept, *found)


def _told(item: Evidence, text: str, *, unknown: float) -> float:
    share = support(item.quote, text)
    return unknown if share is None else share


def _carries(statement: str, quote: str, least: float) -> bool:
    share = support(statement, quote)
    return numbers(statement) <= numbers(quote) and (share is None or share >= least)
