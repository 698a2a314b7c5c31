"""What changed between two texts, word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
# Beyond this many words the comparison would take longer than a page should.
TOKENS_MAX = 6000


@dataclass(frozen=True)
class Piece:
    """A run of text that stayed, came or went."""

    kind: Literal["same", "added", "removed"]
    text: str


def words(before: str, after: str) -> list[Piece]:
    """The pieces of a word-level comparison; `same` + `added` read as the new text."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if max(len(old), len(new)) > TOKENS_MAX:
        if before == after:
            return [Piece("same", after)]
        return [Piece("removed", before), Piece("added", after)]
    pieces: list[Piece] = []
    removed = added = ""
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    codes = matcher.get_opcodes()
    for number, (tag, a1, a2, b1, b2) in enumerate(codes):
        same = "".join(new[b1:b2])
        # White space between two changes belongs to them: phrases read better than single words.
        inside = 0 < number < len(codes) - 1 and same.strip(" ") == ""
        if tag == "equal" and not inside:
            pieces += _changed(removed, added)
            removed = added = ""
            pieces.append(Piece("same", same))
        else:
            removed += "".join(old[a1:a2])
            added += same
    return pieces + _changed(removed, added)


def _changed(removed: str, added: str) -> list[Piece]:
    pieces = [Piece("removed", removed)] if removed else []
    return [*pieces, Piece("added", added)] if added else pieces
