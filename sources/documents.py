"""Text, Markdown and HTML files that a person gives about the organisation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath

from domain.source import SourceDocument
from sources.errors import UnreadableDocument
from sources.pages import decode, read_html, to_document
from sources.sentences import normalize

__all__ = ["read_document"]

_TEXT = frozenset({".txt", ".text", ".md", ".markdown", ""})
_HTML = frozenset({".html", ".htm", ".xhtml"})


def read_document(
    name: str,
    body: bytes,
    *,
    now: datetime,
    languages: Sequence[str] = ("id", "en"),
    title: str = "",
    language: str | None = None,
    max_bytes: int = 5_000_000,
) -> SourceDocument:
    """Make a source of a file's content.

    Args:
        name: the file's name; its ending says how to read it, and it becomes the address
            `file:NAME` (no folder of the person's machine is kept).
        body: the whole file.
        now: the instant of reading.
        languages: two-letter codes, preferred first.
        title: for people; without one the page's own title or the first heading or the name.
        language: two-letter code if known; HTML may say it itself.
        max_bytes: cap on the file's size.

    Raises:
        UnreadableDocument: another kind of file, binary content, too large, or no text in it.
    """
    shown = PurePath(name.replace("\\", "/")).name
    ending = PurePath(shown).suffix.lower()
    if ending not in _TEXT | _HTML:
        raise UnreadableDocument(
            f"{shown}: files of the kind {ending} cannot be read yet. Save it as text, Markdown"
            " or HTML."
        )
    if len(body) > max_bytes:
        raise UnreadableDocument(
            f"{shown} has {len(body):,} bytes, more than the {max_bytes:,} allowed. Split it."
        )
    source = decode(body)
    if "\x00" in source:
        raise UnreadableDocument(f"{shown} is no text. Save it as text, Markdown or HTML.")
    if ending in _HTML:
        page = read_html(source, f"file:{shown}")
        text, found, language = page.text, page.title, language or page.language
    else:
        text = normalize(source)
        first = text.split("\n", 1)[0]
        found = first.lstrip("# ") if first.startswith("#") else ""
    document = to_document(
        url=f"file:{shown}",
        title=title or found or shown,
        language=language,
        text=text,
        fetched_at=now,
        kind="document",
        languages=languages,
        wrapped=ending not in _HTML,
    )
    if not document.sentences:
        raise UnreadableDocument(f"{shown} holds no readable text. Give a file with text in it.")
    return document
