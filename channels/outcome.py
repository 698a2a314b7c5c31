"""What an error of the network means: for a call with an effect, and for a read.

The table of a platform names the refusals that certainly had no effect. Whatever it does not
name is unknown: never failed, never sent again blindly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from channels.base import (
    ChannelBusy,
    ChannelError,
    ChannelUnavailable,
    CredentialsRefused,
    NotSent,
    Outcome,
    PlatformRefused,
    Refused,
    Unknown,
)
from net.errors import HttpStatus, NetError, RateLimited
from net.errors import NotSent as NeverLeft

# How long until the next look while a person has to reconnect the account.
RECONNECT_WAIT = timedelta(minutes=10)


class Verdict(Enum):
    """What a status of the table means for a call with an effect."""

    REFUSED = auto()  # for good: no effect, and none if tried again
    RECONNECT = auto()  # no effect; a person has to reconnect the account
    EXISTS = auto()  # something stands there already: only a read can tell what


Rules = Mapping[tuple[int, str], Verdict]
"""By status and the platform's own name of the error; the name "*" is any."""


def error_name(error: HttpStatus) -> str:
    """The platform's own name of an error: the member `error` of a JSON body, or empty."""
    try:
        body = json.loads(error.body)
    except ValueError:
        return ""
    name = body.get("error") if isinstance(body, dict) else None
    return name if isinstance(name, str) else ""


def raw_of(error: HttpStatus) -> dict[str, Any]:
    """What the platform answered, for the audit trail."""
    return {"status": error.status, "error": error_name(error), "body": error.excerpt}


def verdict_of(error: HttpStatus, rules: Rules) -> Verdict | None:
    """What the table says of a refusal; None where it does not name it."""
    return rules.get((error.status, error_name(error))) or rules.get((error.status, "*"))


def outcome_of(error: NetError, rules: Rules, now: datetime) -> Outcome:
    """What became of a call with an effect that ended in an error."""
    if isinstance(error, NeverLeft):
        return NotSent(str(error))
    if isinstance(error, RateLimited):
        return NotSent(str(error), retry_at=error.retry_at, counts=False, raw=raw_of(error))
    if isinstance(error, HttpStatus):
        verdict = verdict_of(error, rules)
        if verdict is Verdict.REFUSED:
            return Refused(str(error), raw=raw_of(error))
        if verdict is Verdict.RECONNECT:
            return _reconnect(str(error), now, raw_of(error))
        return Unknown(str(error), raw=raw_of(error))
    return Unknown(str(error))


def outcome_before(error: ChannelError, now: datetime) -> Outcome:
    """What became of a publication whose preparation (log-in, upload, a read) failed.

    Nothing was published in any of these cases.
    """
    if isinstance(error, CredentialsRefused):
        return _reconnect(str(error), now, {})
    if isinstance(error, ChannelBusy):
        return NotSent(str(error), retry_at=error.retry_at, counts=False)
    if isinstance(error, PlatformRefused):
        return Refused(str(error), raw={"status": error.status, "error": error.name})
    return NotSent(str(error))


def read_error(error: NetError, rules: Rules) -> ChannelError:
    """What a failed read means."""
    if isinstance(error, RateLimited):
        return ChannelBusy(str(error), error.retry_at)
    if isinstance(error, HttpStatus) and error.status < 500:
        if verdict_of(error, rules) is Verdict.RECONNECT:
            return CredentialsRefused(f"{error} Reconnect the account.")
        return PlatformRefused(str(error), status=error.status, name=error_name(error))
    return ChannelUnavailable(str(error))


def _reconnect(reason: str, now: datetime, raw: dict[str, Any]) -> NotSent:
    return NotSent(
        f"The account's credentials were refused; reconnect it. {reason}",
        retry_at=now + RECONNECT_WAIT,
        counts=False,
        reconnect=True,
        raw=raw,
    )
