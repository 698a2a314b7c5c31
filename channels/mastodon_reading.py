"""What an instance says of the account's own posts and its followers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx

from channels.api import json_list, json_object, member
from channels.base import ChannelUnavailable, FollowersPage, MetricValue, OwnPost, OwnPostsPage
from channels.text import html_to_text
from domain.conversation import Person
from domain.errors import InvalidInput
from net.client import Response

POST_METRICS = ("favourites_count", "reblogs_count", "replies_count")
ACCOUNT_METRICS = ("followers_count", "following_count", "statuses_count")


def own_posts(answer: Response) -> OwnPostsPage:
    """A page of an account's statuses; the cursor is the `max_id` of the next one.

    Raises:
        ChannelUnavailable: it does not look like one.
    """
    statuses = json_list(answer)
    try:
        posts = tuple(_own_post(status) for status in statuses)
        return OwnPostsPage(posts, str(statuses[-1]["id"]) if statuses else None)
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable("posts", error) from error


def followers(answer: Response) -> FollowersPage:
    """A page of an account's followers; the next one stands in the `Link` header only.

    Raises:
        ChannelUnavailable: it does not look like one.
    """
    try:
        people = tuple(
            Person(
                remote_id=str(item["id"]),
                handle=item["acct"],
                name=item.get("display_name") or "",
                followers=item.get("followers_count"),
            )
            for item in json_list(answer)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable("followers", error) from error
    return FollowersPage(people, _next_max_id(answer))


def found_post(answer: Response, address: str) -> str:
    """The id of the post that a search by its address has found.

    Raises:
        InvalidInput: there is none.
        ChannelUnavailable: the answer cannot be read.
    """
    found = member(json_object(answer), "statuses")
    if not found:
        raise InvalidInput(
            f"The instance finds no post at {address}. Give the address of a public post on Mastodon, "
            "or leave the quote out."
        )
    return str(found[0]["id"])


def metrics(source: dict[str, Any], names: tuple[str, ...]) -> list[MetricValue]:
    """The named figures, as far as they are there."""
    return [MetricValue(name, source[name]) for name in names if isinstance(source.get(name), int)]


def _own_post(status: dict[str, Any]) -> OwnPost:
    reblogged = status.get("reblog")
    shown = reblogged or status
    kind = "post" if status.get("in_reply_to_id") is None else "reply"
    return OwnPost(
        remote_id=str(status["id"]),
        kind="repost" if reblogged else kind,
        text=html_to_text(shown["content"]),
        url=shown.get("url"),
        posted_at=datetime.fromisoformat(status["created_at"]),
        metrics=() if reblogged else tuple(metrics(status, POST_METRICS)),
    )


def _next_max_id(answer: Response) -> str | None:
    link = httpx.Headers(answer.headers).get("link", "")
    for part in link.split(","):
        address, _, rest = part.partition(">")
        if 'rel="next"' in rest:
            found = httpx.URL(address.strip().lstrip("<")).params.get("max_id")
            return str(found) if found else None
    return None


def _unreadable(what: str, error: Exception) -> ChannelUnavailable:
    return ChannelUnavailable(
        f"The account's {what} cannot be read ({type(error).__name__}: {error})."
    )
