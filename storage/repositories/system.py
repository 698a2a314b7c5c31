"""The audit log, stop switches, and the ledger of model calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import BudgetExceeded
from storage.repositories.base import Repository
from storage.tables import AuditEntry, Brand, LlmBudget, LlmCall, SystemFlag, Workspace, new_id


class Audit(Repository):
    """Who did what; the table only grows."""

    def write(
        self, actor: str, verb: str, object_kind: str, object_id: str, **details: Any
    ) -> None:
        """Add an entry. Details hold ids, digests and answers of platforms, never secrets."""
        self.session.add(
            AuditEntry(
                workspace_id=self.workspace_id,
                actor=actor,
                verb=verb,
                object_kind=object_kind,
                object_id=object_id,
                details=details,
            )
        )

    def of(self, object_kind: str, object_id: str) -> Sequence[AuditEntry]:
        """What happened to one thing, oldest first."""
        query = (
            select(AuditEntry)
            .where(
                AuditEntry.workspace_id == self.workspace_id,
                AuditEntry.object_kind == object_kind,
                AuditEntry.object_id == object_id,
            )
            .order_by(AuditEntry.id)
        )
        return self.session.scalars(query).all()


class StopSwitch(Repository):
    """Global, per workspace and per brand: while one is on, nothing leaves."""

    def why_stopped(self, brand_id: str) -> str | None:
        """Which switch is on, or None."""
        if global_stop(self.session):
            return "The global stop switch is on."
        workspace = self.session.get_one(Workspace, self.workspace_id, populate_existing=True)
        if workspace.stopped:
            return "The workspace's stop switch is on."
        brand = self.session.get_one(Brand, brand_id, populate_existing=True)
        return "The brand's stop switch is on." if brand.stopped else None


def global_stop(session: Session) -> bool:
    """Whether the installation's stop switch is on."""
    return session.scalar(select(SystemFlag.value).where(SystemFlag.name == "stop")) == "on"


def set_global_stop(session: Session, on: bool) -> None:
    """Turn the installation's stop switch on or off."""
    value = "on" if on else "off"
    query = insert(SystemFlag).values(name="stop", value=value)
    session.execute(query.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


class ModelLedger(Repository):
    """Tokens and cost of model calls, and the budget of a brand and day."""

    def reserve(self, brand_id: str, day: str, tokens: int, limit: int) -> None:
        """Set tokens aside before a call.

        Raises:
            BudgetExceeded: the day's budget does not cover them.
        """
        self.session.execute(
            insert(LlmBudget)
            .values(
                id=new_id(),
                workspace_id=self.workspace_id,
                brand_id=brand_id,
                day=day,
                reserved=0,
                spent=0,
                row_version=1,
            )
            .on_conflict_do_nothing(index_elements=["workspace_id", "brand_id", "day"])
        )
        query = (
            update(LlmBudget)
            .where(
                LlmBudget.workspace_id == self.workspace_id,
                LlmBudget.brand_id == brand_id,
                LlmBudget.day == day,
                LlmBudget.reserved + LlmBudget.spent + tokens <= limit,
            )
            .values(reserved=LlmBudget.reserved + tokens, row_version=LlmBudget.row_version + 1)
            .returning(LlmBudget.id)
        )
        if self.session.scalars(query).one_or_none() is None:
            raise BudgetExceeded(
                f"The model budget of {limit} tokens for {day} (UTC) does not cover a call of up to {tokens} "
                "tokens. Raise HUMAS_LLM_TOKENS_PER_DAY, wait for tomorrow, or do the stage by hand."
            )

    def settle(self, brand_id: str, day: str, reserved: int, spent: int) -> None:
        """Replace a reservation by what was spent."""
        self.session.execute(
            update(LlmBudget)
            .where(
                LlmBudget.workspace_id == self.workspace_id,
                LlmBudget.brand_id == brand_id,
                LlmBudget.day == day,
            )
            .values(
                reserved=LlmBudget.reserved - reserved,
                spent=LlmBudget.spent + spent,
                row_version=LlmBudget.row_version + 1,
            )
        )

    def add(self, call: LlmCall) -> None:
        """Store a call."""
        self.session.add(call)
