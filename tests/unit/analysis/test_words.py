"""Every word of the figures can be read in Indonesian."""

from __future__ import annotations

import re

import pytest

from config.i18n import gettext_for, translate_stored
from tests.unit.analysis.rows import all_words

NAMES = {"Kopi Senja", "Teh Pagi", "bluesky", "mastodon"}


def untranslated(note: str) -> list[str]:
    """The parts of a note that read the same in Indonesian, but for names."""
    bare = re.sub(r"^(Kopi Senja|Teh Pagi): ", "", note)
    translated = translate_stored(bare, gettext_for("id")).split("; ")
    pairs = zip(bare.split("; "), translated, strict=True)
    return [part for part, other in pairs if part == other and part not in NAMES]


@pytest.mark.parametrize("kind", ["label", "unit"])
def test_labels_and_units_have_a_translation(kind: str) -> None:
    translate = gettext_for("id")
    words = {getattr(figure, kind) for figure in all_words()} - {"", "share"}
    assert len(words) > 5
    assert {word for word in words if translate(word) == word} == set()


def test_notes_have_a_translation_part_by_part() -> None:
    notes = {figure.note for figure in all_words()} - {""}
    assert len(notes) > 15
    assert [part for note in notes for part in untranslated(note)] == []
