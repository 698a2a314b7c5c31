"""What people do to a thread that waits. An event is a row first and a job second.

Events only wake: a thread that wakes reads the rows again and goes by what they say, so early,
late and repeated events are harmless. Starts, due times and retries need none: they are columns
of the thread itself.
"""

from enum import StrEnum


class EventKind(StrEnum):
    """The kinds that a thread can wait for."""

    DECISION = "decision"  # a person decided on a dossier, plan, post or reply
    CHANGED = "changed"  # rescheduled, held, released, settled
