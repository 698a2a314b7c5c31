"""One account's repository and what is read around it: uploads, targets, own likes."""

from __future__ import annotations

import re
from typing import Any

from channels.api import Api, json_object, member
from channels.base import Image, PlatformRefused, RemoteRef, SendRequest
from channels.bluesky_embeds import card_embed, images_embed, video_embed, with_quote
from channels.bluesky_records import LIKE, POST, parse_uri
from channels.bluesky_session import BlueskySession
from channels.limits import image_size
from domain.errors import InvalidInput

XRPC = "/xrpc/"
# Of bsky.app and of the other sites that show posts under the same path.
_POST_PAGE = re.compile(
    r"https?://[^/]+/profile/(?P<actor>[^/?#]+)/post/(?P<rkey>[^/?#]+)/?(?:[?#].*)?"
)
_LIKE_PAGES = 20  # of 100 likes each


class BlueskyRepo:
    """What publishing needs besides the one call with an effect; nothing here has one.

    Args:
        api: the account's server.
        session: the account's session.
    """

    def __init__(self, api: Api, session: BlueskySession) -> None:
        self.session = session
        self._api = api

    def embed(self, request: SendRequest) -> dict[str, Any] | None:
        """What hangs on the post, its bytes uploaded.

        Raises:
            ChannelError: an upload or a read failed; nothing was published.
        """
        media: dict[str, Any] | None = None
        if request.images:
            media = images_embed([self._picture(image) for image in request.images])
        elif request.video is not None:
            video = request.video
            size = (video.width, video.height) if video.width and video.height else None
            media = video_embed(self.blob(video.data, video.mime), video.alt, size)
        elif request.card is not None:
            thumb = request.card.thumb
            media = card_embed(request.card, self.blob(thumb.data, thumb.mime) if thumb else None)
        quoted = self.resolve_target(request.quote)[0] if request.quote else None
        return with_quote(media, quoted)

    def blob(self, data: bytes, mime: str) -> dict[str, Any]:
        """Upload bytes; nothing of them is public before the post is."""
        answer = json_object(
            self.session.authorized(
                lambda token: self._api.read(
                    "POST",
                    XRPC + "com.atproto.repo.uploadBlob",
                    token=token,
                    headers={"Content-Type": mime},
                    content=data,
                )
            )
        )
        blob: dict[str, Any] = member(answer, "blob")
        return blob

    def _picture(self, image: Image) -> dict[str, Any]:
        width, height = (
            (image.width, image.height) if image.width and image.height else image_size(image.data)
        )
        return {
            "image": self.blob(image.data, image.mime),
            "alt": image.alt,
            "aspectRatio": {"width": width, "height": height},
        }

    def resolve_handle(self, handle: str) -> str | None:
        """The DID of a handle, None where nobody has it."""
        try:
            answer = self.read("com.atproto.identity.resolveHandle", handle=handle)
        except PlatformRefused:
            return None
        return str(member(answer, "did"))

    def post_id(self, address: str) -> str:
        """The at:// address of a post, from the address of its page or from itself.

        Raises:
            InvalidInput: it is neither, or nobody has the handle.
            ChannelError: the platform does not answer.
        """
        if address.startswith("at://"):
            parse_uri(address)
            return address
        page = _POST_PAGE.fullmatch(address)
        did = None
        if page is not None:
            actor = page["actor"]
            did = actor if actor.startswith("did:") else self.resolve_handle(actor)
        if page is None or did is None:
            raise InvalidInput(
                f"There is no post on Bluesky at {address}. Give an address such as "
                "https://bsky.app/profile/name.bsky.social/post/3mabc, or leave the quote out."
            )
        return f"at://{did}/{POST}/{page['rkey']}"

    def resolve_target(self, ref: RemoteRef) -> tuple[dict[str, str], dict[str, str]]:
        """Uri and cid of a post and of the root of its thread, read where `extra` lacks them."""
        extra = ref.extra
        if not {"cid", "root_uri", "root_cid"} <= extra.keys():
            repo, collection, rkey = parse_uri(ref.remote_id)
            if repo == self.session.did():  # our own server knows it before the app view does
                post = self.read(
                    "com.atproto.repo.getRecord", repo=repo, collection=collection, rkey=rkey
                )
                value = member(post, "value")
            else:
                posts = member(self.read("app.bsky.feed.getPosts", uris=[ref.remote_id]), "posts")
                if not posts:
                    raise PlatformRefused(
                        f"The post {ref.remote_id} is gone; nothing can be answered or liked there.",
                        status=404,
                        name="NotFound",
                    )
                post, value = posts[0], posts[0]["record"]
            extra = thread_of(ref.remote_id, member(post, "cid"), value)
        parent = {"uri": ref.remote_id, "cid": str(extra["cid"])}
        return parent, {"uri": str(extra["root_uri"]), "cid": str(extra["root_cid"])}

    def read(self, method: str, **params: str | int | list[str]) -> dict[str, Any]:
        """Answer of a query.

        Raises:
            ChannelError: the platform refuses it or does not answer.
        """
        return json_object(
            self.session.authorized(
                lambda token: self._api.read("GET", XRPC + method, token=token, params=params)
            )
        )

    def own_like(self, liked: str) -> str | None:
        """The account's like of the target, asked of its own server; None where it has none.

        Raises:
            PlatformRefused: there are too many newer likes to look through.
        """
        cursor: dict[str, str] = {}
        for _ in range(_LIKE_PAGES):
            answer = self.read(
                "com.atproto.repo.listRecords",
                repo=self.session.did(),
                collection=LIKE,
                limit=100,
                **cursor,
            )
            records = member(answer, "records")
            for record in records:
                if record["value"]["subject"]["uri"] == liked:
                    return str(record["uri"])
            if not records or not answer.get("cursor"):
                return None
            cursor = {"cursor": answer["cursor"]}
        raise PlatformRefused(
            "The account has liked too much since to find this like. Take it back on Bluesky.",
            status=404,
            name="NotFound",
        )


def thread_of(uri: str, cid: str, value: dict[str, Any]) -> dict[str, str]:
    """What an answer to a post needs: its cid, and its thread's root."""
    root = value.get("reply", {}).get("root", {"uri": uri, "cid": cid})
    return {"cid": cid, "root_uri": root["uri"], "root_cid": root["cid"]}
