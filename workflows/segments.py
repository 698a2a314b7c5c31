"""What delivery stores and builds for one segment: its key, its attempt, its request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func

from channels.base import Card, Image, RemoteRef, SendRequest, Video
from domain.action import MediaRef, Payload, Segment
from domain.errors import HumasError
from storage.tables import Action, Attempt, Media, SegmentRow, new_id
from storage.uow import UnitOfWork
from workflows.items import mark_sent
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
    """Rows with the client keys, made once per version before the first try.

    What an earlier version of the item has brought onto the platform is carried over, so that it
    is not sent again; what may be there keeps its key, so that a second try is the same post. What
    a read has not found keeps its key too, in case it was still on its way, but is dated now.
    """
    channel = services.open_channel(uow.brands.account(action.account_id))
    earlier_versions = uow.actions.left_segments(action) if action.version > 1 else ()
    maybe_there = {row.id for row in earlier_versions}
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
        earlier = _earlier(uow, action, payload, ordinal)
        if earlier is not None:
            row.client_key = earlier.client_key
            if earlier.id in maybe_there:
                row.client_time = earlier.client_time
            if earlier.state == "sent":
                mark_sent(
                    row,
                    str(earlier.remote_id),
                    earlier.remote_url,
                    dict(earlier.remote_extra),
                    earlier.sent_at or now,
                )
        uow.session.add(row)
        rows.append(row)
    return rows


def _earlier(uow: UnitOfWork, action: Action, payload: Payload, ordinal: int) -> SegmentRow | None:
    """The segment of an earlier version that left, or may have left, with exactly this content."""
    if action.version == 1:
        return None
    for row in uow.actions.left_segments(action, absent=True):
        if row.ordinal != ordinal or row.version == action.version:
            continue
        version = uow.actions.version(action, row.version)
        assert version is not None
        before = Payload.model_validate(version.payload)
        same = before.part(ordinal).canonical() == payload.part(ordinal).canonical()
        if same or row.state == "sent":
            return row
    return None


def changed_published_part(uow: UnitOfWork, action: Action, payload: Payload) -> int | None:
    """The number (from 1) of a part that is on the platform and differs in a new payload."""
    for row in uow.actions.left_segments(action):
        if row.state != "sent":
            continue
        version = uow.actions.version(action, row.version)
        assert version is not None
        before = Payload.model_validate(version.payload).part(row.ordinal)
        if row.ordinal >= max(1, len(payload.segments)):
            return row.ordinal + 1
        if before.canonical() != payload.part(row.ordinal).canonical():
            return row.ordinal + 1
    return None


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
    segments: Sequence[SegmentRow],
    segment: SegmentRow,
    number: int,
) -> SendRequest:
    """What is sent for a segment: the same bytes, key and time at every try."""
    if segment.ordinal > 0:
        previous = segments[segment.ordinal - 1]
        assert previous.remote_id is not None
        target: RemoteRef | None = RemoteRef(previous.remote_id, dict(previous.remote_extra))
    else:
        target = RemoteRef(payload.target) if payload.target else None
    return content_request(
        uow,
        payload,
        segment.ordinal,
        key=segment.client_key,
        at=segment.client_time,
        target=target,
        attempt=number,
        looked_from=uow.actions.key_since(segment) if segment.version > 1 else None,
    )


def content_request(
    uow: UnitOfWork,
    payload: Payload,
    ordinal: int,
    *,
    key: str,
    at: datetime,
    target: RemoteRef | None,
    attempt: int = 1,
    looked_from: datetime | None = None,
) -> SendRequest:
    """The request of a part of a payload.

    Args:
        uow: where the pictures are.
        payload: what was, or would be, approved.
        ordinal: the part, from 0.
        key: the client key.
        at: the client time.
        target: what it answers or means.
        attempt: which try it is.
        looked_from: when the key was made, if an earlier version made it.

    Raises:
        DigestMismatch: a picture's bytes are not those that the payload names.
    """
    part = payload.segments[ordinal] if payload.segments else Segment()
    card = None
    if part.card is not None and part.link:
        thumb = _image(uow, part.card.thumb) if part.card.thumb else None
        card = Card(part.link, part.card.title, part.card.description, thumb)
    video = next((_video(uow, ref) for ref in part.media if ref.is_video), None)
    return SendRequest(
        kind=payload.kind,
        client_key=key,
        client_time=at,
        text=part.text,
        images=tuple(_image(uow, ref) for ref in part.media if not ref.is_video),
        video=video,
        card=card,
        quote=RemoteRef(part.quote) if part.quote else None,
        languages=part.languages,
        visibility=payload.visibility,
        reply_to=target,
        attempt=attempt,
        looked_from=looked_from,
    )


def _image(uow: UnitOfWork, ref: MediaRef) -> Image:
    """A picture, only if its bytes are still those that the digest covers."""
    media = _media(uow, ref)
    return Image(media.data, media.mime, ref.alt, media.width or None, media.height or None)


def _video(uow: UnitOfWork, ref: MediaRef) -> Video:
    """A video, only if its bytes are still those that the digest covers."""
    media = _media(uow, ref)
    return Video(media.data, media.mime, ref.alt, media.width or None, media.height or None)


def _media(uow: UnitOfWork, ref: MediaRef) -> Media:
    media = uow.brands.media(ref.media_id)
    if hashlib.sha256(media.data).hexdigest() != ref.sha256:
        raise DigestMismatch(
            f"The picture or video {ref.media_id} is not the one that was approved. Nothing was sent. "
            "Put the right one in and approve the post again."
        )
    return media
