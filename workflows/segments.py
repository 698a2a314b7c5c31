"""What delivery stores and builds for one segment: its key, its attempt, its request."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import func

from channels.base import Image, RemoteRef, SendRequest
from domain.action import MediaRef, Payload
from domain.errors import HumasError
from storage.tables import Action, Attempt, SegmentRow, new_id
from storage.uow import UnitOfWork
from workflows.services import Services


class DigestMismatch(HumasError):
    """The stored payload is not what was approved; nothing is sent."""


def approved_payload(uow: UnitOfWork, action: Action) -> Payload:
    """The current version's payload, only if it is approved and still what it was."""
    version = uow.actions.version(action)
    approval = uow.actions.approval(action)
    assert version is not None
    payload = Payload.model_validate(version.payload)
    if approval is None or approval.digest != payload.digest():
        raise DigestMismatch(
            f"Action {action.id} version {action.version} is not what was approved. Nothing was sent. "
            "Open it, compare the text, and approve it again."
        )
    return payload


def prepare_segments(
    services: Services, uow: UnitOfWork, action: Action, payload: Payload, now: datetime
) -> list[SegmentRow]:
    """Rows with the client keys, made once per version before the first try."""
    channel = services.open_channel(uow.brands.account(action.account_id))
    rows = []
    for ordinal, _ in enumerate(payload.segments or ("",)):
        row = SegmentRow(
            id=new_id(),
            workspace_id=uow.workspace_id,
            action_id=action.id,
            version=action.version,
            digest=payload.digest(),
            ordinal=ordinal,
            state="pending",
            client_key=channel.new_client_key(now),
            client_time=now,
            remote_extra={},
        )
        uow.session.add(row)
        rows.append(row)
    return rows


def new_attempt(
    uow: UnitOfWork, action: Action, segment: SegmentRow, number: int, lease: float
) -> Attempt:
    """Commit the intent to send: `lease` machine seconds belong to this attempt alone."""
    attempt = Attempt(
        id=new_id(),
        workspace_id=uow.workspace_id,
        action_id=action.id,
        version=action.version,
        digest=segment.digest,
        segment_id=segment.id,
        number=number,
        lease_until=func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, lease),
        raw={},
    )
    uow.session.add(attempt)
    uow.session.flush()
    return attempt


def segment_request(
    uow: UnitOfWork,
    payload: Payload,
    segments: list[SegmentRow],
    segment: SegmentRow,
    number: int,
) -> SendRequest:
    """What is sent for a segment: the same bytes, key and time at every try."""
    if payload.segments:
        content = payload.segments[segment.ordinal]
        images = tuple(_image(uow, ref) for ref in content.media)
        text, languages = content.text, content.languages
    else:
        images, text, languages = (), "", ()
    if segment.ordinal > 0:
        previous = segments[segment.ordinal - 1]
        assert previous.remote_id is not None
        target: RemoteRef | None = RemoteRef(previous.remote_id, dict(previous.remote_extra))
    else:
        target = RemoteRef(payload.target) if payload.target else None
    return SendRequest(
        kind=payload.kind,
        client_key=segment.client_key,
        client_time=segment.client_time,
        text=text,
        images=images,
        languages=languages,
        visibility=payload.visibility,
        reply_to=target,
        attempt=number,
    )


def _image(uow: UnitOfWork, ref: MediaRef) -> Image:
    """A picture, only if its bytes are still those that the digest covers."""
    media = uow.brands.media(ref.media_id)
    if hashlib.sha256(media.data).hexdigest() != ref.sha256:
        raise DigestMismatch(
            f"The picture {ref.media_id} is not the one that was approved. Nothing was sent. "
            "Put the right picture in and approve the post again."
        )
    return Image(
        data=media.data, mime=media.mime, alt=ref.alt, width=media.width, height=media.height
    )
