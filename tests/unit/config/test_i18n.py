"""Texts for people: the catalogue is complete, and languages are chosen and looked up rightly."""

from __future__ import annotations

import re

import pytest

from config import catalogue
from config.i18n import choose, gettext_for, translate_stored, translations

PLACE = re.compile(r"%\(\w+\)|\{\w*\}")


def test_every_text_for_people_has_an_indonesian_translation() -> None:
    assert catalogue.missing("id") == []


def test_texts_are_found_on_every_floor_that_has_some() -> None:
    places = {place for message in catalogue.messages() for place, _ in message.locations}
    assert {place.split("/")[0] for place in places} == set(catalogue.FOLDERS)
    assert "channels/registry.py" in places


def test_a_text_without_translation_is_told() -> None:
    found = catalogue.messages()
    found.add("A text that nobody has translated")
    assert catalogue.missing("id", found) == ["A text that nobody has translated"]


def test_placeholders_of_translations_are_those_of_the_source() -> None:
    texts = translations("id")
    for message in catalogue.messages():
        if not message.id:
            continue
        if isinstance(message.id, str):
            source, text = message.id, texts.gettext(message.id)
        else:
            source, text = message.id[1], texts.ngettext(message.id[0], message.id[1], 2)
        assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(source)), source


@pytest.mark.parametrize(
    ("wanted", "accepted", "language"),
    [
        ("id", "en", "id"),
        (None, "id-ID,id;q=0.9,en;q=0.8", "id"),
        (None, "in-ID", "id"),
        ("xx", "fr,de", "en"),
    ],
)
def test_language_is_the_wish_then_the_browsers(
    wanted: str | None, accepted: str, language: str
) -> None:
    assert choose(wanted, accepted) == language


def test_english_is_the_source_and_other_texts_stay() -> None:
    assert gettext_for("en")("Reach") == "Reach"
    assert gettext_for("id")("Reach") == "Jangkauan"
    assert gettext_for("id")("Nobody translated this") == "Nobody translated this"
    with pytest.raises(FileNotFoundError):
        gettext_for("xx")


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("", ""),
        ("mean of 40 posts", "rata-rata dari 40 kiriman"),
        (
            "small sample: median of 7 posts; 1 of 2 accounts have this figure",
            "sampel kecil: median dari 7 kiriman; 1 dari 2 akun memiliki angka ini",
        ),
        ("Kopi 88: needs 20 authors, there are 3", "Kopi 88: perlu 20 penulis, baru ada 3"),
        ("PT. Senja: nobody wrote to us", "PT. Senja: tidak ada yang menulis kepada kami"),
        ("mastodon; mean of 40 posts", "mastodon; rata-rata dari 40 kiriman"),
        (
            "Covers only a part of the ages. Older than two years.",
            "Hanya mencakup sebagian rentang usia. Berumur lebih dari dua tahun.",
        ),
        ("Buka {pukul} 7; 100%: {0}.", "Buka {pukul} 7; 100%: {0}."),
        ("Reach: 5", "Reach: 5"),  # a name before a colon is nobody's to translate
    ],
)
def test_stored_texts_are_translated_part_by_part(stored: str, shown: str) -> None:
    assert translate_stored(stored, gettext_for("id")) == shown
    assert translate_stored(stored, gettext_for("en")) == stored
