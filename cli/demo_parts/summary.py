"""The summary at the end, and the report as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from domain.action import ActionKind, ActionState
from domain.conversation import ANSWERABLE
from domain.dossier import Dossier
from storage.tables import LlmCall
from storage.uow import Database
from workflows.evaluation import report_text
from workflows.papers import read_dossier, read_evaluation

REPORT = "report.txt"


@dataclass(frozen=True)
class Summary:
    """What a period came to.

    Attributes:
        findings: of the dossier.
        quotes: verbatim quotes in the dossier.
        pages: of the website that were read.
        posts: published.
        comments: received.
        replies: published.
        figures: of the evaluation that have a value.
        paragraphs: of text about them; none where the model could not write it.
        calls: of the model.
        failed_calls: of them, those whose answer could not be used.
        tokens: read and written by the model; None where the endpoint does not tell.
        model: its name, empty when none was asked.
        papers: page of each paper by kind.
        report: the evaluation as a text file.
    """

    findings: int
    quotes: int
    pages: int
    posts: int
    comments: int
    replies: int
    figures: int
    paragraphs: int
    calls: int
    failed_calls: int
    tokens: tuple[int, int] | None
    model: str
    papers: Mapping[str, str]
    report: Path


def summarise(database: Database, workspace_id: str, cycle_id: str, home: Path) -> Summary:
    """Count, and write the report into the home."""
    with database.unit(workspace_id) as uow:
        cycle = uow.cycles.get(cycle_id)
        profile = uow.brands.profile(cycle.brand_id)
        papers = {
            kind: paper
            for kind in ("dossier", "plan", "evaluation")
            if (paper := uow.cycles.latest_paper(cycle_id, kind)) is not None
        }
        dossier = read_dossier(papers["dossier"])
        evaluation = read_evaluation(papers["evaluation"])
        published = [
            action
            for action in uow.metrics.published(cycle.brand_id, cycle.period_start)
            if action.state == ActionState.PUBLISHED.value
        ]
        rows = uow.interactions.window(cycle.brand_id, cycle.period_start, cycle.period_end)
        mine = (LlmCall.workspace_id == workspace_id, LlmCall.brand_id == cycle.brand_id)
        calls, told, tokens_in, tokens_out, model = uow.session.execute(
            select(
                func.count(),
                func.count(LlmCall.tokens_in),
                func.sum(LlmCall.tokens_in),
                func.sum(LlmCall.tokens_out),
                func.max(LlmCall.model),
            ).where(*mine)
        ).one()
        failed = uow.session.scalar(select(func.count()).where(*mine, LlmCall.outcome != "ok"))
        _title, body = report_text(evaluation, profile, profile.languages[0])
        report = home / REPORT
        report.write_text(body, encoding="utf-8")
        return Summary(
            findings=len(dossier.findings),
            quotes=len(_quotes(dossier)),
            pages=len(uow.sources.documents(cycle.brand_id)),
            posts=sum(action.kind == ActionKind.POST.value for action in published),
            comments=sum(row.kind in ANSWERABLE for row in rows),
            replies=sum(action.kind == ActionKind.REPLY.value for action in published),
            figures=sum(figure.value is not None for figure in evaluation.figures),
            paragraphs=len(evaluation.paragraphs),
            calls=int(calls),
            failed_calls=int(failed or 0),
            tokens=(int(tokens_in or 0), int(tokens_out or 0)) if told else None,
            model=model or "",
            papers={kind: f"/papers/{paper.id}" for kind, paper in papers.items()},
            report=report,
        )


def _quotes(dossier: Dossier) -> set[str]:
    """Ids of the sentences that the dossier quotes."""
    found = [item for finding in dossier.findings for item in finding.evidence]
    found += [*dossier.business_model_evidence, *dossier.purpose_evidence]
    return {item.sentence_id for item in found}


def lines(
    summary: Summary, stages: Mapping[str, float], first_draft: float | None, url: str
) -> list[str]:
    """The summary as people read it."""
    told = "not told by the endpoint"
    if summary.tokens is not None:
        told = f"{summary.tokens[0]:,} tokens read, {summary.tokens[1]:,} written"
    model = "none" if not summary.calls else f"{summary.model}, {summary.calls} calls ({told})"
    if summary.failed_calls:
        model += f"; {summary.failed_calls} answers could not be used"
    draft = "none" if first_draft is None else f"in the queue after {first_draft:.0f} s"
    words = f"{summary.paragraphs} paragraphs of text" if summary.paragraphs else "without words"
    return [
        f"website      {summary.pages} pages read",
        f"dossier      {summary.findings} findings, {summary.quotes} verbatim quotes",
        f"first draft  {draft}",
        f"posts        {summary.posts} published",
        f"comments     {summary.comments} received, {summary.replies} answered",
        f"evaluation   {summary.figures} figures, {words}",
        f"model        {model}",
        "time         " + ", ".join(f"{name} {spent:.0f} s" for name, spent in stages.items()),
        *(f"{kind:<12} {url}{path}" for kind, path in summary.papers.items()),
        f"report       {summary.report}",
    ]
