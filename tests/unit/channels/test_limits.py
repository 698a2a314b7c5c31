import io
import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pictures

from channels.base import Image
from channels.limits import (
    check_images,
    check_text,
    count_graphemes,
    count_mastodon,
    load_limits,
    trim_url,
)
from domain.errors import LimitExceeded

BLUESKY = load_limits("bluesky")
MASTODON = load_limits("mastodon")


def encoded(kind: str = "PNG", size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = io.BytesIO()
    Pictures.new("RGB", size, "red").save(buffer, kind)
    return buffer.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 30000 x 30000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100)
    signature = bytes([0x89]) + b"PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("platform", ["bluesky", "mastodon"])
def test_data_is_dated_and_has_a_source(platform: str) -> None:
    limits = load_limits(platform)
    assert limits.checked_on == "2026-11-22"
    assert limits.source.startswith("https://")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("kopi", 4),
        ("👨‍👩‍👧‍👦", 1),
        ("🇮🇩", 1),
        ("e\u0301", 1),
        ("ꦲꦏ꧀ꦱꦫ", 3),
        ("a\r\nb", 3),
    ],
)
def test_graphemes(text: str, count: int) -> None:
    assert count_graphemes(text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("lihat https://example.com/" + "a" * 100, 6 + 23),
        ("(https://example.com/a_(b)).", 1 + 23 + 2),
        ("https://example.com.", 23 + 1),
        ("http://localhost/x", 18),  # no dot: platforms do not link it
        ("@siti@mastodon.social halo", len("@siti halo")),
        ("@siti halo", 10),
        ("surat siti@contoh.id", 20),
        ("👨‍👩‍👧‍👦 @a@b.c", 4),
    ],
)
def test_mastodon_counting(text: str, count: int) -> None:
    assert count_mastodon(text, 23) == count


@given(st.text())
def test_counting_without_urls_or_mentions_is_counting_graphemes(text: str) -> None:
    plain = text.replace("@", "").replace("http", "")
    assert count_mastodon(plain, 23) == count_graphemes(plain)


def test_trimming_keeps_balanced_brackets() -> None:
    assert trim_url("https://id.wikipedia.org/wiki/Kopi_(minuman)),") == (
        "https://id.wikipedia.org/wiki/Kopi_(minuman)"
    )


def test_text_at_the_limit_passes_and_one_more_is_refused_with_both_numbers() -> None:
    check_text("🇮🇩" * 300, BLUESKY)
    with pytest.raises(LimitExceeded, match=r"301 characters.*takes 300"):
        check_text("🇮🇩" * 301, BLUESKY)


def test_bytes_count_too() -> None:
    text = "👨‍👩‍👧‍👦" * 121  # 25 bytes each
    assert count_graphemes(text) < 300
    with pytest.raises(LimitExceeded, match=r"3025 bytes.*takes 3000"):
        check_text(text, BLUESKY)


def test_good_pictures_pass() -> None:
    pictures = tuple(
        Image(encoded(kind), f"image/{kind.lower()}", "alt") for kind in ("PNG", "JPEG", "WEBP")
    )
    check_images(pictures, BLUESKY)
    check_images(pictures, MASTODON)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image(encoded("GIF"), "image/gif", ""), "type image/gif"),
        (Image(b"<svg/>", "image/svg+xml", ""), "type image/svg"),
        (Image(encoded("PNG"), "image/jpeg", ""), "says that it is image/jpeg"),
        (Image(encoded("PNG", (64, 64))[:-30], "image/png", ""), "cannot be read"),
        (Image(b"nothing", "image/png", ""), "cannot be read"),
        (Image(encoded() + b"\0" * 1_000_000, "image/png", ""), "takes 1000000"),
        (Image(bomb(), "image/png", ""), "pixels"),
    ],
)
def test_bad_pictures_are_refused(image: Image, message: str) -> None:
    with pytest.raises(LimitExceeded, match=message):
        check_images((image,), BLUESKY)


def test_number_of_pictures_and_alternative_text() -> None:
    good = Image(encoded(), "image/png", "x" * 1500)
    with pytest.raises(LimitExceeded, match=r"5 pictures.*takes 4"):
        check_images((good,) * 5, BLUESKY)
    check_images((good,), MASTODON)
    with pytest.raises(LimitExceeded, match=r"1501 characters.*takes 1500"):
        check_images((replace(good, alt="x" * 1501),), MASTODON)


def test_pixels_of_the_instance_count() -> None:
    image = Image(encoded(size=(20, 20)), "image/png", "")
    with pytest.raises(LimitExceeded, match=r"400 pixels.*limit is 399"):
        check_images((image,), replace(MASTODON, image_pixels_max=399))
