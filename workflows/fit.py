"""Whether a platform would take a payload: asked before approval, and outside any transaction.

An instance may have to be asked for its limits, and nobody should wait for it with a row locked.
"""

from __future__ import annotations

from channels.base import RemoteRef
from domain.action import Payload
from domain.errors import InvalidInput
from storage.tables import ChannelAccount
from workflows.segments import content_request
from workflows.services import Services


def text_limit(services: Services, account: ChannelAccount) -> int:
    """Most characters of a post on the account, in the platform's unit."""
    return services.open_channel(account).capabilities().limits.text_max


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
