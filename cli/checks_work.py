"""What `humas doctor` checks of the running work: processes, stages, items, accounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from config.settings import Settings

if TYPE_CHECKING:
    from storage.tables import ChannelAccount
    from storage.uow import Database, UnitOfWork
    from workflows.services import Services

Status = Literal["ok", "note", "fail"]


@dataclass(frozen=True)
class Check:
    """What was found; `todo` says what to do where it is not well."""

    name: str
    status: Status
    found: str
    todo: str = ""


def check_work(config: Settings, database: Database) -> Iterator[Check]:
    """What the database tells: processes, workspaces, accounts, stages, items."""
    from storage.repositories.people import Workspaces
    from storage.repositories.system import global_stop

    yield from _processes(config, database)
    with database.system() as session:
        places = [(place.id, place.name) for place in Workspaces(session).all()]
        stopped = global_stop(session)
    if stopped:
        yield Check("stop switch", "note", "on for everything", "`humas stop off --everything`")
    if not places:
        yield Check("workspace", "fail", "there is none yet", "Make one with `humas init`.")
        return
    services = _services(config)
    for place_id, name in places:
        label = f" ({name})" if len(places) > 1 else ""
        with database.unit(place_id) as uow:
            yield from _stuck(uow, config, label)
            accounts = [
                (row.slug, account)
                for row in uow.brands.all()
                for account in uow.brands.accounts(row.id)
            ]
        if services is not None:
            yield from _expiring(services, place_id)
            for slug, account in accounts:
                yield _account(services, slug, account)


def _services(config: Settings) -> Services | None:
    """Services for trying accounts; None where an earlier check has told what is wrong."""
    from domain.errors import InvalidInput
    from storage.secrets import SecretKeyError
    from workflows.compose import build_services

    try:
        return build_services(config, pool=False)
    except (InvalidInput, SecretKeyError, ValueError):
        return None


def _processes(config: Settings, database: Database) -> Iterator[Check]:
    import redis

    from cli.health import Health, clock_age, living_workers
    from cli.output import span
    from storage.queue import connect

    todo = "Start them with `humas up`, or `humas worker` and `humas clock`."
    age = clock_age(database)
    health = Health(age, config.tick_seconds, {})
    if age is None:
        yield Check("clock", "fail", "it never ran", todo)
    else:
        yield Check(
            "clock",
            "ok" if health.clock_alive else "fail",
            f"last tick {span(age)} ago",
            "" if health.clock_alive else todo,
        )
    try:
        assert config.redis_url is not None
        workers = living_workers(connect(config.redis_url))
    except (redis.RedisError, ValueError):
        yield Check(
            "workers", "fail", "not known while the queue does not answer", "See the queue above."
        )
        return
    idle = [queue for queue, count in workers.items() if not count]
    if idle:
        yield Check("workers", "fail", f"none for {', '.join(idle)}", todo)
    else:
        counts = ", ".join(f"{count} for {queue}" for queue, count in workers.items())
        yield Check("workers", "ok", counts)


def _stuck(uow: UnitOfWork, config: Settings, label: str) -> Iterator[Check]:
    """Failed stages and items that should have left."""
    from datetime import timedelta

    from cli.ids import short
    from domain.action import ActionState

    brands = {row.id: row for row in uow.brands.all()}
    failed = uow.threads.failed()
    for thread in failed:
        slug = brands[thread.brand_id].slug
        yield Check(
            f"stage{label}",
            "fail",
            f"{thread.node} of {slug} failed: {thread.error}",
            f"`humas run {slug} --retry`",
        )
    late = []
    now = config.clock().now()
    for action in uow.actions.find(
        states=(ActionState.SCHEDULED, ActionState.PUBLISHING), limit=1000
    ):
        grace = timedelta(minutes=uow.brands.profile(action.brand_id).grace_minutes)
        due = max(filter(None, (action.slot_at, action.retry_at)), default=None)
        if due is not None and due + grace < now:
            late.append(short(action.id))
    for state in (ActionState.UNCONFIRMED, ActionState.FAILED):
        found = [short(action.id) for action in uow.actions.find(states=(state,))]
        if found:
            yield Check(
                f"posts{label}",
                "note",
                f"{len(found)} {state.value}: {', '.join(found)}",
                "`humas review` shows why and what can be done.",
            )
    if late:
        yield Check(
            f"posts{label}",
            "fail",
            f"{len(late)} should have left: {', '.join(late)}",
            "They leave or come back for review once clock and workers run.",
        )
    if not failed and not late:
        yield Check(f"stages{label}", "ok", "none failed, nothing overdue")
    for row in brands.values():
        if row.stopped:
            yield Check(
                "stop switch", "note", f"on for {row.slug}", f"`humas stop off --brand {row.slug}`"
            )


def _expiring(services: Services, workspace_id: str) -> Iterator[Check]:
    """Credentials that are accepted today and end soon."""
    from workflows.account_health import troubles

    with services.database.unit(workspace_id) as uow:
        found = [item for item in troubles(uow, services) if not item.refused]
        for item in found:
            slug = uow.brands.get(item.account.brand_id).slug
            yield Check(
                "account",
                "note",
                item.text("en"),
                f"`humas account list {slug}` shows the accounts.",
            )


def _account(services: Services, slug: str, account: ChannelAccount) -> Check:
    from channels.base import ChannelError
    from domain.errors import HumasError
    from storage.secrets import SecretKeyError

    name = f"{account.platform} {account.handle} of {slug}"
    todo = (
        f"Connect it again: `humas account connect {slug} --platform {account.platform} "
        f"--base-url {account.base_url} --handle {account.handle}`"
    )
    try:
        info = services.open_channel(account).check()
    except (ChannelError, SecretKeyError, HumasError) as error:
        return Check("account", "fail", f"{name}: {error}", todo)
    if account.poll_error:
        return Check(
            "account",
            "note",
            f"{name}: the credentials are fine, but the last reading failed: {account.poll_error}",
            "It is read again by itself.",
        )
    return Check("account", "ok", f"{name}, known there as {info.handle}")
