"""Dry run: everything that publishing does but the effect, and the exact requests to look at.

The channel is built over a client that cannot send a call with an effect. Reads, log-ins and
uploads do happen, since nothing of them is public.
"""

from __future__ import annotations

from channels.base import ChannelError, RemoteRef
from channels.registry import PLATFORMS
from domain.action import Payload
from domain.errors import HumasError
from net.rehearsal import Rehearsed, WireRequest
from workflows.segments import content_request
from workflows.services import Services


class RehearsalFailed(HumasError):
    """Publishing would not have come as far as a request."""


def rehearse(services: Services, workspace_id: str, action_id: str) -> list[WireRequest]:
    """The requests that publishing an item would send now, secrets removed.

    Each part of a thread that is still to be sent gives one. A later part answers the one before
    it, whose id the platform has not given yet: a placeholder stands there.

    Args:
        services: with `rehearse_channel`, whose channels cannot have an effect.
        workspace_id: the item's workspace.
        action_id: the item, in any state with a text.

    Raises:
        InvalidInput: the platform would refuse it (its limits, its kinds).
        RehearsalFailed: the account cannot be reached or its credentials are refused.
    """
    now = services.clock.now()
    with services.database.unit(workspace_id) as uow:
        action = uow.actions.get(action_id)
        version = uow.actions.version(action)
        if version is None:
            raise RehearsalFailed("Nothing has been written for this yet.")
        payload = Payload.model_validate(version.payload)
        account = uow.brands.account(action.account_id)
        sent = {s.ordinal: s for s in uow.actions.segments(action) if s.state == "sent"}
        channel = services.rehearse_channel(account)
        requests = []
        for ordinal in range(max(1, len(payload.segments))):
            if ordinal not in sent:
                target = _target(payload, ordinal, account.platform)
                if ordinal - 1 in sent:
                    before = sent[ordinal - 1]
                    target = RemoteRef(str(before.remote_id), dict(before.remote_extra))
                key = channel.new_client_key(now)
                requests.append(
                    content_request(uow, payload, ordinal, key=key, at=now, target=target)
                )
    found = []
    for request in requests:
        channel.prepare(request)
        try:
            outcome = channel.publish(request)
        except Rehearsed as rehearsed:
            found.append(rehearsed.wire)
        except ChannelError as error:
            raise RehearsalFailed(str(error)) from error
        else:
            reason = getattr(outcome, "reason", "the channel sent nothing")
            raise RehearsalFailed(f"It would not leave: {reason}")
    return found


def _target(payload: Payload, ordinal: int, platform: str) -> RemoteRef | None:
    if ordinal == 0:
        return RemoteRef(payload.target) if payload.target else None
    sample = PLATFORMS[platform].sample_id.format(ordinal)
    return RemoteRef(sample, {"cid": "-", "root_uri": sample, "root_cid": "-"})
