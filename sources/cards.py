"""The preview of a page as people know it from links: title, description, picture."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urljoin

from PIL import Image, UnidentifiedImageError
from trafilatura import extract_metadata

from net.errors import NetError
from net.response import Response
from sources.errors import CardUnread

PAGE_BYTES = 3_000_000
PICTURE_BYTES = 10_000_000
PIXELS_MAX = 40_000_000
TITLE_MAX = 300
SIDE_MAX = 1200
THUMB_BYTES = 900_000  # Bluesky takes 1,000,000


@dataclass(frozen=True)
class PageCard:
    """What a page says of itself. The thumb is a JPEG of at most `THUMB_BYTES`."""

    url: str
    title: str
    description: str
    thumb: bytes | None
    width: int = 0
    height: int = 0


class Reads(Protocol):
    """What is needed of `net.client.HttpClient`."""

    def request(
        self, method: str, url: str, *, may_have_effect: bool, max_bytes: int | None = None
    ) -> Response:
        """Send a request and read the whole answer."""
        ...


def read_card(url: str, http: Reads) -> PageCard:
    """Read a page's own title, description and picture (Open Graph, or what stands for it).

    Args:
        url: the page; only addresses that the client's guard admits are read.
        http: the client.

    Raises:
        CardUnread: the page cannot be read, or has no title.
    """
    if not url.startswith(("https://", "http://")):
        raise CardUnread(f"{url!r} is not a web address; it starts with https:// or http://.")
    try:
        answer = http.request("GET", url, may_have_effect=False, max_bytes=PAGE_BYTES)
    except NetError as error:
        raise CardUnread(
            f"The page of the link cannot be read for a preview: {error} Correct the address, or "
            "leave the preview out."
        ) from error
    data = extract_metadata(answer.body, default_url=answer.url)
    title = " ".join(str((data and data.title) or "").split())
    if not title:
        raise CardUnread(
            f"The page {url} has no title to make a preview of. Leave the preview out."
        )
    if len(title) > TITLE_MAX:
        raise CardUnread(
            f"The title of {url} has {len(title)} characters, more than a preview holds "
            f"({TITLE_MAX}). Leave the preview out."
        )
    picture = _picture(urljoin(answer.url, str(data.image)), http) if data.image else None
    thumb, width, height = picture or (None, 0, 0)
    return PageCard(
        url=url,
        title=title,
        description=" ".join(str(data.description or "").split()),
        thumb=thumb,
        width=width,
        height=height,
    )


def _picture(url: str, http: Reads) -> tuple[bytes, int, int] | None:
    """The picture, scaled down and encoded anew; None where it cannot be had: a card needs none."""
    try:
        answer = http.request("GET", url, may_have_effect=False, max_bytes=PICTURE_BYTES)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(answer.body), formats=["JPEG", "PNG", "WEBP", "GIF"]) as raw:
                if raw.width * raw.height > PIXELS_MAX:
                    return None
                image = raw.convert("RGB")
    except (
        NetError,
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
    ):
        return None
    image.thumbnail((SIDE_MAX, SIDE_MAX))
    for quality in (88, 75, 60, 40):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= THUMB_BYTES:
            return out.getvalue(), image.width, image.height
    return None
