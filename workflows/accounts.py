"""Connecting a channel account: the credentials are tried before they are kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from channels.base import AccountInfo
from domain.action import ActionState
from domain.events import EventKind
from domain.team import Right, Role, require
from storage.tables import Action, ChannelAccount, User, new_id
from storage.uow import UnitOfWork
from workflows.account_rows import purpose
from workflows.services import Services

# What stands still while the platform refuses an account, or wants no calls of it.
_STANDING = (ActionState.SCHEDULED, ActionState.UNCONFIRMED)


def connect_account(
    services: Services,
    workspace_id: str,
    user: User,
    brand_id: str,
    platform: str,
    base_url: str,
    handle: str,
    secret: str,
) -> tuple[ChannelAccount, AccountInfo]:
    """Try the credentials, then store the account; no transaction is open while it is tried.

    Reconnecting an account that is known replaces its secret, never with an empty one.

    Raises:
        NotPermitted: the role does not allow it; nothing was tried.
        NotFound: there is no such brand.
        channels.base.ChannelError: the platform refuses the credentials or does not answer;
            nothing is stored.
    """
    require(Role(user.role), Right.MANAGE)
    handle, base_url = handle.strip().lstrip("@"), base_url.strip().rstrip("/")
    with services.database.unit(workspace_id) as uow:
        uow.brands.get(brand_id)
    info = try_credentials(services, workspace_id, brand_id, platform, base_url, handle, secret)
    with services.database.unit(workspace_id) as uow:
        account = store_account(
            services, uow, user, brand_id, platform, base_url, handle, secret, info
        )
    return account, info


def try_credentials(
    services: Services,
    workspace_id: str,
    brand_id: str,
    platform: str,
    base_url: str,
    handle: str,
    secret: str,
) -> AccountInfo:
    """Ask the platform whom the credentials belong to. Nothing is stored.

    Raises:
        channels.base.ChannelError: they are refused, or the platform does not answer.
    """
    # Tried under an id that no row has, so that a stored session cannot stand in for the secret.
    trial_id = new_id()
    trial = ChannelAccount(
        id=trial_id,
        workspace_id=workspace_id,
        brand_id=brand_id,
        platform=platform,
        base_url=base_url,
        handle=handle,
        sealed_secret=services.box.seal(secret, purpose(trial_id, "secret")),
    )
    return services.open_channel(trial).check()


def store_account(
    services: Services,
    uow: UnitOfWork,
    user: User,
    brand_id: str,
    platform: str,
    base_url: str,
    handle: str,
    secret: str,
    info: AccountInfo,
) -> ChannelAccount:
    """Keep an account whose credentials the platform has accepted, and go on with what waits for it.

    Args:
        services: what the workflow was given.
        uow: the unit of work.
        user: who connects it.
        brand_id: the brand.
        platform: a key of `channels.registry.PLATFORMS`.
        base_url: the server, without a slash at the end.
        handle: without the @.
        secret: what was tried.
        info: what the platform said.

    Raises:
        NotPermitted: the role does not allow it.
    """
    require(Role(user.role), Right.MANAGE)
    brand = uow.brands.get(brand_id)
    now = services.clock.now()
    known = uow.brands.same_account(brand.id, platform, base_url, handle)
    account_id = known.id if known else new_id()
    sealed = services.box.seal(secret, purpose(account_id, "secret"))
    if known is None:
        account = uow.brands.add_account(account_id, brand.id, platform, base_url, handle, sealed)
    else:
        account = uow.brands.account(known.id, lock=True)
        account.sealed_secret = sealed
        account.sealed_session = None
        account.disabled_at = None
        account.waits_until, account.waits_for = None, ""
        account.credentials_problem = ""
        account.credentials_warned_at = None
        account.poll_error = None
        account.outside_read_at = None
        if account.remote_id not in (None, info.remote_id):  # the name has another owner now
            account.import_cursor, account.import_done_at = None, None
    account.remote_id = info.remote_id
    account.credentials_expire_at = info.credentials_expire_at
    account.checked_at = now
    account.poll_at = now
    uow.audit.write(user.id, "connect", "account", account.id, platform=platform, handle=handle)
    if known is not None:
        wake_waiting(uow, account.id, now)
    return account


def wake_waiting(uow: UnitOfWork, account_id: str, now: datetime) -> int:
    """Let what was put off on an account be tried at once; what has time until its slot keeps it.

    Returns:
        How many posts and replies.
    """
    query = (
        select(Action.id)
        .where(
            Action.workspace_id == uow.workspace_id,
            Action.account_id == account_id,
            Action.state.in_([state.value for state in _STANDING]),
            Action.retry_at > now,
        )
        .order_by(Action.id)  # everybody locks them in this order
    )
    woken = 0
    for action_id in uow.session.scalars(query).all():
        action = uow.actions.get(action_id, lock=True)
        if action.state not in _STANDING or action.retry_at is None or action.retry_at <= now:
            continue  # somebody else was faster
        action.retry_at = now
        uow.send(action.thread_id, EventKind.CHANGED, f"account {now.isoformat()}")
        woken += 1
    return woken
