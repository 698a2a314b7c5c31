"""What a request to Mastodon may look like, before any limit of an instance."""

from __future__ import annotations

from channels.base import SendRequest
from domain.action import ActionKind
from domain.errors import InvalidInput

VISIBILITIES = ("public", "unlisted", "private", "direct")
POSTS = (ActionKind.POST, ActionKind.REPLY)
KINDS = frozenset({*POSTS, ActionKind.LIKE, ActionKind.UNLIKE, ActionKind.DELETE})


def check_shape(request: SendRequest) -> None:
    """Refuse what Mastodon has not, whatever its text.

    Raises:
        InvalidInput: with what is wrong.
    """
    if request.kind not in KINDS:
        raise InvalidInput(f"Mastodon does not offer the action {request.kind.value!r}.")
    if request.kind is not ActionKind.POST and request.reply_to is None:
        raise InvalidInput(f"The action {request.kind.value!r} needs the post that is meant.")
    if request.reply_to is not None and not request.reply_to.remote_id.isalnum():
        raise InvalidInput(f"{request.reply_to.remote_id!r} is not the id of a Mastodon post.")
    if request.visibility not in VISIBILITIES:
        raise InvalidInput(
            f"Mastodon has no visibility {request.visibility!r}; use {', '.join(VISIBILITIES)}."
        )
    if request.kind not in POSTS:
        return
    if not request.text.strip() and not request.images and request.video is None:
        raise InvalidInput("The post is empty; write a text or add a picture.")
    if request.images and request.video is not None:
        raise InvalidInput("A post on Mastodon carries pictures or a video. Leave out one of them.")
    if request.card is not None and request.card.url not in request.text:
        raise InvalidInput(
            f"Put the link {request.card.url} into the text: Mastodon makes previews of links in "
            "the text only."
        )
    if request.quote is not None and not request.quote.remote_id.isalnum():
        raise InvalidInput(f"{request.quote.remote_id!r} is not the id of a Mastodon post.")
