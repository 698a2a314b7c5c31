"""Brands, their channel accounts, their sources, and the papers written about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Integer, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Base, Mutable, Scoped, id_column, own_key, scoped_fk


class Brand(Scoped, Mutable, Base):
    """A brand and what a person said of it."""

    __tablename__ = "brands"
    __table_args__ = (own_key(), UniqueConstraint("workspace_id", "slug"))

    slug: Mapped[str]
    name: Mapped[str]
    profile: Mapped[dict[str, Any]]
    stopped: Mapped[bool] = mapped_column(Boolean, default=False)


class ChannelAccount(Scoped, Mutable, Base):
    """One account on one platform. Secrets are sealed and bound to this row."""

    __tablename__ = "channel_accounts"
    __table_args__ = (
        own_key(),
        scoped_fk("brand_id", "brands"),
        UniqueConstraint("workspace_id", "brand_id", "platform", "base_url", "handle"),
    )

    brand_id: Mapped[str] = id_column(index=True)
    platform: Mapped[str]
    base_url: Mapped[str]
    handle: Mapped[str]
    remote_id: Mapped[str | None]
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_session: Mapped[bytes | None] = mapped_column(LargeBinary)
    cursor: Mapped[str | None]
    poll_at: Mapped[datetime | None] = mapped_column(index=True)
    poll_error: Mapped[str | None]
    polled_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    # What the platform said of its budget of calls: none before this instant.
    waits_until: Mapped[datetime | None]
    waits_for: Mapped[str] = mapped_column(Text, default="", server_default="")
    # The credentials: when they end, why they are refused now, and when people were last told.
    credentials_expire_at: Mapped[datetime | None]
    credentials_problem: Mapped[str] = mapped_column(Text, default="", server_default="")
    credentials_warned_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    # The reading of what the account published before and elsewhere.
    import_cursor: Mapped[str | None]
    import_done_at: Mapped[datetime | None]
    outside_read_at: Mapped[datetime | None]


class SourceDocumentRow(Scoped, Base):
    """A page or file as it was read; never changed afterwards."""

    __tablename__ = "source_documents"
    __table_args__ = (
        own_key(),
        scoped_fk("brand_id", "brands"),
        UniqueConstraint("workspace_id", "brand_id", "url", "sha256"),
    )

    brand_id: Mapped[str] = id_column(index=True)
    url: Mapped[str]
    title: Mapped[str]
    language: Mapped[str | None]
    kind: Mapped[str]
    sha256: Mapped[str]
    text: Mapped[str]
    fetched_at: Mapped[datetime]


class SourceSentenceRow(Scoped, Base):
    """A sentence of a document, verbatim; models point at its id."""

    __tablename__ = "source_sentences"
    __table_args__ = (
        own_key(),
        scoped_fk("document_id", "source_documents"),
        UniqueConstraint("workspace_id", "document_id", "ordinal"),
    )

    document_id: Mapped[str] = id_column(index=True)
    ordinal: Mapped[int] = mapped_column(Integer)
    text: Mapped[str]


class Cycle(Scoped, Mutable, Base):
    """One period of one brand, from research to evaluation."""

    __tablename__ = "cycles"
    __table_args__ = (own_key(), scoped_fk("brand_id", "brands"))

    brand_id: Mapped[str] = id_column(index=True)
    thread_id: Mapped[str] = id_column()
    period_start: Mapped[datetime]
    period_end: Mapped[datetime]
    by_hand: Mapped[bool] = mapped_column(Boolean, default=False)
    stage: Mapped[str] = mapped_column(Text, default="research")
    progress: Mapped[str] = mapped_column(Text, default="")


class Paper(Scoped, Mutable, Base):
    """A written paper: dossier, plan or evaluation. One row per version, contents never change."""

    __tablename__ = "papers"
    __table_args__ = (
        own_key(),
        scoped_fk("brand_id", "brands"),
        scoped_fk("cycle_id", "cycles"),
        scoped_fk("author_id", "users"),
        scoped_fk("decided_by", "users"),
        UniqueConstraint("workspace_id", "cycle_id", "kind", "number"),
        CheckConstraint("kind in ('dossier', 'plan', 'evaluation')", name="kind"),
        CheckConstraint(
            "state in ('drafted', 'in_review', 'changes_requested', 'approved', 'superseded')",
            name="state",
        ),
    )

    brand_id: Mapped[str] = id_column(index=True)
    cycle_id: Mapped[str] = id_column(index=True)
    kind: Mapped[str]
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[str]
    content: Mapped[dict[str, Any]]
    author_id: Mapped[str | None] = id_column(nullable=True)
    decided_by: Mapped[str | None] = id_column(nullable=True)
    decided_at: Mapped[datetime | None]
    comment: Mapped[str] = mapped_column(Text, default="")


class Media(Scoped, Base):
    """A picture or video; the approval's digest covers its hash. Pixels, 0 where not known."""

    __tablename__ = "media"
    __table_args__ = (
        own_key(),
        scoped_fk("brand_id", "brands"),
        UniqueConstraint("workspace_id", "brand_id", "sha256"),
    )

    brand_id: Mapped[str] = id_column(index=True)
    sha256: Mapped[str]
    mime: Mapped[str]
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    data: Mapped[bytes] = mapped_column(LargeBinary)
