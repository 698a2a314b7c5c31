"""Sentences are exact pieces of the text, cut where an Indonesian or English reader would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.sentences import normalize, sentences

INDONESIAN = (
    "PT. Kopi Maju didirikan th. 1999 oleh Ir. Budi di Jl. Melati No. 5, Bandung. "
    "Harganya Rp. 25.000,00 per gelas! Apakah Anda mau? Kami menjual kopi, teh, dll. di sana."
)


def test_indonesian_short_forms_end_no_sentence() -> None:
    assert sentences(INDONESIAN, "id") == (
        "PT. Kopi Maju didirikan th. 1999 oleh Ir. Budi di Jl. Melati No. 5, Bandung.",
        "Harganya Rp. 25.000,00 per gelas!",
        "Apakah Anda mau?",
        "Kami menjual kopi, teh, dll. di sana.",
    )


@pytest.mark.parametrize("language", ["id", "en", "xx", "jv"])
def test_sentences_are_cut_in_any_language(language: str) -> None:
    assert sentences("Satu. Dua!\nTiga", language) == ("Satu.", "Dua!", "Tiga")


def test_list_marks_rules_and_tables_are_no_part_of_a_sentence() -> None:
    text = "- Arabika\n• Robusta\n1. Luwak\n| Kopi | Harga |\n|---|---|\n***\n# Tentang kami"
    assert sentences(text, "id") == (
        "Arabika", "Robusta", "Luwak", "Kopi | Harga", "Tentang kami",
    )  # fmt: skip


def test_wrapped_text_keeps_its_sentences_together() -> None:
    text = "# Judul\nKami menjual\nkopi. Enak.\n\nParagraf\ndua\n- butir satu\n- butir\n  dua"
    assert sentences(text, "id", wrapped=True) == (
        "Judul", "Kami menjual\nkopi.", "Enak.", "Paragraf\ndua", "butir satu", "butir\n  dua",
    )  # fmt: skip


@given(st.text(st.characters(codec="utf-8")), st.sampled_from(["id", "en"]), st.booleans())
def test_every_sentence_is_an_exact_substring_in_order(raw: str, lang: str, wrapped: bool) -> None:
    text = normalize(raw)
    place = 0
    for sentence in sentences(text, lang, wrapped=wrapped):
        place = text.find(sentence, place)
        assert place >= 0
        place += len(sentence)


@given(st.lists(st.sampled_from(["Kopi", "enak", "PT. ", "No. 5", ". ", "! ", "\n", "\n\n", "- "])))
def test_no_word_is_lost(parts: list[str]) -> None:
    text = normalize(" ".join(parts))
    for wrapped in (False, True):
        found = " ".join(sentences(text, "id", wrapped=wrapped))
        for word in ("Kopi", "enak", "PT"):
            assert found.count(word) == text.count(word)
