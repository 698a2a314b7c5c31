"""Pictures and videos that people upload: what they are is found by decoding them, never believed."""

from __future__ import annotations

import io
import warnings

from PIL import Image, UnidentifiedImageError
from starlette.datastructures import UploadFile

from channels.base import Image as ChannelImage
from channels.base import Limits
from channels.base import Video as ChannelVideo
from channels.limits import DECODE_PIXELS_MAX, check_images, check_video
from domain.action import LinkCard, MediaRef
from domain.errors import InvalidInput
from sources.cards import PageCard
from storage.uow import UnitOfWork

BYTES_MAX = 10_000_000
VIDEO_BYTES_MAX = 100_000_000
_MIME = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}


def picture(upload: UploadFile, alt: str, limits: Limits | None) -> ChannelImage:
    """Read and check an uploaded picture.

    Raises:
        InvalidInput: too large, not a picture, a decompression bomb, or without a description.
        LimitExceeded: the platform would not take it.
    """
    data = upload.file.read(BYTES_MAX + 1)
    if len(data) > BYTES_MAX:
        raise InvalidInput(
            f"The picture is larger than {BYTES_MAX // 1_000_000} MB. Make it smaller and choose it again."
        )
    if not alt:
        raise InvalidInput(
            "Describe the picture for people who cannot see it, and choose it again."
        )
    mime, width, height = _decode(data)
    image = ChannelImage(data=data, mime=mime, alt=alt, width=width, height=height)
    if limits is not None:
        check_images((image,), limits)
    return image


def picture_or_video(
    upload: UploadFile, alt: str, limits: Limits | None
) -> ChannelImage | ChannelVideo:
    """Read and check an upload: an MP4 is a video, everything else has to be a picture.

    Raises:
        InvalidInput: too large, neither, or without a description.
        LimitExceeded: the platform would not take it.
    """
    head = upload.file.read(12)
    upload.file.seek(0)
    if head[4:8] != b"ftyp":  # the box that every MP4 begins with (ISO/IEC 14496-12)
        return picture(upload, alt, limits)
    data = upload.file.read(VIDEO_BYTES_MAX + 1)
    if len(data) > VIDEO_BYTES_MAX:
        raise InvalidInput(
            f"The video is larger than {VIDEO_BYTES_MAX // 1_000_000} MB. Make it shorter or smaller."
        )
    if not alt:
        raise InvalidInput("Describe the video for people who cannot see it, and choose it again.")
    video = ChannelVideo(data=data, mime="video/mp4", alt=alt)
    if limits is not None:
        check_video(video, limits)
    return video


def store(uow: UnitOfWork, brand_id: str, item: ChannelImage | ChannelVideo) -> MediaRef:
    """Keep a checked picture or video; its size in pixels is 0 where it is not known."""
    media = uow.brands.add_media(brand_id, item.data, item.mime, item.width or 0, item.height or 0)
    return MediaRef(media_id=media.id, sha256=media.sha256, mime=media.mime, alt=item.alt)


def store_card(uow: UnitOfWork, brand_id: str, card: PageCard) -> LinkCard:
    """Keep a page's preview as it was read; what is approved is what is sent."""
    thumb = None
    if card.thumb is not None:
        image = ChannelImage(card.thumb, "image/jpeg", "", card.width, card.height)
        thumb = store(uow, brand_id, image)
    return LinkCard(title=card.title, description=card.description, thumb=thumb)


def _decode(data: bytes) -> tuple[str, int, int]:
    try:
        with warnings.catch_warnings():
            # Our own bound on pixels is checked below, before anything is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=list(_MIME)) as opened:
                width, height = opened.size
                if width * height > DECODE_PIXELS_MAX:
                    raise InvalidInput(
                        f"The picture has {width} x {height} pixels, more than we take. Scale it down."
                    )
                opened.load()
                return _MIME[str(opened.format)], width, height
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
    ) as error:
        raise InvalidInput(
            f"The file is not a picture that can be read ({error}). Save it anew as JPEG or PNG."
        ) from error
