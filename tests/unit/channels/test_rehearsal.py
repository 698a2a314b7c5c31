"""A dry run shows the very request that would leave, on every platform, and sends none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from channels.base import Channel, RemoteRef
from channels.bluesky import BlueskyChannel
from channels.mastodon import MastodonChannel
from channels.registry import PLATFORMS
from domain.action import ActionKind
from net.rehearsal import RehearsalHttp, Rehearsed
from tests.memory import MemoryBudgets, MemoryTokens
from tests.unit.channels import test_bluesky as bluesky
from tests.unit.channels import test_mastodon as mastodon
from tests.unit.channels.fakes import NOW, FakeHttp, ok, request

SECRETS = ("access-0", "refresh-0", "app-password", "a-token")


def bluesky_channel(http: Any) -> Channel:
    return BlueskyChannel(
        base_url="https://x.test",
        handle="merek.test",
        password="app-password",
        http=http,
        tokens=MemoryTokens(bluesky.KEPT),
        budgets=MemoryBudgets(),
        clock=lambda: NOW,
    )


def mastodon_channel(http: Any) -> Channel:
    return MastodonChannel(
        base_url="https://x.test",
        token="a-token",
        http=http,
        budgets=MemoryBudgets(),
        clock=lambda: NOW,
        sleep=lambda _seconds: None,
    )


MAKERS: dict[str, Callable[[Any], Channel]] = {
    "bluesky": bluesky_channel,
    "mastodon": mastodon_channel,
}
TARGETS = {"bluesky": RemoteRef(bluesky.URI, {"cid": "c", "root_uri": bluesky.URI, "root_cid": "c"}),
           "mastodon": RemoteRef("7")}  # fmt: skip


def server() -> FakeHttp:
    written = ok(
        {"uri": bluesky.URI, "cid": "bafy1", "commit": {}, "id": "7", "url": "https://x/7"}
    )
    return FakeHttp(
        {
            bluesky.PUT: [written],
            "POST /xrpc/com.atproto.repo.deleteRecord": [written],
            "POST /api/v1/statuses": [written],
            "POST /api/v1/statuses/7/favourite": [written],
            "DELETE /api/v1/statuses/7": [written],
            mastodon.ME: [mastodon.OWN],
            mastodon.V2: [ok({"configuration": {"statuses": {"max_characters": 500}}})],
        }
    )


def test_every_platform_is_rehearsed_here() -> None:
    assert MAKERS.keys() == PLATFORMS.keys()


@pytest.mark.parametrize("platform", sorted(MAKERS))
@pytest.mark.parametrize(
    "kind", [ActionKind.POST, ActionKind.REPLY, ActionKind.LIKE, ActionKind.DELETE]
)
def test_the_request_that_is_shown_is_the_one_that_leaves(platform: str, kind: ActionKind) -> None:
    words = "Halo #kopi https://kopi.example" if kind in (ActionKind.POST, ActionKind.REPLY) else ""
    target = None if kind is ActionKind.POST else TARGETS[platform]
    wanted = request(words, kind=kind, reply_to=target)

    rehearsing = server()
    with pytest.raises(Rehearsed) as caught:
        MAKERS[platform](RehearsalHttp(rehearsing)).publish(wanted)
    assert rehearsing.effects() == []

    real = server()
    MAKERS[platform](real).publish(wanted)
    (sent,) = real.effects()
    wire = caught.value.wire
    assert (wire.method, wire.url) == (sent.method, f"https://x.test{sent.path}")
    assert wire.body == sent.options["json"]
    shown = {name: value for name, value in wire.headers.items() if name != "Authorization"}
    assert shown == {n: v for n, v in sent.options["headers"].items() if n != "Authorization"}
    assert not any(secret in str(wire) for secret in SECRETS)
