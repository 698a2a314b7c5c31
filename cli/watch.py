"""Watching a period live until it waits for people, fails or ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.output import clean, note, span

if TYPE_CHECKING:
    from storage.uow import UnitOfWork
    from workflows.services import Services

STAGES = ("research", "planning", "review", "publishing", "engagement", "evaluation")
LOOK_SECONDS = 1.0
HEALTH_SECONDS = 5.0
UNDECIDED = ("drafted", "in_review")


@dataclass(frozen=True)
class Standing:
    """Where a period is."""

    cycle_id: str
    stage: str
    status: str  # ready, waiting, failed, finished
    progress: str
    error: str
    by_hand: bool
    period_end: datetime
    over: bool  # the period's end has passed, the evaluation is next
    papers: dict[str, str]  # kind -> state of the newest version
    items: dict[str, int] = field(default_factory=dict)  # state -> number, of this period's posts
    failed: tuple[tuple[str, str], ...] = ()  # (node, error) of threads that wait for a person
    busy: int = 0  # posts that a worker is to do something with

    @property
    def rests(self) -> bool:
        """Whether nothing more happens until a person acts or time passes."""
        if self.status in ("failed", "finished"):
            return True
        if self.status != "waiting":
            return False
        if self.stage == "engagement":
            return not self.busy and not self.over
        return bool(self.undecided) or self.by_hand

    @property
    def undecided(self) -> list[str]:
        """The papers that wait for a decision."""
        return [
            kind
            for kind in ("dossier", "plan")
            if self.papers.get(kind) in UNDECIDED
            or (self.by_hand and self.papers.get(kind) == "changes_requested")
        ]

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "cycle": self.cycle_id,
            "stage": self.stage,
            "status": self.status,
            "progress": self.progress,
            "error": self.error,
            "by_hand": self.by_hand,
            "period_end": self.period_end,
            "papers": self.papers,
            "items": self.items,
            "failed": [{"stage": node, "error": error} for node, error in self.failed],
        }


def standing(uow: UnitOfWork, services: Services, cycle_id: str) -> Standing:
    """Read where a period is."""
    cycle = uow.cycles.get(cycle_id)
    thread = uow.threads.get(cycle.thread_id)
    papers = {
        kind: paper.state
        for kind in ("dossier", "plan", "evaluation")
        if (paper := uow.cycles.latest_paper(cycle_id, kind)) is not None
    }
    items: dict[str, int] = {}
    busy = 0
    for action in uow.actions.find(cycle_id=cycle_id, limit=1000):
        items[action.state] = items.get(action.state, 0) + 1
        busy += uow.threads.get(action.thread_id).status == "ready"
    failed = tuple((item.node, item.error) for item in uow.threads.failed(cycle.brand_id))
    return Standing(
        cycle_id=cycle_id,
        stage=thread.node if thread.status != "finished" else "evaluation",
        status=thread.status,
        progress=cycle.progress,
        error=thread.error,
        # Whether the workers have a model only they know; a paper left in draft shows that they had none.
        by_hand=cycle.by_hand or services.settings.model_off or "drafted" in papers.values(),
        period_end=cycle.period_end,
        over=cycle.period_end <= services.clock.now(),
        papers=papers,
        items=items,
        failed=failed,
        busy=busy,
    )


def watch(
    read: Callable[[], Standing], health: Callable[[], str], *, keep_waiting: bool, live: bool
) -> tuple[Standing, str]:
    """Look until the period rests.

    Args:
        read: where the period is.
        health: what process is missing, in words; empty when all run.
        keep_waiting: whether to go on while processes are missing (a person may start them).
        live: draw the stages over each other; else one line per change, to standard error.

    Returns:
        Where it stands, and which processes are missing.
    """
    started = time.monotonic()
    seen = ""
    missing, checked = health(), time.monotonic()
    console = Console(stderr=True, highlight=False)
    with Live(console=console, auto_refresh=live, refresh_per_second=8, transient=True) as screen:
        while True:
            now = read()
            if time.monotonic() - checked > HEALTH_SECONDS:
                missing, checked = health(), time.monotonic()
            if live:
                screen.update(_picture(now, missing, time.monotonic() - started))
            elif (line := _line(now)) != seen:
                note(line)
                seen = line
            if now.rests or (missing and not keep_waiting):
                return now, missing
            time.sleep(LOOK_SECONDS)


def _line(now: Standing) -> str:
    return " ".join(filter(None, (f"{now.stage}: {now.status}", now.progress, _again(now))))


def _again(now: Standing) -> str:
    if now.error and now.status == "ready":
        return f"(the last try failed, another follows: {now.error})"
    return ""


def _picture(now: Standing, missing: str, seconds: float) -> Group:
    stages = Table.grid(padding=(0, 2, 0, 0))
    stages.add_column(width=2)
    stages.add_column(no_wrap=True)
    stages.add_column(overflow="fold")
    here = STAGES.index(now.stage)
    for number, stage in enumerate(STAGES):
        if number < here or now.status == "finished":
            stages.add_row(Text("✓", style="green"), Text(stage), Text(""))
        elif number == here and now.status == "failed":
            stages.add_row(Text("✗", style="red"), Text(stage, style="bold"), Text(""))
        elif number == here:
            detail = Text(clean(" ".join(filter(None, (now.progress, _again(now))))))
            stages.add_row(Spinner("dots"), Text(stage, style="bold"), detail)
        else:
            stages.add_row(Text("·", style="dim"), Text(stage, style="dim"), Text(""))
    parts: list[Any] = [stages, Text(f"{span(seconds)}; Ctrl-C stops watching only", style="dim")]
    if missing:
        parts.append(
            Text(
                f"There is {missing}: run `humas up` in another terminal. This goes on by itself then.",
                style="yellow",
            )
        )
    return Group(*parts)
