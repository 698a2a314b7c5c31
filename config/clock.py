"""The one clock of all processes.

Business time (slots, periods, grace windows) comes from here, so that tests and the demonstration
can move it. Leases, locks and time-outs use the database's own time and never this clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Tells business time."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved; for tests in one process."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The instant that was set."""
        return self.at

    def advance(self, by: timedelta) -> None:
        """Move forward."""
        self.at += by


class ShiftedClock:
    """The machine's time plus an offset kept in a file that all processes of one machine share.

    For tests and the demonstration. A missing file is an offset of zero; a file that holds
    anything but a number raises ValueError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        """The current instant, aware, in UTC, moved by the offset."""
        return datetime.now(UTC) + self.offset()

    def offset(self) -> timedelta:
        """How far this clock is ahead of the machine's."""
        try:
            text = self._path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return timedelta()
        return timedelta(seconds=float(text or "0"))

    def advance_to(self, instant: datetime) -> None:
        """Move forward to an instant; never backward."""
        offset = max(instant - datetime.now(UTC), self.offset())
        temporary = self._path.with_suffix(".new")
        temporary.write_text(str(offset.total_seconds()), encoding="utf-8")
        temporary.replace(self._path)
