"""Dossier, plan and evaluation as pages show them."""

from __future__ import annotations

from dataclasses import dataclass

from domain.evaluation import PLACEHOLDER, Evaluation, Figure, Paragraph
from storage.tables import Brand, Cycle, Paper
from storage.uow import UnitOfWork
from web.views.item import person_names
from workflows.evaluation import figure_text

LAYERS = ("media", "conversation", "network")


@dataclass(frozen=True)
class PaperView:
    """A version of a paper with what stands around it."""

    paper: Paper
    brand: Brand
    cycle: Cycle
    newest: Paper
    author: str
    decider: str
    zone: str
    versions: int

    @property
    def current(self) -> bool:
        """Whether this is the newest version."""
        return self.newest.id == self.paper.id

    @property
    def decidable(self) -> bool:
        """Whether it waits for a decision."""
        return self.current and self.paper.state in ("drafted", "in_review")

    @property
    def editable(self) -> bool:
        """Whether people may still write a newer version."""
        return self.current and self.paper.state != "approved"


def paper_view(uow: UnitOfWork, paper_id: str) -> PaperView:
    """Gather what surrounds a paper."""
    paper = uow.cycles.paper(paper_id)
    newest = uow.cycles.latest_paper(paper.cycle_id, paper.kind)
    assert newest is not None
    names = person_names(uow)
    return PaperView(
        paper=paper,
        brand=uow.brands.get(paper.brand_id),
        cycle=uow.cycles.get(paper.cycle_id),
        newest=newest,
        author=names.get(paper.author_id or "", ""),
        decider=names.get(paper.decided_by or "", ""),
        zone=uow.brands.profile(paper.brand_id).time_zone,
        versions=newest.number,
    )


@dataclass(frozen=True)
class EvaluationView:
    """An evaluation with its text rendered."""

    layers: list[tuple[str, list[Figure]]]
    paragraphs: list[tuple[Paragraph, str]]
    people: list[tuple[str, str, int]]  # handle, platform, number of interactions
    evaluation: Evaluation


def evaluation_view(uow: UnitOfWork, evaluation: Evaluation, language: str) -> EvaluationView:
    """Figures by layer, paragraphs with their figures, people by name."""
    people = []
    for person_id, count in evaluation.people:
        person = uow.interactions.person(person_id)
        people.append((person.handle or "", person.platform, count))
    shown = {figure.id: figure_text(figure, language) for figure in evaluation.figures}
    return EvaluationView(
        layers=[
            (layer, [figure for figure in evaluation.figures if figure.layer == layer])
            for layer in LAYERS
        ],
        paragraphs=[
            (p, PLACEHOLDER.sub(lambda found: shown[found.group(1)], p.text))
            for p in evaluation.paragraphs
        ],
        people=people,
        evaluation=evaluation,
    )
