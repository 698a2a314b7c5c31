"""Outbound actions: versions, approvals, segments, attempts.

The chain of foreign keys is invariant 1 in the database: an attempt points at an approval, the
approval at a version, each by (workspace, action, version, digest). Triggers of the migration
forbid changing or deleting versions, approvals and decisions, and admit an attempt only for the
action's current version while the action is `publishing`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.action import ActionState
from storage.tables.base import Base, Mutable, Scoped, id_column, own_key, scoped_fk

STATES = ", ".join(f"'{state.value}'" for state in ActionState)


class Action(Scoped, Mutable, Base):
    """One act on one channel account."""

    __tablename__ = "actions"
    __table_args__ = (
        own_key(),
        scoped_fk("brand_id", "brands"),
        scoped_fk("account_id", "channel_accounts"),
        scoped_fk("cycle_id", "cycles"),
        scoped_fk("interaction_id", "interactions"),
        scoped_fk("author_id", "users"),
        CheckConstraint(f"state in ({STATES})", name="state"),
        Index("ix_actions_queue", "workspace_id", "state", "slot_at"),
        Index("ix_actions_time", "workspace_id", "slot_at", "id"),
        Index("ix_actions_states", "workspace_id", "brand_id", "state"),
        Index(
            "ix_actions_published",
            "workspace_id",
            "account_id",
            "published_at",
            postgresql_where=text("state = 'published'"),
        ),
        scoped_fk("revises_id", "actions"),
        scoped_fk("recurrence_id", "recurrences"),
        # Each occurrence of a recurring post is proposed once.
        Index(
            "uq_actions_occurrence",
            "recurrence_id",
            "occurrence",
            unique=True,
            postgresql_where=text("recurrence_id is not null"),
        ),
        # One answer per interaction that is alive.
        Index(
            "uq_actions_one_reply",
            "interaction_id",
            unique=True,
            postgresql_where=text("kind = 'reply' and state <> 'rejected'"),
        ),
        Index(
            "uq_actions_plan_item",
            "plan_id",
            "plan_ordinal",
            "account_id",
            unique=True,
            postgresql_where=text("plan_id is not null"),
        ),
    )

    brand_id: Mapped[str] = id_column(index=True)
    account_id: Mapped[str] = id_column(index=True)
    cycle_id: Mapped[str | None] = id_column(nullable=True, index=True)
    interaction_id: Mapped[str | None] = id_column(nullable=True)
    plan_id: Mapped[str | None] = id_column(nullable=True)
    plan_ordinal: Mapped[int | None] = mapped_column(Integer)
    revises_id: Mapped[str | None] = id_column(nullable=True)  # the published item it was made from
    recurrence_id: Mapped[str | None] = id_column(nullable=True)
    occurrence: Mapped[int | None] = mapped_column(Integer)
    thread_id: Mapped[str] = id_column(index=True)
    author_id: Mapped[str | None] = id_column(nullable=True)
    kind: Mapped[str]
    state: Mapped[str]
    version: Mapped[int] = mapped_column(Integer, default=1)
    theme: Mapped[str] = mapped_column(Text, default="")
    brief: Mapped[str] = mapped_column(Text, default="")
    slot_at: Mapped[datetime | None]
    slot_wall: Mapped[str | None]
    slot_zone: Mapped[str | None]
    effective_at: Mapped[datetime | None]  # end of the undo window after the last approval
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    looks: Mapped[int] = mapped_column(Integer, default=0, server_default="0")  # while unconfirmed
    retry_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")  # why it is in this state
    remote_id: Mapped[str | None] = mapped_column(Text, index=True)
    remote_url: Mapped[str | None]
    published_at: Mapped[datetime | None]


class ActionVersion(Base):
    """One version of what would be sent; never changed."""

    __tablename__ = "action_versions"
    __table_args__ = (
        scoped_fk("action_id", "actions"),
        scoped_fk("author_id", "users"),
        scoped_fk("llm_call_id", "llm_calls"),
        UniqueConstraint("workspace_id", "action_id", "version", "digest"),
        Index("ix_action_versions_digest", "workspace_id", "digest"),  # who sent the same before
    )

    workspace_id: Mapped[str] = id_column()
    action_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str]
    payload: Mapped[dict[str, Any]]
    evidence: Mapped[list[dict[str, Any]]]
    no_claim: Mapped[bool] = mapped_column(default=False)
    origin: Mapped[str]  # model or person
    author_id: Mapped[str | None] = id_column(nullable=True)
    llm_call_id: Mapped[str | None] = id_column(nullable=True)
    created_at: Mapped[datetime]


class Decision(Scoped, Base):
    """What a person did to a version, with the comment; a log that only grows."""

    __tablename__ = "decisions"
    __table_args__ = (
        own_key(),
        scoped_fk("user_id", "users"),
        ForeignKeyConstraint(
            ["workspace_id", "action_id", "version", "digest"],
            [
                "action_versions.workspace_id",
                "action_versions.action_id",
                "action_versions.version",
                "action_versions.digest",
            ],
        ),
    )

    action_id: Mapped[str] = id_column(index=True)
    version: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str]
    user_id: Mapped[str] = id_column()
    verb: Mapped[str]
    comment: Mapped[str] = mapped_column(Text, default="")


class Approval(Base):
    """The complete approval of one version: the policy's last needed approver has spoken."""

    __tablename__ = "approvals"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "action_id", "version", "digest"],
            [
                "action_versions.workspace_id",
                "action_versions.action_id",
                "action_versions.version",
                "action_versions.digest",
            ],
        ),
        scoped_fk("decision_id", "decisions"),
        UniqueConstraint("workspace_id", "action_id", "version", "digest"),
    )

    workspace_id: Mapped[str] = id_column()
    action_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str]
    decision_id: Mapped[str] = id_column()
    approved_at: Mapped[datetime]


class SegmentRow(Scoped, Mutable, Base):
    """One post of a thread on one account: its key is made before the first try and kept."""

    __tablename__ = "segments"
    __table_args__ = (
        own_key(),
        ForeignKeyConstraint(
            ["workspace_id", "action_id", "version", "digest"],
            [
                "approvals.workspace_id",
                "approvals.action_id",
                "approvals.version",
                "approvals.digest",
            ],
        ),
        UniqueConstraint("workspace_id", "action_id", "version", "ordinal"),
        CheckConstraint("state in ('pending', 'sent')", name="state"),
    )

    action_id: Mapped[str] = id_column(index=True)
    version: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str]
    ordinal: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text, default="pending")
    client_key: Mapped[str]
    client_time: Mapped[datetime]
    remote_id: Mapped[str | None] = mapped_column(Text, index=True)
    remote_url: Mapped[str | None]
    remote_extra: Mapped[dict[str, Any]] = mapped_column(default=dict)
    sent_at: Mapped[datetime | None]


class Attempt(Scoped, Mutable, Base):
    """One try to send one segment. Written before the request leaves."""

    __tablename__ = "attempts"
    __table_args__ = (
        own_key(),
        ForeignKeyConstraint(
            ["workspace_id", "action_id", "version", "digest"],
            [
                "approvals.workspace_id",
                "approvals.action_id",
                "approvals.version",
                "approvals.digest",
            ],
        ),
        scoped_fk("segment_id", "segments"),
        UniqueConstraint("workspace_id", "segment_id", "number"),
        Index("ix_attempts_open", "lease_until", postgresql_where=text("outcome is null")),
    )

    action_id: Mapped[str] = id_column(index=True)
    version: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str]
    segment_id: Mapped[str] = id_column()
    number: Mapped[int] = mapped_column(Integer)
    lease_until: Mapped[datetime]
    outcome: Mapped[str | None]  # sent, not_sent, refused, unknown, found, absent, denied
    detail: Mapped[str] = mapped_column(Text, default="")
    raw: Mapped[dict[str, Any]] = mapped_column(default=dict)
    finished_at: Mapped[datetime | None]
