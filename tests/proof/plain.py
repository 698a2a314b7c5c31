"""Platforms without idempotency: what they show is all that tells, or not even that."""

from __future__ import annotations

from dataclasses import replace

from channels.base import CannotTell, Capabilities, Reconciled, SendRequest
from channels.mastodon import MastodonChannel

PLAIN = ("plain", "unreadable")
KINDS = ("bluesky", "mastodon", *PLAIN)


class PlainChannel(MastodonChannel):
    """An instance that takes no notice of keys: found again only by text, time and account."""

    def capabilities(self) -> Capabilities:
        return replace(super().capabilities(), native_idempotency=False)


class UnreadableChannel(PlainChannel):
    """One that cannot be read either: a person looks."""

    def reconcile(self, request: SendRequest) -> Reconciled:
        return CannotTell(
            f"What this account has posted cannot be read ({request.kind.value}).", ask_person=True
        )


def channel_class(kind: str) -> type[PlainChannel]:
    """The channel of a kind of `PLAIN`."""
    return UnreadableChannel if kind == "unreadable" else PlainChannel
