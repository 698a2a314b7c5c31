"""Counting text and checking pictures against dated limits. Refuses, and never cuts."""

from __future__ import annotations

import io
import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import regex
from PIL import Image as Pictures
from PIL import UnidentifiedImageError

from channels.base import Image, Limits, Video
from domain.errors import LimitExceeded

_DATA = Path(__file__).parent / "data" / "limits.json"

# A picture is decoded whole to prove that it is one; beyond this many pixels that costs more
# memory than a worker should spend, whatever the platform would take.
DECODE_PIXELS_MAX = 60_000_000

# The formats that are looked at, by media type. Anything else is refused before it is decoded.
_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
}

_GRAPHEME = regex.compile(r"\X")
# An address as platforms link it: with a scheme and a host that has a dot.
URL = regex.compile(r"(?i)\bhttps?://[^\s<>\"/?#]+\.\p{L}{2,}(?::\d+)?(?:[/?#][^\s<>\"]*)?")
_REMOTE_MENTION = regex.compile(r"(?<![\w@/])(@[A-Za-z0-9_]+(?:[A-Za-z0-9_.-]*\w)?)@[\w.-]*\w")
_TRAILING = ".,;:!?'\")]}…"


@cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
    return loaded


def load_limits(platform: str) -> Limits:
    """The dated limits of a platform.

    Raises:
        KeyError: the data file has no such platform.
    """
    entry = dict(_data()["platforms"][platform])
    entry["image_types"] = tuple(entry["image_types"])
    entry["video_types"] = tuple(entry.get("video_types", ()))
    return Limits(platform=platform, checked_on=_data()["checked_on"], **entry)


def count_graphemes(text: str) -> int:
    """Characters as people see them: a flag or a family emoji is one."""
    return sum(1 for _ in _GRAPHEME.finditer(text))


def trim_url(url: str) -> str:
    """A URL without the punctuation of the sentence around it; balanced brackets stay."""
    while url and url[-1] in _TRAILING:
        if url[-1] == ")" and url.count("(") >= url.count(")"):
            break
        url = url[:-1]
    return url


def count_mastodon(text: str, url_length: int) -> int:
    """Graphemes, where every URL counts `url_length` and `@user@host` counts as `@user`."""

    def shorten(match: regex.Match[str]) -> str:
        whole = str(match.group(0))
        return "x" * url_length + whole[len(trim_url(whole)) :]

    return count_graphemes(_REMOTE_MENTION.sub(r"\1", URL.sub(shorten, text)))


def text_length(text: str, limits: Limits) -> int:
    """The length of a text in the unit of the limits."""
    if limits.text_unit == "mastodon":
        if limits.url_length is None:
            raise ValueError("limits in the unit 'mastodon' need a url_length")
        return count_mastodon(text, limits.url_length)
    if limits.text_unit == "graphemes":
        return count_graphemes(text)
    raise ValueError(f"unknown unit of text: {limits.text_unit!r}")


def check_text(text: str, limits: Limits) -> None:
    """Refuse a text that the platform would not take.

    Raises:
        LimitExceeded: with the count and the limit.
    """
    count = text_length(text, limits)
    if count > limits.text_max:
        raise LimitExceeded(
            f"The text has {count} characters, {limits.platform} takes {limits.text_max}. "
            f"Shorten it by {count - limits.text_max}, or make a thread of it."
        )
    size = len(text.encode())
    if limits.text_bytes_max is not None and size > limits.text_bytes_max:
        raise LimitExceeded(
            f"The text takes {size} bytes, {limits.platform} takes {limits.text_bytes_max}. "
            "Use fewer compound emoji or accents, or make a thread of it."
        )


def check_images(images: tuple[Image, ...], limits: Limits) -> None:
    """Refuse pictures that the platform would not take, by decoding each of them whole.

    Raises:
        LimitExceeded: too many, too large, not readable, another type than it says, or an
            alternative text that is too long.
    """
    if len(images) > limits.images_max:
        raise LimitExceeded(
            f"There are {len(images)} pictures, {limits.platform} takes {limits.images_max}. "
            "Remove some, or make a thread of it."
        )
    for number, image in enumerate(images, start=1):
        _check_image(f"Picture {number}", image, limits)


def check_video(video: Video, limits: Limits) -> None:
    """Refuse a video that the platform would not take. Its type is proved by its first box only.

    Raises:
        LimitExceeded: the platform takes no videos, not this type or size, or not a description
            of this length.
    """
    if not limits.video_types:
        raise LimitExceeded(f"{limits.platform} takes no videos here. Use a picture instead.")
    if video.mime not in limits.video_types:
        raise LimitExceeded(
            f"The video is of type {video.mime or 'unknown'}, {limits.platform} takes "
            f"{', '.join(limits.video_types)}. Save it in one of these."
        )
    # ISO/IEC 14496-12: a file of the MP4 family begins with a box of the type ftyp.
    if video.mime in ("video/mp4", "video/quicktime") and video.data[4:8] != b"ftyp":
        raise LimitExceeded(
            f"The video says that it is {video.mime} but does not begin like one. Save it anew as MP4."
        )
    size = len(video.data)
    if limits.video_bytes_max is not None and size > limits.video_bytes_max:
        raise LimitExceeded(
            f"The video has {size} bytes, {limits.platform} takes {limits.video_bytes_max}. "
            "Make it shorter or compress it more."
        )
    alt = count_graphemes(video.alt)
    if limits.video_alt_max is not None and alt > limits.video_alt_max:
        raise LimitExceeded(
            f"The description of the video has {alt} characters, {limits.platform} takes "
            f"{limits.video_alt_max}. Shorten it by {alt - limits.video_alt_max}."
        )


def image_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header alone.

    Raises:
        LimitExceeded: the bytes are no picture that we know.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pictures.DecompressionBombWarning)
            with Pictures.open(io.BytesIO(data), formats=list(_FORMATS.values())) as picture:
                return picture.size
    except (UnidentifiedImageError, OSError, Pictures.DecompressionBombError) as error:
        raise LimitExceeded(
            f"The picture cannot be read ({error}). Save it anew as JPEG or PNG."
        ) from error


def _check_image(label: str, image: Image, limits: Limits) -> None:
    if image.mime not in limits.image_types or image.mime not in _FORMATS:
        allowed = ", ".join(kind for kind in limits.image_types if kind in _FORMATS)
        raise LimitExceeded(
            f"{label} is of type {image.mime or 'unknown'}, {limits.platform} takes {allowed}. "
            "Save it in one of these."
        )
    size = len(image.data)
    if size > limits.image_bytes_max:
        raise LimitExceeded(
            f"{label} has {size} bytes, {limits.platform} takes {limits.image_bytes_max}. "
            "Make it smaller or compress it more."
        )
    width, height = image_size(image.data)
    pixels_max = min(limits.image_pixels_max or DECODE_PIXELS_MAX, DECODE_PIXELS_MAX)
    if width * height > pixels_max:
        raise LimitExceeded(
            f"{label} has {width * height} pixels ({width} x {height}), the limit is {pixels_max}. "
            "Scale it down."
        )
    _decode(label, image)
    alt = count_graphemes(image.alt)
    if limits.alt_max is not None and alt > limits.alt_max:
        raise LimitExceeded(
            f"The alternative text of {label.lower()} has {alt} characters, {limits.platform} "
            f"takes {limits.alt_max}. Shorten it by {alt - limits.alt_max}."
        )


def _decode(label: str, image: Image) -> None:
    """Decode every pixel, as the declared type and no other."""
    try:
        with warnings.catch_warnings():
            # The size has been checked above against our own bound.
            warnings.simplefilter("ignore", Pictures.DecompressionBombWarning)
            with Pictures.open(io.BytesIO(image.data), formats=[_FORMATS[image.mime]]) as picture:
                picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise LimitExceeded(
            f"{label} says that it is {image.mime} but cannot be read as that ({error}). "
            "Save it anew and add it again."
        ) from error
