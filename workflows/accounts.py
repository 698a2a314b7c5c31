"""Connecting a channel account: the credentials are tried before they are kept."""

from __future__ import annotations

from channels.base import AccountInfo
from domain.team import Right, Role, require
from storage.tables import ChannelAccount, User, new_id
from storage.uow import UnitOfWork
from workflows.account_rows import purpose
from workflows.services import Services


def connect_account(
    services: Services,
    uow: UnitOfWork,
    user: User,
    brand_id: str,
    platform: str,
    base_url: str,
    handle: str,
    secret: str,
) -> tuple[ChannelAccount, AccountInfo]:
    """Store an account after the platform has accepted its credentials.

    Reconnecting an account that is known replaces its secret, never with an empty one.

    Raises:
        NotPermitted: the role does not allow it.
        channels.base.ChannelError: the platform refuses the credentials or does not answer;
            nothing is stored.
    """
    require(Role(user.role), Right.MANAGE)
    brand = uow.brands.get(brand_id)
    handle = handle.strip().lstrip("@")
    base_url = base_url.strip().rstrip("/")
    known = next(
        (
            account
            for account in uow.brands.accounts(brand.id, active=False)
            if (account.platform, account.base_url, account.handle) == (platform, base_url, handle)
        ),
        None,
    )
    # Tried under an id that no row has, so that a stored session cannot stand in for the secret.
    trial_id = new_id()
    trial = ChannelAccount(
        id=trial_id,
        workspace_id=uow.workspace_id,
        brand_id=brand.id,
        platform=platform,
        base_url=base_url,
        handle=handle,
        sealed_secret=services.box.seal(secret, purpose(trial_id, "secret")),
    )
    info = services.open_channel(trial).check()
    account_id = known.id if known else trial_id
    sealed = services.box.seal(secret, purpose(account_id, "secret"))
    if known is None:
        account = uow.brands.add_account(account_id, brand.id, platform, base_url, handle, sealed)
    else:
        account = known
        account.sealed_secret = sealed
        account.sealed_session = None
        account.disabled_at = None
    account.remote_id = info.remote_id
    account.poll_at = services.clock.now()
    uow.audit.write(user.id, "connect", "account", account.id, platform=platform, handle=handle)
    return account, info
