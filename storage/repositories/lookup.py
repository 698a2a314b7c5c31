"""Finding things by the end of their id, and what waits for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import Text, cast, func, select

from domain.conversation import ANSWERABLE
from storage.repositories.base import Repository
from storage.tables import Action, InteractionRow, Paper

ItemKind = Literal["action", "interaction", "paper"]
_TABLES: dict[ItemKind, type[Action | InteractionRow | Paper]] = {
    "action": Action,
    "interaction": InteractionRow,
    "paper": Paper,
}


class Lookup(Repository):
    """What people at a command line need beside the other repositories."""

    def by_suffix(self, suffix: str) -> list[tuple[ItemKind, str]]:
        """(kind, id) of the actions, interactions and papers whose id ends so.

        The end of a UUIDv7 is random; its start is the time, which neighbours share.
        """
        found: list[tuple[ItemKind, str]] = []
        for kind, table in _TABLES.items():
            query = select(table.id).where(
                table.workspace_id == self.workspace_id,
                func.right(cast(table.id, Text), len(suffix)) == suffix,
            )
            found += [(kind, row_id) for row_id in self.session.scalars(query)]
        return found

    def unanswered(self, brand_id: str | None = None) -> Sequence[InteractionRow]:
        """Comments and mentions without a draft and without a decision, oldest first."""
        query = select(InteractionRow).where(
            InteractionRow.workspace_id == self.workspace_id,
            InteractionRow.state == "new",
            InteractionRow.kind.in_([kind.value for kind in ANSWERABLE]),
        )
        if brand_id is not None:
            query = query.where(InteractionRow.brand_id == brand_id)
        return self.session.scalars(query.order_by(InteractionRow.occurred_at)).all()
