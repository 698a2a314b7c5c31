"""Prompts from `prompts/*.md`, and foreign text marked as data."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Template

from agents.calls import Message
from domain.brand import Language

PROMPTS = Path(__file__).parent / "prompts"
LANGUAGE_NAMES: dict[Language, str] = {"id": "Indonesian (Bahasa Indonesia)", "en": "English"}

_SECTION = re.compile(r"^## (system|user)\s*$", re.MULTILINE)
# What could close a mark of ours or open a turn in some model's chat template.
_LOOK_ALIKES = str.maketrans({"<": "‹", ">": "›"})
_TEMPLATE_WORDS = re.compile(r"\[(/?)(INST|SYS|AVAILABLE_TOOLS|TOOL_CALLS)\]", re.IGNORECASE)


def messages(task: str, values: Mapping[str, str]) -> tuple[Message, ...]:
    """The turns of a task's prompt with its `$names` filled in.

    Raises:
        KeyError: the prompt names a value that was not given.
    """
    return tuple(
        Message.model_validate({"role": role, "content": Template(text).substitute(values).strip()})
        for role, text in _sections(task)
    )


@cache
def _sections(task: str) -> tuple[tuple[str, str], ...]:
    parts = _SECTION.split((PROMPTS / f"{task}.md").read_text(encoding="utf-8"))
    return tuple(zip(parts[1::2], parts[2::2], strict=True))


def as_data(label: str, text: str) -> str:
    """Foreign text between marks that it cannot imitate.

    The mark carries a digest of the text itself: nobody can write a text that holds its own
    digest, and the same text gives the same prompt, so that recordings stay valid.

    Args:
        label: what it is, in one word.
        text: what somebody else wrote.
    """
    clean = neutral(text)
    mark = hashlib.sha256(clean.encode()).hexdigest()[:12]
    return f"<{label} {mark}>\n{clean}\n</{label} {mark}>"


def neutral(text: str) -> str:
    """Text without angle brackets, control characters and words of chat templates."""
    kept = "".join(
        char for char in text if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cf"}
    )
    return _TEMPLATE_WORDS.sub(r"(\1\2)", kept.translate(_LOOK_ALIKES))


def one_line(text: str) -> str:
    """Text on a single line."""
    return " ".join(text.split())


def numbered(prefix: str, texts: Sequence[str]) -> str:
    """Texts as a list with short labels: s1, s2, ..."""
    return "\n".join(f"{prefix}{index}: {one_line(text)}" for index, text in enumerate(texts, 1))
