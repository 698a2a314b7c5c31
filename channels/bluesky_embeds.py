"""What hangs on a post of Bluesky: pictures, a video, a link card, a quoted post. Pure functions."""

from __future__ import annotations

from typing import Any

from channels.base import Card, SendRequest
from domain.errors import InvalidInput

IMAGES = "app.bsky.embed.images"
VIDEO = "app.bsky.embed.video"
EXTERNAL = "app.bsky.embed.external"
RECORD = "app.bsky.embed.record"
WITH_MEDIA = "app.bsky.embed.recordWithMedia"


def check_embeds(request: SendRequest) -> None:
    """Refuse a combination that a post cannot carry.

    Raises:
        InvalidInput: with what to leave out.
    """
    kinds = [bool(request.images), request.video is not None, request.card is not None]
    if sum(kinds) > 1:
        raise InvalidInput(
            "A post on Bluesky carries pictures, or a video, or the preview of a link. Leave out "
            "all but one of them."
        )


def images_embed(images: list[dict[str, Any]]) -> dict[str, Any]:
    """Pictures: each a blob with its alternative text."""
    return {"$type": IMAGES, "images": images}


def video_embed(
    blob: dict[str, Any], alt: str, size: tuple[int, int] | None = None
) -> dict[str, Any]:
    """A video; `size` is its width and height in pixels where they are known."""
    embed: dict[str, Any] = {"$type": VIDEO, "video": blob}
    if alt:
        embed["alt"] = alt
    if size is not None:
        embed["aspectRatio"] = {"width": size[0], "height": size[1]}
    return embed


def card_embed(card: Card, thumb: dict[str, Any] | None) -> dict[str, Any]:
    """The preview of a link, exactly as it was approved."""
    external: dict[str, Any] = {
        "uri": card.url,
        "title": card.title,
        "description": card.description,
    }
    if thumb is not None:
        external["thumb"] = thumb
    return {"$type": EXTERNAL, "external": external}


def with_quote(
    media: dict[str, Any] | None, quoted: dict[str, str] | None
) -> dict[str, Any] | None:
    """The embed of a post: its media, the post it quotes (uri and cid), both, or none."""
    if quoted is None:
        return media
    record = {"$type": RECORD, "record": quoted}
    if media is None:
        return record
    return {"$type": WITH_MEDIA, "record": record, "media": media}


def same_content(value: dict[str, Any], request: SendRequest) -> bool:
    """Whether a record that stands under our key is what the request was to publish."""
    embed = value.get("embed") or {}
    quoted = None
    if embed.get("$type") == WITH_MEDIA:
        quoted, embed = embed["record"]["record"]["uri"], embed["media"]
    elif embed.get("$type") == RECORD:
        quoted, embed = embed["record"]["uri"], {}
    kind = embed.get("$type")
    card = embed["external"]["uri"] if kind == EXTERNAL else None
    return (
        value.get("text") == request.text
        and len(embed.get("images", []) if kind == IMAGES else []) == len(request.images)
        and (kind == VIDEO) == (request.video is not None)
        and card == (request.card.url if request.card else None)
        and quoted == (request.quote.remote_id if request.quote else None)
    )
