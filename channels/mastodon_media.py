"""Uploading pictures and videos to an instance, and waiting until it has worked on them."""

from __future__ import annotations

from collections.abc import Callable

from channels.api import Api, json_object, member
from channels.base import ChannelUnavailable, Image, SendRequest, Video

_SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/quicktime": "mov",
}
_POLLS = 60
_VIDEO_POLLS = 180  # an instance encodes videos anew
_PAUSE = 1.0


def upload_all(
    api: Api, token: str, request: SendRequest, sleep: Callable[[float], None]
) -> list[str]:
    """Upload a request's media; nothing of them is public before the post is.

    Returns:
        The instance's ids, in order.

    Raises:
        ChannelError: an upload failed, or the instance works on it for too long.
    """
    media: list[Image | Video] = [*request.images, *([request.video] if request.video else [])]
    return [_upload(api, token, item, number, sleep) for number, item in enumerate(media, start=1)]


def media_count(request: SendRequest) -> int:
    """How many attachments the post will have."""
    return len(request.images) + (request.video is not None)


def _upload(
    api: Api, token: str, item: Image | Video, number: int, sleep: Callable[[float], None]
) -> str:
    what, most = ("video", _VIDEO_POLLS) if isinstance(item, Video) else ("picture", _POLLS)
    answer = api.read(
        "POST",
        "/api/v2/media",
        token=token,
        files={
            "file": (f"{what}-{number}.{_SUFFIXES.get(item.mime, 'bin')}", item.data, item.mime)
        },
        data={"description": item.alt} if item.alt else None,
    )
    media_id = str(member(json_object(answer), "id"))
    polls = 0
    while answer.status != 200:
        if polls == most:
            raise ChannelUnavailable(
                f"The instance still works on {what} {number} after {most * _PAUSE:.0f} seconds. "
                "It will be tried again."
            )
        polls += 1
        sleep(_PAUSE)
        answer = api.read("GET", f"/api/v1/media/{media_id}", token=token)
    return media_id
