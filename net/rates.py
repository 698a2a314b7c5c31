"""Reading the rate-limit signals of the platforms, each of which writes them differently."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

__all__ = ["RateBudget", "rate_budget", "retry_after"]

# A number below this is a waiting time in seconds, above it an epoch (9 Sep 2001 onward).
_EPOCH_FROM = 1_000_000_000.0
_EPOCH_MS_FROM = 100_000_000_000.0

_PREFIXES = ("ratelimit", "x-ratelimit", "x-rate-limit")


@dataclass(frozen=True, slots=True)
class RateBudget:
    """What an answer's headers say about the account's budget; None where they say nothing.

    Attributes:
        limit: calls (or points) per window.
        remaining: calls (or points) left in this window.
        reset_at: when the window starts anew (UTC).
    """

    limit: int | None
    remaining: int | None
    reset_at: datetime | None


def retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """The instant from which the server will listen again, never before `now`.

    Understands `Retry-After` (seconds or a date), `RateLimit-Reset` and `X-RateLimit-Reset`
    (seconds, epoch, or the ISO timestamp that Mastodon writes), `X-RateLimit-Reset-After`.

    Args:
        headers: the answer's headers; names are compared without regard to case.
        now: the present instant, with time zone.

    Returns:
        An instant in UTC, or None if no header says so in a readable way.
    """
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    names = ["retry-after", "x-ratelimit-reset-after", *(f"{p}-reset" for p in _PREFIXES)]
    for name in names:
        when = _instant(lower.get(name), now)
        if when is not None:
            return max(when, now.astimezone(UTC))
    return None


def rate_budget(headers: Mapping[str, str], now: datetime) -> RateBudget:
    """What the headers say about the remaining budget of the account."""
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    limit = _first_int(lower, "limit")
    remaining = _first_int(lower, "remaining")
    resets = (_instant(lower.get(f"{p}-reset"), now) for p in _PREFIXES)
    return RateBudget(limit, remaining, next((r for r in resets if r is not None), None))


def _first_int(lower: Mapping[str, str], what: str) -> int | None:
    for prefix in _PREFIXES:
        value = lower.get(f"{prefix}-{what}", "")
        if value.isascii() and value.isdigit():
            return int(value)
    return None


def _instant(value: str | None, now: datetime) -> datetime | None:
    """Read seconds, an epoch, an HTTP date or an ISO timestamp; None if it is none of these."""
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        return _date(value)
    if not math.isfinite(number) or number < 0:
        return None
    try:
        if number >= _EPOCH_MS_FROM:
            return datetime.fromtimestamp(number / 1000, UTC)
        if number >= _EPOCH_FROM:
            return datetime.fromtimestamp(number, UTC)
        return (now + timedelta(seconds=number)).astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _date(value: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            when = read(value)
        except (ValueError, TypeError):
            continue
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    return None
