"""What Mastodon answers, in our words: limits of an instance, interactions, finding a post again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, overload

from channels.api import Api, json_object
from channels.base import ChannelError, Limits, PlatformRefused, SendRequest
from channels.limits import load_limits
from channels.mastodon_media import media_count
from channels.text import html_to_text, normalise
from domain.conversation import Interaction, InteractionKind, Person

QUOTES_SINCE = 7  # api_versions.mastodon of Mastodon 4.5, checked 2026-11-23
# How far the two clocks may differ beyond what the instance's `Date` header shows.
CLOCK_MARGIN = timedelta(seconds=60)

_COMPATIBLE = re.compile(r"compatible;\s*([A-Za-z]+)")  # 2.7.2 (compatible; Pleroma 2.9.1)

_KINDS = {
    "mention": InteractionKind.MENTION,
    "quote": InteractionKind.QUOTE,
    "favourite": InteractionKind.LIKE,
    "reblog": InteractionKind.REPOST,
    "follow": InteractionKind.FOLLOW,
}
_WORDED = frozenset({InteractionKind.REPLY, InteractionKind.MENTION, InteractionKind.QUOTE})


@dataclass(frozen=True)
class InstanceLimits:
    """Limits, and whether the instance itself told them (or they are the dated defaults)."""

    limits: Limits
    told: bool
    quotes: bool = False
    keys: bool = False  # whether a repeated Idempotency-Key is known to make no second post


def instance_limits(api: Api, now: datetime) -> InstanceLimits:
    """The limits that an instance tells, or the defaults with a mark in their source."""
    defaults = load_limits("mastodon")
    for path in ("/api/v2/instance", "/api/v1/instance"):
        try:
            body = json_object(api.read("GET", path))
        except PlatformRefused:
            continue  # an older instance: the next path
        except ChannelError as error:
            reason = str(error)
            break
        told = _configuration(body)
        if told is not None:
            source = api.base_url + path
            limits = _limits_of(told, defaults, source, now)
            return InstanceLimits(
                limits, told=True, quotes=_takes_quotes(body), keys=_heeds_keys(body)
            )
    else:
        reason = "it does not tell them"
    source = f"defaults, not told by the instance ({reason}): {defaults.source}"
    return InstanceLimits(replace(defaults, source=source), told=False)


def _configuration(body: dict[str, Any]) -> dict[str, Any] | None:
    """The limits as Mastodon writes them; None where the instance does not tell any.

    Pleroma and its kin say it in members of their own where they have no `configuration`.
    """
    told = body.get("configuration")
    if isinstance(told, dict):
        return told
    if "max_toot_chars" not in body:
        return None
    size = body.get("upload_limit")
    return {
        "statuses": {
            "max_characters": body["max_toot_chars"],
            "max_media_attachments": body.get("max_media_attachments"),
            "characters_reserved_per_url": 0,
        },
        "media_attachments": {
            "image_size_limit": size,
            "video_size_limit": size,
            "description_limit": body.get("description_limit"),
        },
    }


def _limits_of(told: dict[str, Any], defaults: Limits, source: str, now: datetime) -> Limits:
    statuses = _part(told, "statuses")
    media = _part(told, "media_attachments")
    types = media.get("supported_mime_types") or ()
    images = tuple(kind for kind in types if kind.startswith("image/"))
    videos = tuple(kind for kind in types if kind.startswith("video/"))
    # An instance where addresses count as they are reserves nothing for them.
    whole = statuses.get("characters_reserved_per_url") == 0
    return replace(
        defaults,
        checked_on=now.astimezone(UTC).date().isoformat(),
        source=source,
        text_unit="graphemes" if whole else defaults.text_unit,
        text_max=_number(statuses, "max_characters", defaults.text_max),
        images_max=_number(statuses, "max_media_attachments", defaults.images_max),
        url_length=None
        if whole
        else _number(statuses, "characters_reserved_per_url", defaults.url_length),
        image_bytes_max=_number(media, "image_size_limit", defaults.image_bytes_max),
        image_pixels_max=_number(media, "image_matrix_limit", defaults.image_pixels_max),
        alt_max=_number(media, "description_limit", defaults.alt_max),
        image_types=images or defaults.image_types,
        video_types=videos if types else defaults.video_types,
        video_bytes_max=_number(media, "video_size_limit", defaults.video_bytes_max),
        video_alt_max=_number(media, "description_limit", defaults.video_alt_max),
    )


def _part(told: dict[str, Any], name: str) -> dict[str, Any]:
    part = told.get(name)
    return part if isinstance(part, dict) else {}


@overload
def _number(told: dict[str, Any], name: str, default: int) -> int: ...
@overload
def _number(told: dict[str, Any], name: str, default: int | None) -> int | None: ...
def _number(told: dict[str, Any], name: str, default: int | None) -> int | None:
    """A limit as the instance tells it; what is no positive number tells nothing."""
    value = told.get(name)
    usable = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return value if usable else default


def _heeds_keys(body: dict[str, Any]) -> bool:
    """Whether the same `Idempotency-Key` twice is one post there.

    Mastodon and its forks keep keys for an hour, Pleroma and Akkoma for longer. Others that speak
    the API may take no notice; they are found by their version, which names them or is not
    Mastodon's.
    """
    version = str(body.get("version", ""))
    if named := _COMPATIBLE.search(version):
        return named[1].lower() in ("pleroma", "akkoma")
    return re.match(r"[1-9]\d*\.\d+", version) is not None


def _takes_quotes(body: dict[str, Any]) -> bool:
    """Whether posts of the instance can quote: Mastodon 4.5 has version 7 of its API."""
    version = (body.get("api_versions") or {}).get("mastodon")
    return isinstance(version, int) and version >= QUOTES_SINCE


def interaction_of(item: dict[str, Any], own_id: str) -> Interaction | None:
    """An interaction from a notification, None for one's own deeds and for other sorts.

    Answers, mentions and quotes have the post's id, so that they can be answered; the rest has
    the notification's. The instance does not tell the root of a thread.
    """
    kind = _KINDS.get(item["type"])
    account = item["account"]
    if kind is None or account is None or str(account["id"]) == own_id:
        return None
    status: dict[str, Any] = item.get("status") or {}
    if not status and kind is not InteractionKind.FOLLOW:
        return None  # the post was deleted in the meantime
    if kind is InteractionKind.MENTION and str(status["in_reply_to_account_id"]) == own_id:
        kind = InteractionKind.REPLY
    return Interaction(
        remote_id=str(status["id"]) if kind in _WORDED else f"notification/{item['id']}",
        kind=kind,
        person=Person(
            remote_id=str(account["id"]),
            handle=account["acct"],
            name=account.get("display_name") or "",
            followers=account.get("followers_count"),
        ),
        text=html_to_text(status["content"]) if kind in _WORDED else "",
        url=status.get("url") if kind in _WORDED else None,
        target_remote_id=_target(kind, status),
        occurred_at=datetime.fromisoformat(item["created_at"]),
        languages=(status["language"],) if kind in _WORDED and status.get("language") else (),
    )


def _target(kind: InteractionKind, status: dict[str, Any]) -> str | None:
    """The post that something was done to."""
    if kind is InteractionKind.FOLLOW:
        return None
    if kind is InteractionKind.QUOTE:
        quoted = (status.get("quote") or {}).get("quoted_status") or {}
        return None if quoted.get("id") is None else str(quoted["id"])
    target = status["in_reply_to_id"] if kind in _WORDED else status["id"]
    return None if target is None else str(target)


def server_skew(headers: Mapping[str, str], now: datetime) -> timedelta:
    """How far the instance's clock is ahead of ours, by its `Date` header; zero without one."""
    said = headers.get("date")
    return timedelta() if said is None else parsedate_to_datetime(said).astimezone(UTC) - now


def read_since(client_time: datetime, skew: timedelta) -> datetime:
    """From which instant of the instance's clock on a post can be the request's."""
    return client_time + skew - CLOCK_MARGIN


def find_status(
    statuses: list[dict[str, Any]], request: SendRequest, source: Callable[[str], str | None]
) -> dict[str, Any] | None:
    """The request's post among the account's own.

    Compared are what it answers, the number of pictures, and the text: first as it is shown,
    then as it was sent, because an instance may render its markup.

    Args:
        statuses: the account's posts since the request.
        request: what was sent.
        source: the text that was sent for a post's id, None where the instance does not tell.
    """
    wanted = normalise(request.text)
    parent = None if request.reply_to is None else request.reply_to.remote_id
    alike = [
        status
        for status in statuses
        if _id_or_none(status["in_reply_to_id"]) == parent
        and len(status["media_attachments"]) == media_count(request)
        and _quoted(status) == (request.quote.remote_id if request.quote else None)
    ]
    for status in alike:
        if normalise(html_to_text(status["content"])) == wanted:
            return status
    for status in alike:
        sent = source(str(status["id"]))
        if sent is not None and normalise(sent) == wanted:
            return status
    return None


def _quoted(status: dict[str, Any]) -> str | None:
    quote = status.get("quote") or {}
    return _id_or_none(
        quote.get("quoted_status_id") or (quote.get("quoted_status") or {}).get("id")
    )


def _id_or_none(value: object) -> str | None:
    return None if value is None else str(value)
