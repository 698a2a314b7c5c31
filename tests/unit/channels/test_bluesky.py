import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.base import (
    Absent,
    CannotTell,
    ChannelUnavailable,
    Image,
    NotSent,
    Refused,
    RemoteRef,
    Sent,
    Unknown,
)
from channels.bluesky import BlueskyChannel
from channels.bluesky_records import TidMaker, facets, parse_uri, timestamp
from channels.bluesky_timeline import new_interactions
from domain.action import ActionKind
from domain.conversation import InteractionKind
from domain.errors import InvalidInput
from net.client import Response
from net.errors import NetError, OutcomeUnknown
from tests.memory import MemoryBudgets, MemoryTokens
from tests.unit.channels.fakes import (
    NOW,
    Answer,
    Call,
    FakeHttp,
    ok,
    refusal,
    request,
)
from tests.unit.channels.test_limits import encoded

DID = "did:plc:merek"
KEY = "3mabcdefghijk"
URI = f"at://{DID}/app.bsky.feed.post/{KEY}"
LOGIN = "POST /xrpc/com.atproto.server.createSession"
REFRESH = "POST /xrpc/com.atproto.server.refreshSession"
PUT = "POST /xrpc/com.atproto.repo.putRecord"
GET = "GET /xrpc/com.atproto.repo.getRecord"
POSTS = "GET /xrpc/app.bsky.feed.getPosts"
UPLOAD = "POST /xrpc/com.atproto.repo.uploadBlob"
KEPT = {
    "accessJwt": "access-0",
    "refreshJwt": "refresh-0",
    "did": DID,
    "handle": "merek.test",
    "identifier": "merek.test",
}
WRITTEN = ok({"uri": URI, "cid": "bafy1"})


def session(number: int) -> Response:
    return ok(
        {
            "accessJwt": f"access-{number}",
            "refreshJwt": f"refresh-{number}",
            "did": DID,
            "handle": "merek.test",
        }
    )


def channel(
    routes: dict[str, list[Answer]], tokens: MemoryTokens | None = None
) -> tuple[BlueskyChannel, FakeHttp]:
    http = FakeHttp(routes)
    made = BlueskyChannel(
        base_url="https://pds.test/",
        handle="@merek.test",
        password="app-password",
        http=http,
        tokens=tokens or MemoryTokens(KEPT),
        budgets=MemoryBudgets(),
        clock=lambda: NOW,
    )
    return made, http


def test_tids_are_valid_sorted_and_never_the_same() -> None:
    maker = TidMaker()
    made = [maker.make(NOW) for _ in range(500)] + [maker.make(NOW + timedelta(seconds=1))]
    assert len(set(made)) == len(made)
    assert made == sorted(made)
    assert all(
        len(tid) == 13 and set(tid) <= set("234567abcdefghijklmnopqrstuvwxyz") for tid in made
    )
    value = 0
    for letter in made[-1]:
        value = value * 32 + "234567abcdefghijklmnopqrstuvwxyz".index(letter)
    micros = value >> 10
    assert datetime.fromtimestamp(micros / 1e6, UTC) == NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("tanpa apa-apa", []),
        ("https://a.id/x, lalu", ["https://a.id/x"]),
        ("(lihat https://a.id/x)", ["https://a.id/x"]),
        ("☕️ #kopi, #2026 #kopi2026! a#b", ["#kopi", "#kopi2026"]),
        ("@ada.test @tiada.test surat@ada.test", ["@ada.test"]),
        ("https://a.id/#tag #b", ["https://a.id/#tag", "#b"]),
        ("#" + "x" * 65, []),
    ],
)
def test_facets_by_bytes(text: str, wanted: list[str]) -> None:
    found = facets(text, {"ada.test": "did:plc:ada"}.get)
    raw = text.encode()
    assert [raw[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode() for f in found] == wanted


def test_timestamps_and_addresses() -> None:
    assert timestamp(NOW) == "2026-11-22T09:00:00.000Z"
    assert parse_uri(URI).rkey == KEY
    for wrong in ("https://bsky.app/x/y", "at://a/b", "at://a//c", "at://a/b/c/d"):
        with pytest.raises(InvalidInput):
            parse_uri(wrong)


def test_post_is_put_with_swap_null_and_the_same_body_each_time() -> None:
    made, http = channel(
        {PUT: [WRITTEN], UPLOAD: [ok({"blob": {"$type": "blob", "ref": {"$link": "b"}}})]}
    )
    wanted = request(
        "Halo #kopi", languages=("id",), images=(Image(encoded(), "image/png", "alt"),)
    )
    sent = made.publish(wanted)
    made.publish(wanted)
    bodies = [call.options["json"] for call in http.effects()]
    assert bodies[0] == bodies[1]
    assert "swapRecord" in bodies[0]
    assert bodies[0]["swapRecord"] is None
    assert bodies[0]["rkey"] == KEY
    record = bodies[0]["record"]
    assert record["createdAt"] == "2026-11-22T09:00:00.000Z"
    assert record["text"] == "Halo #kopi"
    assert record["embed"]["images"][0]["alt"] == "alt"
    assert record["embed"]["images"][0]["aspectRatio"] == {"width": 8, "height": 8}
    assert not http.to("/xrpc/com.atproto.repo.uploadBlob")[0].effect
    assert sent == Sent(
        URI,
        url=f"https://bsky.app/profile/merek.test/post/{KEY}",
        raw={"uri": URI, "cid": "bafy1"},
        extra={"cid": "bafy1", "root_uri": URI, "root_cid": "bafy1"},
    )


def test_answer_reads_the_parent_only_where_it_must() -> None:
    theirs = "at://did:plc:siti/app.bsky.feed.post/3p"
    root = {"uri": URI, "cid": "root-cid"}
    post = {"uri": theirs, "cid": "their-cid", "record": {"reply": {"root": root}}}
    made, http = channel({PUT: [WRITTEN], POSTS: [ok({"posts": [post]})]})
    wanted = request(kind=ActionKind.REPLY, reply_to=RemoteRef(theirs))
    sent = made.publish(wanted)
    reply = http.effects()[0].options["json"]["record"]["reply"]
    assert reply == {"root": root, "parent": {"uri": theirs, "cid": "their-cid"}}
    assert isinstance(sent, Sent)
    assert sent.extra == {"cid": "bafy1", "root_uri": URI, "root_cid": "root-cid"}

    known = RemoteRef(theirs, {"cid": "their-cid", "root_uri": URI, "root_cid": "root-cid"})
    made, http = channel({PUT: [WRITTEN]})
    made.publish(request(kind=ActionKind.REPLY, reply_to=known))
    assert http.effects()[0].options["json"]["record"]["reply"] == reply


def test_answer_to_a_post_that_is_gone_is_refused_before_anything_is_sent() -> None:
    made, http = channel({POSTS: [ok({"posts": []})]})
    theirs = RemoteRef("at://did:plc:siti/app.bsky.feed.post/3p")
    assert isinstance(made.publish(request(kind=ActionKind.REPLY, reply_to=theirs)), Refused)
    assert http.effects() == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refusal(413, "PayloadTooLarge"), Refused),
        (refusal(503), NotSent),
        (refusal(429), NotSent),
        (OutcomeUnknown("x"), NotSent),
    ],
)
def test_failed_upload_is_never_unknown(error: NetError, kind: type) -> None:
    made, http = channel({UPLOAD: [error]})
    wanted = request(images=(Image(encoded(), "image/png", ""),))
    assert type(made.publish(wanted)) is kind
    assert http.effects() == []


def test_unknown_effect_is_sent_once_only() -> None:
    made, http = channel({PUT: [OutcomeUnknown("x")]})
    assert isinstance(made.publish(request()), Unknown)
    assert len(http.effects()) == 1


@pytest.mark.parametrize("body", [{}, [], {"uri": URI}])
def test_unreadable_success_is_unknown(body: object) -> None:
    made, _ = channel({PUT: [ok(body)]})
    assert isinstance(made.publish(request()), Unknown)


def test_stale_token_is_refreshed_and_saved_before_it_is_used() -> None:
    tokens = MemoryTokens(KEPT)
    saved_at_use: list[int] = []

    def put(call: Call) -> Response | NetError:
        saved_at_use.append(len(tokens.saves))
        return refusal(400, "ExpiredToken") if call.token == "access-0" else WRITTEN

    made, http = channel({PUT: [put], REFRESH: [session(1)]}, tokens)
    assert isinstance(made.publish(request()), Sent)
    assert saved_at_use == [0, 1]
    assert http.to("/xrpc/com.atproto.server.refreshSession")[0].token == "refresh-0"
    assert http.effects()[1].token == "access-1"


def test_lost_session_logs_in_again_and_a_wrong_password_asks_for_a_person() -> None:
    stale = refusal(400, "ExpiredToken")
    made, _ = channel({PUT: [stale, WRITTEN], REFRESH: [stale], LOGIN: [session(2)]})
    assert isinstance(made.publish(request()), Sent)

    wrong = refusal(401, "AuthenticationRequired")
    made, http = channel({PUT: [stale], REFRESH: [stale], LOGIN: [wrong]})
    outcome = made.publish(request())
    assert isinstance(outcome, NotSent)
    assert outcome.reconnect
    assert len(http.effects()) == 1


def test_token_that_stays_stale_is_not_tried_for_ever() -> None:
    made, http = channel({PUT: [refusal(400, "ExpiredToken")], REFRESH: [session(1)]})
    outcome = made.publish(request())
    assert isinstance(outcome, NotSent)
    assert outcome.reconnect
    assert len(http.effects()) == 2


def test_many_threads_refresh_once() -> None:
    def put(call: Call) -> Response | NetError:
        return refusal(400, "ExpiredToken") if call.token == "access-0" else WRITTEN

    def refresh(_: Call) -> Response:
        time.sleep(0.05)
        return session(1)

    made, http = channel({PUT: [put], REFRESH: [refresh]})
    outcomes: list[object] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(made.publish(request()))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert len(outcomes) == 6
    assert len(http.to("/xrpc/com.atproto.server.refreshSession")) == 1


def test_session_of_another_process_is_taken_over() -> None:
    tokens = MemoryTokens(KEPT)

    def refresh(_: Call) -> NetError:  # in the meantime, another process used the refresh token
        tokens.save(KEPT | {"accessJwt": "access-9", "refreshJwt": "refresh-9"})
        return refusal(400, "ExpiredToken")

    made, http = channel({PUT: [refusal(400, "ExpiredToken"), WRITTEN], REFRESH: [refresh]}, tokens)
    assert isinstance(made.publish(request()), Sent)
    assert http.effects()[1].token == "access-9"


def test_session_of_another_handle_is_not_used() -> None:
    tokens = MemoryTokens(KEPT | {"identifier": "lain.test"})
    made, http = channel({PUT: [WRITTEN], LOGIN: [session(5)]}, tokens)
    made.publish(request())
    assert http.effects()[0].token == "access-5"


RECORD: dict[str, Any] = {"uri": URI, "cid": "bafy1", "value": {"text": "Halo"}}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ok(RECORD), Sent),
        (ok(RECORD | {"value": {"text": "Lain"}}), CannotTell),
        (refusal(400, "RecordNotFound"), Absent),
        (refusal(400, "InvalidRequest"), CannotTell),
        (refusal(404), CannotTell),
        (refusal(503), CannotTell),
        (refusal(429), CannotTell),
        (OutcomeUnknown("x"), CannotTell),
    ],
)
def test_reconciling(answer: Answer, kind: type) -> None:
    made, http = channel({GET: [answer]})
    settled = made.reconcile(request())
    assert type(settled) is kind
    assert http.effects() == []
    if isinstance(settled, CannotTell):
        assert settled.ask_person == (answer == ok(RECORD | {"value": {"text": "Lain"}}))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": ActionKind.HIDE},
        {"kind": ActionKind.REPLY},
        {"visibility": "private"},
        {"text": "  "},
        {"languages": ("id", "en", "jv", "su")},
        {
            "kind": ActionKind.DELETE,
            "reply_to": RemoteRef("at://did:plc:siti/app.bsky.feed.post/3"),
        },
    ],
)
def test_what_bluesky_has_not_is_refused_without_a_call(changes: dict[str, Any]) -> None:
    made, http = channel({})
    assert isinstance(made.publish(request(**changes)), Refused)
    assert http.effects() == []


def notification(
    number: int, minute: float, reason: str = "reply", author: str = "did:plc:siti", **record: Any
) -> dict[str, Any]:
    return {
        "uri": f"at://{author}/app.bsky.feed.post/{number}",
        "cid": f"c{number}",
        "author": {"did": author, "handle": "siti.test", "displayName": "Siti"},
        "reason": reason,
        "reasonSubject": URI,
        "record": {"text": f"teks {number}", "langs": ["id"]} | record,
        "indexedAt": (NOW + timedelta(minutes=minute)).isoformat(),
    }


class Notifications:
    """listNotifications over a list, two a page, newest first."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.pages = 0

    def __call__(self, cursor: str | None) -> dict[str, Any]:
        self.pages += 1
        start = int(cursor or 0)
        ordered = sorted(self.items, key=lambda item: str(item["indexedAt"]), reverse=True)
        page = ordered[start : start + 2]
        following = {"cursor": str(start + 2)} if start + 2 < len(ordered) else {}
        return {"notifications": page} | following


def test_notifications_are_read_once_oldest_first_and_late_ones_too() -> None:
    source = Notifications()
    source.items = [notification(n, minute=n) for n in range(5)]
    page = new_interactions(source, None, own_did=DID)
    assert [item.text for item in page.interactions] == [f"teks {n}" for n in range(5)]
    again = new_interactions(source, page.cursor, own_did=DID)
    assert again.interactions == ()
    source.items += [notification(7, minute=7), notification(6, minute=-3)]
    third = new_interactions(source, again.cursor, own_did=DID)
    assert [item.text for item in third.interactions] == ["teks 6", "teks 7"]
    assert new_interactions(source, third.cursor, own_did=DID).interactions == ()


def test_walk_stops_at_what_is_known() -> None:
    source = Notifications()
    source.items = [notification(n, minute=30 * n) for n in range(40)]
    page = new_interactions(source, None, own_did=DID)
    source.pages = 0
    source.items.append(notification(41, minute=30 * 41))
    assert len(new_interactions(source, page.cursor, own_did=DID).interactions) == 1
    assert source.pages == 2


def test_empty_list_keeps_the_cursor() -> None:
    assert new_interactions(Notifications(), None, own_did=DID).cursor is None
    assert new_interactions(
        Notifications(), json.dumps({"newest": NOW.isoformat(), "seen": []}), own_did=DID
    ).cursor


def test_kinds_of_interactions() -> None:
    ours = {"parent": {"uri": URI}, "root": {"uri": "at://root/x/y"}}
    theirs = {"parent": {"uri": "at://did:plc:x/app.bsky.feed.post/1"}, "root": {"uri": URI}}
    source = Notifications()
    source.items = [
        notification(0, 0, "reply", reply=ours),
        notification(1, 1, "mention", reply=ours),
        notification(2, 2, "mention", reply=theirs),
        notification(3, 3, "mention"),
        notification(4, 4, "quote"),
        notification(5, 5, "like"),
        notification(6, 6, "repost"),
        notification(7, 7, "follow"),
        notification(8, 8, "starterpack-joined"),
        notification(9, 9, "reply", author=DID, reply=ours),
    ]
    kind = InteractionKind
    got = new_interactions(source, None, own_did=DID).interactions
    assert [item.kind for item in got] == [
        *(kind.REPLY, kind.REPLY, kind.MENTION, kind.MENTION, kind.QUOTE),
        *(kind.LIKE, kind.REPOST, kind.FOLLOW),
    ]
    assert got[0].target_remote_id == URI
    assert got[0].root_remote_id == "at://root/x/y"
    assert got[2].target_remote_id == theirs["parent"]["uri"]
    assert got[5].target_remote_id == URI
    assert got[5].text == ""
    assert got[0].url == "https://bsky.app/profile/siti.test/post/0"


def test_unreadable_notifications_are_an_error_of_the_channel() -> None:
    path = "GET /xrpc/app.bsky.notification.listNotifications"
    bodies: tuple[object, ...] = ({}, {"notifications": [{}]}, {"notifications": None})
    for body in bodies:
        made, _ = channel({path: [ok(body)]})
        with pytest.raises(ChannelUnavailable):
            made.interactions(None)


def test_figures_come_in_batches_of_25() -> None:
    def posts(call: Call) -> Response:
        uris = call.options["params"]["uris"]
        return ok({"posts": [{"uri": uri, "likeCount": 2, "replyCount": 0} for uri in uris[1:]]})

    made, http = channel({POSTS: [posts]})
    wanted = [f"at://{DID}/app.bsky.feed.post/{n}" for n in range(26)]
    figures = made.post_metrics(wanted)
    assert [len(call.options["params"]["uris"]) for call in http.calls] == [25, 1]
    assert len(figures) == 24
    assert wanted[0] not in figures
    assert {f.name: f.value for f in figures[wanted[1]]} == {"likeCount": 2, "replyCount": 0}
