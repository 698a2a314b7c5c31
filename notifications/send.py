"""Telling people: e-mail, chat and push through one library.

NotificationError
├── NoAddress          nobody is named
├── InvalidAddress     an address cannot be read; nothing was sent to anybody
└── DeliveryFailed     at least one service did not take the message; the others have it

Addresses hold passwords and tokens; messages name them by their place in the list and without
secrets. An address that cannot be read is named by its scheme alone, for nobody knows where its
secrets stand.
"""

from __future__ import annotations

from typing import Any

import apprise

from domain.errors import HumasError
from net.redact import redact

__all__ = [
    "DeliveryFailed",
    "InvalidAddress",
    "NoAddress",
    "NotificationError",
    "NullNotifier",
    "check_addresses",
    "send",
]


class NotificationError(HumasError):
    """Base of everything that telling people raises."""


class NoAddress(NotificationError):
    """The list of addresses is empty."""


class InvalidAddress(NotificationError):
    """An address cannot be read; nothing was sent."""


class DeliveryFailed(NotificationError):
    """Some services did not take the message.

    Attributes:
        failed: the places (from 0) of the addresses that did not get it; the others did.
    """

    def __init__(self, message: str, failed: tuple[int, ...]) -> None:
        super().__init__(message)
        self.failed = failed


class NullNotifier:
    """Null twin of `send`: keeps messages and sends none."""

    def __init__(self) -> None:
        self.messages: list[tuple[tuple[str, ...], str, str]] = []

    def __call__(self, to: tuple[str, ...], title: str, body: str) -> None:
        """Keep the message."""
        self.messages.append((to, title, body))


def check_addresses(to: tuple[str, ...]) -> None:
    """Refuse addresses that could never be sent to.

    Raises:
        InvalidAddress: with all that cannot be read.
    """
    _open(to)


def send(to: tuple[str, ...], title: str, body: str) -> None:
    """Send a plain text to every address. A text too long for a service is sent in parts, never cut.

    Args:
        to: addresses as Apprise writes them: `mailtos://user:password@host?to=...`, `slack://...`.
        title: the subject.
        body: plain text.

    Raises:
        NoAddress: `to` is empty.
        InvalidAddress: an address cannot be read; nothing was sent to anybody.
        DeliveryFailed: a service did not take it; says which, why, and that the others have it.
    """
    if not to:
        raise NoAddress("There is nobody to tell. Add an address to the brand's reports_to.")
    problems: list[str] = []
    failed: list[int] = []
    services = _open(to)
    for index, service in enumerate(services):
        reason = _send_one(service, title, body)
        if reason is not None:
            failed.append(index)
            problems.append(f"{_place(index, to)}, {_safe(service)}: {reason}")
    if failed:
        others = f"The other {len(to) - len(failed)} got it. " if len(failed) < len(to) else ""
        raise DeliveryFailed(
            "The message was not delivered to " + "; ".join(problems) + f". {others}"
            "Check the address, its password and whether the service is up, then send again.",
            tuple(failed),
        )


def _open(to: tuple[str, ...]) -> list[Any]:
    services = [apprise.Apprise.instantiate(address) for address in to]
    broken = [
        f"{_place(index, to)} ({_scheme(to[index])})"
        for index, service in enumerate(services)
        if service is None
    ]
    if broken:
        raise InvalidAddress(
            f"Nothing was sent: {', '.join(broken)} cannot be read as an address of a service. Write it "
            "as Apprise does, such as mailtos://user:password@mail.example?to=me@mail.example."
        )
    return services


def _send_one(service: Any, title: str, body: str) -> str | None:
    """Send to one service; None when it took the message, else the reason."""
    service.overflow_mode = apprise.OverflowMode.SPLIT
    if 0 < service.title_maxlen < len(title):
        title, body = "", f"{title}\n\n{body}"
    one = apprise.Apprise()
    one.add(service)
    result = one.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT)
    if result:
        return None
    said = dict.fromkeys(entry.message.strip() for entry in result.logs() if entry.message.strip())
    return redact("; ".join(said)) or f"the service answered {result.status.name.lower()}"


def _place(index: int, to: tuple[str, ...]) -> str:
    return f"address {index + 1} of {len(to)}"


def _scheme(address: str) -> str:
    head, mark, _ = address.partition("://")
    return f"{head}://..." if mark and head.isalnum() else "no service is named before ://"


def _safe(service: Any) -> str:
    """The address without user, secrets and options."""
    shown = str(service.url(privacy=True)).partition("?")[0]
    return redact(shown)
