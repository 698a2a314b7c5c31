"""What `humas doctor` checks: settings, servers, model. One check that fails stops no other."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from cli.checks_work import Check, check_work
from config.settings import Settings, settings

if TYPE_CHECKING:
    from storage.uow import Database

HTTP_SECONDS = 5.0


def run_checks() -> Iterator[Check]:
    """All checks in order; later ones are left out where what they need is missing."""
    from pydantic import ValidationError

    from cli.errors import explain

    try:
        config = settings()
    except ValidationError as error:
        yield Check(
            "settings",
            "fail",
            explain(error) or str(error),
            "Correct them in the environment or .env.",
        )
        return
    yield _settings(config)
    yield _home(config)
    with ExitStack() as stack:
        try:
            from cli.session import embedded_servers

            stack.enter_context(embedded_servers())
        except Exception as error:  # noqa: BLE001 - a doctor reports what it meets
            yield Check(
                "servers", "fail", explain(error) or repr(error), "Look at the folder HUMAS_HOME."
            )
        config = settings()
        yield _secret_key(config)
        database = yield from _database(config)
        yield from _queue(config)
        yield from _model(config)
        yield _public_url(config)
        if database is not None:
            yield from check_work(config, database)


def _settings(config: Settings) -> Check:
    found = f"{config.mode} mode"
    if config.clock_file is not None:
        return Check(
            "settings",
            "note",
            f"{found}; business time is moved by {config.clock_file}",
            "Remove HUMAS_CLOCK_FILE unless this is a test or the demonstration.",
        )
    return Check("settings", "ok", found)


def _home(config: Settings) -> Check:
    import os
    import shutil

    if not config.embedded:
        return Check("home", "ok", "not needed: both servers are named by settings")
    place = config.home
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK):
        return Check(
            "home",
            "fail",
            f"{config.home} cannot be written",
            "Set HUMAS_HOME to a folder of yours.",
        )
    free = shutil.disk_usage(place).free / 2**30
    if free < 1:
        return Check(
            "home", "fail", f"{free:.1f} GiB free in {config.home}", "Make room on the disk."
        )
    return Check("home", "ok", f"{config.home}, {free:.0f} GiB free")


def _secret_key(config: Settings) -> Check:
    from storage.secrets import SecretBox, SecretKeyError

    if config.secret_key is None:
        return Check(
            "secret key",
            "fail",
            "HUMAS_SECRET_KEY is not set",
            "Set it to 32 random bytes in base64: head -c 32 /dev/urandom | base64",
        )
    try:
        SecretBox(config.secret_key.get_secret_value())
    except SecretKeyError as error:
        return Check(
            "secret key", "fail", str(error), "Set HUMAS_SECRET_KEY to the key that was used."
        )
    return Check("secret key", "ok", "can be used; keep a copy of it apart from the database")


def _database(config: Settings) -> Generator[Check, None, Database | None]:
    from cli.session import check_version, engine_of
    from domain.errors import InvalidInput
    from storage.database import DatabaseUnavailable, pending_revision, ping
    from storage.uow import Database, NoQueue

    if config.database_url is None:
        yield Check("database", "fail", "there is none", "See the line about servers above.")
        return None
    try:
        engine = engine_of(config.database_url)
        version = ping(engine)
        check_version(version)
    except (InvalidInput, DatabaseUnavailable) as error:
        yield Check(
            "database", "fail", str(error), "Start PostgreSQL, or correct HUMAS_DATABASE_URL."
        )
        return None
    if pending_revision(engine, config.database_url):
        yield Check(
            "database",
            "fail",
            f"PostgreSQL {version}, not at the newest revision",
            "Run `humas migrate`.",
        )
        return None
    yield Check("database", "ok", f"PostgreSQL {version}, at the newest revision")
    return Database(engine, NoQueue())


def _queue(config: Settings) -> Iterator[Check]:
    import redis

    from storage.queue import JobQueue, QueueUnavailable, connect

    if config.redis_url is None:
        yield Check("queue", "fail", "there is none", "See the line about servers above.")
        return
    todo = "Start Redis or Valkey, or correct HUMAS_REDIS_URL."
    try:
        connection = connect(config.redis_url)
        version = JobQueue(connection).ping()
        kept = connection.info("persistence")
        memory = connection.info("memory")
    except (QueueUnavailable, redis.RedisError, ValueError) as error:
        yield Check("queue", "fail", str(error), todo)
        return
    assert isinstance(kept, dict) and isinstance(memory, dict)
    durable = bool(kept.get("aof_enabled"))
    found = f"version {version}, " + (
        "append-only file on"
        if durable
        else "nothing kept on disk; the sweep rebuilds it after a loss"
    )
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield Check(
            "queue",
            "note",
            f"{found}; evicts keys ({policy})",
            "Set maxmemory-policy to noeviction, or jobs come late.",
        )
        return
    yield Check("queue", "ok", found)


def _model(config: Settings) -> Iterator[Check]:
    import httpx

    if config.model_off:
        yield Check("model", "ok", "off: people do everything by hand")
        return
    if config.llm_base_url is None:
        yield _local_model(config)
        return
    key = config.llm_api_key.get_secret_value() if config.llm_api_key else "none"
    url = config.llm_base_url.rstrip("/") + "/models"
    todo = "Check HUMAS_LLM_BASE_URL and HUMAS_LLM_API_KEY, or set HUMAS_LLM_BASE_URL=off."
    try:
        # The endpoint is the operator's own address, often on loopback: not through the guard.
        answer = httpx.get(
            url, headers={"Authorization": f"Bearer {key}"}, timeout=HTTP_SECONDS, trust_env=False
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield Check("model", "fail", f"{config.llm_base_url} does not answer ({error})", todo)
        return
    if answer.status_code in (401, 403):
        yield Check("model", "fail", f"{config.llm_base_url} refuses the key", todo)
        return
    roles = ("researcher", "planner", "writer", "responder", "evaluator")
    wanted = {role: config.model_for(role) for role in roles}
    unset = [role for role, name in wanted.items() if name is None]
    known = _model_names(answer)
    if unset and not (known and len(known) == 1):
        yield Check(
            "model",
            "fail",
            f"no model is named for: {', '.join(unset)}",
            f"Set HUMAS_LLM_MODEL to one of: {', '.join(sorted(known or ())) or 'the endpoint lists none'}.",
        )
        return
    names = sorted(
        {name for name in wanted.values() if name} | (known if unset and known else set())
    )
    if known is None:
        yield Check(
            "model",
            "note",
            f"{config.llm_base_url} answers, but lists no models (status {answer.status_code})",
            f"Not every endpoint does; make sure that it has {', '.join(names)}.",
        )
        return
    missing = [name for name in names if name not in known]
    if missing:
        yield Check(
            "model",
            "fail",
            f"{config.llm_base_url} has no {', '.join(missing)}",
            f"Set HUMAS_LLM_MODEL to one of: {', '.join(sorted(known)) or 'none there'}.",
        )
        return
    yield Check("model", "ok", f"{', '.join(names)} at {config.llm_base_url}")


def _model_names(answer: Any) -> set[str] | None:
    """The ids of a model list in the OpenAI form, None for any other answer."""
    if not answer.is_success:
        return None
    try:
        data = answer.json()["data"]
        return {str(item["id"]) for item in data}
    except (ValueError, KeyError, TypeError):
        return None


def _local_model(config: Settings) -> Check:
    from pathlib import Path

    from embedded.catalogue import load_catalogue
    from embedded.models import cached

    catalogue = load_catalogue()
    name = config.demo_model
    todo = "For better texts set HUMAS_LLM_BASE_URL, HUMAS_LLM_API_KEY and HUMAS_LLM_MODEL."
    if config.mode == "production":
        return Check(
            "model",
            "ok",
            "no endpoint is set: people write dossiers, plans and posts by hand",
            todo,
        )
    if name in catalogue:
        here = cached(catalogue[name], config.model_cache) is not None
    elif Path(name).is_file():
        here = True
    else:
        return Check(
            "model",
            "fail",
            f"{name} is neither in the catalogue nor a file",
            f"Set HUMAS_DEMO_MODEL to one of: {', '.join(catalogue)}.",
        )
    state = "its weights are here" if here else "`humas up` fetches its weights first"
    return Check(
        "model", "note", f"no endpoint is set: the demonstration model {name}; {state}", todo
    )


def _public_url(config: Settings) -> Check:
    import httpx

    if config.public_url is None:
        return Check("public address", "ok", "none set: what needs one (webhooks, OAuth) is off")
    url = config.public_url.rstrip("/") + "/healthz"
    todo = "Check HUMAS_PUBLIC_URL, the proxy in front, and that `humas web` runs."
    try:
        answer = httpx.get(url, timeout=HTTP_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Check("public address", "fail", f"{url} does not answer ({error})", todo)
    if answer.status_code != 200:
        return Check("public address", "fail", f"{url} answered {answer.status_code}", todo)
    return Check("public address", "ok", config.public_url)
