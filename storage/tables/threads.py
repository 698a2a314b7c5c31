"""Threads (LangGraph runs), their event inbox, the audit log, heartbeats and system flags."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Base, Mutable, Scoped, id_column, own_key, scoped_fk


class Thread(Scoped, Mutable, Base):
    """Where one LangGraph thread stands; the truth for the queue."""

    __tablename__ = "threads"
    __table_args__ = (
        own_key(),
        scoped_fk("brand_id", "brands"),
        scoped_fk("parent_id", "threads"),
        CheckConstraint("status in ('ready', 'waiting', 'failed', 'finished')", name="status"),
        # Every page shows them, and they are few.
        Index(
            "ix_threads_failed",
            "workspace_id",
            "brand_id",
            postgresql_where=text("status = 'failed'"),
        ),
        # What the clock reads, queue by queue: the cost follows what is due, not what exists.
        Index("ix_threads_ready", "queue", "ready_at", postgresql_where=text("status = 'ready'")),
        Index(
            "ix_threads_due",
            "queue",
            "due_at",
            postgresql_where=text("status = 'waiting' and due_at is not null"),
        ),
    )

    brand_id: Mapped[str] = id_column(index=True)
    parent_id: Mapped[str | None] = id_column(nullable=True)
    graph: Mapped[str]  # cycle, post, answer
    graph_version: Mapped[int] = mapped_column(Integer)
    subject_id: Mapped[str] = id_column(index=True)  # cycle, action or interaction
    status: Mapped[str] = mapped_column(Text, default="ready")
    node: Mapped[str]
    queue: Mapped[str]
    checkpoint_id: Mapped[str] = mapped_column(Text, default="")
    waits_for: Mapped[list[str]] = mapped_column(default=list)
    due_at: Mapped[datetime | None]
    ready_at: Mapped[datetime | None]  # machine time since when it is ready to run
    tries: Mapped[int] = mapped_column(Integer, default=0)  # makes job ids of one step differ
    failures: Mapped[int] = mapped_column(Integer, default=0)  # starts of this step without an end
    error: Mapped[str] = mapped_column(Text, default="")
    finished_at: Mapped[datetime | None]


class EventRow(Scoped, Base):
    """The inbox: an event is a row first and a job second."""

    __tablename__ = "events"
    __table_args__ = (
        own_key(),
        scoped_fk("thread_id", "threads"),
        UniqueConstraint("workspace_id", "thread_id", "key"),
        Index("ix_events_open", "thread_id", postgresql_where=text("consumed_at is null")),
    )

    thread_id: Mapped[str] = id_column()
    kind: Mapped[str]
    key: Mapped[str]
    consumed_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who did what to what; a trigger refuses changes and deletions."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_object", "workspace_id", "object_kind", "object_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    workspace_id: Mapped[str | None] = id_column(nullable=True)
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    actor: Mapped[str]  # user id, or "system"
    verb: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Heartbeat(Base):
    """A sign of life of a process, in machine time."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class SystemFlag(Base):
    """Switches of the whole installation, such as the global stop."""

    __tablename__ = "system_flags"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str]
