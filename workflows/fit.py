"""Whether a platform would take a payload: asked before approval, and outside any transaction.

An instance may have to be asked for its limits, and nobody should wait for it with a row locked.
"""

from __future__ import annotations

from channels.base import ChannelError, RemoteRef
from domain.action import Payload
from domain.errors import InvalidInput
from storage.tables import ChannelAccount
from workflows.segments import content_request
from workflows.services import Services


def text_limit(services: Services, account: ChannelAccount) -> int:
    """Most characters of a post on the account, in the platform's unit."""
    return services.open_channel(account).capabilities().limits.text_max


def post_id(services: Services, account: ChannelAccount, address: str) -> str:
    """The platform's id of a post that somebody gave the address of; an id stays itself.

    Raises:
        InvalidInput: there is no such post, or the platform does not say now.
    """
    try:
        return services.open_channel(account).post_id(address.strip())
    except ChannelError as error:
        raise InvalidInput(f"The post {address} cannot be looked up now. {error}") from error


def limit_problem(services: Services, account: ChannelAccount, payload: Payload) -> str | None:
    """What of a payload the platform would refuse, in words; None when all is within limits.

    Raises:
        channels.base.ChannelError: the instance cannot be asked for its limits.
    """
    now = services.clock.now()
    target = RemoteRef(payload.target) if payload.target else None
    with services.database.unit(account.workspace_id) as uow:
        requests = [
            content_request(uow, payload, ordinal, key="", at=now, target=target)
            for ordinal in range(len(payload.segments))
        ]
    channel = services.open_channel(account)
    for number, request in enumerate(requests, start=1):
        try:
            channel.prepare(request)
        except InvalidInput as error:
            return str(error) if len(requests) == 1 else f"Part {number}: {error}"
    return None
