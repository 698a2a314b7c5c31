"""Everything that can happen to a thread. An event is a row first and a job second.

Events only wake: a thread that wakes reads the rows again and goes by what they say, so early,
late and repeated events are harmless.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class EventKind(StrEnum):
    """The kinds that a thread can wait for."""

    STARTED = "started"  # new brand, new period, new post, interaction arrived
    DECISION = "decision"  # a person decided on a dossier, plan, post or reply
    DUE = "due"  # a slot, a period's end or a time to look again has come
    CHANGED = "changed"  # rescheduled, held, released, settled
    RETRY = "retry"  # a person asks a failed stage to run again


class Event(BaseModel):
    """One thing that happened to one thread; `key` makes repeats of it fall together."""

    model_config = ConfigDict(frozen=True)

    thread_id: str
    kind: EventKind
    key: str
