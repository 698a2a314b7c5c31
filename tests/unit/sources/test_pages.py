"""Pages in every encoding, and what a reader sees of them."""

import hashlib
from datetime import UTC, datetime

import pytest

from sources.pages import decode, read_html, to_document

PAGE = """<!DOCTYPE html><html lang="id-ID"><head><title> Warung  Kopi </title></head><body>
<nav><a href="/tentang#kami">Tentang</a> <a href="https://lain.example/">Lain</a></nav>
<main><h1>Warung Kopi</h1><p>Kami   menjual kopi Gayo yang dipanggang setiap pagi di Bandung.
Harga secangkir Rp 25.000 dan pesanan diantar.</p><p>Buka setiap hari pukul 7 sampai 21.</p></main>
<footer>Hak cipta 2026</footer></body></html>"""


def test_a_page_gives_title_language_text_and_links() -> None:
    page = read_html(PAGE, "https://kopi.example/a/b")
    assert (page.title, page.language) == ("Warung Kopi", "id")
    assert "Kami menjual kopi Gayo yang dipanggang setiap pagi di Bandung. Harga" in page.text
    assert "Hak cipta" not in page.text
    assert [link.url for link in page.links] == [
        "https://kopi.example/tentang#kami", "https://lain.example/",
    ]  # fmt: skip


def test_the_document_holds_the_digest_of_its_text_and_exact_sentences() -> None:
    page = read_html(PAGE, "https://kopi.example/")
    document = to_document(
        url="https://kopi.example/",
        title=page.title,
        language=page.language,
        text=page.text,
        fetched_at=datetime(2026, 11, 22, tzinfo=UTC),
        kind="page",
        languages=["id"],
    )
    assert document.sha256 == hashlib.sha256(page.text.encode()).hexdigest()
    assert "Buka setiap hari pukul 7 sampai 21." in document.sentences
    assert all(s in document.text for s in document.sentences)


@pytest.mark.parametrize(
    ("html", "header", "language"),
    [
        ("<html lang='in'><p>x", "", "id"),
        ("<html><meta http-equiv='Content-Language' content='en-US'><p>x", "", "en"),
        ("<html><meta property='og:locale' content='id_ID'><p>x", "", "id"),
        ("<html><p>x", "en, id", "en"),
        ("<html lang=''><p>x", "", None),
    ],
)
def test_the_language_is_what_the_page_says(html: str, header: str, language: str | None) -> None:
    assert read_html(html, "https://a.example/", header).language == language


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("é €".encode(), "text/html; charset=utf-8"),
        ("é €".encode(), "text/html"),
        ("é €".encode(), "text/html; charset=iso-8859-5x"),
        ("é €".encode(), "text/html; charset=ascii"[:9]),
        ("é €".encode("utf-8-sig"), "text/html; charset=latin-1"),
        ("é €".encode("utf-16"), "text/html"),
        ("é €".encode("cp1252"), "text/html; charset=ISO-8859-1"),
        ("é €".encode("cp1252"), "text/html"),
        ("é €".encode("cp1252"), "text/html; charset=utf-8 "[:9]),
        ("é €".encode("iso8859-15"), 'text/html; charset="iso-8859-15"'),
        ("é €".encode(), "text/html; charset=zip"),
    ],
)
def test_text_is_decoded_as_browsers_do(body: bytes, content_type: str) -> None:
    assert decode(body, content_type) == "é €"


def test_the_page_itself_may_name_its_encoding() -> None:
    html = '<meta charset="windows-1251"><p>Кофе</p>'
    assert decode(html.encode("cp1251")) == html
    xml = '<?xml version="1.0" encoding="iso-8859-15"?><p>€</p>'
    assert decode(xml.encode("iso8859-15")) == xml
    assert read_html(xml, "https://a.example/").text == "€"


def test_bytes_that_do_not_fit_are_marked_as_on_a_screen() -> None:
    assert decode(b"kopi \xff enak \xc3\xa9", "text/html; charset=utf-8") == "kopi \ufffd enak é"


@pytest.mark.parametrize("html", ["", " ", "<html></html>", "<!-- x -->", "<p>", "\x00"])
def test_a_page_without_text_is_empty(html: str) -> None:
    assert read_html(html, "https://a.example/").text == ""


def test_a_nul_byte_hides_nothing() -> None:
    assert "Kopi" in read_html("<p>\x00Kopi enak sekali.</p>", "https://a.example/").text


def test_emphasis_and_links_break_no_sentence_on_a_short_page() -> None:
    html = "<html><body><main><p>Kopi <b>enak</b> kami <a href=/x>diantar</a> ke rumah.</p></main>"
    page = read_html(html, "https://a.example/")
    assert page.text == "Kopi enak kami diantar ke rumah."
    assert [link.url for link in page.links] == ["https://a.example/x"]
