"""The parts of the web that need no database."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from PIL import Image
from starlette.datastructures import FormData, Headers, UploadFile

from channels.base import CredentialsRefused
from config.catalogue import messages
from domain.action import ActionState
from domain.approval import HUMAN_VERBS
from domain.errors import InvalidInput, LimitExceeded, StaleVersion
from domain.source import SourceSentence
from storage.tables import ChannelAccount
from tests.fakes import FakeChannel, FakePlatform
from web import labels
from web.diff import Piece, words
from web.errors import status_of
from web.forms import Form
from web.limits import LimitBook
from web.pages import environment, web_link
from web.quotes import find_quote
from web.security import LoginBrake
from web.uploads import BYTES_MAX, picture
from web.visit import safe_back

NOW = datetime(2026, 11, 23, tzinfo=UTC)


# -- translations --------------------------------------------------------------------------------


def test_the_texts_are_found_in_every_template() -> None:
    places = {place for message in messages() for place, _ in message.locations}
    templates = {f"web/templates/{name}" for name in environment("en").list_templates()}
    assert templates - places == set()


def test_stored_texts_are_translated_and_escaped_in_pages() -> None:
    note = environment("id").from_string("{{ text|stored }}")
    assert note.render(text="<b>: mean of 40 posts") == "&lt;b&gt;: rata-rata dari 40 kiriman"
    assert note.render(text="100% <i>") == "100% &lt;i&gt;"


def test_every_state_and_verb_of_people_has_a_name() -> None:
    assert set(labels.STATES) >= {state.value for state in ActionState}
    assert set(labels.MEANINGS) == {state.value for state in ActionState}
    assert set(labels.VERBS) >= {verb.value for verb in HUMAN_VERBS}
    also = {"no_claim", "accept_risk"}  # what people state along with an approval
    assert set(labels.DONE) == {verb.value for verb in HUMAN_VERBS} | also
    assert set(labels.SAID) >= {verb.value for verb in HUMAN_VERBS}
    grouped = [state for _, states in labels.GROUPS.values() if states for state in states]
    assert sorted(grouped) == sorted(ActionState)


# -- diff ----------------------------------------------------------------------------------------


def test_diff_shows_words_that_came_and_went() -> None:
    assert words("Toko buka pukul 7", "Toko tutup pukul 7") == [
        Piece("same", "Toko "),
        Piece("removed", "buka"),
        Piece("added", "tutup"),
        Piece("same", " pukul 7"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "a b"),
        ("a b", ""),
        ("a b c d", "a x y d"),
        ("satu\n\ndua", "satu\ndua tiga"),
        ("a", "a"),
    ],
)
def test_diff_loses_no_word_of_either_text(before: str, after: str) -> None:
    pieces = words(before, after)
    assert "".join(p.text for p in pieces if p.kind != "removed") == after
    assert "".join(p.text for p in pieces if p.kind != "added") == before


# -- forms ---------------------------------------------------------------------------------------


def test_form_reads_line_ends_and_rows() -> None:
    form = Form(
        FormData(
            [
                ("text", " satu\r\ndua "),
                ("item-2-theme", "b"),
                ("item-0-theme", "a"),
                ("item-0-date", "2026-12-01"),
                ("item-x-theme", "no"),
            ]
        )
    )
    assert form.text("text") == "satu\ndua"
    assert form.rows("item") == [{"theme": "a", "date": "2026-12-01"}, {"theme": "b"}]


def test_form_refuses_what_it_cannot_use() -> None:
    form = Form(FormData([("text", "a\x00b"), ("version", "one"), ("parts", "a\x07")]))
    for read in (
        lambda: form.text("text"),
        lambda: form.number("version"),
        lambda: form.number("none"),
        lambda: form.texts("parts"),
    ):
        with pytest.raises(InvalidInput):
            read()


# -- addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "http:",
        "ftp://x.y",
        "",
        None,
        "https://[x",
    ],
)
def test_only_web_addresses_are_linked(url: str | None) -> None:
    assert web_link(url) == ""


def test_a_web_address_stays_as_it_is() -> None:
    assert web_link("https://kopi.example/a?b=c") == "https://kopi.example/a?b=c"


@pytest.mark.parametrize(
    "back",
    [
        None,
        "",
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/login",
        "/a\nb",
        "queue",
    ],
)
def test_after_the_login_nobody_leaves_the_site(back: str | None) -> None:
    assert safe_back(back) == "/"


def test_after_the_login_people_come_where_they_wanted() -> None:
    assert safe_back("/items/1?x=y") == "/items/1?x=y"


# -- brake, limits, pictures, quotes -------------------------------------------------------------


def test_login_brake_counts_per_pair_and_per_address() -> None:
    at = [0.0]
    brake = LoginBrake(tries=3, seconds=100, now=lambda: at[0])
    for _ in range(3):
        assert brake.wait_seconds("1.1.1.1", "A@x.y") == 0
        brake.failed("1.1.1.1", "a@x.y ")
    assert brake.wait_seconds("1.1.1.1", "a@x.y") == 100
    assert brake.wait_seconds("1.1.1.1", "b@x.y") == 0
    assert brake.wait_seconds("2.2.2.2", "a@x.y") == 0
    at[0] = 101
    assert brake.wait_seconds("1.1.1.1", "a@x.y") == 0
    for number in range(30):
        brake.failed("1.1.1.1", f"{number}@x.y")
    assert brake.wait_seconds("1.1.1.1", "new@x.y") == 100
    brake.succeeded("1.1.1.1", "0@x.y")
    assert brake.wait_seconds("1.1.1.1", "new@x.y") == 100


def account() -> ChannelAccount:
    return ChannelAccount(id="1", base_url="https://x.example", platform="bluesky", handle="h")


def test_limits_are_asked_once_and_failures_again_soon() -> None:
    at, asked, broken = [0.0], [0], [True]

    def open_channel(_account: ChannelAccount) -> FakeChannel:
        asked[0] += 1
        if broken[0]:
            raise CredentialsRefused("The password was refused.")
        return FakeChannel(FakePlatform(text_max=10))

    book = LimitBook(open_channel, seconds=600, retry_seconds=30, now=lambda: at[0])
    unknown = book.of(account())
    assert unknown.problem == "The password was refused."
    assert unknown.length("abc") is None
    unknown.check(["much longer than anything"])
    broken[0] = False
    assert book.of(account()) == unknown and asked == [1]
    at[0] = 31
    known = book.of(account())
    assert (known.text_max, known.length("kopi")) == (10, 4)
    with pytest.raises(LimitExceeded):
        known.check(["short", "much longer than that"])
    at[0] = 300
    book.of(account())
    assert asked == [2]


def upload(data: bytes) -> UploadFile:
    return UploadFile(
        io.BytesIO(data), filename="x.png", headers=Headers({"content-type": "image/png"})
    )


def image(kind: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size).save(out, kind)
    return out.getvalue()


def test_a_picture_is_what_its_bytes_say() -> None:
    read = picture(upload(image("JPEG")), "Biji kopi", None)
    assert (read.mime, read.width, read.height, read.alt) == ("image/jpeg", 40, 30, "Biji kopi")


def test_pictures_that_are_none_or_too_large_are_refused() -> None:
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    for data in (
        b"GIF89a nonsense",
        image()[:40],
        image("BMP"),
        bomb.getvalue(),
        bytes(BYTES_MAX + 1),
    ):
        with pytest.raises(InvalidInput):
            picture(upload(data), "x", None)
    with pytest.raises(InvalidInput, match="Describe"):
        picture(upload(image()), "", None)
    limits = FakeChannel(FakePlatform()).capabilities().limits
    with pytest.raises(LimitExceeded):
        picture(upload(image("GIF")), "x", limits)


def test_a_quote_is_copied_from_the_page_and_not_from_the_form() -> None:
    sentence = SourceSentence(
        id="s", text="Kami  buka\nsetiap hari.", url="https://a.b", title="T", fetched_at=NOW
    )
    found = find_quote([sentence], "buka setiap hari")
    assert (found.sentence_id, found.quote) == ("s", "Kami  buka\nsetiap hari.")
    with pytest.raises(InvalidInput, match="does not stand"):
        find_quote([sentence], "buka setiap malam")


def test_status_follows_the_tree_of_errors() -> None:
    assert status_of(StaleVersion("x", 1, 2))[0] == 409
    assert status_of(LimitExceeded("x"))[0] == 422
    assert status_of(CredentialsRefused("x"))[0] == 502
    assert status_of(RuntimeError("x"))[0] == 500
