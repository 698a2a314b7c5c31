"""What waits for people: papers, posts and replies, comments without an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cli.ids import Item, short
from cli.output import listed, say, when, words

if TYPE_CHECKING:
    from storage.tables import Action, InteractionRow, Paper
    from storage.uow import UnitOfWork

MOST = 1000


@dataclass(frozen=True)
class Line:
    """One thing that waits."""

    item: Item
    group: str
    brand: str
    what: str
    state: str
    version: int
    when: str
    text: str
    reason: str

    def data(self) -> dict[str, Any]:
        """For `--json`; `version` is what `--seen` takes."""
        return {
            "id": self.item.id,
            "short": short(self.item.id),
            "kind": self.item.kind,
            "brand": self.brand,
            "what": self.what,
            "state": self.state,
            "version": self.version,
            "when": self.when,
            "text": self.text,
            "reason": self.reason,
        }


def waiting(uow: UnitOfWork, slug: str | None = None, *, everything: bool = False) -> list[Line]:
    """What waits for a person, papers first.

    Args:
        uow: the workspace.
        slug: only this brand.
        everything: also posts and replies that wait for nobody.

    Raises:
        NotFound: there is no such brand.
    """
    from domain.action import ActionState as S
    from storage.repositories.lookup import Lookup

    brands = {row.id: row for row in uow.brands.all()}
    only = uow.brands.by_slug(slug).id if slug else None
    lines = [
        _paper(uow, paper, brands[paper.brand_id].slug)
        for kind in ("dossier", "plan")
        for paper in uow.cycles.papers(kind, only)
        if paper.state in ("drafted", "in_review")
    ]
    states = (
        S.UNCONFIRMED,
        S.FAILED,
        S.EXPIRED,
        S.IN_REVIEW,
        S.CHANGES_REQUESTED,
        S.ON_HOLD,
        S.DRAFTED,
    )
    actions = uow.actions.find(states=None if everything else states, brand_id=only, limit=MOST)
    lines += [
        _action(uow, action, brands[action.brand_id].slug)
        for action in actions
        # A draft without a reason is being written just now.
        if everything or action.state != S.DRAFTED.value or action.reason
    ]
    lines += [
        _interaction(uow, row, brands[row.brand_id].slug)
        for row in Lookup(uow.session, uow.workspace_id).unanswered(only)
    ]
    return lines


def _zone(uow: UnitOfWork, brand_id: str) -> ZoneInfo:
    return uow.brands.profile(brand_id).zone


def _paper(uow: UnitOfWork, paper: Paper, slug: str) -> Line:
    from cli.item_view import paper_text

    return Line(
        item=Item("paper", paper.id),
        group="Papers",
        brand=slug,
        what=paper.kind,
        state=paper.state,
        version=paper.number,
        when=when(paper.created_at, _zone(uow, paper.brand_id)),
        text=paper_text(paper),
        reason=paper.comment,
    )


def _action(uow: UnitOfWork, action: Action, slug: str) -> Line:
    from cli.item_view import action_texts

    account = uow.brands.account(action.account_id)
    slot = when(action.slot_at, _zone(uow, action.brand_id), "as soon as approved")
    return Line(
        item=Item("action", action.id),
        group="Replies" if action.kind == "reply" else "Posts",
        brand=slug,
        what=f"{action.kind} on {account.platform} as {account.handle}",
        state=action.state,
        version=action.version,
        when=slot,
        text="\n---\n".join(action_texts(uow, action)),
        reason=action.reason,
    )


def _interaction(uow: UnitOfWork, row: InteractionRow, slug: str) -> Line:
    person = uow.interactions.person(row.person_id)
    account = uow.brands.account(row.account_id)
    return Line(
        item=Item("interaction", row.id),
        group="Comments without an answer",
        brand=slug,
        what=f"{row.kind} by {person.handle or 'somebody erased'} on {account.platform}",
        state=row.state,
        version=1,
        when=when(row.occurred_at, _zone(uow, row.brand_id)),
        text=row.text or "",
        reason=row.triage_reason,
    )


def print_lines(lines: list[Line]) -> None:
    """The list as people read it: whole texts, nothing cut."""
    group = ""
    for line in sorted(lines, key=lambda item: _ORDER.index(item.group)):
        if line.group != group:
            group = line.group
            say(("" if line is lines[0] else "\n") + group, style="bold")
        head = [line.brand, line.what, words(line.state)]
        if line.item.kind != "interaction":
            head.append(f"version {line.version}")
        listed(
            short(line.item.id),
            [
                (" · ".join(head), ""),
                (line.when, "dim"),
                (line.text, ""),
                (f"({line.reason})" if line.reason else "", "yellow"),
            ],
        )


_ORDER = ("Papers", "Posts", "Replies", "Comments without an answer")
