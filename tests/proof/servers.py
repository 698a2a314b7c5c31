"""Platforms in memory behind HTTP: a Bluesky PDS and a Mastodon instance, each for one account.

They keep to what the real ones do with record keys, `swapRecord`, idempotency keys (one hour) and
own time-lines. What becomes of a request on its way is the business of `network.py`.
"""

from __future__ import annotations

import html
import json as jsonlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from net.errors import HttpStatus, RateLimited
from net.response import Response

KEY_LIFE = timedelta(hours=1)
PUBLIC_POST = "at://did:plc:public/app.bsky.feed.post/3mabcdefghijk"


@dataclass(frozen=True)
class Call:
    """A request as a server sees it."""

    method: str
    path: str
    headers: dict[str, str]
    params: dict[str, Any]
    json: Any


@dataclass(frozen=True)
class Tag:
    """Whose request it is; the platforms never look at it, the checker does."""

    key: str
    attempt: str
    item: str


@dataclass
class LivePost:
    """A post, like or deletion that the public can see the effect of."""

    remote_id: str
    tag: Tag
    kind: str
    text: str
    parent: str | None
    at: datetime
    gone: bool = False
    more: dict[str, Any] = field(default_factory=dict)


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A complete answer."""
    return Response(
        status, httpx.Headers(headers or {}), jsonlib.dumps(body).encode(), "https://x.test/"
    )


def refusal(status: int, name: str, headers: dict[str, str] | None = None) -> HttpStatus:
    """An error status, as the client of `net` raises it."""
    body = jsonlib.dumps({"error": name, "message": "no"}).encode()
    parts: dict[str, Any] = {
        "status": status,
        "headers": httpx.Headers(headers or {}),
        "body": body,
        "excerpt": body.decode(),
    }
    if status == 429:
        return RateLimited(f"answered {status}", retry_at=None, **parts)
    return HttpStatus(f"answered {status} {name}", **parts)


class Server:
    """What both have in common."""

    listed = (400, "InvalidRequest")  # the connector names it as without effect
    odd = (409, "Conflict")  # the connector does not name it
    stale = (401, "ExpiredToken")

    def __init__(self, host: str, now: Callable[[], datetime]) -> None:
        self.host = host
        self.now = now
        self.posts: list[LivePost] = []
        self.done: list[Tag] = []  # every request that had an effect, in the order of effects

    def live(self) -> list[LivePost]:
        """What the public sees."""
        return [post for post in self.posts if not post.gone]

    def find(self, remote_id: str) -> LivePost | None:
        """A live post by its id."""
        return next((post for post in self.live() if post.remote_id == remote_id), None)

    def carry_out(self, call: Call, tag: Tag) -> Response | HttpStatus:
        """Do what a request with an effect asks for."""
        raise NotImplementedError

    def read(self, call: Call) -> Response | HttpStatus:
        """Answer a call without effect."""
        raise NotImplementedError

    def _add(
        self, tag: Tag, remote_id: str, kind: str, text: str, parent: str | None, **more: Any
    ) -> LivePost:
        post = LivePost(remote_id, tag, kind, text, parent, self.now(), more=more)
        self.posts.append(post)
        self.done.append(tag)
        return post

    def _remove(self, tag: Tag, post: LivePost) -> None:
        post.gone = True
        self.done.append(tag)


class Pds(Server):
    """A personal data server: one record per key, put only where nothing stands."""

    def __init__(self, host: str, now: Callable[[], datetime]) -> None:
        super().__init__(host, now)
        self.did = f"did:plc:{host.split('.', maxsplit=1)[0]}"
        self._token = 0

    def carry_out(self, call: Call, tag: Tag) -> Response | HttpStatus:
        body = call.json
        uri = f"at://{self.did}/{body['collection']}/{body['rkey']}"
        assert body["repo"] == self.did
        if call.path.endswith("deleteRecord"):
            found = self.find(uri)
            if found is not None:
                self._remove(tag, found)
            return answer({})
        assert call.path.endswith("putRecord"), call.path
        if self.find(uri) is not None:
            if "swapRecord" in body and body["swapRecord"] is None:
                return refusal(400, "InvalidSwap")
            return refusal(400, "InvalidRequest")
        record = body["record"]
        kind = "like" if "like" in body["collection"] else "post"
        parent = record.get("reply", {}).get("parent", {}).get("uri")
        if kind == "like":
            parent = record["subject"]["uri"]
        self._add(tag, uri, kind, record.get("text", ""), parent, record=record)
        return answer({"uri": uri, "cid": f"cid-{body['rkey']}"})

    def read(self, call: Call) -> Response | HttpStatus:
        name = call.path.removeprefix("/xrpc/")
        if name.endswith(("createSession", "refreshSession")):
            self._token += 1
            return answer(
                {
                    "accessJwt": f"access-{self._token}",
                    "refreshJwt": f"refresh-{self._token}",
                    "did": self.did,
                    "handle": self.host,
                }
            )
        if name.endswith("getRecord"):
            p = call.params
            found = self.find(f"at://{p['repo']}/{p['collection']}/{p['rkey']}")
            if found is None:
                return refusal(400, "RecordNotFound")
            return answer(
                {"uri": found.remote_id, "cid": f"cid-{p['rkey']}", "value": found.more["record"]}
            )
        if name.endswith("getPosts"):
            return answer(
                {"posts": [{"uri": PUBLIC_POST, "cid": "cid-public", "record": {"text": "Hai"}}]}
            )
        raise AssertionError(f"the model of a PDS has no {call.method} {call.path}")


class Instance(Server):
    """A Mastodon instance. `keys=False`: it takes no notice of idempotency keys."""

    listed = (422, "Validation failed")
    stale = (401, "The access token was revoked")

    def __init__(self, host: str, now: Callable[[], datetime], *, keys: bool = True) -> None:
        super().__init__(host, now)
        self._heeds_keys = keys
        self._keys: dict[str, tuple[LivePost, datetime]] = {}
        self._count = 1000
        self.liked: set[str] = set()

    def carry_out(self, call: Call, tag: Tag) -> Response | HttpStatus:
        if call.method == "POST" and call.path == "/api/v1/statuses":
            return answer(self._show(self._post(call, tag)))
        parts = call.path.split("/")
        if parts[-1] == "favourite":
            if parts[-2] not in self.liked:
                self.liked.add(parts[-2])
                self._add(tag, f"favourite/{parts[-2]}", "like", "", parts[-2])
            return answer({"id": parts[-2], "url": None, "favourited": True})
        assert call.method == "DELETE", call.path
        found = self.find(parts[-1])
        if found is None:
            return refusal(404, "Record not found")
        self._remove(tag, found)
        return answer(self._show(found))

    def _post(self, call: Call, tag: Tag) -> LivePost:
        key = call.headers["Idempotency-Key"]
        known = self._keys.get(key)
        if self._heeds_keys and known is not None and self.now() - known[1] < KEY_LIFE:
            return known[0]
        self._count += 1
        body = call.json
        post = self._add(
            tag,
            str(self._count),
            "post",
            body["status"],
            body.get("in_reply_to_id"),
            visibility=body["visibility"],
        )
        self._keys[key] = (post, self.now())
        return post

    def read(self, call: Call) -> Response | HttpStatus:
        parts = call.path.split("/")
        if call.path.endswith("verify_credentials"):
            return answer({"id": "1", "acct": "kopi", "username": "kopi"})
        if call.path == "/api/v2/instance":
            return answer({"configuration": {"statuses": {"max_characters": 500}}})
        if parts[-1] == "statuses":
            newest = [self._show(p) for p in reversed(self.live()) if p.kind == "post"]
            before = call.params.get("max_id")
            page = [s for s in newest if before is None or int(s["id"]) < int(before)]
            return answer(page[: int(call.params["limit"])])
        status_id = parts[-2] if parts[-1] == "source" else parts[-1]
        found = self.find(status_id)
        if found is None and not (status_id in self.liked or status_id == "9"):
            return refusal(404, "Record not found")
        if parts[-1] == "source" and found is not None:
            return answer({"id": status_id, "text": found.text})
        shown = {"id": status_id, "url": None} if found is None else self._show(found)
        return answer({**shown, "favourited": status_id in self.liked})

    def _show(self, post: LivePost) -> dict[str, Any]:
        return {
            "id": post.remote_id,
            "url": f"https://{self.host}/@kopi/{post.remote_id}",
            "created_at": post.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "in_reply_to_id": post.parent,
            "content": f"<p>{html.escape(post.text)}</p>",
            "media_attachments": [],
            "visibility": post.more.get("visibility", "public"),
        }
