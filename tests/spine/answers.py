"""Answers of a model that always fit the agents' schemas."""

from __future__ import annotations

import itertools
from typing import Any

from domain.source import SourceDocument
from tests.fakes import START

DOCUMENT = SourceDocument(
    url="https://kopi.example/",
    title="Kopi Senja",
    language="id",
    fetched_at=START,
    sha256="0" * 64,
    kind="page",
    text="Kopi Senja menjual kopi gula aren. Kedai buka setiap hari pukul 08.00.",
    sentences=("Kopi Senja menjual kopi gula aren.", "Kedai buka setiap hari pukul 08.00."),
)


def set_answers() -> dict[str, Any]:
    """Answers that fit the agents' schemas, whatever ids they were given."""

    def finding(source: str) -> dict[str, str]:
        return {
            "source": source,
            "topic": "product",
            "statement": "Kopi Senja menjual kopi gula aren setiap hari.",
        }

    def findings(schema: type[Any]) -> dict[str, Any]:
        names = schema.model_fields
        if "findings" in names:
            return {"findings": [finding("s1"), finding("s2")]}
        return {
            "products": [{"source": "s1", "statement": "Kopi Senja menjual kopi gula aren."}],
            "audience": [],
            "facts": [{"source": "s2", "statement": "Kedai buka setiap hari."}],
        }

    captions = itertools.cycle(
        [
            "Nikmati kopi gula aren hangat di kedai kami hari ini, yuk mampir bersama teman.",
            "Kedai kami buka setiap hari, cocok untuk bersantai sore bersama keluarga tercinta.",
            "Racikan baru sudah siap untuk kamu yang suka kopi susu dingin dan segar.",
        ]
    )
    return {
        "research_business": lambda _s: {
            "business_model": "b2c",
            "business_model_sources": ["s1"],
            "purpose": "sales",
            "purpose_sources": ["s1"],
        },
        "research_findings": findings,
        "plan_themes": lambda _s: {
            "themes": [
                {"name": f"Tema {n}", "purpose": "Membuat orang tahu dan suka dengan kopi kami"}
                for n in ("rasa", "kedai")
            ],
            "used_findings": [],
        },
        "plan_item": lambda _s: {
            "sources": ["f1"],
            "caption": next(captions),
            "hashtags": ["kopi"],
            "photo_brief": "Secangkir kopi di meja kayu",
            "alt_text": "Secangkir kopi",
        },
        "redraft": lambda _s: {
            "change": "Mengajak orang datang",
            "text": "Ayo datang dan nikmati kopi gula aren yang hangat di kedai kami.",
            "sources": [],
        },
        "triage": lambda _s: {
            "sentiment": "neutral",
            "intent": "question",
            "language": "id",
            "answer": True,
        },
        "reply": lambda _s: {
            "sources": [],
            "text": "Halo Kak, terima kasih sudah bertanya, kedai kami buka setiap hari ya.",
        },
        "explain": lambda _s: {
            "observations": [
                "Selama masa ini kami menerbitkan {posts_published} kiriman untuk para pembaca.",
                "Orang menulis {interactions_received} tanggapan kepada kami selama masa ini.",
            ],
            "recommendations": ["Teruskan kiriman yang mengajak orang untuk bertanya kepada kami."],
        },
    }
