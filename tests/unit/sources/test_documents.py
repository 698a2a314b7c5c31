"""Files that a person gives."""

from datetime import UTC, datetime

import pytest

from sources.documents import read_document
from sources.errors import UnreadableDocument

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_markdown_becomes_a_document() -> None:
    body = b"# Profil Kopi\r\n\r\nKami menjual\r\nkopi. Sejak 1999.\r\n"
    document = read_document("C:\\data\\profil.md", body, now=NOW, language="id")
    assert (document.url, document.title, document.kind) == (
        "file:profil.md", "Profil Kopi", "document",
    )  # fmt: skip
    assert document.sentences == ("Profil Kopi", "Kami menjual\nkopi.", "Sejak 1999.")
    assert all(s in document.text for s in document.sentences)


def test_text_without_a_heading_is_called_by_its_name() -> None:
    document = read_document("/home/x/a.txt", b"Halo dunia.", now=NOW)
    assert (document.title, document.url, document.language) == ("a.txt", "file:a.txt", None)


def test_html_is_read_as_a_page() -> None:
    html = "<html lang=en><title>About</title><body><p>We sell coffee in Bandung.</p></body></html>"
    document = read_document("about.html", html.encode(), now=NOW)
    assert (document.title, document.language) == ("About", "en")
    assert document.sentences == ("We sell coffee in Bandung.",)


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("a.pdf", b"%PDF-1.7", "cannot be read yet"),
        ("a.txt", b"", "no readable text"),
        ("a.txt", b" \n--- \n", "no readable text"),
        ("a.html", b"<html></html>", "no readable text"),
        ("a.txt", b"\x7fELF\x00\x00", "no text"),
        ("a.txt", b"x" * 5_000_001, "Split it"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(name: str, body: bytes, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=says) as caught:
        read_document(name, body, now=NOW)
    assert name in str(caught.value)
