"""What settings refuse, and what they read."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.clock import FixedClock, ShiftedClock, SystemClock
from config.settings import Settings, pass_on, settings

KEY = base64.b64encode(bytes(32)).decode()
SERVERS = {
    "HUMAS_MODE": "production",
    "HUMAS_DATABASE_URL": "postgresql://humas@db/humas",
    "HUMAS_REDIS_URL": "redis://cache:6379/0",
    "HUMAS_SECRET_KEY": KEY,
}


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


def test_nothing_needs_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    config = read(monkeypatch)
    assert config.embedded
    assert not config.model_off
    assert config.secret_key is None


def test_production_starts_with_servers_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    config = read(monkeypatch, **SERVERS)
    assert not config.embedded
    assert KEY not in repr(config)


@pytest.mark.parametrize("missing", ["HUMAS_DATABASE_URL", "HUMAS_REDIS_URL", "HUMAS_SECRET_KEY"])
def test_production_refuses_to_start_without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    # An empty value counts as not set: compose files pass those on.
    with pytest.raises(ValidationError, match="production mode needs"):
        read(monkeypatch, **{**SERVERS, missing: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [("HUMAS_ALLOW_HOSTS", '["127.0.0.1:80"]'), ("HUMAS_CLOCK_FILE", "offset")],
)
def test_production_refuses_what_serves_tests(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(ValidationError, match=f"{name} is refused in production mode"):
        read(monkeypatch, **SERVERS, **{name: value})


@pytest.mark.parametrize("value", ["models.example/v1", "none", "ftp://models.example"])
def test_an_endpoint_is_an_address_or_off(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    with pytest.raises(ValidationError, match="HUMAS_LLM_BASE_URL must start with"):
        read(monkeypatch, HUMAS_LLM_BASE_URL=value)
    assert read(monkeypatch, HUMAS_LLM_BASE_URL="off").model_off


def test_the_usual_names_of_the_endpoint_are_read_below_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = {"OPENAI_BASE_URL": "http://usual/v1", "OPENAI_API_KEY": "usual"}
    config = read(monkeypatch, **usual)
    assert config.llm_base_url == "http://usual/v1"
    assert config.llm_api_key is not None
    assert config.llm_api_key.get_secret_value() == "usual"
    assert read(monkeypatch, HUMAS_LLM_BASE_URL="http://ours/v1").llm_base_url == "http://ours/v1"


def test_a_role_without_a_model_of_its_own_takes_the_common_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = read(monkeypatch, HUMAS_LLM_MODEL="small", HUMAS_LLM_MODEL_PLANNER="large")
    assert (config.model_for("planner"), config.model_for("writer")) == ("large", "small")
    assert read(monkeypatch, HUMAS_LLM_MODEL="").model_for("writer") is None


def test_what_is_passed_on_reaches_this_process_and_its_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUMAS_REDIS_URL", "redis://before/0")
    settings.cache_clear()
    try:
        assert settings().redis_url == "redis://before/0"
        pass_on(redis_url="redis://after/0")
        assert settings().redis_url == "redis://after/0"
    finally:
        settings.cache_clear()


def test_clocks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert isinstance(read(monkeypatch).clock(), SystemClock)
    clock = read(monkeypatch, HUMAS_CLOCK_FILE=str(tmp_path / "offset")).clock()
    assert isinstance(clock, ShiftedClock)
    assert clock.offset() == timedelta()
    clock.advance_to(datetime.now(UTC) + timedelta(days=2))
    assert timedelta(days=1, hours=23) < clock.offset() <= timedelta(days=2)
    before = clock.offset()
    clock.advance_to(datetime.now(UTC))  # never backward
    assert clock.offset() == before
    fixed = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    fixed.advance(timedelta(hours=1))
    assert fixed.now() == datetime(2026, 1, 1, 1, tzinfo=UTC)
