"""What a channel keeps between calls, in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime


class MemoryTokens:
    """A token store in memory; every save is kept."""

    def __init__(self, tokens: dict[str, str] | None = None) -> None:
        self.saves: list[dict[str, str]] = []
        self.tokens = tokens or {}
        self._lock = threading.Lock()

    def load(self) -> dict[str, str]:
        """The stored session."""
        return dict(self.tokens)

    def save(self, tokens: dict[str, str]) -> None:
        """Store a session."""
        self.saves.append(tokens)
        self.tokens = dict(tokens)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold it against other threads; there are no other processes."""
        with self._lock:
            yield


class MemoryBudgets:
    """Remembers what was said of used-up budgets."""

    def __init__(self) -> None:
        self.told: list[tuple[datetime, str]] = []

    def spent(self, until: datetime, reason: str) -> None:
        """Remember it."""
        self.told.append((until, reason))
