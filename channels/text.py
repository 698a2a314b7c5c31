"""Text of the platforms: HTML to plain text, and comparing what was sent with what stands there."""

from __future__ import annotations

import html
import re
import unicodedata

import nh3

_BLOCKS = frozenset({"p", "li", "blockquote", "pre", "div", "h1", "h2", "h3", "h4", "h5", "h6"})
_KEPT = _BLOCKS | {"br", "ul", "ol", "span"}
_DROPPED = frozenset({"script", "style", "template", "noscript"})
_BREAK = re.compile(r"\s*<br\s*/?>[ \t]*\n?", re.IGNORECASE)
_END = re.compile(rf"</(?:{'|'.join(sorted(_BLOCKS))})>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_MANY = re.compile(r"\n{3,}")
_MENTION_HOST = re.compile(r"(?<![\w@/])(@[\w.-]*\w)@[\w.-]*\w")


def html_to_text(source: str) -> str:
    """Plain text of a post's HTML; paragraphs and line breaks stay, everything else goes.

    The result is text, never markup: a literal `<b>` that somebody wrote comes back as `<b>`, so
    it has to be escaped again wherever it is shown.
    """
    safe = nh3.clean(
        source,
        tags=set(_KEPT),
        clean_content_tags=set(_DROPPED),
        attributes={},
        strip_comments=True,
    )
    broken = _END.sub("\n\n", _BREAK.sub("\n", safe))
    plain = html.unescape(_TAG.sub("", broken)).replace("\r\n", "\n")
    return _MANY.sub("\n\n", plain).strip()


def normalise(text: str) -> str:
    """A form in which a text and the platform's rendering of it are equal.

    White space runs count as one space, letters are composed, and `@user@host` is `@user`, since
    platforms leave the host out of the link's text.
    """
    composed = unicodedata.normalize("NFC", text)
    return " ".join(_MENTION_HOST.sub(r"\1", composed).split())
