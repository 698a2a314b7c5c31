"""The evaluation: figures that code computed, and text that may only point at them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FigureStatus = Literal["ok", "not_offered", "not_yet", "too_few"]
Layer = Literal["media", "conversation", "network"]


class Figure(BaseModel):
    """One computed number, or the honest reason why there is none."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    layer: Layer
    label: str
    value: float | int | str | None = None
    unit: str = ""
    status: FigureStatus = "ok"
    note: str = ""
    as_of: datetime | None = None

    def render(self) -> str:
        """The figure as text; unknown is never zero."""
        if self.status == "ok" and self.value is not None:
            if isinstance(self.value, float):
                text = f"{self.value:.1%}" if self.unit == "share" else f"{self.value:.2f}"
            else:
                text = str(self.value)
            return text
        return {
            "not_offered": "not offered",
            "not_yet": "not yet read",
            "too_few": "too few to say",
            "ok": "not yet read",
        }[self.status]


class Paragraph(BaseModel):
    """A part of the evaluator's text, with `{figure_id}` placeholders."""

    model_config = ConfigDict(frozen=True)

    text: str
    kind: Literal["observation", "recommendation", "comment"] = "observation"
    entered_by: Literal["model", "person"] = "model"


class Evaluation(BaseModel):
    """What a period brought: three layers of figures, findings, recommendations."""

    model_config = ConfigDict(frozen=True)

    period_start: datetime
    period_end: datetime
    figures: tuple[Figure, ...] = ()
    paragraphs: tuple[Paragraph, ...] = ()
    people: tuple[tuple[str, int], ...] = Field(
        default=(), description="Ids of the most active people with their number of interactions"
    )

    def figure(self, figure_id: str) -> Figure | None:
        """The figure of that id."""
        return next((item for item in self.figures if item.id == figure_id), None)


PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_DIGIT = re.compile(r"\d")
# Words that stand for numbers in the two languages; "satu" and "one" alone are also articles and
# pronouns, so they are refused only where they could be counted.
_NUMBER_WORDS = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|"
    r"thousand|million|half|double|doubled|twice|triple|tripled|dozen|"
    r"dua|tiga|empat|lima|enam|tujuh|delapan|sembilan|sepuluh|sebelas|belas|puluh|ratus|seratus|ribu|"
    r"seribu|juta|setengah|separuh)\b",
    re.IGNORECASE,
)


def number_problems(text: str, figure_ids: set[str]) -> list[str]:
    """What breaks the rule "numbers by code, words by model" in an evaluator's text.

    Args:
        text: the text with placeholders.
        figure_ids: ids that may stand in braces.

    Returns:
        One sentence per problem; empty when the text is fine.
    """
    problems = [
        f"{{{name}}} is not a figure of this evaluation"
        for name in PLACEHOLDER.findall(text)
        if name not in figure_ids
    ]
    bare = PLACEHOLDER.sub("", text)
    if _DIGIT.search(bare):
        problems.append("a digit stands in the text; write the figure's placeholder instead")
    if word := _NUMBER_WORDS.search(bare):
        problems.append(f"the number word {word.group(0)!r} stands in the text")
    if "{" in bare or "}" in bare:
        problems.append("a brace stands in the text that belongs to no placeholder")
    return problems


def render(text: str, figures: tuple[Figure, ...]) -> str:
    """Replace placeholders by figures; unknown ones raise KeyError (they were refused before)."""
    table = {figure.id: figure.render() for figure in figures}
    return PLACEHOLDER.sub(lambda match: table[match.group(1)], text)
