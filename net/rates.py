"""Reading the rate-limit signals of the platforms, each of which writes them differently."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

__all__ = ["RateBudget", "rate_budget", "retry_after"]

# A number below this is a waiting time in seconds, above it an epoch (9 Sep 2001 onward).
_EPOCH_FROM = 1_000_000_000.0
_EPOCH_MS_FROM = 100_000_000_000.0

_PREFIXES = ("ratelimit", "x-ratelimit", "x-rate-limit")

# Meta writes what is used in percent, in a window of an hour that slides, and says when calls are
# heard again only while they are refused. Until then the next answer after a pause tells.
_USAGE = ("x-app-usage", "x-business-use-case-usage", "x-ad-account-usage")
_PERCENT = frozenset({"call_count", "total_time", "total_cputime", "acc_id_util_pct"})
_USAGE_PAUSE = timedelta(minutes=5)
_MOST_USAGE = 1_000_000  # anything above is no percentage and no waiting time
_NEVER = datetime.min.replace(tzinfo=UTC)

# RateLimit: "burst";r=0;t=5, "day";r=200;t=3600 (draft-ietf-httpapi-ratelimit-headers-10):
# calls left in a policy's window, and seconds until the window starts anew.
_POLICY = re.compile(r'"(?:[^"\\]|\\.)*"((?:\s*;\s*[a-z]+=[^;,\s]+)+)')
_PARAMETER = re.compile(r";\s*([rt])=(\d{1,10})\b")


@dataclass(frozen=True, slots=True)
class RateBudget:
    """What an answer's headers say about the account's budget; None where they say nothing.

    Attributes:
        limit: calls (or points) per window.
        remaining: calls (or points) left in this window; 0 also where 100 % are used.
        reset_at: when calls will be heard again, or the window starts anew (UTC).
        used_percent: what is used, where the server counts in percent; more than 100 is possible.
    """

    limit: int | None
    remaining: int | None
    reset_at: datetime | None
    used_percent: float | None = None

    def spent_until(self, now: datetime) -> datetime | None:
        """Until when nothing may be called, None while calls are left or nothing is said."""
        if self.remaining == 0 and self.reset_at is not None and self.reset_at > now:
            return self.reset_at
        return None


def retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """The instant from which the server will listen again, never before `now`.

    Understands `Retry-After` (seconds or a date), `RateLimit-Reset` and `X-RateLimit-Reset`
    (seconds, epoch, or the ISO timestamp that Mastodon writes), `X-RateLimit-Reset-After`, and
    whatever `rate_budget` reads as spent.

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
    return rate_budget(headers, now).spent_until(now)


def rate_budget(headers: Mapping[str, str], now: datetime) -> RateBudget:
    """What the headers say about the remaining budget of the account.

    Understands `RateLimit-*`, `X-RateLimit-*` and `X-Rate-Limit-*`, the one `RateLimit` header of
    the IETF's draft, and Meta's usage in percent. Of several budgets the one counts that is spent
    the longest.

    Args:
        headers: the answer's headers; names are compared without regard to case.
        now: the present instant, with time zone.
    """
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    found = [_counted(lower, now), *_policies(lower.get("ratelimit", ""), now), _usage(lower, now)]

    def severity(budget: RateBudget) -> tuple[bool, datetime, float]:
        left = math.inf if budget.remaining is None else budget.remaining
        return budget.remaining == 0, budget.reset_at or _NEVER, -left

    said = [budget for budget in found if budget != RateBudget(None, None, None)]
    return max(said, key=severity, default=found[0])


def _counted(lower: Mapping[str, str], now: datetime) -> RateBudget:
    limit = _first_int(lower, "limit")
    remaining = _first_int(lower, "remaining")
    resets = (_instant(lower.get(f"{p}-reset"), now) for p in _PREFIXES)
    return RateBudget(limit, remaining, next((r for r in resets if r is not None), None))


def _policies(value: str, now: datetime) -> Iterator[RateBudget]:
    """The budgets in one `RateLimit` header."""
    for policy in _POLICY.finditer(value):
        found = {name: int(number) for name, number in _PARAMETER.findall(policy[1])}
        if "r" in found:
            yield RateBudget(
                None, found["r"], _instant(str(found["t"]), now) if "t" in found else None
            )


def _usage(lower: Mapping[str, str], now: datetime) -> RateBudget:
    """Meta's percentages: the highest counts."""
    used: list[float] = []
    waits = [timedelta(0)]
    for name in _USAGE:
        for entry in _entries(lower.get(name, "")):
            used += [float(value) for key, value in entry.items() if key in _PERCENT]
            waits.append(timedelta(minutes=entry.get("estimated_time_to_regain_access", 0)))
            if any(entry.get(key, 0) >= 100 for key in _PERCENT):
                waits.append(timedelta(seconds=entry.get("reset_time_duration", 0)) or _USAGE_PAUSE)
    wait = max(waits)
    if not used or not wait:
        return RateBudget(None, None, None, max(used, default=None))
    return RateBudget(None, 0, (now + wait).astimezone(UTC), max(used))


def _entries(value: str) -> Iterator[dict[str, float]]:
    """The objects with numbers in a usage header, whether they stand alone or in lists by id."""
    try:
        waiting = [json.loads(value)] if value else []
    except ValueError:
        return
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += [part for part in node.values() if isinstance(part, dict | list)]
            numbers = {
                key: part
                for key, part in node.items()
                if isinstance(part, int | float) and 0 <= part <= _MOST_USAGE
            }
            if numbers:
                yield numbers


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
