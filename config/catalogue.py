"""Keeps the catalogues in step with the texts: `python -m config.catalogue id` updates one.

Texts are found by reading the source files, so that nothing of the upper floors is imported.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from config.i18n import LANGUAGES, catalogue_path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("web", "workflows", "agents", "analysis", "channels", "cli")
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext.babel_extract")]
_OPTIONS = {
    "templates/**.html": {
        "trimmed": "true",
        "extensions": "jinja2.ext.do",
        "silent": "false",  # a template that cannot be read must not lose its texts
    }
}
_KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "translate": None,
}


def messages() -> Catalog:
    """Every text for people in code and templates; its places are paths below the root."""
    found = Catalog()
    for folder in FOLDERS:
        for name, line, message, _comments, context in extract_from_dir(
            str(ROOT / folder), _METHODS, _OPTIONS, keywords=_KEYWORDS
        ):
            found.add(message, locations=[(f"{folder}/{name}", line)], context=context)
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


def missing(language: str, texts: Catalog | None = None) -> list[str]:
    """Those of the texts (by default all there are) that have no complete translation."""
    with catalogue_path(language).open("rb") as source:
        catalogue = read_po(source, locale=language)
    absent = []
    for message in messages() if texts is None else texts:
        if not message.id:
            continue
        known = catalogue.get(message.id, message.context)
        strings = known.string if known else ""
        complete = all(strings) if isinstance(strings, tuple | list) else bool(strings)
        if known is None or known.fuzzy or not complete:
            absent.append(str(message.id))
    return absent


if __name__ == "__main__":
    for text in update(sys.argv[1] if len(sys.argv) > 1 else "id"):
        sys.stdout.write(f"{text}\n")
