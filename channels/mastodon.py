"""Mastodon, with an access token: posts, answers, favourites, deletions, notifications, figures.

A post carries an `Idempotency-Key`, which an instance remembers for an hour; after that, the
account's own list of posts tells whether a post is there.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from channels.api import Api, Http, json_list, json_object, member
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
    SendRequest,
    Sent,
    Unknown,
)
from channels.limits import check_images, check_text, check_video
from channels.mastodon_media import upload_all
from channels.mastodon_reading import (
    ACCOUNT_METRICS,
    POST_METRICS,
    followers,
    found_post,
    metrics,
    own_posts,
)
from channels.mastodon_shape import KINDS, POSTS, check_shape
from channels.mastodon_statuses import (
    InstanceLimits,
    find_status,
    instance_limits,
    interaction_of,
    read_since,
    server_skew,
)
from channels.outcome import Verdict, outcome_before, outcome_of
from domain.action import ActionKind
from domain.conversation import InteractionKind
from domain.errors import InvalidInput
from net.client import Response
from net.errors import NetError

# Refusals that had no effect. "Duplicate record" is a race between two equal requests: one of
# them may have succeeded.
RULES = {
    (307, "*"): Verdict.REFUSED,
    (308, "*"): Verdict.REFUSED,
    (400, "*"): Verdict.REFUSED,
    (401, "*"): Verdict.RECONNECT,
    (403, "This action is outside the authorized scopes"): Verdict.RECONNECT,
    (403, "*"): Verdict.REFUSED,
    (404, "*"): Verdict.REFUSED,
    (405, "*"): Verdict.REFUSED,
    (406, "*"): Verdict.REFUSED,
    (410, "*"): Verdict.REFUSED,
    (413, "*"): Verdict.REFUSED,
    (415, "*"): Verdict.REFUSED,
    (422, "Duplicate record"): Verdict.EXISTS,
    (422, "*"): Verdict.REFUSED,
}

NOT_OFFERED = ("reach", "impressions", "saves", "link clicks", "follower age")
_WORDS = {ActionKind.LIKE: "favourite", ActionKind.UNLIKE: "unfavourite"}
_PAGE = 40
_RECONCILE_PAGES = 25


class MastodonChannel:
    """One account of one instance.

    Args:
        base_url: address of the instance.
        token: access token with the scopes read, write:statuses, write:media, write:favourites.
        http: the HTTP client.
        budgets: who is told that the account may not call for a while.
        clock: the present instant, with time zone.
        sleep: waits so many seconds while the instance works on a picture.
    """

    def __init__(
        self,
        *,
        base_url: str,
        token: str,
        http: Http,
        budgets: Budgets,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = Api(http, base_url, RULES, clock=clock, budgets=budgets)
        self._token = token
        self._clock = clock
        self._sleep = sleep
        self._instance: InstanceLimits | None = None
        self._own_id: str | None = None

    def capabilities(self) -> Capabilities:
        """What this instance offers; asks it for its limits until it has told them once."""
        instance = self._known_instance()
        return Capabilities(
            platform="mastodon",
            kinds=KINDS,
            images=True,
            alt_text=True,
            threads=True,
            native_idempotency=instance.keys,
            reads=frozenset(InteractionKind),
            post_metrics=POST_METRICS,
            account_metrics=ACCOUNT_METRICS,
            not_offered=NOT_OFFERED,
            limits=instance.limits,
            videos=bool(instance.limits.video_types),
            quotes=instance.quotes,
            link_cards=False,  # the instance makes a preview of a link in the text by itself
        )

    def new_client_key(self, now: datetime) -> str:  # noqa: ARG002 - the protocol's argument
        """An idempotency key (UUID)."""
        return str(uuid.uuid4())

    def prepare(self, request: SendRequest) -> None:
        """Check the request against the instance's limits; see `Channel.prepare`."""
        check_shape(request)
        if request.kind in POSTS:
            instance = self._known_instance()
            check_text(request.text, instance.limits)
            check_images(request.images, instance.limits)
            if request.video is not None:
                check_video(request.video, instance.limits)
            if request.quote is not None and not instance.quotes:
                raise InvalidInput(
                    f"{self._api.base_url} takes no quotes (Mastodon does from 4.5 on). Put the "
                    "address of the post into the text instead."
                )

    def publish(self, request: SendRequest) -> Outcome:
        """Post, favourite or delete, once. The text goes out exactly as it is."""
        try:
            check_shape(request)
            method, path, body = self._call(request)
        except InvalidInput as error:
            return Refused(str(error))
        except ChannelError as error:
            return outcome_before(error, self._clock())
        headers = {} if body is None else {"Idempotency-Key": request.client_key}
        try:
            answer = self._api.effect(method, path, token=self._token, json=body, headers=headers)
        except NetError as error:
            return outcome_of(error, RULES, self._clock())
        return _sent_or_unknown(request, answer)

    def reconcile(self, request: SendRequest) -> Reconciled:
        """Look for the post among the account's own since the request's time."""
        try:
            check_shape(request)
            if request.kind in (ActionKind.LIKE, ActionKind.UNLIKE):
                return self._reconcile_like(request)
            if request.kind is ActionKind.DELETE:
                return self._reconcile_delete(request)
            return self._reconcile_post(request)
        except (ChannelError, InvalidInput) as error:
            return CannotTell(f"The instance could not be asked: {error}")

    def check(self) -> AccountInfo:
        """Who the credentials belong to; see `Channel.check`."""
        account = self._account()
        return AccountInfo(
            remote_id=member(account, "id"),
            handle=member(account, "acct"),
            name=account.get("display_name") or member(account, "username"),
            url=account.get("url"),
            followers=account.get("followers_count"),
            credentials_expire_at=None,  # tokens last until somebody revokes them
        )

    def interactions(self, cursor: str | None) -> InteractionPage:
        """Notifications since the cursor (the id of the newest one read), oldest first."""
        own_id = self._own()
        answer = self._get(
            "/api/v1/notifications", min_id=cursor if cursor is not None else "0", limit=_PAGE
        )
        items = json_list(answer)
        try:
            made = [interaction_of(item, own_id) for item in reversed(items)]
        except (KeyError, TypeError, ValueError) as error:
            raise ChannelUnavailable(
                f"The notifications cannot be read ({type(error).__name__}: {error})."
            ) from error
        return InteractionPage(
            tuple(item for item in made if item is not None),
            str(member(items[0], "id")) if items else cursor,
            more=len(items) == _PAGE,
        )

    def post_metrics(self, remote_ids: list[str]) -> dict[str, list[MetricValue]]:
        """Figures of posts; a post that is gone is missing."""
        found: dict[str, list[MetricValue]] = {}
        for remote_id in remote_ids:
            status = self._status(remote_id)
            if status is not None:
                found[remote_id] = metrics(status, POST_METRICS)
        return found

    def account_metrics(self) -> list[MetricValue]:
        """Figures of the account."""
        return metrics(self._account(), ACCOUNT_METRICS)

    def own_posts(self, cursor: str | None) -> OwnPostsPage:
        """Posts, replies and boosts of the account, newest first; see `Channel.own_posts`."""
        more = {} if cursor is None else {"max_id": cursor}
        path = f"/api/v1/accounts/{self._own()}/statuses"
        return own_posts(self._get(path, limit=_PAGE, **more))

    def followers(self, cursor: str | None) -> FollowersPage:
        """Who follows the account; see `Channel.followers`."""
        more = {} if cursor is None else {"max_id": cursor}
        path = f"/api/v1/accounts/{self._own()}/followers"
        return followers(self._get(path, limit=_PAGE, **more))

    def post_id(self, address: str) -> str:
        """The instance's id of a post at a web address; see `Channel.post_id`."""
        if address.isalnum():
            return address
        found = self._get("/api/v2/search", q=address, type="statuses", resolve="true", limit=1)
        return found_post(found, address)

    # What a request becomes

    def _call(self, request: SendRequest) -> tuple[str, str, dict[str, Any] | None]:
        """Method, path and body of the one call with an effect.

        Raises:
            ChannelError: an upload failed; nothing was published.
        """
        if request.kind is ActionKind.LIKE:
            return "POST", f"/api/v1/statuses/{_target(request)}/favourite", None
        if request.kind is ActionKind.UNLIKE:
            return "POST", f"/api/v1/statuses/{_target(request)}/unfavourite", None
        if request.kind is ActionKind.DELETE:
            return "DELETE", f"/api/v1/statuses/{_target(request)}", None
        body: dict[str, Any] = {"status": request.text, "visibility": request.visibility}
        if request.reply_to is not None:
            body["in_reply_to_id"] = request.reply_to.remote_id
        if request.languages:
            body["language"] = request.languages[0]
        if request.quote is not None:
            body["quoted_status_id"] = request.quote.remote_id
        if media := upload_all(self._api, self._token, request, self._sleep):
            body["media_ids"] = media
        return "POST", "/api/v1/statuses", body

    # Reconciling

    def _reconcile_post(self, request: SendRequest) -> Reconciled:
        path = f"/api/v1/accounts/{self._own()}/statuses"
        found: list[dict[str, Any]] = []
        page: dict[str, str] = {}
        for _ in range(_RECONCILE_PAGES):
            answer = self._get(path, exclude_reblogs="true", limit=_PAGE, **page)
            begun = request.looked_from or request.client_time
            since = read_since(begun, server_skew(answer.headers, self._clock()))
            statuses = json_list(answer)
            recent = [s for s in statuses if datetime.fromisoformat(s["created_at"]) >= since]
            found += recent
            if not statuses or len(recent) < len(statuses):
                break
            page = {"max_id": str(statuses[-1]["id"])}
        else:
            return CannotTell(
                "The account has too many newer posts to look through; look on the instance.",
                ask_person=True,
            )
        status = find_status(found, request, self._source)
        if status is None:
            return Absent(f"None of the {len(found)} posts since the request is this one.")
        return Sent(str(member(status, "id")), url=status.get("url"), raw=_raw(status))

    def _reconcile_like(self, request: SendRequest) -> Reconciled:
        status = self._status(_target(request))
        likes = request.kind is ActionKind.LIKE
        if status is None and likes:
            return CannotTell("The post that was to be liked is gone.", ask_person=True)
        favourited = status is not None and status.get("favourited") is True
        if favourited is likes:
            raw = _raw(status) if status else {}
            return Sent(f"{_WORDS[request.kind]}/{_target(request)}", url=None, raw=raw)
        return Absent(f"The account {'does not like' if likes else 'still likes'} the post.")

    def _reconcile_delete(self, request: SendRequest) -> Reconciled:
        if self._status(_target(request)) is None:
            return Sent(_target(request), url=None)
        return Absent("The post is still there.")

    def _source(self, status_id: str) -> str | None:
        """The text as it was sent, None where the instance does not tell."""
        try:
            answer = self._get(f"/api/v1/statuses/{status_id}/source")
        except PlatformRefused:
            return None
        return str(member(json_object(answer), "text"))

    # Reading

    def _get(self, path: str, **params: str | int) -> Response:
        return self._api.read("GET", path, token=self._token, params=params or None)

    def _account(self) -> dict[str, Any]:
        account = json_object(self._get("/api/v1/accounts/verify_credentials"))
        self._own_id = str(member(account, "id"))
        return account

    def _own(self) -> str:
        return self._own_id or str(member(self._account(), "id"))

    def _status(self, status_id: str) -> dict[str, Any] | None:
        try:
            return json_object(self._get(f"/api/v1/statuses/{status_id}"))
        except PlatformRefused as error:
            if error.status in (404, 410):
                return None
            raise

    def _known_instance(self) -> InstanceLimits:
        if self._instance is not None:
            return self._instance
        instance = instance_limits(self._api, self._clock())
        if instance.told:
            self._instance = instance
        return instance


def _target(request: SendRequest) -> str:
    assert request.reply_to is not None
    return request.reply_to.remote_id


def _sent_or_unknown(request: SendRequest, answer: Response) -> Outcome:
    if request.kind is ActionKind.DELETE:
        return Sent(_target(request), url=None)
    try:
        status = json_object(answer)
        if request.kind in _WORDS:
            name = f"{_WORDS[request.kind]}/{_target(request)}"
            return Sent(name, url=status.get("url"), raw=_raw(status))
        return Sent(str(member(status, "id")), url=status.get("url"), raw=_raw(status))
    except ChannelError as error:
        return Unknown(f"The instance's answer to the publication cannot be read: {error}")


def _raw(status: dict[str, Any]) -> dict[str, Any]:
    """The answer without the people in it."""
    return {name: value for name, value in status.items() if name not in ("account", "application")}
