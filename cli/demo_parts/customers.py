"""Three simulated customers who read the brand's posts and comment on them, in Indonesian."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cli.demo_parts.instance import Instance

BRAND_HANDLE = "lintangkidul"
BRAND_NAME = "Lintang Kidul"


@dataclass(frozen=True)
class Customer:
    """A member of the public: a handle, a name, what they write under a post."""

    handle: str
    name: str
    comment: str
    likes: bool


CUSTOMERS = (
    Customer(
        "sari_w", "Sari Wulandari", "Kak, Merapi Natural yang 250 gram harganya berapa ya?", True
    ),
    Customer(
        "bagus_seduh",
        "Bagus Santoso",
        "Mantap! Kopi Merapi-nya enak banget, wangi cokelatnya terasa. Terima kasih ya!",
        True,
    ),
    Customer(
        "ratna_k",
        "Ratna Kusuma",
        "Pesanan kopi saya sudah seminggu belum sampai juga, kecewa. Mohon dibantu.",
        False,
    ),
)


@dataclass(frozen=True)
class Comment:
    """A comment as it stands on the network."""

    handle: str
    status_id: str
    post_id: str


def join(instance: Instance) -> dict[str, str]:
    """Make the accounts of the brand and of the customers.

    Returns:
        Access tokens by handle.
    """
    tokens = {BRAND_HANDLE: instance.create_account(BRAND_HANDLE, BRAND_NAME)}
    for customer in CUSTOMERS:
        tokens[customer.handle] = instance.create_account(customer.handle, customer.name)
    return tokens


def comment(
    instance: Instance, tokens: Mapping[str, str], posts: Sequence[str]
) -> tuple[Comment, ...]:
    """Let each customer follow the brand and comment on one post, in turn; some favour it too.

    Args:
        instance: the network.
        tokens: access tokens by handle.
        posts: the network's ids of the brand's posts, at least one.
    """
    made = []
    path = "/api/v1/accounts/verify_credentials"
    brand = instance.call(tokens[BRAND_HANDLE], "GET", path)
    for number, customer in enumerate(CUSTOMERS):
        post, token = posts[number % len(posts)], tokens[customer.handle]
        instance.call(token, "POST", f"/api/v1/accounts/{brand['id']}/follow")
        if customer.likes:
            instance.call(token, "POST", f"/api/v1/statuses/{post}/favourite")
        status = instance.call(
            token,
            "POST",
            "/api/v1/statuses",
            json={
                "status": f"@{BRAND_HANDLE} {customer.comment}",
                "in_reply_to_id": post,
                "language": "id",
            },
        )
        made.append(Comment(customer.handle, str(status["id"]), post))
    return tuple(made)
