"""All tables; importing this package fills `Base.metadata`."""

from storage.tables.actions import Action, ActionVersion, Approval, Attempt, Decision, SegmentRow
from storage.tables.base import Base, new_id
from storage.tables.brands import (
    Brand,
    ChannelAccount,
    Cycle,
    Media,
    Paper,
    SourceDocumentRow,
    SourceSentenceRow,
)
from storage.tables.engagement import (
    InteractionRow,
    LlmBudget,
    LlmCall,
    MetricSnapshot,
    OutsidePost,
    PersonRow,
)
from storage.tables.people import LoginSession, User, Workspace
from storage.tables.recurrences import Recurrence
from storage.tables.threads import AuditEntry, EventRow, Heartbeat, SystemFlag, Thread

__all__ = [
    "Action",
    "ActionVersion",
    "Approval",
    "Attempt",
    "AuditEntry",
    "Base",
    "Brand",
    "ChannelAccount",
    "Cycle",
    "Decision",
    "EventRow",
    "Heartbeat",
    "InteractionRow",
    "LlmBudget",
    "LlmCall",
    "LoginSession",
    "Media",
    "MetricSnapshot",
    "OutsidePost",
    "Paper",
    "PersonRow",
    "Recurrence",
    "SegmentRow",
    "SourceDocumentRow",
    "SourceSentenceRow",
    "SystemFlag",
    "Thread",
    "User",
    "Workspace",
    "new_id",
]
