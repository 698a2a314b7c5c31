"""The page about settings says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from config.settings import ROOT, Settings

PAGE = ROOT / "docs" / "settings.md"
ROW = re.compile(r"^\| `(HUMAS_\w+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
# Names that are no settings of the application, with who reads them.
OTHERS = {
    "HUMAS_PYTHON": "bin/humas",
    "HUMAS_PUBLISH": "docker-compose.yml",
}


def shown_default(name: str) -> str:
    """A setting's default as the page writes it."""
    value = Settings.model_fields[name].default
    if value is None:
        return "not set"
    if isinstance(value, Path):
        inside = value.is_relative_to(ROOT)
        return f"`{value.relative_to(ROOT)}`" if inside else f"`~/{value.relative_to(Path.home())}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "`[]`" if value == () else f"`{value}`"


def test_the_page_has_every_setting_with_its_default() -> None:
    rows = {name: default for name, default, _ in ROW.findall(PAGE.read_text(encoding="utf-8"))}
    expected = {f"HUMAS_{name.upper()}": shown_default(name) for name in Settings.model_fields}
    assert rows == expected


def test_the_page_says_what_each_setting_means() -> None:
    meanings = {name: meaning for name, _, meaning in ROW.findall(PAGE.read_text(encoding="utf-8"))}
    for name, field in Settings.model_fields.items():
        assert field.description
        said = meanings[f"HUMAS_{name.upper()}"]
        assert said[0].lower() + said[1:] == field.description[0].lower() + field.description[1:]


def test_no_page_names_a_setting_that_does_not_exist() -> None:
    known = {f"HUMAS_{name.upper()}" for name in Settings.model_fields} | OTHERS.keys()
    pages = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        ROOT / ".env.example",
        ROOT / "Dockerfile",
        ROOT / "docker-compose.yml",
        ROOT / "Makefile",
    ]
    named = {
        (page.name, name)
        for page in pages
        for name in re.findall(r"\bHUMAS_[A-Z0-9_]*[A-Z0-9]\b", page.read_text(encoding="utf-8"))
    }
    assert len(named) > len(Settings.model_fields)
    assert {item for item in named if item[1] not in known} == set()


def test_secrets_have_no_default() -> None:
    secrets = [
        name
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation) or re.search("password|token$|_key$", name)
    ]
    assert sorted(secrets) == ["llm_api_key", "secret_key"]
    assert all(Settings.model_fields[name].default is None for name in secrets)
