"""Removing secrets from text that people or logs will see."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

__all__ = ["names_secret", "redact", "scrub"]

_GONE = "[redacted]"

_NAMES = (
    r"(?:[a-z0-9]+[_-])*(?:access[_-]?token|refresh[_-]?token|id[_-]?token|token|api[_-]?key|secret|"
    r"client[_-]?secret|password|passwd|passphrase|signature|sig|access[_-]?jwt|refresh[_-]?jwt|jwt|"
    r"appsecret[_-]?proof|credential|authorization|code[_-]?verifier)"
)
# Secret in an address (log-in by redirect); in JSON these are the names of errors.
_IN_QUERIES = rf"(?:{_NAMES}|code|key|state)"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # user:password@ inside an address
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/?#@\"'<>]+@"), rf"\1{_GONE}@"),
    # Telegram puts the token into the path
    (re.compile(r"(?i)/bot\d{3,}:[A-Za-z0-9_-]+"), f"/bot{_GONE}"),
    # Authorization header values, with or without the header's name
    (re.compile(r"(?i)\b(bearer|basic|dpop|oauth)\s+[A-Za-z0-9._~+/=:-]{6,}"), rf"\1 {_GONE}"),
    # JSON members
    (
        re.compile(rf"(?i)([\"']{_NAMES}[\"']\s*:\s*)([\"'])(?:\\.|(?!\2).)*(?:\2|$)"),
        rf"\1\2{_GONE}\2",
    ),
    # query strings and form bodies
    (re.compile(rf"(?i)((?:^|[?&;#\s]){_IN_QUERIES}=)[^&#;\s\"'<>]+"), rf"\1{_GONE}"),
    # JSON web tokens wherever they stand
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"), _GONE),
)

_NAME = re.compile(rf"(?i){_NAMES}")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace everything in `text` that is or looks like a credential.

    Args:
        text: an address, an excerpt of an answer, an error message.
        secrets: exact values to remove too, such as the token that the request carried;
            values shorter than four characters are ignored, they would tear ordinary words.
    """
    for secret in sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True):
        text = text.replace(secret, _GONE)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def names_secret(name: str) -> bool:
    """Whether the value of a member or setting of this name is a credential."""
    return _NAME.fullmatch(name) is not None


def scrub(value: Any, secrets: Iterable[str] = ()) -> Any:
    """A JSON value without what is or looks like a credential; see `redact`.

    Args:
        value: what `json.loads` makes; it is left as it is, a copy comes back.
        secrets: exact values to remove too.
    """
    known = tuple(secrets)
    if isinstance(value, str):
        return redact(value, known)
    if isinstance(value, list):
        return [scrub(part, known) for part in value]
    if isinstance(value, dict):
        return {
            redact(name, known): _GONE if part and names_secret(name) else scrub(part, known)
            for name, part in value.items()
        }
    return value
