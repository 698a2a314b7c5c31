"""Languages of the web pages: English source text, catalogues as `.po` files compiled at start-up."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from babel.support import Translations

WEB = Path(__file__).resolve().parent
LANGUAGES = {"en": "English", "id": "Bahasa Indonesia"}
DEFAULT = "en"
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext.babel_extract")]
_KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
}


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate this later"
    """Mark a text for the catalogue without translating it here."""
    return text


def catalogue_path(language: str) -> Path:
    """Where the catalogue of a language is kept."""
    return WEB / "locale" / language / "LC_MESSAGES" / "messages.po"


@cache
def translations(language: str) -> Translations:
    """The compiled catalogue of a language; English is the source and needs none."""
    if language == DEFAULT:
        return Translations()
    with catalogue_path(language).open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(fp=compiled)


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


def messages() -> Catalog:
    """Every text of the package's code and templates, and of the platforms' connection forms."""
    from channels.registry import PLATFORMS

    found = Catalog()
    options = {
        "templates/**.html": {
            "trimmed": "true",
            "extensions": "jinja2.ext.do",
            "silent": "false",  # a template that cannot be read must not lose its texts
        }
    }
    for name, line, message, _comments, context in extract_from_dir(
        str(WEB), _METHODS, options, keywords=_KEYWORDS
    ):
        found.add(message, locations=[(name, line)], context=context)
    for platform in PLATFORMS.values():
        for field in platform.fields:
            for text in (field.label, field.help):
                found.add(text, locations=[("channels/registry.py", 1)])
    return found


def update(language: str) -> list[str]:
    """Bring a catalogue to the texts there are now.

    Returns:
        The texts that have no translation yet.
    """
    path = catalogue_path(language)
    with path.open("rb") as source:
        catalogue = read_po(source, locale=language)
    catalogue.update(messages(), no_fuzzy_matching=True)
    catalogue.project = catalogue.last_translator = "Humas"
    catalogue.language_team = LANGUAGES[language]
    catalogue.msgid_bugs_address = ""
    with path.open("wb") as target:
        write_po(target, catalogue, no_location=True, omit_header=False, ignore_obsolete=True)
    return missing(language)


def missing(language: str) -> list[str]:
    """Texts without a complete translation."""
    with catalogue_path(language).open("rb") as source:
        catalogue = read_po(source, locale=language)
    absent = []
    for message in messages():
        if not message.id:
            continue
        known = catalogue.get(message.id, message.context)
        strings = known.string if known else ""
        complete = all(strings) if isinstance(strings, tuple | list) else bool(strings)
        if known is None or known.fuzzy or not complete:
            absent.append(str(message.id))
    return absent


if __name__ == "__main__":
    import sys

    for text in update(sys.argv[1] if len(sys.argv) > 1 else "id"):
        print(text)
