from datetime import timedelta
from email.utils import format_datetime
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
from channels.limits import load_limits
from channels.mastodon import MastodonChannel
from domain.action import ActionKind
from domain.conversation import InteractionKind
from net.client import Response
from net.errors import NetError, OutcomeUnknown
from tests.memory import MemoryBudgets
from tests.unit.channels.fakes import NOW, Answer, Call, FakeHttp, ok, refusal, request
from tests.unit.channels.test_limits import encoded

POST = "POST /api/v1/statuses"
ME = "GET /api/v1/accounts/verify_credentials"
LIST = "GET /api/v1/accounts/1/statuses"
MEDIA = "POST /api/v2/media"
V2 = "GET /api/v2/instance"
V1 = "GET /api/v1/instance"
NOTES = "GET /api/v1/notifications"
OWN = ok({"id": "1", "acct": "merek", "username": "merek", "followers_count": 3})


def status(
    number: int = 7, text: str = "Halo", minutes: float = 0, **changes: Any
) -> dict[str, Any]:
    return {
        "id": str(number),
        "url": f"https://x.test/@merek/{number}",
        "content": f"<p>{text}</p>",
        "created_at": (NOW + timedelta(minutes=minutes)).isoformat(),
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "media_attachments": [],
        "account": {"id": "1", "acct": "merek"},
        "language": "id",
    } | changes


def channel(routes: dict[str, list[Answer]]) -> tuple[MastodonChannel, FakeHttp, list[float]]:
    own: dict[str, list[Answer]] = {ME: [OWN]}
    http = FakeHttp(own | routes)
    slept: list[float] = []
    made = MastodonChannel(
        base_url="https://x.test",
        token="t",
        http=http,
        budgets=MemoryBudgets(),
        clock=lambda: NOW,
        sleep=slept.append,
    )
    return made, http, slept


def test_text_goes_out_as_it_is_with_the_key() -> None:
    made, http, _ = channel({POST: [ok(status())]})
    text = "Halo @siti@x.id\r\n\n  <b>&amp;</b> "
    sent = made.publish(
        request(
            text,
            languages=("id", "en"),
            visibility="unlisted",
            kind=ActionKind.REPLY,
            reply_to=RemoteRef("5"),
        )
    )
    (call,) = http.effects()
    assert call.options["json"] == {
        "status": text,
        "visibility": "unlisted",
        "in_reply_to_id": "5",
        "language": "id",
    }
    assert call.options["headers"] == {
        "Idempotency-Key": "3mabcdefghijk",
        "Authorization": "Bearer t",
    }
    assert isinstance(sent, Sent)
    assert sent.remote_id == "7"
    assert "account" not in sent.raw


def test_picture_is_attached_once_the_instance_is_done_with_it() -> None:
    made, http, slept = channel(
        {
            MEDIA: [ok({"id": "m1"}, 202)],
            "GET /api/v1/media/m1": [
                ok({"id": "m1"}, 206),
                ok({"id": "m1"}, 206),
                ok({"id": "m1"}),
            ],
            POST: [ok(status())],
        }
    )
    image = Image(encoded(), "image/png", "cangkir")
    assert isinstance(made.publish(request(images=(image,))), Sent)
    upload = http.to("/api/v2/media")[0]
    assert not upload.effect
    assert upload.options["files"] == {"file": ("picture-1.png", image.data, "image/png")}
    assert upload.options["data"] == {"description": "cangkir"}
    assert len(slept) == 3
    assert http.effects()[0].options["json"]["media_ids"] == ["m1"]


@pytest.mark.parametrize(
    ("routes", "kind"),
    [
        ({MEDIA: [refusal(422, "bad")]}, Refused),
        ({MEDIA: [refusal(500)]}, NotSent),
        ({MEDIA: [refusal(429)]}, NotSent),
        ({MEDIA: [refusal(401)]}, NotSent),
        ({MEDIA: [ok({})]}, NotSent),
        ({MEDIA: [ok({"id": "m"}, 202)], "GET /api/v1/media/m": [ok({}, 206)]}, NotSent),
        ({MEDIA: [ok({"id": "m"}, 202)], "GET /api/v1/media/m": [refusal(422, "x")]}, Refused),
    ],
)
def test_failed_upload_is_never_unknown(routes: dict[str, list[Answer]], kind: type) -> None:
    made, http, slept = channel(routes)
    wanted = request(images=(Image(encoded(), "image/png", ""),))
    assert type(made.publish(wanted)) is kind
    assert http.effects() == []
    assert len(slept) <= 60


@pytest.mark.parametrize("answer", [OutcomeUnknown("x"), ok([]), ok({}), refusal(409)])
def test_unclear_publication_is_unknown_and_sent_once(answer: Response | NetError) -> None:
    made, http, _ = channel({POST: [answer]})
    assert isinstance(made.publish(request()), Unknown)
    assert len(http.effects()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": ActionKind.MESSAGE},
        {"kind": ActionKind.LIKE},
        {"visibility": "secret"},
        {"text": ""},
        {"kind": ActionKind.LIKE, "reply_to": RemoteRef("../../../oauth/revoke")},
    ],
)
def test_what_mastodon_has_not_is_refused_without_a_call(changes: dict[str, Any]) -> None:
    made, http, _ = channel({})
    assert isinstance(made.publish(request(**changes)), Refused)
    assert http.calls == []


SOURCE = "GET /api/v1/statuses/7/source"
RECONCILED: list[tuple[list[dict[str, Any]], type]] = [
    ([], Absent),
    ([status()], Sent),
    ([status(minutes=-0.5)], Sent),  # the clocks differ a little
    ([status(minutes=-3)], Absent),  # an older post with the same text
    ([status(text="Lain")], Absent),
    ([status(in_reply_to_id="5")], Absent),
    ([status(media_attachments=[{}])], Absent),
    ([status(9, "Baru", 2), status(7), status(3, "Lama", -60)], Sent),
    ([status(text="Halo<br />")], Sent),
]


@pytest.mark.parametrize(("statuses", "kind"), RECONCILED)
def test_reconciling(statuses: list[dict[str, Any]], kind: type) -> None:
    def page(call: Call) -> Response:
        return ok([] if "max_id" in call.options["params"] else statuses)

    made, http, _ = channel(
        {LIST: [page], SOURCE: [refusal(404)], "GET /api/v1/statuses/9/source": [refusal(404)]}
    )
    settled = made.reconcile(request())
    assert type(settled) is kind
    assert http.effects() == []
    if isinstance(settled, Sent):
        assert settled.remote_id == "7"


def test_source_decides_where_the_instance_renders_markup() -> None:
    shown = status(text="ini <strong>tebal</strong>")
    made, _, _ = channel({LIST: [ok([shown]), ok([])], SOURCE: [ok({"text": "ini **tebal**"})]})
    assert isinstance(made.reconcile(request("ini **tebal**")), Sent)


def test_reconciling_goes_by_the_clock_of_the_instance() -> None:
    behind = NOW - timedelta(days=30)
    date = format_datetime(behind, usegmt=True)
    mine = status(minutes=-30 * 24 * 60)
    old = status(3, minutes=-31 * 24 * 60)
    made, _, _ = channel({LIST: [ok([mine], date=date), ok([], date=date)]})
    assert isinstance(made.reconcile(request()), Sent)
    made, _, _ = channel({LIST: [ok([old], date=date)]})
    assert isinstance(made.reconcile(request()), Absent)


def test_reconciling_reads_on_until_it_is_past_the_request() -> None:
    pages: dict[str | None, list[dict[str, Any]]] = {
        None: [status(9, "a", 9), status(8, "b", 8)],
        "8": [status(7), status(6, "c", -99)],
    }

    def page(call: Call) -> Response:
        return ok(pages[call.options["params"].get("max_id")])

    made, http, _ = channel({LIST: [page]})
    assert isinstance(made.reconcile(request()), Sent)
    assert len(http.to("/api/v1/accounts/1/statuses")) == 2


def test_endless_account_and_failing_read_prove_nothing() -> None:
    made, _, _ = channel({LIST: [ok([status(text="Lain")])]})
    endless = made.reconcile(request())
    assert isinstance(endless, CannotTell)
    assert endless.ask_person
    made, _, _ = channel({LIST: [refusal(503)]})
    assert isinstance(made.reconcile(request()), CannotTell)


def test_limits_of_the_instance_older_instance_and_none() -> None:
    told = {
        "configuration": {"statuses": {"max_characters": 5000, "characters_reserved_per_url": 30}}
    }
    made, http, _ = channel({V2: [ok(told)]})
    for _ in range(2):
        limits = made.capabilities().limits
    assert (limits.text_max, limits.url_length, limits.alt_max) == (5000, 30, 1500)
    assert limits.checked_on == "2026-11-22"
    assert limits.source == "https://x.test/api/v2/instance"
    assert len(http.calls) == 1

    made, _, _ = channel({V2: [refusal(404)], V1: [ok(told)]})
    assert made.capabilities().limits.source == "https://x.test/api/v1/instance"

    made, http, _ = channel({V2: [refusal(503)]})
    for _ in range(2):
        limits = made.capabilities().limits
    assert limits.text_max == 500
    assert limits.source.startswith("defaults, not told by the instance")
    assert len(http.calls) == 2  # asked again: a failure is not remembered


MEDIA_TYPES = {"supported_mime_types": ["image/jpeg", "video/mp4"], "image_size_limit": 9_000_000}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (  # Mastodon and forks with limits of their own
            {"version": "4.5.2+glitch", "configuration": {
                "statuses": {"max_characters": 5000, "characters_reserved_per_url": 23},
                "media_attachments": MEDIA_TYPES}},
            (5000, 23, "mastodon", 9_000_000, ("image/jpeg",), True),
        ),
        (  # GoToSocial
            {"version": "0.20.1 git-abcdef", "configuration": {
                "statuses": {"max_characters": 5000, "characters_reserved_per_url": 25},
                "media_attachments": MEDIA_TYPES}},
            (5000, 25, "mastodon", 9_000_000, ("image/jpeg",), False),
        ),
        (  # Pixelfed
            {"version": "3.5.3 (compatible; Pixelfed 0.12.4)", "configuration": {
                "statuses": {"max_characters": 500, "characters_reserved_per_url": 23},
                "media_attachments": MEDIA_TYPES}},
            (500, 23, "mastodon", 9_000_000, ("image/jpeg",), False),
        ),
        (  # Pleroma and Akkoma in members of their own; an address counts as it is
            {"version": "2.7.2 (compatible; Akkoma 3.15.0)", "max_toot_chars": 5000,
             "upload_limit": 16_000_000, "description_limit": 5000},
            (5000, None, "graphemes", 16_000_000, None, True),
        ),
        (  # values that say nothing
            {"version": "4.3.0", "configuration": {
                "statuses": {"max_characters": None, "max_media_attachments": "4"},
                "media_attachments": []}},
            (500, 23, "mastodon", None, None, True),
        ),
    ],
    ids=["glitch", "gotosocial", "pixelfed", "akkoma", "nothing"],
)  # fmt: skip
def test_limits_of_whatever_speaks_the_api(body: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    made, _, _ = channel({V2: [refusal(404)], V1: [ok(body)]})
    offered = made.capabilities()
    limits, usual = offered.limits, load_limits("mastodon")
    text_max, url_length, unit, image_bytes, types, keys = wanted
    assert (limits.text_max, limits.url_length, limits.text_unit) == (text_max, url_length, unit)
    assert limits.image_bytes_max == (image_bytes or usual.image_bytes_max)
    assert limits.image_types == (types or usual.image_types)
    assert limits.images_max == usual.images_max
    assert offered.native_idempotency is keys


def note(number: int, kind: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "type": kind,
        "created_at": NOW.isoformat(),
        "account": {
            "id": "2",
            "acct": "siti@lain.id",
            "display_name": "Siti",
            "followers_count": 4,
        },
        "status": status(100 + number, "Tanya &amp; <b>jawab</b>"),
    } | changes


def test_notifications_become_interactions_oldest_first() -> None:
    reply = status(108, in_reply_to_id="7", in_reply_to_account_id="1")
    newest_first = [
        note(9, "poll"),
        note(8, "mention", status=reply),
        note(7, "mention"),
        note(6, "favourite", status=status(7)),
        note(5, "reblog", status=status(7)),
        note(4, "follow", status=None),
        note(3, "quote", status=status(103, quote={"quoted_status": {"id": "7"}})),
        note(2, "mention", account={"id": "1", "acct": "merek"}),
        note(1, "mention", status=None),
    ]
    made, http, _ = channel({NOTES: [ok(newest_first)]})
    page = made.interactions(None)
    kind = InteractionKind
    assert [(item.kind, item.remote_id, item.target_remote_id) for item in page.interactions] == [
        (kind.QUOTE, "103", "7"),
        (kind.FOLLOW, "notification/4", None),
        (kind.REPOST, "notification/5", "7"),
        (kind.LIKE, "notification/6", "7"),
        (kind.MENTION, "107", None),
        (kind.REPLY, "108", "7"),
    ]
    mention = page.interactions[4]
    assert mention.text == "Tanya & jawab"
    assert mention.person.handle == "siti@lain.id"
    assert mention.person.followers == 4
    assert page.interactions[3].text == ""
    assert page.cursor == "9"
    assert not page.more
    assert http.to("/api/v1/notifications")[0].options["params"]["min_id"] == "0"


def test_full_page_has_more_and_empty_page_keeps_the_cursor() -> None:
    made, http, _ = channel({NOTES: [ok([note(n, "mention") for n in range(40, 0, -1)]), ok([])]})
    page = made.interactions("0")
    assert page.more
    assert page.cursor == "40"
    last = made.interactions(page.cursor)
    assert http.to("/api/v1/notifications")[1].options["params"]["min_id"] == "40"
    assert last.cursor == "40"
    assert not last.more


def test_unreadable_notifications_are_an_error_of_the_channel() -> None:
    bodies: tuple[object, ...] = ({}, [{}], [1])
    for body in bodies:
        made, _, _ = channel({NOTES: [ok(body)]})
        with pytest.raises(ChannelUnavailable):
            made.interactions(None)


def test_figures_leave_out_what_is_gone_and_what_is_not_told() -> None:
    made, _, _ = channel(
        {
            "GET /api/v1/statuses/7": [ok(status() | {"favourites_count": 3, "replies_count": 0})],
            "GET /api/v1/statuses/8": [refusal(404)],
        }
    )
    figures = made.post_metrics(["7", "8"])
    assert list(figures) == ["7"]
    assert [(f.name, f.value) for f in figures["7"]] == [
        ("favourites_count", 3),
        ("replies_count", 0),
    ]
