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
    Budgets,
    CannotTell,
    Capabilities,
    ChannelError,
    ChannelUnavailable,
    FollowersPage,
    InteractionPage,
    MetricValue,
    Outcome,
    OwnPostsPage,
    PlatformRefused,
    Reconciled,
    Refused,
    RemoteRef,
    SendRequest,
    Sent,
    TokenStore,
    Unknown,
)
from channels.bluesky_embeds import (
    check_embeds,
    same_content,
)
from channels.bluesky_reading import (
    ACCOUNT_METRICS,
    POST_METRICS,
    followers,
    metrics,
    own_posts,
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
from channels.bluesky_repo import XRPC, BlueskyRepo, thread_of
from channels.bluesky_session import BlueskySession
from channels.bluesky_timeline import new_interactions
from channels.limits import check_images, check_text, check_video, load_limits
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

NOT_OFFERED = ("reach", "impressions", "saves", "link clicks", "follower age")

_KINDS = frozenset(
    {ActionKind.POST, ActionKind.REPLY, ActionKind.LIKE, ActionKind.UNLIKE, ActionKind.DELETE}
)
_POSTS = (ActionKind.POST, ActionKind.REPLY)
_POSTS_PER_CALL = 25
_LANGUAGES_MAX = 3


class BlueskyChannel:
    """One Bluesky account.

    Args:
        base_url: the account's server (PDS), or the entryway https://bsky.social.
        handle: handle or DID to log in with.
        password: an app password.
        http: the HTTP client.
        tokens: where the session is kept.
        budgets: who is told that the account may not call for a while.
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
        budgets: Budgets,
        clock: Callable[[], datetime],
    ) -> None:
        self._api = Api(http, base_url, RULES, clock=clock, budgets=budgets)
        self._session = BlueskySession(self._api, handle.lstrip("@"), password, tokens)
        self._repo = BlueskyRepo(self._api, self._session)
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
            videos=True,
            quotes=True,
            link_cards=True,
        )

    def new_client_key(self, now: datetime) -> str:
        """A record key (TID)."""
        return self._tids.make(now)

    def prepare(self, request: SendRequest) -> None:
        """Check the request against the limits; see `Channel.prepare`."""
        _check_shape(request)
        if request.kind in _POSTS:
            limits = load_limits("bluesky")
            check_text(request.text, limits)
            check_images(request.images, limits)
            if request.video is not None:
                check_video(request.video, limits)
            if request.card is not None and request.card.thumb is not None:
                check_images((request.card.thumb,), limits)

    def publish(self, request: SendRequest) -> Outcome:
        """Put (or delete) one record, once."""
        try:
            _check_shape(request)
            if (
                request.kind is ActionKind.UNLIKE
                and self._repo.own_like(_target(request).remote_id) is None
            ):
                return Sent(_unliked(request), url=None)  # there is no like to take back
            path, body = self._call(request)
        except InvalidInput as error:
            return Refused(str(error))
        except ChannelError as error:
            return outcome_before(error, self._clock())
        try:
            answer = self._session.authorized(
                lambda token: self._api.effect("POST", XRPC + path, token=token, json=body)
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
            if request.kind is ActionKind.UNLIKE:
                if self._repo.own_like(_target(request).remote_id) is None:
                    return Sent(_unliked(request), url=None)
                return Absent("The account still likes the post.")
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
        if request.kind is not ActionKind.LIKE and not same_content(value, request):
            return CannotTell(
                f"Another post stands under the key {request.client_key}; look at the account.",
                ask_person=True,
            )
        return self._as_sent(request, found["uri"], str(record.get("cid")), value, raw=record)

    def check(self) -> AccountInfo:
        """Who the credentials belong to; see `Channel.check`."""
        session = self._repo.read("com.atproto.server.getSession")
        did, handle = member(session, "did"), member(session, "handle")
        profile = self._repo.read("app.bsky.actor.getProfile", actor=did)
        return AccountInfo(
            remote_id=did,
            handle=handle,
            name=profile.get("displayName") or handle,
            url=f"https://bsky.app/profile/{handle}",
            followers=profile.get("followersCount"),
            credentials_expire_at=None,  # an app password lasts until somebody revokes it
        )

    def interactions(self, cursor: str | None) -> InteractionPage:
        """Notifications since the cursor, oldest first; see `Channel.interactions`."""

        def page(page_cursor: str | None) -> dict[str, Any]:
            more = {} if page_cursor is None else {"cursor": page_cursor}
            return self._repo.read("app.bsky.notification.listNotifications", limit=100, **more)

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
            answer = self._repo.read(
                "app.bsky.feed.getPosts", uris=remote_ids[start : start + _POSTS_PER_CALL]
            )
            for post in member(answer, "posts"):
                found[member(post, "uri")] = metrics(post, POST_METRICS)
        return found

    def account_metrics(self) -> list[MetricValue]:
        """Figures of the account's profile."""
        profile = self._repo.read("app.bsky.actor.getProfile", actor=self._session.did())
        return metrics(profile, ACCOUNT_METRICS)

    def own_posts(self, cursor: str | None) -> OwnPostsPage:
        """Posts, replies and reposts of the account, newest first; see `Channel.own_posts`."""
        did = self._session.did()
        more = {} if cursor is None else {"cursor": cursor}
        answer = self._repo.read(
            "app.bsky.feed.getAuthorFeed",
            actor=did,
            filter="posts_with_replies",
            limit=100,
            **more,
        )
        return own_posts(answer, did)

    def followers(self, cursor: str | None) -> FollowersPage:
        """Who follows the account; see `Channel.followers`."""
        more = {} if cursor is None else {"cursor": cursor}
        did = self._session.did()
        return followers(
            self._repo.read("app.bsky.graph.getFollowers", actor=did, limit=100, **more)
        )

    def post_id(self, address: str) -> str:
        """The at:// address of a post at a web address; see `Channel.post_id`."""
        return self._repo.post_id(address)

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
        if request.kind is ActionKind.UNLIKE:
            like = self._repo.own_like(_target(request).remote_id)
            rkey = parse_uri(like).rkey if like else request.client_key
            return "com.atproto.repo.deleteRecord", {"repo": did, "collection": LIKE, "rkey": rkey}
        if request.kind is ActionKind.LIKE:
            target, _ = self._repo.resolve_target(_target(request))
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
            parent, root = self._repo.resolve_target(request.reply_to)
            reply = {"root": root, "parent": parent}
        return post_record(
            text=request.text,
            created_at=request.client_time,
            languages=request.languages[:_LANGUAGES_MAX],
            text_facets=facets(request.text, self._repo.resolve_handle),
            embed=self._repo.embed(request),
            reply=reply,
        )

    def _own_record(self, request: SendRequest) -> dict[str, Any] | None:
        """The record that the request made (or should have deleted), None where there is none."""
        if request.kind is ActionKind.DELETE:
            repo, collection, rkey = parse_uri(_target(request).remote_id)
        else:
            repo, rkey = self._session.did(), request.client_key
            collection = LIKE if request.kind is ActionKind.LIKE else POST
        try:
            return self._repo.read(
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
        if request.kind is ActionKind.UNLIKE:
            return Sent(_unliked(request), url=None)
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
        return Sent(uri, url=url, raw=raw, extra=thread_of(uri, cid, value))


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
    if request.kind in _POSTS:
        check_embeds(request)
        full = request.images or request.video or request.card or request.quote
        if not request.text.strip() and not full:
            raise InvalidInput("The post is empty; write a text or add a picture.")
        if len(request.languages) > _LANGUAGES_MAX:
            raise InvalidInput(
                f"{len(request.languages)} languages are given, Bluesky takes {_LANGUAGES_MAX}."
            )


def _target(request: SendRequest) -> RemoteRef:
    assert request.reply_to is not None
    return request.reply_to


def _unliked(request: SendRequest) -> str:
    return f"unlike/{_target(request).remote_id}"
