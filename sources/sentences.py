"""Cutting text into sentences, each an exact substring of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator

import sentencex

__all__ = ["normalize", "sentences"]

# Short forms that never end a sentence, mostly Indonesian, which the segmenter does not know.
_OPEN = re.compile(
    r"(?:^|[\s(\"'“])(?:PT|CV|UD|Jl|Jln|Gg|No|Nomor|Ir|Dr|dr|Drs|Dra|Prof|Hj|H|KH|Tn|Ny|Sdr|Sdri|Bpk|"
    r"Bp|Rp|Telp|Tel|Hp|Kab|Kec|Kel|Prov|th|thn|tgl|hlm|hal|mis|cth|yg|dgn|a\.n|u\.p|d\.a|c\.q|"
    r"Mr|Mrs|Ms|St|Mt|Fig|vs|e\.g|i\.e|approx|ca)\.\s*$"
    # the number of a list item or of a heading
    r"|^\s*(?:\d{1,3}\.)+\s*$"
)
_LIST_MARK = re.compile(r"^(?:[-*+•·▪◦–]|\d{1,3}[.)]|#{1,6}|>+)\s+")
_HEADING_OR_ITEM = re.compile(r"^\s*(?:[-*+•▪◦]\s|\d{1,3}[.)]\s|#{1,6}\s|>|\|)")
_SPACES = re.compile(r"[^\S\n]+")


def normalize(text: str) -> str:
    """Collapse runs of blanks, trim lines, and leave at most one empty line between blocks.

    This is what a browser shows; quotes are verbatim up to white space.
    """
    lines = [_SPACES.sub(" ", line).strip() for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def sentences(text: str, language: str, *, wrapped: bool = False) -> tuple[str, ...]:
    """Cut `text` into its sentences, in order.

    Args:
        text: the text, as `normalize` leaves it.
        language: two-letter code; unknown ones are cut by general rules.
        wrapped: True where a line's end means nothing (text wrapped by an editor) and only empty
            lines, headings and list items separate blocks.

    Returns:
        Exact substrings of `text`; such without any letter or digit are left out.
    """
    found: list[str] = []
    for block in _blocks(text, wrapped=wrapped):
        for piece in _joined(sentencex.segment(language, block)):
            sentence = _LIST_MARK.sub("", piece.strip()).strip("| \n")
            if any(c.isalnum() for c in sentence):
                found.append(sentence)
    return tuple(found)


def _blocks(text: str, *, wrapped: bool) -> Iterator[str]:
    """Paragraphs, headings, list items and table rows: no sentence spans two of them."""
    if not wrapped:
        yield from (line for line in text.split("\n") if line)
        return
    start = end = 0
    for line in text.splitlines(keepends=True):
        heading = text[start:end].lstrip().startswith("#")
        if end > start and (heading or not line.strip() or _HEADING_OR_ITEM.match(line)):
            yield text[start:end]
            start = end
        end += len(line)
    if end > start:
        yield text[start:end]


def _joined(pieces: list[str]) -> Iterator[str]:
    """Put together again what was cut after a short form or before a small letter."""
    held = ""
    for piece in pieces:
        cut_wrongly = _OPEN.search(held) or (
            held.rstrip().endswith(".") and piece.lstrip()[:1].islower()
        )
        if held and not cut_wrongly:
            yield held
            held = ""
        held += piece
    if held:
        yield held
