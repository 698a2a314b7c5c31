"""What every command starts with: settings, embedded servers when no URLs are set, services."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from config.settings import Settings, pass_on, settings

if TYPE_CHECKING:  # heavy imports happen in the functions: `--help` stays fast
    from sqlalchemy import Engine

    from embedded.supervisor import EmbeddedServices
    from storage.tables import User
    from storage.uow import UnitOfWork
    from workflows.services import Services

OLDEST_POSTGRES = 16


def secret_key(config: Settings) -> None:
    """Without a key in the environment, keep one in the home, readable by its owner only."""
    from storage.secrets import new_key

    if config.secret_key is not None:
        return
    path = config.home / "secret.key"
    if not path.exists():
        config.home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new_key())
    pass_on(secret_key=path.read_text(encoding="utf-8").strip())


@contextmanager
def embedded_servers() -> Iterator[EmbeddedServices | None]:
    """Start the servers that no setting names and keep a share in them; None when both are named.

    Raises:
        EmbeddedError: a server did not come up.
    """
    config = settings()
    if not config.embedded:
        yield None
        return
    from embedded.supervisor import EmbeddedServices

    secret_key(config)
    embedded = EmbeddedServices(config.home)
    urls = embedded.ensure()
    try:
        pass_on(
            database_url=config.database_url or urls.database_url,
            redis_url=config.redis_url or urls.redis_url,
        )
        yield embedded
    finally:
        embedded.release()


def engine_of(url: str) -> Engine:
    """An engine for the database of the settings.

    Raises:
        InvalidInput: the URL cannot be read.
    """
    from sqlalchemy.exc import ArgumentError

    from domain.errors import InvalidInput
    from storage.database import make_engine

    try:
        return make_engine(url, pool=False)
    except (ValueError, ArgumentError) as error:
        raise InvalidInput(
            "HUMAS_DATABASE_URL cannot be read. Write it as postgresql://user:password@host/name."
        ) from error


def check_version(version: str) -> None:
    """Refuse a PostgreSQL that is too old.

    Raises:
        InvalidInput: with the version that is needed.
    """
    from domain.errors import InvalidInput

    if int(version.partition(".")[0]) < OLDEST_POSTGRES:
        raise InvalidInput(
            f"PostgreSQL {version} is too old; Humas needs {OLDEST_POSTGRES} or newer."
        )


@contextmanager
def servers(*, migrated: bool = True) -> Iterator[EmbeddedServices | None]:
    """The two servers: ours when no URLs are set, else whatever the settings name.

    Args:
        migrated: bring the embedded database to the newest revision; one that the settings name
            is only checked, since `humas migrate` is its operator's decision.

    Yields:
        The embedded servers, None when both are named by the settings.

    Raises:
        DatabaseUnavailable: PostgreSQL does not answer.
        InvalidInput: a URL cannot be read, or the named database is behind this release.
    """
    from domain.errors import InvalidInput
    from storage.database import migrate, pending_revision, ping

    named = settings().database_url is not None
    with embedded_servers() as embedded:
        url = settings().database_url
        assert url is not None
        engine = engine_of(url)
        check_version(ping(engine))
        if migrated and pending_revision(engine, url):
            if named:
                raise InvalidInput(
                    "The database is behind this release. Run `humas migrate` first."
                )
            migrate(url)
        yield embedded


@contextmanager
def opened() -> Iterator[Services]:
    """Services for a short command."""
    with servers():
        from domain.errors import InvalidInput
        from workflows.compose import build_services

        try:
            services = build_services(settings(), pool=False)
        except ValueError as error:  # redis-py's word for a URL that it cannot read
            raise InvalidInput(
                f"HUMAS_REDIS_URL cannot be read: {error}. Write it as redis://host:6379/0."
            ) from error
        yield services


def workspace_of(services: Services, name: str | None = None) -> str:
    """The id of the named workspace, or of the only one.

    Raises:
        NotFound: there is none, or there are several and no name was given.
    """
    from storage.repositories.people import Workspaces

    with services.database.system() as session:
        return Workspaces(session).only(name).id


@contextmanager
def workspace_unit(services: Services, name: str | None = None) -> Iterator[UnitOfWork]:
    """A unit of work of the named workspace, or of the only one."""
    with services.database.unit(workspace_of(services, name)) as uow:
        yield uow


def acting_user(uow: UnitOfWork, email: str | None) -> User:
    """Who gives the command: the person of that address, or the only owner.

    The command line has the database's rights anyway; the name is for the audit log.

    Raises:
        NotFound: nobody has that address, or none was given and there is not exactly one owner.
        NotPermitted: the person's account is disabled.
    """
    from domain.errors import NotFound, NotPermitted

    people = uow.people.all()
    if email is None:
        owners = [user for user in people if user.role == "owner" and user.disabled_at is None]
        if len(owners) == 1:
            return owners[0]
        raise NotFound("Say who you are with --as EMAIL; `humas user list` shows everybody.")
    found = [user for user in people if user.email.lower() == email.strip().lower()]
    if not found:
        raise NotFound(f"There is nobody with the address {email}. See `humas user list`.")
    if found[0].disabled_at is not None:
        raise NotPermitted(f"The account of {email} is disabled. Give another --as EMAIL.")
    return found[0]
