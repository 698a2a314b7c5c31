"""The evaluation agent: words around figures that code computed and code prints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field

from agents.calls import CallRecord, CallScope, Model
from agents.prompting import LANGUAGE_NAMES, as_data, messages, one_line
from agents.text import language_problems
from domain.brand import Language
from domain.evaluation import PLACEHOLDER, Figure, Paragraph, number_problems

_PERCENT = re.compile(r"\}\s*(?:%|percent\b|persen\b)", re.IGNORECASE)
Sentence = Annotated[str, Field(min_length=1)]


class ExplanationAnswer(BaseModel):
    """The evaluation's text as the model answers it."""

    observations: Annotated[list[Sentence], Field(min_length=2, max_length=3)]
    recommendations: Annotated[list[Sentence], Field(min_length=1, max_length=2)]


@dataclass(frozen=True)
class Explanation:
    """Paragraphs with placeholders, and the call behind them."""

    paragraphs: tuple[Paragraph, ...]
    call: CallRecord


def explain(
    model: Model, figures: Sequence[Figure], language: Language, scope: CallScope
) -> Explanation:
    """Explain figures in words; every number stays a placeholder.

    Args:
        model: the language model.
        figures: what code computed.
        language: of the text.
        scope: on whose behalf.

    Raises:
        ModelError: the model could not do it.
    """
    names = {figure.id for figure in figures}

    def problems(value: ExplanationAnswer) -> list[str]:
        found = []
        for sentence in (*value.observations, *value.recommendations):
            found += number_problems(sentence, names)
        found += [
            f"no figure's name in braces stands in: {sentence}"
            for sentence in value.observations
            if not PLACEHOLDER.search(sentence)
        ]
        whole = " ".join((*value.observations, *value.recommendations))
        return [*found, *language_problems(whole, language, "the text")]

    answer = model.ask(
        "evaluator",
        "explain",
        messages(
            "explain",
            {
                "figures": as_data("figures", "\n".join(_line(figure) for figure in figures)),
                "language": LANGUAGE_NAMES[language],
                "repeat": "Names in braces: " + ", ".join(f"{{{figure.id}}}" for figure in figures),
            },
        ),
        ExplanationAnswer,
        scope=scope,
        max_tokens=360,
        validate=problems,
    )
    value = answer.value
    return Explanation(
        (
            *(Paragraph(text=_plain(text)) for text in value.observations),
            *(
                Paragraph(text=_plain(text), kind="recommendation")
                for text in value.recommendations
            ),
        ),
        answer.call,
    )


def _plain(text: str) -> str:
    """One line; a share brings its own percent sign, so that one behind a placeholder goes."""
    return _PERCENT.sub("}", one_line(text))


def _line(figure: Figure) -> str:
    return f"{{{figure.id}}} {one_line(figure.label)}: {figure.render()}"
