"""Engine, sessions and migrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

ROOT = Path(__file__).resolve().parent.parent
# A lost client host frees its locks within about 30 s.
_KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "connect_timeout": 10,
}


class DatabaseUnavailable(Exception):
    """PostgreSQL does not answer."""


def sqlalchemy_url(url: str) -> str:
    """The URL with the psycopg 3 driver, whatever way it was written."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    raise ValueError("HUMAS_DATABASE_URL must start with postgresql://")


def psycopg_url(url: str) -> str:
    """The URL as libpq reads it."""
    return sqlalchemy_url(url).replace("postgresql+psycopg://", "postgresql://", 1)


def make_engine(url: str, *, pool: bool = True, pool_size: int = 5) -> Engine:
    """An engine; `pool=False` for short-lived processes and forked children."""
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 10, "pool_pre_ping": True}
    if not pool:
        options = {"poolclass": NullPool}
    # The parameters of a failed statement may be texts and names of the public: not into any log.
    return create_engine(
        sqlalchemy_url(url), connect_args=_KEEPALIVES, hide_parameters=True, **options
    )


def ping(engine: Engine) -> str:
    """The server's version.

    Raises:
        DatabaseUnavailable: with what to do.
    """
    try:
        with engine.connect() as connection:
            return str(connection.execute(text("show server_version")).scalar_one())
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
        raise DatabaseUnavailable(
            f"PostgreSQL does not answer ({reason}). Check HUMAS_DATABASE_URL and that the server runs; "
            "without HUMAS_DATABASE_URL Humas starts its own."
        ) from error


def alembic_config(url: str) -> Config:
    """Alembic's configuration for a database."""
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "storage" / "migrations"))
    config.attributes["url"] = sqlalchemy_url(url)
    return config


def migrate(url: str) -> None:
    """Bring our tables and LangGraph's checkpoint tables to the newest revision."""
    command.upgrade(alembic_config(url), "head")
    migrate_checkpoints(url)


def migrate_checkpoints(url: str) -> None:
    """LangGraph's checkpointer keeps its own schema and its own list of migrations.

    It makes indexes concurrently, which no transaction allows: hence an autocommit connection.
    """
    import psycopg
    from langgraph.checkpoint.postgres import PostgresSaver
    from psycopg.rows import dict_row

    with psycopg.connect(psycopg_url(url), autocommit=True, row_factory=dict_row) as connection:
        PostgresSaver(connection).setup()


def pending_revision(engine: Engine, url: str) -> str | None:
    """The newest revision when the database is behind it, else None."""
    head = ScriptDirectory.from_config(alembic_config(url)).get_current_head()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return head if current != head else None
