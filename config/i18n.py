"""Languages of texts for people: English in the source, other languages in `locale/*/messages.po`.

Every floor may mark texts (`N_`) and translate them. `config.catalogue` keeps the catalogues.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.support import Translations

LANGUAGES = {"en": "English", "id": "Bahasa Indonesia"}
DEFAULT = "en"
Translate = Callable[[str], str]
_LOCALE = Path(__file__).resolve().parent / "locale"
_NUMBER = re.compile(r"\d+")
_SENTENCES = re.compile(r"(?<=\.) ")


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate this later"
    """Mark a text for the catalogue without translating it here."""
    return text


def catalogue_path(language: str) -> Path:
    """Where the catalogue of a language is kept."""
    return _LOCALE / language / "LC_MESSAGES" / "messages.po"


@cache
def translations(language: str) -> Translations:
    """The compiled catalogue of a language; English is the source and needs none.

    Raises:
        FileNotFoundError: there is no catalogue of that language.
    """
    # Babel is slow to import, and most commands translate nothing.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import Translations

    if language == DEFAULT:
        return Translations()
    with catalogue_path(language).open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(fp=compiled)


def gettext_for(language: str) -> Translate:
    """What turns an English source text into its text in a language."""
    gettext: Translate = translations(language).gettext
    return gettext


def choose(wanted: str | None, accepted: str = "") -> str:
    """A language we have: the one asked for, else the first that the browser accepts."""
    if wanted in LANGUAGES:
        return wanted
    for part in accepted.split(","):
        code = part.split(";")[0].strip().lower().split("-")[0]
        if code == "in":  # what old browsers call Indonesian
            code = "id"
        if code in LANGUAGES:
            return code
    return DEFAULT


def translate_stored(text: str, translate: Translate) -> str:
    """Translate a text that was composed in English and stored, such as a figure's note.

    Its parts are looked up one by one: sentences, what semicolons divide, and what follows a name
    and a colon. Numbers are looked up as `{0}`, `{1}` and so on, so that
    `N_("{0} of {1} posts").format(2, 3)` is found again. A part that is not in the catalogue, such
    as a person's own words, stays as it is.
    """
    found = _looked_up(text, translate)
    if found is not None:
        return found
    for parts, glue in ((_SENTENCES.split(text), " "), (text.split("; "), "; ")):
        if len(parts) > 1:
            return glue.join(translate_stored(part, translate) for part in parts)
    name, colon, rest = text.rpartition(": ")
    return name + colon + translate_stored(rest, translate) if colon else text


def _looked_up(text: str, translate: Translate) -> str | None:
    """The translation of a text as a whole; None where there is none."""
    if not text:
        return text  # gettext's translation of nothing is the catalogue's header
    translated = translate(text)
    if translated != text:
        return translated
    numbers = _NUMBER.findall(text)
    places = iter(range(len(numbers)))
    pattern = _NUMBER.sub(lambda _: f"{{{next(places)}}}", text)
    translated = translate(pattern)
    return translated.format(*numbers) if translated != pattern else None
