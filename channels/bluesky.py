"""Bluesky, with an app password: posts, answers, likes, deletions, notifications, figures.

A record key and the time of creation are fixed before the first try, and records are put with
`swapRecord: null`, so that the same request sent twice is one record.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from channels.api import Api, Http, json_object, member
from channels.base import (
    Absent,
    AccountInfo,
    CannotTell,
    Capabilities,
    ChannelError,
    ChannelUnavailable,
    Image,
    InteractionPage,
    MetricValue,
    Outcome,
    PlatformRefused,
    Reconciled,
    Refused,
    RemoteRef,
    SendRequest,
    Sent,
    TokenStore,
    Unknown,
)
from channels.bluesky_records import (
    LIKE,
    POST,
    TidMaker,
    facets,
    like_record,
    parse_uri,
    post_record,
    web_url,
)
from channels.bluesky_session import BlueskySession
from channels.bluesky_timeline import new_interactions
from channels.limits import check_images, check_text, image_size, load_limits
from channels.outcome import Verdict, outcome_before, outcome_of
from domain.action import ActionKind
from domain.conversation import InteractionKind
from domain.errors import InvalidInput
from net.client import Response
from net.errors import NetError

# Refusals that had no effect. `InvalidSwap` is not among them: a record with that key exists, and
# only reading it tells whether it is ours.
RULES = {
    (400, "InvalidSwap"): Verdict.EXISTS,
    (400, "InvalidRequest"): Verdict.REFUSED,
    (400, "InvalidRecord"): Verdict.REFUSED,
    (400, "InvalidMimeType"): Verdict.REFUSED,
    (400, "BlobNotFound"): Verdict.REFUSED,
    (400, "BlobTooLarge"): Verdict.REFUSED,
    (400, "ExpiredToken"): Verdict.RECONNECT,
    (400, "InvalidToken"): Verdict.RECONNECT,
    (401, "AccountTakedown"): Verdict.REFUSED,
    (401, "AccountDeactivated"): Verdict.REFUSED,
    (401, "*"): Verdict.RECONNECT,
    (403, "*"): Verdict.REFUSED,
    (404, "*"): Verdict.REFUSED,
    (405, "*"): Verdict.REFUSED,
    (413, "*"): Verdict.REFUSED,
    (415, "*"): Verdict.REFUSED,
}

POST_METRICS = ("likeCount", "repostCount", "replyCount", "quoteCount")
ACCOUNT_METRICS = ("followersCount", "followsCount", "postsCount")
NOT_OFFERED = ("reach", "impressions", "saves", "link clicks", "follower age")

_KINDS = frozenset({ActionKind.POST, ActionKind.REPLY, ActionKind.LIKE, ActionKind.DELETE})
_POSTS_PER_CALL = 25
_LANGUAGES_MAX = 3
_XRPC = "/xrpc/"


class BlueskyChannel:
    """One Bluesky account.

    Args:
        base_url: the account's server (PDS), or the entryway https://bsky.social.
        handle: handle or DID to log in with.
        password: an app password.
        http: the HTTP client.
        tokens: where the session is kept.
        clock: the present instant, with time zone.
    """

    def __init__(
        self,
        *,
        base_url: str,
        handle: str,
        password: str,
        http: Http,
        tokens: TokenStore,
        clock: Callable[[], datetime],
    ) -> None:
        self._api = Api(http, base_url, RULES)
        self._session = BlueskySession(self._api, handle.lstrip("@"), password, tokens)
        self._clock = clock
        self._tids = TidMaker()

    def capabilities(self) -> Capabilities:
        """What Bluesky offers; the limits are dated data, the platform has no call for them."""
        return Capabilities(
            platform="bluesky",
            kinds=_KINDS,
            images=True,
            alt_text=True,
            threads=True,
            native_idempotency=True,
            reads=frozenset(InteractionKind),
            post_metrics=POST_METRICS,
            account_metrics=ACCOUNT_METRICS,
            not_offered=NOT_OFFERED,
            limits=load_limits("bluesky"),
        )

    def new_client_key(self, now: datetime) -> str:
        """A record key (TID)."""
        return self._tids.make(now)

    def prepare(self, request: SendRequest) -> None:
        """Check the request against the limits; see `Channel.prepare`."""
        _check_shape(request)
        if request.kind in (ActionKind.POST, ActionKind.REPLY):
            limits = load_limits("bluesky")
            check_text(request.text, limits)
            check_images(request.images, limits)

    def publish(self, request: SendRequest) -> Outcome:
        """Put (or delete) one record, once."""
        try:
            _check_shape(request)
            path, body = self._call(request)
        except InvalidInput as error:
            return Refused(str(error))
        except ChannelError as error:
            return outcome_before(error, self._clock())
        try:
            answer = self._session.authorized(
                lambda token: self._api.effect("POST", _XRPC + path, token=token, json=body)
            )
        except NetError as error:
            return outcome_of(error, RULES, self._clock())
        except ChannelError as error:  # no new session for a stale token, which had no effect
            return outcome_before(error, self._clock())
        return self._sent(request, body, answer)

    def reconcile(self, request: SendRequest) -> Reconciled:
        """Read the record from the account's own server, which knows its own writes at once."""
        try:
            _check_shape(request)
            deletes = request.kind is ActionKind.DELETE
            record = self._own_record(request)
            found = {} if record is None else {k: member(record, k) for k in ("uri", "value")}
        except (ChannelError, InvalidInput) as error:
            return CannotTell(f"Bluesky could not be asked: {error}")
        if record is None:
            if deletes:
                return Sent(_target(request).remote_id, url=None)
            return Absent(f"No record with the key {request.client_key} is there.")
        if deletes:
            return Absent("The record is still there.")
        value = found["value"]
        if request.kind is not ActionKind.LIKE and value.get("text") != request.text:
            return CannotTell(
                f"Another text stands under the key {request.client_key}; look at the account.",
                ask_person=True,
            )
        return self._as_sent(request, found["uri"], str(record.get("cid")), value, raw=record)

    def check(self) -> AccountInfo:
        """Who the credentials belong to; see `Channel.check`."""
        session = self._read("com.atproto.server.getSession")
        did, handle = member(session, "did"), member(session, "handle")
        profile = self._read("app.bsky.actor.getProfile", actor=did)
        return AccountInfo(
            remote_id=did,
            handle=handle,
            name=profile.get("displayName") or handle,
            url=f"https://bsky.app/profile/{handle}",
            followers=profile.get("followersCount"),
        )

    def interactions(self, cursor: str | None) -> InteractionPage:
        """Notifications since the cursor, oldest first; see `Channel.interactions`."""

        def page(page_cursor: str | None) -> dict[str, Any]:
            more = {} if page_cursor is None else {"cursor": page_cursor}
            return self._read("app.bsky.notification.listNotifications", limit=100, **more)

        own_did = self._session.did()
        try:
            return new_interactions(page, cursor, own_did=own_did)
        except (KeyError, TypeError, ValueError) as error:
            raise ChannelUnavailable(
                f"Bluesky's notifications cannot be read ({type(error).__name__}: {error})."
            ) from error

    def post_metrics(self, remote_ids: list[str]) -> dict[str, list[MetricValue]]:
        """Figures of posts, 25 a call; a post that is gone is missing."""
        found: dict[str, list[MetricValue]] = {}
        for start in range(0, len(remote_ids), _POSTS_PER_CALL):
            answer = self._read(
                "app.bsky.feed.getPosts", uris=remote_ids[start : start + _POSTS_PER_CALL]
            )
            for post in member(answer, "posts"):
                found[member(post, "uri")] = _metrics(post, POST_METRICS)
        return found

    def account_metrics(self) -> list[MetricValue]:
        """Figures of the account's profile."""
        profile = self._read("app.bsky.actor.getProfile", actor=self._session.did())
        return _metrics(profile, ACCOUNT_METRICS)

    # What a request becomes

    def _call(self, request: SendRequest) -> tuple[str, dict[str, Any]]:
        """Method and body of the one call with an effect.

        Raises:
            ChannelError: a log-in, an upload or a read that it needs failed; nothing was published.
            InvalidInput: the target is no Bluesky address.
        """
        did = self._session.did()
        if request.kind is ActionKind.DELETE:
            repo, collection, rkey = parse_uri(_target(request).remote_id)
            if repo != did:
                raise InvalidInput(f"{_target(request).remote_id} is not a record of this account.")
            body = {"repo": did, "collection": collection, "rkey": rkey}
            return "com.atproto.repo.deleteRecord", body
        if request.kind is ActionKind.LIKE:
            target, _ = self._resolve_target(_target(request))
            record = like_record(subject=target, created_at=request.client_time)
        else:
            record = self._post(request)
        return "com.atproto.repo.putRecord", {
            "repo": did,
            "collection": record["$type"],
            "rkey": request.client_key,
            "swapRecord": None,  # only where nothing stands yet
            "record": record,
        }

    def _post(self, request: SendRequest) -> dict[str, Any]:
        reply = None
        if request.reply_to is not None:
            parent, root = self._resolve_target(request.reply_to)
            reply = {"root": root, "parent": parent}
        return post_record(
            text=request.text,
            created_at=request.client_time,
            languages=request.languages[:_LANGUAGES_MAX],
            text_facets=facets(request.text, self._resolve_handle),
            images=[self._upload(image) for image in request.images],
            reply=reply,
        )

    def _upload(self, image: Image) -> dict[str, Any]:
        """Upload a picture; nothing of it is public before the post is."""
        answer = json_object(
            self._session.authorized(
                lambda token: self._api.read(
                    "POST",
                    _XRPC + "com.atproto.repo.uploadBlob",
                    token=token,
                    headers={"Content-Type": image.mime},
                    content=image.data,
                )
            )
        )
        width, height = (
            (image.width, image.height) if image.width and image.height else image_size(image.data)
        )
        return {
            "image": member(answer, "blob"),
            "alt": image.alt,
            "aspectRatio": {"width": width, "height": height},
        }

    def _resolve_handle(self, handle: str) -> str | None:
        try:
            answer = self._read("com.atproto.identity.resolveHandle", handle=handle)
        except PlatformRefused:
            return None
        return str(member(answer, "did"))

    def _resolve_target(self, ref: RemoteRef) -> tuple[dict[str, str], dict[str, str]]:
        """Uri and cid of a post and of the root of its thread, read where `extra` lacks them."""
        extra = ref.extra
        if not {"cid", "root_uri", "root_cid"} <= extra.keys():
            repo, collection, rkey = parse_uri(ref.remote_id)
            if repo == self._session.did():  # our own server knows it before the app view does
                post = self._read(
                    "com.atproto.repo.getRecord", repo=repo, collection=collection, rkey=rkey
                )
                value = member(post, "value")
            else:
                posts = member(self._read("app.bsky.feed.getPosts", uris=[ref.remote_id]), "posts")
                if not posts:
                    raise PlatformRefused(
                        f"The post {ref.remote_id} is gone; nothing can be answered or liked there.",
                        status=404,
                        name="NotFound",
                    )
                post, value = posts[0], posts[0]["record"]
            extra = _thread(ref.remote_id, member(post, "cid"), value)
        parent = {"uri": ref.remote_id, "cid": str(extra["cid"])}
        return parent, {"uri": str(extra["root_uri"]), "cid": str(extra["root_cid"])}

    # Reading

    def _read(self, method: str, **params: str | int | list[str]) -> dict[str, Any]:
        return json_object(
            self._session.authorized(
                lambda token: self._api.read("GET", _XRPC + method, token=token, params=params)
            )
        )

    def _own_record(self, request: SendRequest) -> dict[str, Any] | None:
        """The record that the request made (or should have deleted), None where there is none."""
        if request.kind is ActionKind.DELETE:
            repo, collection, rkey = parse_uri(_target(request).remote_id)
        else:
            repo, rkey = self._session.did(), request.client_key
            collection = LIKE if request.kind is ActionKind.LIKE else POST
        try:
            return self._read(
                "com.atproto.repo.getRecord", repo=repo, collection=collection, rkey=rkey
            )
        except PlatformRefused as error:
            if error.name == "RecordNotFound":
                return None
            raise

    # What an answer becomes

    def _sent(self, request: SendRequest, body: dict[str, Any], answer: Response) -> Outcome:
        if request.kind is ActionKind.DELETE:
            return Sent(_target(request).remote_id, url=None)
        try:
            raw = json_object(answer)
            return self._as_sent(request, raw["uri"], raw["cid"], body["record"], raw=raw)
        except (ChannelError, KeyError) as error:
            return Unknown(f"Bluesky's answer to the publication cannot be read: {error}")

    def _as_sent(
        self, request: SendRequest, uri: str, cid: str, value: dict[str, Any], raw: dict[str, Any]
    ) -> Sent:
        if request.kind is ActionKind.LIKE:
            return Sent(uri, url=None, raw=raw, extra={"cid": cid})
        url = web_url(self._session.handle(), uri)
        return Sent(uri, url=url, raw=raw, extra=_thread(uri, cid, value))


def _check_shape(request: SendRequest) -> None:
    """Refuse what Bluesky has not, whatever its text.

    Raises:
        InvalidInput: with what is wrong.
    """
    if request.kind not in _KINDS:
        raise InvalidInput(f"Bluesky does not offer the action {request.kind.value!r}.")
    if request.kind is not ActionKind.POST and request.reply_to is None:
        raise InvalidInput(f"The action {request.kind.value!r} needs the post that is meant.")
    if request.visibility != "public":
        raise InvalidInput("Everything on Bluesky is public; set the visibility to public.")
    if request.kind in (ActionKind.POST, ActionKind.REPLY):
        if not request.text.strip() and not request.images:
            raise InvalidInput("The post is empty; write a text or add a picture.")
        if len(request.languages) > _LANGUAGES_MAX:
            raise InvalidInput(
                f"{len(request.languages)} languages are given, Bluesky takes {_LANGUAGES_MAX}."
            )


def _target(request: SendRequest) -> RemoteRef:
    assert request.reply_to is not None
    return request.reply_to


def _thread(uri: str, cid: str, value: dict[str, Any]) -> dict[str, str]:
    """What an answer to a post needs: its cid, and its thread's root."""
    root = value.get("reply", {}).get("root", {"uri": uri, "cid": cid})
    return {"cid": cid, "root_uri": root["uri"], "root_cid": root["cid"]}


def _metrics(source: dict[str, Any], names: tuple[str, ...]) -> list[MetricValue]:
    return [MetricValue(name, source[name]) for name in names if isinstance(source.get(name), int)]
