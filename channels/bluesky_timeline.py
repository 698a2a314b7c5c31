"""Notifications of Bluesky as interactions: walking back to what is known already.

The list comes newest first and its own cursor leads backwards, so our cursor is another one: the
newest instant seen, and marks of what was seen shortly before it. The app view learns of posts
in no strict order, so the walk goes a little further back than the newest instant.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from channels.base import InteractionPage
from channels.bluesky_records import web_url
from domain.conversation import Interaction, InteractionKind, Person

OVERLAP = timedelta(minutes=15)

_MARK = 10
_KINDS = {
    "reply": InteractionKind.REPLY,
    "mention": InteractionKind.MENTION,
    "quote": InteractionKind.QUOTE,
    "like": InteractionKind.LIKE,
    "repost": InteractionKind.REPOST,
    "follow": InteractionKind.FOLLOW,
}

Notification = dict[str, Any]


def new_interactions(
    page: Callable[[str | None], dict[str, Any]], cursor: str | None, *, own_did: str
) -> InteractionPage:
    """Everything newer than the cursor, oldest first.

    Args:
        page: answers listNotifications for that call's own cursor.
        cursor: what this function answered last time, None for the beginning.
        own_did: the account itself; what it does is left out.
    """
    newest, seen = _read_cursor(cursor)
    since = None if newest is None else newest - OVERLAP
    found: dict[str, Notification] = {}
    for item in _walk(page, since):
        found.setdefault(item["uri"], item)
    if not found:
        return InteractionPage((), cursor)
    fresh = [
        item
        for uri, item in found.items()
        if _mark(uri) not in seen and item["author"]["did"] != own_did
    ]
    interactions = [made for item in fresh if (made := _interaction(item, own_did)) is not None]
    interactions.sort(key=lambda made: made.occurred_at)
    return InteractionPage(tuple(interactions), _write_cursor(newest, found))


def _walk(
    page: Callable[[str | None], dict[str, Any]], since: datetime | None
) -> list[Notification]:
    """All notifications back to an instant, newest first."""
    found: list[Notification] = []
    page_cursor: str | None = None
    while True:
        answer = page(page_cursor)
        items: list[Notification] = answer["notifications"]
        kept = [item for item in items if since is None or _at(item) >= since]
        found += kept
        following = answer.get("cursor")
        past = len(kept) < len(items)
        if past or not items or following is None or following == page_cursor:
            return found
        page_cursor = following


def _interaction(item: Notification, own_did: str) -> Interaction | None:
    """An interaction, None for notifications of another sort."""
    kind = _KINDS.get(item["reason"])
    if kind is None:
        return None
    author, record = item["author"], item["record"]
    reply = record.get("reply") or {}
    parent: str | None = reply.get("parent", {}).get("uri")
    if kind is InteractionKind.MENTION and (parent or "").startswith(f"at://{own_did}/"):
        kind = InteractionKind.REPLY  # an answer that also names us comes as a mention
    answers = kind in (InteractionKind.REPLY, InteractionKind.MENTION)
    worded = kind in (InteractionKind.REPLY, InteractionKind.MENTION, InteractionKind.QUOTE)
    return Interaction(
        remote_id=item["uri"],
        kind=kind,
        person=Person(
            remote_id=author["did"],
            handle=author["handle"],
            name=author.get("displayName") or "",
        ),
        text=record.get("text", "") if worded else "",
        url=web_url(author["handle"], item["uri"]) if worded else None,
        target_remote_id=parent if answers else item.get("reasonSubject"),
        root_remote_id=reply.get("root", {}).get("uri"),
        occurred_at=_at(item),
        languages=tuple(record.get("langs") or ()) if worded else (),
    )


def _at(item: Notification) -> datetime:
    return datetime.fromisoformat(item["indexedAt"])


def _mark(uri: str) -> str:
    return hashlib.sha256(uri.encode()).hexdigest()[:_MARK]


def _read_cursor(cursor: str | None) -> tuple[datetime | None, frozenset[str]]:
    if cursor is None:
        return None, frozenset()
    data = json.loads(cursor)
    return datetime.fromisoformat(data["newest"]), frozenset(data["seen"])


def _write_cursor(newest: datetime | None, found: dict[str, Notification]) -> str:
    """The newest instant, and marks of all within the overlap before it.

    The walk has just seen everything in reach of the next one, so no older marks are kept.
    """
    latest = max([_at(item) for item in found.values()] + ([newest] if newest else []))
    within = {_mark(uri) for uri, item in found.items() if _at(item) >= latest - OVERLAP}
    return json.dumps({"newest": latest.isoformat(), "seen": sorted(within)})
