"""Reading an answer's body with a cap that also holds against compressed bombs."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import httpx

from net.errors import BadAnswer, TooLarge

__all__ = ["read_body"]

_STEP = 64 * 1024


def read_body(response: httpx.Response, limit: int, shown: str) -> bytes:
    """Read and decompress a body of at most `limit` bytes; never holds much more than that.

    Args:
        response: an unread streaming response.
        limit: the cap in bytes, on the compressed and on the plain form.
        shown: the redacted address, for messages.

    Raises:
        TooLarge: the body is larger; what remains is not read.
        BadAnswer: the compression is unknown or broken.
    """
    announced = response.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > limit:
        raise _too_large(shown, limit)
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        pieces: Iterator[bytes] = response.iter_raw()
    elif encoding in ("gzip", "x-gzip"):
        pieces = _gunzip(response.iter_raw, shown)
    else:
        raise BadAnswer(
            f"{shown} answers with the compression {encoding!r}, which was not asked for."
            " The server has to be mended; nothing can be read from it."
        )
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > limit:
            raise _too_large(shown, limit)
    return bytes(body)


def _gunzip(raw: Callable[[], Iterator[bytes]], shown: str) -> Iterator[bytes]:
    """Decompress in steps of bounded size; a body may hold several members."""
    decoder = zlib.decompressobj(wbits=31)
    seen = False
    try:
        for piece in raw():
            while piece:
                seen = True
                yield decoder.decompress(piece, _STEP)
                piece = decoder.unconsumed_tail
                if decoder.eof:
                    piece = decoder.unused_data
                    decoder = zlib.decompressobj(wbits=31)
                    seen = bool(piece)
        while seen and (rest := decoder.decompress(decoder.unconsumed_tail, _STEP)):
            yield rest
    except zlib.error:
        raise BadAnswer(f"{shown} sends broken gzip data. Try again later.") from None
    if seen and not decoder.eof:
        raise BadAnswer(f"{shown} ended in the middle of its gzip data. Try again later.")


def _too_large(shown: str, limit: int) -> TooLarge:
    return TooLarge(
        f"{shown} is larger than {limit:,} bytes; reading stopped there. Use a smaller page or"
        " file, or raise the cap.",
        limit=limit,
    )
