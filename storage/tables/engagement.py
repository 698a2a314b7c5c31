"""What the public does, and figures of what we did. Texts and names live here and nowhere else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Base, Mutable, Scoped, id_column, own_key, scoped_fk


class PersonRow(Scoped, Mutable, Base):
    """A member of the public on one platform; erasable."""

    __tablename__ = "persons"
    __table_args__ = (own_key(), UniqueConstraint("workspace_id", "platform", "remote_id"))

    platform: Mapped[str]
    remote_id: Mapped[str]
    handle: Mapped[str | None]
    name: Mapped[str | None]
    erased_at: Mapped[datetime | None]


class InteractionRow(Scoped, Mutable, Base):
    """One inbound interaction; its text is erasable."""

    __tablename__ = "interactions"
    __table_args__ = (
        own_key(),
        scoped_fk("brand_id", "brands"),
        scoped_fk("account_id", "channel_accounts"),
        scoped_fk("person_id", "persons"),
        UniqueConstraint("workspace_id", "account_id", "remote_id"),
        Index("ix_interactions_window", "workspace_id", "brand_id", "occurred_at"),
    )

    brand_id: Mapped[str] = id_column()
    account_id: Mapped[str] = id_column()
    person_id: Mapped[str] = id_column(index=True)
    thread_id: Mapped[str | None] = id_column(nullable=True)
    remote_id: Mapped[str]
    kind: Mapped[str]
    text: Mapped[str | None]
    url: Mapped[str | None]
    target_remote_id: Mapped[str | None] = mapped_column(Text, index=True)
    root_remote_id: Mapped[str | None]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    # new, drafted, answered, no_answer; counted-only kinds stay "noted"
    state: Mapped[str] = mapped_column(Text, default="new")
    language: Mapped[str | None]
    sentiment: Mapped[str] = mapped_column(Text, default="unknown")
    intent: Mapped[str] = mapped_column(Text, default="other")
    triage_reason: Mapped[str] = mapped_column(Text, default="")
    triaged_by: Mapped[str | None]  # model name or "person"


class OutsidePost(Scoped, Mutable, Base):
    """A post of the account that did not go out through Humas: older, or made elsewhere."""

    __tablename__ = "outside_posts"
    __table_args__ = (
        own_key(),
        scoped_fk("brand_id", "brands"),
        scoped_fk("account_id", "channel_accounts"),
        UniqueConstraint("workspace_id", "account_id", "remote_id"),
        Index("ix_outside_posts_time", "workspace_id", "brand_id", "posted_at"),
    )

    brand_id: Mapped[str] = id_column()
    account_id: Mapped[str] = id_column()
    remote_id: Mapped[str] = mapped_column(Text, index=True)
    kind: Mapped[str]
    text: Mapped[str]
    url: Mapped[str | None]
    posted_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class MetricSnapshot(Scoped, Base):
    """A platform's figure at one time; never overwritten. `value` is null where not offered."""

    __tablename__ = "metric_snapshots"
    __table_args__ = (
        own_key(),
        scoped_fk("account_id", "channel_accounts"),
        scoped_fk("action_id", "actions"),
        scoped_fk("outside_id", "outside_posts"),
        Index("ix_metric_snapshots_latest", "account_id", "action_id", "name", "taken_at"),
    )

    account_id: Mapped[str] = id_column()
    action_id: Mapped[str | None] = id_column(nullable=True, index=True)
    outside_id: Mapped[str | None] = id_column(nullable=True, index=True)
    name: Mapped[str]
    value: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str]
    taken_at: Mapped[datetime]


class LlmCall(Scoped, Base):
    """One call of a language model: what it cost, which prompt it was."""

    __tablename__ = "llm_calls"
    __table_args__ = (
        own_key(),
        scoped_fk("brand_id", "brands"),
        Index("ix_llm_calls_day", "workspace_id", "brand_id", "created_at"),
    )

    brand_id: Mapped[str] = id_column()
    thread_id: Mapped[str | None] = id_column(nullable=True)
    role: Mapped[str]
    stage: Mapped[str]
    task: Mapped[str]
    model: Mapped[str]
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    prompt_hash: Mapped[str]
    schema_hash: Mapped[str]
    tokens_in: Mapped[int | None] = mapped_column(Integer)
    tokens_out: Mapped[int | None] = mapped_column(Integer)
    cost_microusd: Mapped[int | None] = mapped_column(BigInteger)
    milliseconds: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str]


class LlmBudget(Scoped, Mutable, Base):
    """Tokens reserved and spent by one brand on one day (UTC)."""

    __tablename__ = "llm_budgets"
    __table_args__ = (
        own_key(),
        scoped_fk("brand_id", "brands"),
        UniqueConstraint("workspace_id", "brand_id", "day"),
    )

    brand_id: Mapped[str] = id_column()
    day: Mapped[str]
    reserved: Mapped[int] = mapped_column(BigInteger, default=0)
    spent: Mapped[int] = mapped_column(BigInteger, default=0)
