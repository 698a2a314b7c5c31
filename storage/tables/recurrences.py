"""Posts that come again: what is repeated, when, and how far it was proposed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Base, Mutable, Scoped, id_column, own_key, scoped_fk


class Recurrence(Scoped, Mutable, Base):
    """A post that is proposed anew, each time for an approval of its own.

    `recurring` comes at fixed steps of `every_days` days of the calendar, at the same wall time;
    `evergreen` comes into the brand's free slots, never sooner than `every_days` after the one
    before it.
    """

    __tablename__ = "recurrences"
    __table_args__ = (
        own_key(),
        scoped_fk("brand_id", "brands"),
        scoped_fk("account_id", "channel_accounts"),
        scoped_fk("created_by", "users"),
        CheckConstraint("kind in ('recurring', 'evergreen')", name="kind"),
        CheckConstraint("every_days >= 1", name="every_days"),
        CheckConstraint("state in ('active', 'paused', 'ended')", name="state"),
        # The clock looks for those that are due, and for nothing else.
        CheckConstraint("(state = 'active') = (propose_at is not null)", name="propose_at"),
    )

    brand_id: Mapped[str] = id_column(index=True)
    account_id: Mapped[str] = id_column()
    # The post whose text is varied; no foreign key, because actions point here.
    source_id: Mapped[str] = id_column(index=True)
    created_by: Mapped[str] = id_column()
    kind: Mapped[str]
    every_days: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text, default="active")
    next_wall: Mapped[str]  # wall time of the next occurrence, ISO without zone
    zone: Mapped[str]
    occurrence: Mapped[int] = mapped_column(Integer, default=0)  # the last one that was proposed
    ends_at: Mapped[datetime | None]  # nothing comes at or after this instant
    propose_at: Mapped[datetime | None] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(Text, default="")  # why it rests, or what was passed over
