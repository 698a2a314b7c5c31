"""The Bluesky network itself: what our channel relies on, by plain HTTP."""

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import pytest

from tests.live.bluesky_network.network import Account, BlueskyNetwork, NetworkError

pytestmark = [pytest.mark.live, pytest.mark.bluesky]

POST = "app.bsky.feed.post"
PASSWORD = "a-password-of-this-test"
TID_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
Found = TypeVar("Found")


class Session:
    """One account's calls to its PDS."""

    def __init__(self, account: Account, client: httpx.Client) -> None:
        self.account = account
        self.client = client
        answer = client.post(
            "/xrpc/com.atproto.server.createSession",
            json={"identifier": account.handle, "password": account.password},
        )
        assert answer.status_code == 200, answer.text
        self.authorization = {"Authorization": f"Bearer {answer.json()['accessJwt']}"}

    def get(self, method: str, **params: Any) -> httpx.Response:
        return self.client.get(f"/xrpc/{method}", params=params, headers=self.authorization)

    def put_new(self, rkey: str, record: dict[str, Any]) -> httpx.Response:
        """Write a record that must not be there yet with other content."""
        return self.client.post(
            "/xrpc/com.atproto.repo.putRecord",
            headers=self.authorization,
            json={
                "repo": self.account.did,
                "collection": POST,
                "rkey": rkey,
                "record": record,
                "swapRecord": None,
            },
        )


def record_key() -> str:
    number = time.time_ns() // 1000 << 10 | secrets.randbelow(1 << 10)
    return "".join(TID_ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))


def post_record(text: str, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"$type": POST, "text": text, "createdAt": now, "langs": ["id"], **more}


def eventually(look: Callable[[], Found | None], seconds: float = 20) -> Found:
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"nothing was seen within {seconds} s"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def accounts(bluesky_network: BlueskyNetwork) -> tuple[Account, Account]:
    mark = secrets.token_hex(3)
    return (
        bluesky_network.create_account(f"brand-{mark}.test", PASSWORD),
        bluesky_network.create_account(f"reader-{mark}.test", PASSWORD),
    )


@pytest.fixture
def client(bluesky_network: BlueskyNetwork) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=bluesky_network.pds_url, timeout=30) as client:
        yield client


def listening(pid: int) -> dict[int, str]:
    """The TCP ports a process listens at, with the address of each as the kernel writes it."""
    sockets = {
        str(target).removeprefix("socket:[").removesuffix("]")
        for entry in Path(f"/proc/{pid}/fd").iterdir()
        if (target := entry.readlink() if entry.is_symlink() else Path()).name.startswith("socket:")
    }
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and rest[5] in sockets:
                address, _, port = local.rpartition(":")
                found[int(port, 16)] = address
    return found


def test_every_server_listens_on_loopback_alone(bluesky_network: BlueskyNetwork) -> None:
    assert bluesky_network._node is not None
    found = listening(bluesky_network._node.pid)
    for url in (bluesky_network.pds_url, bluesky_network.appview_url, bluesky_network.plc_url):
        parts = urlsplit(url)
        assert (parts.scheme, parts.hostname) == ("http", "localhost")
        assert parts.port in found
    assert set(found.values()) == {"0100007F"}, found


def test_accounts_are_distinct_and_a_taken_handle_is_refused(
    bluesky_network: BlueskyNetwork, accounts: tuple[Account, Account]
) -> None:
    brand, reader = accounts
    assert brand.did.startswith("did:plc:")
    assert brand.did != reader.did
    document = httpx.get(f"{bluesky_network.plc_url}/{brand.did}").json()
    assert document["alsoKnownAs"] == [f"at://{brand.handle}"]
    with pytest.raises(NetworkError, match="refused the account"):
        bluesky_network.create_account(brand.handle, PASSWORD)


def test_post_is_written_once_read_back_and_answered(
    bluesky_network: BlueskyNetwork, accounts: tuple[Account, Account], client: httpx.Client
) -> None:
    brand, reader = (Session(account, client) for account in accounts)
    rkey = record_key()
    record = post_record("Buku panduan untuk administrator sudah terbit.")

    first = brand.put_new(rkey, record)
    assert first.status_code == 200, first.text
    post = {"uri": first.json()["uri"], "cid": first.json()["cid"]}
    assert post["uri"] == f"at://{brand.account.did}/{POST}/{rkey}"
    assert "commit" in first.json()

    again = brand.put_new(rkey, record)
    assert again.status_code == 200, again.text
    assert {"uri": again.json()["uri"], "cid": again.json()["cid"]} == post
    assert "commit" not in again.json()

    other = brand.put_new(rkey, record | {"text": "Teks lain."})
    assert (other.status_code, other.json()["error"]) == (400, "InvalidSwap")

    stored = brand.get(
        "com.atproto.repo.getRecord", repo=brand.account.did, collection=POST, rkey=rkey
    )
    assert stored.json() == {**post, "value": record}

    def in_author_feed() -> dict[str, Any] | None:
        feed = httpx.get(
            f"{bluesky_network.appview_url}/xrpc/app.bsky.feed.getAuthorFeed",
            params={"actor": brand.account.did},
        )
        found = [item["post"] for item in feed.json()["feed"] if item["post"]["uri"] == post["uri"]]
        assert len(found) <= 1
        return found[0] if found else None

    seen = eventually(in_author_feed)
    assert seen["record"]["text"] == record["text"]
    assert seen["author"]["handle"] == brand.account.handle

    answer = post_record(
        "Terima kasih! Di mana saya bisa mengunduhnya?", reply={"root": post, "parent": post}
    )
    replied = reader.put_new(record_key(), answer)
    assert replied.status_code == 200, replied.text

    def notified() -> dict[str, Any] | None:
        listed = brand.get("app.bsky.notification.listNotifications").json()["notifications"]
        return next((one for one in listed if one["uri"] == replied.json()["uri"]), None)

    notification = eventually(notified)
    assert notification["reason"] == "reply"
    assert notification["reasonSubject"] == post["uri"]
    assert notification["author"]["did"] == reader.account.did
    assert notification["record"]["text"] == answer["text"]
