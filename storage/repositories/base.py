"""What all repositories share: a session and a workspace they cannot leave."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import NotFound
from storage.tables.base import Base, Scoped

Row = TypeVar("Row", bound=Base)


class Repository:
    """Queries of one workspace."""

    def __init__(self, session: Session, workspace_id: str) -> None:
        """Bind to a session and a workspace; neither has a default."""
        self.session = session
        self.workspace_id = workspace_id

    def row(self, table: type[Row], row_id: str, *, lock: bool = False) -> Row:
        """A row of this workspace by its id.

        Raises:
            NotFound: there is none, or it belongs to somebody else.
        """
        assert issubclass(table, Scoped)
        if not _is_uuid(row_id):
            raise NotFound(f"There is no {table.__tablename__} {row_id!r} in this workspace.")
        query = select(table).where(table.workspace_id == self.workspace_id, table.id == row_id)
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        found = self.session.scalars(query).one_or_none()
        if found is None:
            raise NotFound(f"There is no {table.__tablename__} {row_id} in this workspace.")
        return found


def _is_uuid(value: str) -> bool:
    from uuid import UUID

    try:
        UUID(value)
    except (ValueError, AttributeError):
        return False
    return True
