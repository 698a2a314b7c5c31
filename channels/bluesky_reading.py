"""What Bluesky's views say of the account's own posts, its followers and its figures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from channels.base import ChannelUnavailable, FollowersPage, MetricValue, OwnPost, OwnPostsPage
from channels.bluesky_records import web_url
from domain.conversation import Person

POST_METRICS = ("likeCount", "repostCount", "replyCount", "quoteCount")
ACCOUNT_METRICS = ("followersCount", "followsCount", "postsCount")
_REPOST = "app.bsky.feed.defs#reasonRepost"


def own_posts(answer: dict[str, Any], own_did: str) -> OwnPostsPage:
    """A page of getAuthorFeed.

    Raises:
        ChannelUnavailable: it does not look like one.
    """
    try:
        posts = tuple(_own_post(item, own_did) for item in answer["feed"])
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable("the account's posts", error) from error
    return OwnPostsPage(posts, answer.get("cursor") if posts else None)


def followers(answer: dict[str, Any]) -> FollowersPage:
    """A page of getFollowers.

    Raises:
        ChannelUnavailable: it does not look like one.
    """
    try:
        people = tuple(
            Person(
                remote_id=item["did"],
                handle=item["handle"],
                name=item.get("displayName") or "",
            )
            for item in answer["followers"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable("the account's followers", error) from error
    return FollowersPage(people, answer.get("cursor") if people else None)


def metrics(source: dict[str, Any], names: tuple[str, ...]) -> list[MetricValue]:
    """The named figures, as far as they are there."""
    return [MetricValue(name, source[name]) for name in names if isinstance(source.get(name), int)]


def _own_post(item: dict[str, Any], own_did: str) -> OwnPost:
    post, reason = item["post"], item.get("reason") or {}
    record, author = post["record"], post["author"]
    url = web_url(author["handle"], post["uri"])
    if reason.get("$type") == _REPOST or author["did"] != own_did:
        # The repost's own record is the account's; the post is somebody else's.
        return OwnPost(
            remote_id=str(reason.get("uri") or f"repost {post['uri']}"),
            kind="repost",
            text=record.get("text", ""),
            url=url,
            posted_at=datetime.fromisoformat(reason.get("indexedAt") or post["indexedAt"]),
        )
    return OwnPost(
        remote_id=post["uri"],
        kind="reply" if record.get("reply") else "post",
        text=record.get("text", ""),
        url=url,
        posted_at=datetime.fromisoformat(post["indexedAt"]),
        metrics=tuple(metrics(post, POST_METRICS)),
    )


def _unreadable(what: str, error: Exception) -> ChannelUnavailable:
    return ChannelUnavailable(
        f"Bluesky's list of {what} cannot be read ({type(error).__name__}: {error})."
    )
