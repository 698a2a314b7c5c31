"""The declarative base and the columns that every table of a workspace has."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from uuid_utils.compat import uuid7

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def new_id() -> str:
    """A UUIDv7 made by the application: ids sort by the time of their making."""
    return str(uuid7())


class Base(DeclarativeBase):
    """All tables of Humas; LangGraph's checkpointer keeps its own beside them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        list[str]: JSONB(),
        list[dict[str, Any]]: JSONB(),
    }


class Scoped:
    """A row of one workspace: its id is unique within it, and references carry both."""

    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True, default=new_id)

    @declared_attr
    def workspace_id(cls) -> Mapped[str]:  # noqa: N805 - SQLAlchemy passes the class
        """The workspace that owns the row."""
        return mapped_column(Uuid(as_uuid=False), ForeignKey("workspaces.id"), index=True)

    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )


class Mutable:
    """A row that changes; a lost update raises StaleDataError instead of overwriting."""

    row_version: Mapped[int] = mapped_column(Integer, nullable=False)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy passes the class
        """Optimistic locking by `row_version`."""
        return {"version_id_col": cls.row_version}


def own_key() -> UniqueConstraint:
    """What the composite foreign keys of other tables point at."""
    return UniqueConstraint("workspace_id", "id")


def scoped_fk(column: str, table: str) -> ForeignKeyConstraint:
    """A reference that cannot leave the workspace."""
    return ForeignKeyConstraint(["workspace_id", column], [f"{table}.workspace_id", f"{table}.id"])


def id_column(*, nullable: bool = False, index: bool = False) -> Mapped[Any]:
    """A column that holds the id of another row."""
    return mapped_column(Uuid(as_uuid=False), nullable=nullable, index=index)
