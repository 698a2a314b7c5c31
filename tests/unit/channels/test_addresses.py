"""Posts by the addresses of their pages."""

from __future__ import annotations

import pytest

from domain.errors import InvalidInput
from tests.unit.channels import test_bluesky as bluesky
from tests.unit.channels import test_mastodon as mastodon
from tests.unit.channels.fakes import ok, refusal

RESOLVE = "GET /xrpc/com.atproto.identity.resolveHandle"
SEARCH = "GET /api/v2/search"
POST = "at://did:plc:siti/app.bsky.feed.post/3mabc"


@pytest.mark.parametrize(
    "address",
    [
        POST,
        "https://bsky.app/profile/siti.test/post/3mabc",
        "https://bsky.app/profile/did:plc:siti/post/3mabc",
        "http://other.example/profile/siti.test/post/3mabc/?ref=x#top",
    ],
)
def test_a_post_on_bluesky(address: str) -> None:
    made, _ = bluesky.channel({RESOLVE: [ok({"did": "did:plc:siti"})]})
    assert made.post_id(address) == POST


@pytest.mark.parametrize(
    "address",
    ["", "at://siti", "https://bsky.app/profile/siti.test", "https://bsky.app/", "3mabc",
     "https://bsky.app/profile/nobody.test/post/3mabc"],
)  # fmt: skip
def test_no_post_on_bluesky(address: str) -> None:
    made, _ = bluesky.channel({RESOLVE: [refusal(400, "InvalidRequest")]})
    with pytest.raises(InvalidInput):
        made.post_id(address)


def test_a_post_on_mastodon_is_searched_by_the_instance() -> None:
    made, http, _ = mastodon.channel({SEARCH: [ok({"statuses": [{"id": "77"}]})]})
    address = "https://elsewhere.example/@siti/1"
    assert made.post_id(address) == "77"
    assert http.calls[-1].options["params"] == {
        "q": address,
        "type": "statuses",
        "resolve": "true",
        "limit": 1,
    }
    assert made.post_id("4711") == "4711"


def test_no_post_on_mastodon() -> None:
    made, _, _ = mastodon.channel({SEARCH: [ok({"statuses": []})]})
    with pytest.raises(InvalidInput, match="finds no post"):
        made.post_id("https://elsewhere.example/about")
