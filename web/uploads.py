"""Pictures that people upload: what they are is found by decoding them, never believed."""

from __future__ import annotations

import io
import warnings

from PIL import Image, UnidentifiedImageError
from starlette.datastructures import UploadFile

from channels.base import Image as ChannelImage
from channels.base import Limits
from channels.limits import DECODE_PIXELS_MAX, check_images
from domain.action import MediaRef
from domain.errors import InvalidInput
from storage.uow import UnitOfWork

BYTES_MAX = 10_000_000
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


def store(uow: UnitOfWork, brand_id: str, image: ChannelImage) -> MediaRef:
    """Keep a checked picture."""
    assert image.width is not None and image.height is not None
    media = uow.brands.add_media(brand_id, image.data, image.mime, image.width, image.height)
    return MediaRef(media_id=media.id, sha256=media.sha256, mime=media.mime, alt=image.alt)


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
