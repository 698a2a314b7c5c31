"""Which page to read next: breadth first, pages that say who the organisation is before others."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from sources.pages import Link, primary_language

__all__ = ["Frontier", "canonical"]

_TOPICS = {
    "about": "about tentang profil profile sejarah history visi misi vision mission company perusahaan",
    "product": "produk product products layanan service services jasa katalog catalog catalogue menu solusi"
    " solutions program",
    "contact": "kontak contact hubungi lokasi location cabang",
    "price": "harga price prices pricing tarif biaya paket",
    "faq": "faq tanya bantuan help pertanyaan",
    "people": "tim team karyawan karir career careers pengurus",
    "proof": "testimoni testimonial testimonials klien client clients portofolio portfolio mitra partner"
    " partners pelanggan customers",
}
_WORDS = {word: topic for topic, words in _TOPICS.items() for word in words.split()}
# A catalogue of thousands of products must not crowd out everything else.
_PER_TOPIC = 5

_TRACKING = re.compile(
    r"^(?:utm_.*|fbclid|gclid|dclid|msclkid|mc_[ce]id|igshid|_ga|ref_src)$", re.IGNORECASE
)
_SAFE = "/:@!$&'()*+,;=~-._"


def canonical(url: str) -> str | None:
    """The one form of an address: no fragment, no tracking, no default port; None if not http(s)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    host = f"[{host}]" if ":" in host else host.rstrip(".")
    if port and port != {"http": 80, "https": 443}[parts.scheme]:
        host = f"{host}:{port}"
    # An escaped slash or percent sign means something else than the plain one.
    path = "".join(
        part if part.lower() in ("%2f", "%25", "%3f", "%23") else quote(unquote(part), safe=_SAFE)
        for part in re.split(r"(%2[fF35]|%3[fF])", parts.path)
    )
    pairs = [p for p in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.match(p[0])]
    return urlunsplit((parts.scheme, host, path or "/", urlencode(pairs), ""))


class Frontier:
    """The addresses still to be read, each handed out once.

    Args:
        languages: two-letter codes, preferred first; addresses that announce another language,
            by `hreflang` or by a path such as `/en/`, come later.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        self._languages = list(languages)
        self._heap: list[tuple[int, int, int, int, str]] = []
        self._seen: set[str] = set()
        self._topics: Counter[str] = Counter()
        self._depth: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._heap)

    def mark(self, url: str) -> bool:
        """Note an address as seen; False if it was already."""
        new = url not in self._seen
        self._seen.add(url)
        return new

    def push(self, link: Link, *, depth: int) -> None:
        """Add a canonical address, unless it was added or marked before."""
        if not self.mark(link.url):
            return
        self._depth[link.url] = depth
        key = (self._language_rank(link), self._topic_rank(link), depth, len(self._seen), link.url)
        heapq.heappush(self._heap, key)

    def pop(self) -> tuple[str, int]:
        """The next address and its distance from the start page, in clicks."""
        url = heapq.heappop(self._heap)[-1]
        return url, self._depth.pop(url)

    def _language_rank(self, link: Link) -> int:
        segments = urlsplit(link.url).path.split("/")
        named = [s for s in segments if re.fullmatch(r"[a-z]{2}(?:[-_][A-Za-z]{2})?", s)]
        code = link.language or next((primary_language(s) for s in named), None)
        if code is None or not self._languages:
            return 0
        if code in self._languages:
            return self._languages.index(code)
        return len(self._languages)

    def _topic_rank(self, link: Link) -> int:
        parts = urlsplit(link.url)
        words = re.findall(r"[a-z]+", f"{parts.path} {link.text}".lower())
        topic = next((_WORDS[w] for w in words if w in _WORDS), None)
        if topic is not None and self._topics[topic] < _PER_TOPIC:
            self._topics[topic] += 1
            return 0
        # Queries are mostly sorted and filtered views of what plain addresses show.
        return 2 if parts.query else 1
