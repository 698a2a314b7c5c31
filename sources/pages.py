"""From the bytes of a web page to its text, title, language and links."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

import trafilatura

from domain.source import DocumentKind, SourceDocument
from sources.sentences import normalize, sentences

__all__ = ["Link", "Page", "decode", "read_html", "to_document"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_META = re.compile(
    rb"""(?:<meta[^>]{0,200}?charset|<\?xml[^>]{0,100}?encoding)\s*=\s*["']?\s*([a-zA-Z0-9_.:-]{1,40})""",
    re.IGNORECASE,
)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([a-zA-Z0-9_.:-]{1,40})""", re.IGNORECASE)
# The web's own rule: pages that say these mean Windows' code page.
_AS_BROWSERS_DO = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
}
_NOT_ON_THE_WEB = frozenset({"utf-7", "idna", "punycode", "unicode_escape", "raw-unicode-escape"})
_OLD_CODES = {"in": "id", "iw": "he", "ji": "yi"}

_INLINE = ("b", "strong", "i", "em", "u", "s", "small", "mark", "span", "font", "abbr", "cite")

Tree = Any
"""An element tree of lxml, which carries no types."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a page: absolute address, anchor text, and the language it announces."""

    url: str
    text: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page as a reader sees it; `text` holds one block per line and may be empty."""

    title: str
    language: str | None
    text: str
    links: tuple[Link, ...]


def decode(body: bytes, content_type: str = "") -> str:
    """Decode a page or file as browsers do.

    A byte order mark wins, then the HTTP header, then the page's own `meta`, then UTF-8, then
    Windows-1252. An announced encoding that does not fit gives way to UTF-8 if that fits; else
    the bytes that do not fit become U+FFFD, as on a screen.

    Args:
        body: the bytes.
        content_type: the value of the header of that name, may be empty.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body.decode(name, "replace")
    announced = [m.group(1) for m in [_CHARSET.search(content_type)] if m]
    announced += [m.group(1).decode("ascii") for m in [_META.search(body[:4096])] if m]
    known = [codec for codec in map(_codec, announced) if codec]
    for codec in [*known, "utf-8"]:
        try:
            return body.decode(codec)
        except UnicodeDecodeError:
            continue
    return body.decode(known[0] if known else "cp1252", "replace")


def read_html(source: str, url: str, content_language: str = "") -> Page:
    """Read a page: main text without navigation and footers, title, language, links.

    Args:
        source: the decoded page.
        url: its address, the base of its links.
        content_language: the HTTP header of that name, used where the page itself is silent.
    """
    # A declared encoding in a decoded string makes the parser refuse it.
    source = re.sub(r"^\s*<\?xml[^>]*\?>", "", source, count=1)
    # The parser stops at a NUL byte: the rest of the page would be lost.
    source = source.replace("\x00", "")
    if "<html" not in source[:5000].lower():
        source = f"<html><body>{source}</body></html>"  # a fragment alone would be refused
    tree = trafilatura.load_html(source)
    if tree is None:
        return Page(title="", language=None, text="", links=())
    title = _title(tree)
    language = _language(tree, content_language)
    links = _links(tree, url)
    _flatten(tree)
    text = trafilatura.extract(tree, url=url, include_comments=False, include_tables=True)
    return Page(title=title, language=language, text=normalize(text or ""), links=links)


def to_document(
    *,
    url: str,
    title: str,
    language: str | None,
    text: str,
    fetched_at: datetime,
    kind: DocumentKind,
    languages: Sequence[str],
    wrapped: bool = False,
) -> SourceDocument:
    """Make the stored form of a text, with its sentences and the digest of the text.

    Args:
        url: where it was read.
        title: for people.
        language: two-letter code, None if unknown; then sentences are cut by the rules of the
            first of `languages`.
        text: as `normalize` leaves it.
        fetched_at: the instant of reading.
        kind: page, document or answer.
        languages: the brand's languages, preferred first.
        wrapped: see `sources.sentences.sentences`.
    """
    cut_by = language or (languages[0] if languages else "en")
    return SourceDocument(
        url=url,
        title=title or url,
        language=language,
        fetched_at=fetched_at,
        sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        kind=kind,
        text=text,
        sentences=sentences(text, cut_by, wrapped=wrapped),
    )


def primary_language(tag: str | None) -> str | None:
    """The language of a tag such as `id-ID`, in small letters; None for what is no tag."""
    match = re.match(r"\s*([A-Za-z]{2,3})(?:[-_,\s]|$)", tag or "")
    if match is None:
        return None
    code = match.group(1).lower()
    return _OLD_CODES.get(code, code)


def _codec(name: str) -> str | None:
    """Python's name for an announced encoding; None if it is unknown or no encoding of the web."""
    try:
        found = codecs.lookup(name).name
        b"x".decode(found, "replace")  # refuses codecs between bytes and bytes, such as zip
    except LookupError:
        return None
    return None if found in _NOT_ON_THE_WEB else _AS_BROWSERS_DO.get(found, found)


def _flatten(tree: Tree) -> None:
    """Dissolve emphasis and links inside running text.

    On short pages the extraction would put each of them on a line of its own, which breaks
    sentences. A paragraph that is mostly links keeps them: it is navigation, to be left out.
    """
    for block in tree.xpath("//p | //li | //td | //dd | //blockquote"):
        total = len(block.text_content().strip())
        linked = sum(len(a.text_content()) for a in block.iter("a"))
        names = _INLINE if 2 * linked > total else (*_INLINE, "a")
        for element in list(block.iter(*names)):
            element.drop_tag()


def _title(tree: Tree) -> str:
    for path in ("//head/title", "//title", "//h1"):
        for element in tree.xpath(path):
            found = " ".join(element.text_content().split())
            if found:
                return found
    return ""


def _language(tree: Tree, content_language: str) -> str | None:
    tags = [
        *tree.xpath("/html/@lang | /html/@*[name()='xml:lang']"),
        *tree.xpath("//meta[translate(@http-equiv,'CL','cl')='content-language']/@content"),
        *tree.xpath("//meta[@property='og:locale']/@content"),
        content_language,
    ]
    return next((code for code in map(primary_language, tags) if code), None)


def _links(tree: Tree, url: str) -> tuple[Link, ...]:
    base = urljoin(url, next(iter(tree.xpath("//base/@href")), ""))
    found: dict[str, Link] = {}
    for element in tree.xpath("//a[@href] | //area[@href] | //link[@rel='alternate'][@hreflang]"):
        try:
            target = urljoin(base, element.get("href").strip())
        except ValueError:
            continue  # an address that no browser could follow either
        text = " ".join(element.text_content().split())
        if target not in found:
            found[target] = Link(target, text, primary_language(element.get("hreflang")))
    return tuple(found.values())
