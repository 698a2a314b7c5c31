"""Choosing the sentences that a model reads: those that say what the brand is and does.

A small model reads slowly, so code reads everything first and hands over what is worth it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from domain.source import SourceSentence

MAX_SENTENCES = 45
MAX_CHARACTERS = 4200  # about 1,300 tokens of Indonesian
PER_PAGE = 12
SHORTEST, LONGEST = 25, 320

_ABOUT = re.compile(
    r"\b(kami|adalah|merupakan|didirikan|berdiri|sejak|menyediakan|melayani|menjual|menawarkan|produk|"
    r"layanan|jasa|pelanggan|mitra|perusahaan|bisnis|usaha|visi|misi|tujuan|harga|pesan|belanja|toko|"
    r"kedai|buka|pengiriman|grosir|eceran|komunitas|keluarga|untuk|petani|"
    r"we|our|is an?|are an?|founded|since|offers?|provides?|sells?|products?|services?|customers?|clients?|"
    r"partners?|company|business|mission|vision|goal|prices?|order|shop|store|open|shipping|wholesale|"
    r"retail|community|families|audience|readers?|pembaca|buku|book|free|gratis)\b",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"cookie|javascript|hak cipta|copyright|©|all rights|kebijakan privasi|privacy policy",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"log ?in|masuk akun|klik di sini|click here|lanjut|sebelumnya|next|previous|^\W*\d+(\.\d+)*\W|[{}<>|$=\\]|//",
    re.IGNORECASE,
)
_GOOD_PAGE = re.compile(
    r"tentang|about|profil|profile|produk|product|layanan|service|menu|katalog|catalog|harga|price|"
    r"pricing|faq|kontak|contact|foreword|preface|kata-?pengantar|index",
    re.IGNORECASE,
)


def choose(
    sentences: Sequence[SourceSentence],
    *,
    most: int = MAX_SENTENCES,
    characters: int = MAX_CHARACTERS,
) -> list[SourceSentence]:
    """The sentences worth reading, the most telling ones of each page first.

    Args:
        sentences: everything that was read, page by page.
        most: how many at most.
        characters: how much text at most.
    """
    places = Counter[str]()
    seen: set[str] = set()
    scored: list[tuple[float, int]] = []
    for index, sentence in enumerate(sentences):
        places[sentence.url] += 1
        key = re.sub(r"\W+", "", sentence.text).lower()
        if key in seen or not SHORTEST <= len(sentence.text) <= LONGEST:
            continue
        if _BOILERPLATE.search(sentence.text):
            continue
        seen.add(key)
        scored.append((_score(sentence, places[sentence.url]), index))
    scored.sort(key=lambda item: (-item[0], item[1]))
    taken: list[int] = []
    pages = Counter[str]()
    room = characters
    for _, index in scored:
        sentence = sentences[index]
        if len(taken) == most:
            break
        if pages[sentence.url] < PER_PAGE and len(sentence.text) <= room:
            taken.append(index)
            pages[sentence.url] += 1
            room -= len(sentence.text)
    return [sentences[index] for index in _dealt(taken, sentences)]


def _dealt(taken: Sequence[int], sentences: Sequence[SourceSentence]) -> list[int]:
    """The best of each page, then the second best of each: small models favour what comes first."""
    turns = Counter[str]()
    ranked = []
    for rank, index in enumerate(taken):
        page = sentences[index].url
        turns[page] += 1
        ranked.append((turns[page], rank, index))
    return [index for _, _, index in sorted(ranked)]


def _score(sentence: SourceSentence, place: int) -> float:
    text = sentence.text
    path = urlsplit(sentence.url).path.rstrip("/")
    score = float(min(len({match.lower() for match in _ABOUT.findall(text)}), 5))
    score -= 4 * bool(_NOISE.search(text))
    score += 1 if 50 <= len(text) <= 200 else 0
    score += 2 if text.rstrip().endswith((".", "!", "?")) else 0
    score += 3 if not path or _GOOD_PAGE.search(path) else 0
    score -= 0.5 * max(path.count("/") - 1, 0)
    return score - min(place / 40, 2)
