"""What runs, what failed, what needs somebody, what goes out next; per brand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.action import ActionState
from domain.brand import BrandProfile
from storage.tables import Brand, ChannelAccount, Cycle, Paper, Thread
from storage.uow import UnitOfWork
from web.labels import GROUPS
from web.views.queue import Row, rows

KINDS = ("dossier", "plan", "evaluation")
NEXT = 5


@dataclass(frozen=True)
class CycleView:
    """A period with its thread and its papers."""

    cycle: Cycle
    thread: Thread
    papers: dict[str, Paper]

    @property
    def running(self) -> bool:
        """Whether the period is not finished."""
        return self.thread.status != "finished"


@dataclass(frozen=True)
class Failure:
    """A stage that gave up."""

    thread: Thread
    item: str  # the post or reply it belongs to; empty for a period


@dataclass(frozen=True)
class BrandView:
    """A brand on the home page."""

    brand: Brand
    profile: BrandProfile
    accounts: Sequence[ChannelAccount]
    current: CycleView | None
    failures: list[Failure]
    stopped: str | None
    papers_open: list[Paper]
    decisions: int
    comments: int
    next_out: list[Row]

    @property
    def zone(self) -> str:
        """The brand's time zone."""
        return self.profile.time_zone


def cycle_view(uow: UnitOfWork, cycle: Cycle) -> CycleView:
    """A period with its papers."""
    papers = {kind: uow.cycles.latest_paper(cycle.id, kind) for kind in KINDS}
    return CycleView(
        cycle, uow.threads.get(cycle.thread_id), {k: p for k, p in papers.items() if p is not None}
    )


def brand_view(uow: UnitOfWork, brand: Brand) -> BrandView:
    """A brand with what is going on."""
    cycles = uow.cycles.of_brand(brand.id)
    counts = uow.actions.counts(brand.id)
    needs = GROUPS["needs"][1] or ()
    going = uow.actions.find(
        states=[ActionState.APPROVED, ActionState.SCHEDULED, ActionState.PUBLISHING],
        brand_id=brand.id,
        limit=NEXT,
    )
    current = cycle_view(uow, cycles[0]) if cycles else None
    return BrandView(
        brand=brand,
        profile=uow.brands.profile(brand.id),
        accounts=uow.brands.accounts(brand.id),
        current=current,
        failures=[_failure(uow, thread) for thread in uow.threads.failed(brand.id)],
        stopped=uow.stop.why_stopped(brand.id),
        papers_open=[
            paper
            for paper in (current.papers.values() if current else ())
            if paper.state in ("drafted", "in_review")
        ],
        decisions=sum(counts.get(state.value, 0) for state in needs),
        comments=sum(1 for item in uow.interactions.of_brand(brand.id) if item.state == "new"),
        next_out=rows(uow, going, {brand.id: brand}),
    )


def home_view(uow: UnitOfWork) -> list[BrandView]:
    """All brands, those that need somebody first."""
    views = [brand_view(uow, brand) for brand in uow.brands.all()]
    return sorted(views, key=lambda view: not (view.failures or view.decisions or view.papers_open))


def _failure(uow: UnitOfWork, thread: Thread) -> Failure:
    item = ""
    if thread.graph == "post":
        item = thread.subject_id
    elif thread.graph == "answer":
        reply = uow.actions.reply_to(thread.subject_id)
        item = reply.id if reply else ""
    return Failure(thread, item)
