"""All settings, and the only reader of the environment.

`docs/settings.md` documents every one; a test compares the two.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from config.clock import Clock, ShiftedClock, SystemClock

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Read from `HUMAS_*` variables and, below them, from a file `.env` of the checkout."""

    model_config = SettingsConfigDict(
        env_prefix="HUMAS_",
        env_file=ROOT / ".env",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
    )

    mode: Literal["development", "production"] = Field(
        default="development",
        description="production refuses what only serves development and demonstrations",
    )
    home: Path = Field(
        default=ROOT / ".humas",
        description="Folder of the embedded servers' data and of keys",
    )
    database_url: str | None = Field(
        default=None,
        description="PostgreSQL 16 or newer, as postgresql://user:password@host/name; "
        "without it an embedded PostgreSQL is started",
    )
    redis_url: str | None = Field(
        default=None,
        description="Redis or Valkey, as redis://host:6379/0; without it an embedded Valkey is started",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="32 random bytes in base64; seals channel tokens. Kept in HUMAS_HOME/secret.key "
        "when the embedded servers are used, required otherwise",
    )
    public_url: str | None = Field(
        default=None,
        description="Address that people and platforms see, such as https://humas.example",
    )
    web_host: str = Field(default="127.0.0.1", description="Address the web server listens on")
    web_port: int = Field(
        default=8321, ge=0, le=65535, description="Port of the web server; 0 picks a free one"
    )
    session_hours: int = Field(default=12, ge=1, le=720, description="Length of a login")

    llm_base_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("HUMAS_LLM_BASE_URL", "OPENAI_BASE_URL"),
        description="OpenAI-compatible endpoint; OPENAI_BASE_URL is read too. `off` works without any model",
    )
    llm_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("HUMAS_LLM_API_KEY", "OPENAI_API_KEY"),
        description="Key of the endpoint; OPENAI_API_KEY is read too",
    )
    llm_model: str | None = Field(
        default=None, description="Model name for all roles that have none of their own"
    )
    llm_model_researcher: str | None = Field(
        default=None, description="Model of the research agent"
    )
    llm_model_planner: str | None = Field(default=None, description="Model of the planning agent")
    llm_model_writer: str | None = Field(
        default=None, description="Model that redrafts after requested changes"
    )
    llm_model_responder: str | None = Field(
        default=None, description="Model that triages and answers"
    )
    llm_model_evaluator: str | None = Field(
        default=None, description="Model that explains the figures"
    )
    llm_timeout_seconds: float = Field(default=300, gt=0, description="Time-out of one model call")
    llm_tries: int = Field(
        default=2, ge=1, le=5, description="Tries of one model call on 429, 5xx and time-outs"
    )
    llm_concurrency: int = Field(
        default=2, ge=1, description="Model calls at the same time, over all workers"
    )
    llm_tokens_per_day: int = Field(
        default=2_000_000, ge=0, description="Hard budget per brand and day (UTC), in tokens"
    )
    llm_price_in: float | None = Field(
        default=None, ge=0, description="Price of a million input tokens in US dollars"
    )
    llm_price_out: float | None = Field(
        default=None, ge=0, description="Price of a million output tokens in US dollars"
    )
    demo_model: str = Field(
        default="qwen2.5-coder-1.5b",
        description="Name in the model catalogue, or path of a GGUF file, served locally when no endpoint is set",
    )
    model_cache: Path = Field(
        default=Path.home() / ".cache" / "humas" / "models",
        description="Folder of downloaded model weights",
    )

    crawl_max_pages: int = Field(default=30, ge=1, le=500, description="Pages read of one website")
    crawl_max_bytes: int = Field(
        default=5_000_000, ge=10_000, description="Largest page that is read, in bytes"
    )
    crawl_delay_seconds: float = Field(
        default=1.0, ge=0, description="Pause between two pages of one website"
    )
    allow_hosts: tuple[str, ...] = Field(
        default=(),
        description="host:port pairs that may be reached although they are not public, as a JSON list; "
        "refused in production",
    )

    undo_seconds: int = Field(
        default=10, ge=0, le=600, description="Undo window before an approval takes effect"
    )
    publish_tries: int = Field(
        default=5, ge=1, le=20, description="Tries of a post that certainly did not leave"
    )
    dry_run: bool = Field(
        default=False,
        description="Publish nothing: show the exact requests in the item's log instead; for development",
    )
    lease_seconds: int = Field(
        default=90, ge=5, description="After that a publishing attempt counts as lost"
    )
    poll_seconds: int = Field(
        default=60, ge=1, description="Pause between two reads of an account's interactions"
    )
    outside_hours: float = Field(
        default=6, gt=0, description="Posts made outside Humas are looked for this often"
    )
    account_check_hours: float = Field(
        default=6, gt=0, description="The credentials of an account are tried this often"
    )
    expiry_warn_days: float = Field(
        default=14, ge=0, description="Credentials that end are warned of this long before"
    )
    propose_ahead_hours: float = Field(
        default=72,
        gt=0,
        le=8784,
        description="Repeated posts are proposed this long before their slot",
    )
    measure_hours: float = Field(
        default=24, ge=0, description="Figures of a post are read this long after publishing"
    )
    tick_seconds: float = Field(
        default=5,
        gt=0,
        description="Longest pause between two ticks of the clock; it also ticks when the next slot is due",
    )
    sweep_seconds: float = Field(
        default=25, gt=0, description="A ready stage that no worker took is queued again after this"
    )
    stage_tries: int = Field(
        default=3, ge=1, description="Tries of a stage before it waits for a person"
    )
    worker_jobs: int = Field(
        default=500, ge=1, description="A worker is replaced by a fresh one after so many jobs"
    )
    worker_mb: int = Field(
        default=1024,
        ge=256,
        description="Memory in MB that a worker may take in a job before it is killed; "
        "above three quarters of it, it is replaced after the job",
    )
    clock_file: Path | None = Field(
        default=None,
        description="File with an offset in seconds that moves business time; refused in production",
    )
    send_notifications: bool = Field(
        default=True, description="Whether reports are sent through apprise"
    )
    language: Literal["en", "id"] = Field(
        default="en",
        description="Language of the command line's reports; a brand's own report is in its first language",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least level that is logged"
    )

    @field_validator("llm_base_url")
    @classmethod
    def _endpoint(cls, value: str | None) -> str | None:
        if value is not None and value != "off" and not value.startswith(("http://", "https://")):
            raise ValueError("HUMAS_LLM_BASE_URL must start with http:// or https://, or be `off`")
        return value

    @model_validator(mode="after")
    def _production(self) -> Settings:
        if self.mode == "production":
            if self.allow_hosts:
                raise ValueError("HUMAS_ALLOW_HOSTS is refused in production mode; remove it")
            if self.clock_file:
                raise ValueError("HUMAS_CLOCK_FILE is refused in production mode; remove it")
            if not (self.database_url and self.redis_url and self.secret_key):
                raise ValueError(
                    "production mode needs HUMAS_DATABASE_URL, HUMAS_REDIS_URL and HUMAS_SECRET_KEY"
                )
        return self

    @property
    def embedded(self) -> bool:
        """Whether at least one of the two servers is ours to start."""
        return self.database_url is None or self.redis_url is None

    @property
    def model_off(self) -> bool:
        """Whether people do everything by hand."""
        return self.llm_base_url == "off"

    def clock(self) -> Clock:
        """The clock of this installation."""
        return ShiftedClock(self.clock_file) if self.clock_file else SystemClock()

    def model_for(self, role: str) -> str | None:
        """The model name of an agent role, None where none is set."""
        name: str | None = getattr(self, f"llm_model_{role}", None)
        return name or self.llm_model


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process."""
    return Settings()


def pass_on(**values: str) -> None:
    """Give settings found at start (embedded URLs, the local model) to this process and its children."""
    for name, value in values.items():
        os.environ[f"HUMAS_{name.upper()}"] = value
    settings.cache_clear()
