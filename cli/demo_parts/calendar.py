"""Business time of the demonstration: it stands still while anything is to be done, then it jumps."""

from __future__ import annotations

from datetime import datetime, timedelta

from cli.demo_parts.situation import Situation
from config.clock import ShiftedClock

SHORT = timedelta(seconds=5)  # so near that waiting is simpler than jumping
AFTER = timedelta(seconds=1)


class Calendar:
    """Moves the clock file to the next time at which something is due."""

    def __init__(self, clock: ShiftedClock) -> None:
        self._clock = clock

    def jump(self, situation: Situation) -> datetime | None:
        """Jump if nothing runs and nothing waits for people.

        Returns:
            The business time that it is now, None when the clock was left alone.
        """
        due = situation.next_due
        if situation.running or situation.waiting or due is None:
            return None
        if due - self._clock.now() <= SHORT:
            return None
        self._clock.advance_to(due + AFTER)
        return self._clock.now()
