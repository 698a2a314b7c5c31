"""From a posted editor to a draft: the parts of the text, pictures, time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from channels.base import Image, Video
from domain.action import MediaRef, Payload
from domain.errors import InvalidInput
from domain.slot import Slot
from sources.cards import PageCard
from sources.errors import SourceError
from storage.tables import ActionVersion, ChannelAccount
from storage.uow import UnitOfWork
from web.forms import Form
from web.limits import Offer
from web.uploads import picture_or_video, store, store_card
from workflows.fit import post_id
from workflows.items import Draft, parse_slot
from workflows.services import Services


@dataclass(frozen=True)
class Typed:
    """What stood in the editor; what was uploaded is checked but not stored yet."""

    texts: tuple[str, ...]
    upload: Image | Video | None
    no_claim: bool
    link: str | None = None
    card: PageCard | None = None  # as the page was read just now; None: none, or the old one stays
    quote: str | None = None

    def draft(
        self,
        uow: UnitOfWork,
        brand_id: str,
        *,
        kept: tuple[tuple[MediaRef, ...], ...] = (),
        old: ActionVersion | None = None,
        languages: tuple[str, ...] = (),
    ) -> Draft:
        """The draft: media that stay and the new one, and what the version before it carried.

        Args:
            uow: where media are kept.
            brand_id: whose they are.
            kept: the media that stay, by part; those of a part that is gone go to the last one.
            old: the version before it.
            languages: of the text, for a first version.
        """
        parts = max(1, len(self.texts))
        media = [list(refs) for refs in kept[:parts]] + [[] for _ in range(parts - len(kept))]
        for refs in kept[parts:]:
            media[-1].extend(refs)
        if self.upload is not None:
            media[0].append(store(uow, brand_id, self.upload))
        first = Payload.model_validate(old.payload).part(0) if old else None
        card = first.card if first and self.link and self.link == first.link else None
        if self.card is not None:
            card = store_card(uow, brand_id, self.card)
        return Draft(
            text=self.texts[0] if self.texts else "",
            media=tuple(media[0]),
            more=self.texts[1:],
            more_media=tuple(tuple(refs) for refs in media[1:]),
            evidence=tuple(old.evidence) if old else (),
            no_claim=self.no_claim,
            link=self.link,
            card=card,
            quote=self.quote,
            languages=first.languages if first else languages,
        )


def read_editor(
    form: Form, offer: Offer, services: Services, account: ChannelAccount, *, link: str = ""
) -> Typed:
    """Read the fields `text` (once per part), `image`, `image_alt`, `link`, `quote`, `no_claim`.

    Args:
        form: what was posted.
        offer: what the account takes.
        services: read the preview of a link, and ask the platform for the post that is quoted.
        account: whose post it is.
        link: the link of the version before; its preview is kept as it was approved.

    Raises:
        InvalidInput: media, link or quote cannot be used, or a text breaks the platform's limits.
    """
    texts = tuple(form.texts("text"))
    offer.check(list(texts))
    offered = offer.capabilities
    upload = form.file("image")
    media: Image | Video | None = None
    if upload:
        media = picture_or_video(
            upload, form.text("image_alt"), offered.limits if offered else None
        )
    address, quote, card = form.text("link"), form.text("quote"), None
    if (
        address
        and offered is not None
        and not offered.link_cards
        and address not in " ".join(texts)
    ):
        raise InvalidInput(
            f"Put the link {address} into the text: this platform makes previews of links there only."
        )
    if address and address != link and offered is not None and offered.link_cards:
        try:
            card = services.read_card(address)
        except SourceError as error:
            raise InvalidInput(str(error)) from error
    return Typed(
        texts,
        media,
        form.ticked("no_claim"),
        link=address or None,
        card=card,
        quote=post_id(services, account, quote) if quote else None,
    )


def kept_media(form: Form, payload: Payload) -> tuple[tuple[MediaRef, ...], ...]:
    """The media that stay, by part, with their descriptions as edited (`alt-N`, `remove-N`)."""
    kept: list[tuple[MediaRef, ...]] = []
    number = 0
    for segment in payload.segments:
        stays = []
        for ref in segment.media:
            alt = form.text(f"alt-{number}", ref.alt)
            if not form.ticked(f"remove-{number}"):
                if not alt:
                    raise InvalidInput(
                        "Describe each picture and video for people who cannot see it."
                    )
                stays.append(ref.model_copy(update={"alt": alt}))
            number += 1
        kept.append(tuple(stays))
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
