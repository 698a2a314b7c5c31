"""The limits of accounts, asked once in a while instead of for every page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from channels.base import Capabilities, ChannelError
from channels.limits import check_text, text_length
from storage.secrets import SecretKeyError
from storage.tables import ChannelAccount
from workflows.services import ChannelMaker


@dataclass(frozen=True)
class Offer:
    """What an account offers, or why that is not known now."""

    capabilities: Capabilities | None
    problem: str = ""

    @property
    def text_max(self) -> int | None:
        """Most characters of one part; None while unknown."""
        return self.capabilities.limits.text_max if self.capabilities else None

    def length(self, text: str) -> int | None:
        """The text's length in the platform's own unit; None while the limits are unknown."""
        return text_length(text, self.capabilities.limits) if self.capabilities else None

    def check(self, texts: list[str]) -> None:
        """Refuse what the platform would not take; while limits are unknown the delivery checks.

        Raises:
            LimitExceeded: with the count and the limit.
        """
        if self.capabilities is not None:
            for text in texts:
                check_text(text, self.capabilities.limits)


class LimitBook:
    """Remembers what accounts offer. Failures are remembered shortly, to ask again soon."""

    def __init__(
        self,
        open_channel: ChannelMaker,
        *,
        seconds: float = 600,
        retry_seconds: float = 30,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the maker of channels, and how long an answer counts (seconds)."""
        self._open = open_channel
        self._seconds = seconds
        self._retry = retry_seconds
        self._now = now
        self._known: dict[tuple[str, str], tuple[float, Offer]] = {}
        self._lock = threading.Lock()

    def of(self, account: ChannelAccount) -> Offer:
        """What an account offers."""
        key = (account.id, account.base_url)
        with self._lock:
            until, offer = self._known.get(key, (0.0, Offer(None)))
        if until > self._now():
            return offer
        try:
            offer = Offer(self._open(account).capabilities())
            pause = self._seconds
        except (ChannelError, SecretKeyError) as error:
            offer = Offer(None, str(error))
            pause = self._retry
        with self._lock:
            self._known[key] = (self._now() + pause, offer)
        return offer
