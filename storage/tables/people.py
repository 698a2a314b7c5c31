"""Workspaces, the people of the team, their sessions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, DateTime, Index, Text, Uuid, func, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Base, Mutable, Scoped, id_column, new_id, own_key, scoped_fk


class Workspace(Mutable, Base):
    """One organisation; nothing in it is visible to another."""

    __tablename__ = "workspaces"

    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text, unique=True)
    stopped: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )


class User(Scoped, Mutable, Base):
    """A person of the team."""

    __tablename__ = "users"
    __table_args__ = (
        own_key(),
        CheckConstraint("role in ('owner', 'reviewer', 'platform_admin', 'viewer')", name="role"),
        Index("uq_users_email_lower", text("lower(email)"), unique=True),
    )

    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str]
    locale: Mapped[str] = mapped_column(default="en")
    disabled_at: Mapped[datetime | None]


class LoginSession(Scoped, Base):
    """A login; the token itself is never stored, only its hash."""

    __tablename__ = "login_sessions"
    __table_args__ = (own_key(), scoped_fk("user_id", "users"))

    user_id: Mapped[str] = id_column(index=True)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    csrf_token: Mapped[str]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
