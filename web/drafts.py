"""From a posted editor to a draft: the parts of the text, pictures, time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from channels.base import Image, Limits
from domain.action import MediaRef, Payload
from domain.errors import InvalidInput
from domain.plan import Slot
from storage.tables import ActionVersion
from storage.uow import UnitOfWork
from web.forms import Form
from web.limits import Offer
from web.uploads import picture, store
from workflows.items import Draft, parse_slot


@dataclass(frozen=True)
class Typed:
    """What stood in the editor; the uploaded picture is checked but not stored yet."""

    texts: tuple[str, ...]
    upload: Image | None
    no_claim: bool

    def draft(
        self,
        uow: UnitOfWork,
        brand_id: str,
        *,
        kept: tuple[MediaRef, ...] = (),
        old: ActionVersion | None = None,
        languages: tuple[str, ...] = (),
    ) -> Draft:
        """The draft: pictures that stay and the new one, and what the version before it carried."""
        media = kept
        if self.upload is not None:
            media = (*media, store(uow, brand_id, self.upload))
        first = Payload.model_validate(old.payload).segments[0] if old else None
        return Draft(
            text=self.texts[0] if self.texts else "",
            media=media,
            more=self.texts[1:],
            evidence=tuple(old.evidence) if old else (),
            no_claim=self.no_claim,
            link=first.link if first else None,
            languages=first.languages if first else languages,
        )


def read_editor(form: Form, offer: Offer) -> Typed:
    """Read the fields `text` (once per part), `image`, `image_alt` and `no_claim`.

    Raises:
        InvalidInput: the picture cannot be used, or a text breaks the platform's limits.
    """
    texts = tuple(form.texts("text"))
    offer.check(list(texts))
    limits: Limits | None = offer.capabilities.limits if offer.capabilities else None
    upload = form.file("image")
    image = picture(upload, form.text("image_alt"), limits) if upload else None
    return Typed(texts, image, form.ticked("no_claim"))


def kept_media(form: Form, payload: Payload) -> tuple[MediaRef, ...]:
    """The pictures that stay, with their descriptions as edited (`alt-N`, `remove-N`)."""
    kept = []
    media = [ref for segment in payload.segments for ref in segment.media]
    for number, ref in enumerate(media):
        if form.ticked(f"remove-{number}"):
            continue
        alt = form.text(f"alt-{number}", ref.alt)
        if not alt:
            raise InvalidInput("Describe each picture for people who cannot see it.")
        kept.append(ref.model_copy(update={"alt": alt}))
    return tuple(kept)


def read_slot(form: Form, zone: str, *, after: datetime | None = None) -> Slot | None:
    """The fields `date` and `time`, wall time of the zone; None when both are empty.

    Raises:
        InvalidInput: it is no time, or none after the instant `after`.
    """
    day, at = form.text("date"), form.text("time")
    if not day and not at:
        return None
    slot = parse_slot(day, at, zone)
    if after is not None and slot.instant <= after:
        raise InvalidInput(f"{slot.wall:%Y-%m-%d %H:%M} ({slot.zone}) has passed already.")
    return slot
