"""Cheap checks of a model's text by code: length, language, numbers, links, support."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

import regex

from domain.brand import Language

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,:\u00a0]\d+)*")
_MENTION = re.compile(r"(?<![\w.])@[\w.-]*\w|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ADDRESS = re.compile(
    r"\b(?:https?://|www\.)\S+|\b[^\W_][\w-]*(?:\.[^\W_][\w-]*)*\.[^\W\d_]{2,}(?:/\S*)?"
)
_HASHTAG = re.compile(r"(?<![\w&])#(\w*[^\W\d_]\w*)")
_INDONESIAN = """
yang dan di ke dari untuk dengan ini itu adalah kami kita anda kamu tidak ada akan pada juga atau karena
bisa dapat lebih oleh sebagai dalam sudah saja agar jika saya apa para setiap bagi serta tentang jangan ayo
telah
"""
_ENGLISH = """
the and of to in for with is are we you your our this that it on from at as be can not more by or have has
will they their its an about who what if so was were
"""
_FUNCTION_WORDS: dict[Language, frozenset[str]] = {
    "id": frozenset(_INDONESIAN.split()),
    "en": frozenset(_ENGLISH.split()),
}
_PREFIX = re.compile(r"^(?:meng|meny|mem|men|me|peng|peny|pem|pen|per|ber|ter|di|ke|se)(?=\w{4})")
_SUFFIX = re.compile(r"(?<=\w{4})(?:kan|an|nya|lah|ing|ed|es|s|i)$")


def graphemes(text: str) -> int:
    """Length as people and Bluesky count it: grapheme clusters."""
    return len(regex.findall(r"\X", text))


def language_of(text: str) -> Language | None:
    """The language by its function words; None where they do not tell."""
    words = [word.lower() for word in _WORD.findall(text)]
    counts = {
        language: sum(word in listed for word in words)
        for language, listed in _FUNCTION_WORDS.items()
    }
    if counts["id"] == counts["en"] or max(counts.values()) < 2:
        return None
    return "id" if counts["id"] > counts["en"] else "en"


def language_problems(text: str, language: Language, what: str) -> list[str]:
    """What is wrong with the language of a text."""
    names: dict[Language, str] = {"id": "Indonesian", "en": "English"}
    found = language_of(text)
    if found is None or found == language:
        return []
    return [f"{what} is in {names[found]}; write it in {names[language]}"]


def numbers(text: str) -> set[str]:
    """The numbers of a text without their separators and leading zeros: 09.00 and 9:00 are 900."""
    plain = unicodedata.normalize("NFKC", text)
    return {re.sub(r"\D", "", item).lstrip("0") or "0" for item in _NUMBER.findall(plain)}


def number_problems(text: str, allowed: Iterable[str], what: str) -> list[str]:
    """The numbers of a text that stand in none of the allowed texts."""
    known: set[str] = set().union(*(numbers(item) for item in allowed))
    return [
        f"{what} says {item}, which stands in none of its sources; leave it out"
        for item in sorted(numbers(text) - known)
    ]


def contact_problems(text: str, allowed: Iterable[str], what: str) -> list[str]:
    """Links, addresses and mentions in a text that nobody allowed.

    Args:
        text: what a model wrote.
        allowed: hosts and mentions that may stand in it, such as `kopi.example` or `@kopi`.
        what: name of the text for the message.
    """
    plain = unicodedata.normalize("NFKC", text).replace("。", ".")
    permitted = {item.lower() for item in allowed}
    problems = [
        f"{what} mentions {found}; leave it out"
        for found in _MENTION.findall(plain)
        if found.lower() not in permitted
    ]
    for found in _ADDRESS.findall(_MENTION.sub(" ", plain)):
        address = found.lower().rstrip(".,;:!?)")
        host = urlsplit(address if "//" in address else f"//{address}").hostname or address
        if host.removeprefix("www.") not in permitted and host not in permitted:
            problems.append(
                f"{what} holds the address {found}; leave it out (or put a space after the full stop)"
            )
    return problems


def contacts(text: str) -> set[str]:
    """Every link, address and mention of a text, in lower case."""
    plain = unicodedata.normalize("NFKC", text).replace("。", ".")
    found = {item.lower() for item in _MENTION.findall(plain)}
    addresses = _ADDRESS.findall(_MENTION.sub(" ", plain))
    return found | {item.lower().rstrip(".,;:!?)") for item in addresses}


def hashtags(text: str) -> set[str]:
    """The hashtags of a text, in lower case and without the sign."""
    return {item.lower() for item in _HASHTAG.findall(unicodedata.normalize("NFKC", text))}


def host_of(website: str | None) -> tuple[str, ...]:
    """The host of a website as an allow list."""
    host = urlsplit(website).hostname if website else None
    return (host.removeprefix("www."),) if host else ()


def content_words(text: str) -> set[str]:
    """Stems of the words that carry meaning."""
    small = _FUNCTION_WORDS["id"] | _FUNCTION_WORDS["en"]
    return {
        _SUFFIX.sub("", _PREFIX.sub("", word))
        for word in (item.lower() for item in _WORD.findall(text))
        if word not in small and len(word) > 2
    }


def support(statement: str, quote: str) -> float | None:
    """How much of a statement stands in a quote.

    Returns:
        Share of the statement's content words, 0 to 1; None where the two are in different
        languages or the statement has no content words, so that counting words tells nothing.
    """
    here, there = language_of(statement), language_of(quote)
    words = content_words(statement)
    if not words or (here is not None and there is not None and here != there):
        return None
    return len(words & content_words(quote)) / len(words)
