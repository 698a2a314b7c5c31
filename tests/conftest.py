"""Fixtures for all tests: embedded servers once per test process, a fresh database per test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import hypothesis
import psycopg
import pytest
from sqlalchemy import Engine

from embedded.supervisor import EmbeddedServices
from storage.database import make_engine, migrate, psycopg_url
from storage.uow import Database
from tests.fakes import ListWaker

# Machines are noisy: no property fails on a time.
hypothesis.settings.register_profile("humas", deadline=None)
hypothesis.settings.load_profile("humas")

for _name in list(os.environ):
    # Tests decide their settings themselves, whatever the shell of the developer holds.
    if _name.startswith("HUMAS_") or _name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        del os.environ[_name]


@pytest.fixture(scope="session")
def servers() -> Iterator[EmbeddedServices]:
    """PostgreSQL and Valkey of this test process, without durability."""
    with tempfile.TemporaryDirectory(prefix="humas-test-") as folder:
        embedded = EmbeddedServices(Path(folder) / "home", durable=False)
        embedded.ensure()
        try:
            yield embedded
        finally:
            embedded.destroy()


@pytest.fixture(scope="session")
def template(servers: EmbeddedServices) -> str:
    """The name of a migrated database that others are copied from."""
    migrate(servers.create_database("template_humas"))
    return "template_humas"


@pytest.fixture
def database_url(servers: EmbeddedServices, template: str) -> Iterator[str]:
    """A fresh migrated database."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(psycopg_url(servers.urls.database_url), autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template}"')
    yield servers.postgres.url(name)
    servers.drop_database(name)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the fresh database."""
    made = make_engine(database_url, pool_size=5)
    yield made
    made.dispose()


@pytest.fixture
def waker() -> ListWaker:
    """Who is told of threads that may run; tests run them themselves."""
    return ListWaker()


@pytest.fixture
def database(engine: Engine, waker: ListWaker) -> Database:
    """Units of work on the fresh database."""
    return Database(engine, waker)
