"""Records of Bluesky: keys, facets, posts, likes. Pure functions, no network."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import regex

from channels.limits import URL, count_graphemes, trim_url
from domain.errors import InvalidInput

POST = "app.bsky.feed.post"
LIKE = "app.bsky.feed.like"

_SORTABLE = "234567abcdefghijklmnopqrstuvwxyz"
_TID_LENGTH = 13
_CLOCK_BITS = 10

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_MENTION = regex.compile(rf"(?<![^\s(])@({_LABEL}(?:\.{_LABEL})*\.[a-zA-Z]{{2,}})(?![\w-])")
_TAG = regex.compile(r"(?<![^\s(])[#＃]([^\s#＃]+)")
_PUNCTUATION = regex.compile(r"\p{P}+$")
_TAG_GRAPHEMES = 64
_TAG_BYTES = 640


class AtUri(NamedTuple):
    """The parts of an at:// address."""

    repo: str
    collection: str
    rkey: str


class TidMaker:
    """Makes record keys: 53 bits of microseconds and 10 bits of chance, sortable as text."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def make(self, now: datetime) -> str:
        """A key that this maker has not made before, also where the clock stands still."""
        micros = int(now.timestamp() * 1_000_000)
        with self._lock:
            self._last = micros = max(micros, self._last + 1)
        value = (micros << _CLOCK_BITS) | secrets.randbelow(1 << _CLOCK_BITS)
        digits = (value >> shift & 31 for shift in range(5 * (_TID_LENGTH - 1), -1, -5))
        return "".join(_SORTABLE[digit] for digit in digits)


def parse_uri(uri: str) -> AtUri:
    """Split an at:// address of a record.

    Raises:
        InvalidInput: it is something else.
    """
    parts = uri.removeprefix("at://").split("/")
    if not uri.startswith("at://") or len(parts) != 3 or not all(parts):
        raise InvalidInput(
            f"{uri!r} is not the address of a Bluesky record; it looks like "
            "at://did:plc:.../app.bsky.feed.post/..."
        )
    return AtUri(*parts)


def web_url(handle: str, uri: str) -> str:
    """Where people see a post."""
    return f"https://bsky.app/profile/{handle}/post/{parse_uri(uri).rkey}"


def timestamp(at: datetime) -> str:
    """An instant as the lexicons write it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def facets(text: str, resolve: Callable[[str], str | None]) -> list[dict[str, Any]]:
    """Links, mentions and hashtags of a text, by the offsets of its UTF-8 bytes.

    Args:
        text: the text; it is never changed.
        resolve: the DID of a handle, None where nobody has that handle (it stays plain text).
    """
    found: list[tuple[int, int, dict[str, Any]]] = []
    for match in URL.finditer(text):
        url = trim_url(match.group(0))
        link = {"$type": "app.bsky.richtext.facet#link", "uri": url}
        found.append((match.start(), match.start() + len(url), link))
    for match in _MENTION.finditer(text):
        did = resolve(match.group(1))
        if did is not None:
            mention = {"$type": "app.bsky.richtext.facet#mention", "did": did}
            found.append((match.start(), match.end(), mention))
    for match in _TAG.finditer(text):
        tag = _PUNCTUATION.sub("", match.group(1))
        if tag and not tag.isdigit() and _tag_fits(tag):
            feature = {"$type": "app.bsky.richtext.facet#tag", "tag": tag}
            found.append((match.start(), match.start() + 1 + len(tag), feature))
    found.sort(key=lambda item: item[0])
    return [
        {
            "index": {
                "byteStart": len(text[:start].encode()),
                "byteEnd": len(text[:end].encode()),
            },
            "features": [feature],
        }
        for start, end, feature in found
    ]


def post_record(
    *,
    text: str,
    created_at: datetime,
    languages: tuple[str, ...],
    text_facets: list[dict[str, Any]],
    embed: dict[str, Any] | None,
    reply: dict[str, Any] | None,
) -> dict[str, Any]:
    """A post; the same arguments give the same record, so a second try is no second post."""
    record: dict[str, Any] = {"$type": POST, "text": text, "createdAt": timestamp(created_at)}
    if languages:
        record["langs"] = list(languages)
    if text_facets:
        record["facets"] = text_facets
    if embed is not None:
        record["embed"] = embed
    if reply is not None:
        record["reply"] = reply
    return record


def like_record(*, subject: dict[str, str], created_at: datetime) -> dict[str, Any]:
    """A like of a post, which is given by uri and cid."""
    return {"$type": LIKE, "subject": subject, "createdAt": timestamp(created_at)}


def _tag_fits(tag: str) -> bool:
    return count_graphemes(tag) <= _TAG_GRAPHEMES and len(tag.encode()) <= _TAG_BYTES
