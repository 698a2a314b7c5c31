"""The platforms that Humas has, and the one place that builds their channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from channels.api import Http
from channels.base import Budgets, Channel, TokenStore
from channels.bluesky import BlueskyChannel
from channels.mastodon import MastodonChannel
from config.i18n import N_
from domain.errors import InvalidInput


@dataclass(frozen=True)
class Field:
    """One thing that a person gives when connecting an account. Texts are to be translated."""

    name: str  # base_url, handle or secret
    label: str
    help: str
    secret: bool = False
    default: str = ""


@dataclass(frozen=True)
class Platform:
    """A platform as people meet it when connecting an account."""

    name: str
    title: str
    fields: tuple[Field, ...]
    docs: str  # where the platform explains how to get the credentials
    sample_id: str  # what an id of a post looks like; {} takes a number


PLATFORMS: dict[str, Platform] = {
    "bluesky": Platform(
        name="bluesky",
        title="Bluesky",
        fields=(
            Field(
                "base_url",
                N_("Address of the server"),
                N_("https://bsky.social, unless the account lives on a server of its own."),
                default="https://bsky.social",
            ),
            Field("handle", N_("Handle"), N_("Such as yourbrand.bsky.social, without the @.")),
            Field(
                "secret",
                N_("App password"),
                N_(
                    "Made in Bluesky under Settings, Privacy and security, App passwords; "
                    "not the password of the account."
                ),
                secret=True,
            ),
        ),
        docs="https://bsky.app/settings/app-passwords",
        sample_id="at://did:plc:part{0}/app.bsky.feed.post/part{0}",
    ),
    "mastodon": Platform(
        name="mastodon",
        title="Mastodon",
        fields=(
            Field(
                "base_url", N_("Address of the instance"), N_("Such as https://mastodon.social.")
            ),
            Field("handle", N_("Handle"), N_("Such as yourbrand, without the @ and the instance.")),
            Field(
                "secret",
                N_("Access token"),
                N_(
                    "Made on the instance under Preferences, Development, New application, with the "
                    "scopes read, write:statuses, write:media and write:favourites."
                ),
                secret=True,
            ),
        ),
        docs="https://docs.joinmastodon.org/client/token/",
        sample_id="part{0}",
    ),
}


def build(
    platform: str,
    *,
    base_url: str,
    handle: str,
    secret: str,
    http: Http,
    tokens: TokenStore,
    budgets: Budgets,
    clock: Callable[[], datetime],
) -> Channel:
    """The channel of an account.

    Args:
        platform: a key of `PLATFORMS`.
        base_url: the account's server or instance.
        handle: the account's handle.
        secret: app password (Bluesky) or access token (Mastodon).
        http: the HTTP client.
        tokens: where the channel keeps its session.
        budgets: who is told that the account may not call for a while.
        clock: the present instant, with time zone.

    Raises:
        InvalidInput: there is no such platform.
    """
    if platform == "bluesky":
        return BlueskyChannel(
            base_url=base_url,
            handle=handle,
            password=secret,
            http=http,
            tokens=tokens,
            budgets=budgets,
            clock=clock,
        )
    if platform == "mastodon":
        return MastodonChannel(
            base_url=base_url, token=secret, http=http, budgets=budgets, clock=clock
        )
    raise InvalidInput(
        f"There is no platform {platform!r}. Use one of: {', '.join(sorted(PLATFORMS))}."
    )
