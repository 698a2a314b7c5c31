"""Quotes that people give: looked up in the pages that were read, and copied from there."""

from __future__ import annotations

from domain.errors import InvalidInput
from domain.source import Evidence, SourceSentence


def find_quote(sentences: list[SourceSentence], quote: str) -> Evidence:
    """The stored sentence that holds a quote, as evidence.

    White space may differ; everything else must stand in the page as typed, so that a quote is
    verbatim whoever gives it.

    Raises:
        InvalidInput: no page that was read holds it.
    """
    wanted = " ".join(quote.split())
    for sentence in sentences:
        if wanted in " ".join(sentence.text.split()) and sentence.fetched_at is not None:
            return Evidence(
                sentence_id=sentence.id,
                quote=sentence.text,
                url=sentence.url,
                title=sentence.title,
                fetched_at=sentence.fetched_at,
            )
    raise InvalidInput(
        f"“{wanted[:80]}” does not stand in a single sentence of the pages that were read. Copy it from "
        "there, or leave the quote empty: the statement then counts as unverified."
    )


def relink(rows: list[dict[str, str]], field: str, texts: list[str]) -> list[dict[str, str]]:
    """Point typed rows at the entries of a newer version that hold the same text.

    Rows refer to entries by place (`old`) to keep their quotes; in a newer version another entry may
    stand in that place, and its quotes must not slip under this text.
    """
    result = []
    for row in rows:
        clean = {key: value for key, value in row.items() if key not in ("old", "keep")}
        if row.get(field) in texts:
            clean |= {"old": str(texts.index(row[field])), "keep": "on"}
        result.append(clean)
    return result
