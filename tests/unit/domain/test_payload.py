"""The digest: what an approval binds to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.action import ActionKind, MediaRef, Payload, Segment

MEDIA = MediaRef(media_id="m1", sha256="a" * 64, mime="image/png", alt="Kopi")
PAYLOAD = Payload(
    account_id="acc",
    platform="bluesky",
    kind=ActionKind.POST,
    segments=(
        Segment(text="Halo", media=(MEDIA,), link="https://x.example", languages=("id",)),
        Segment(text="Dua"),
    ),
)


def change(**values: object) -> Payload:
    return PAYLOAD.model_copy(update=values)


def first(**values: object) -> Payload:
    segment = PAYLOAD.segments[0].model_copy(update=values)
    return change(segments=(segment, PAYLOAD.segments[1]))


@pytest.mark.parametrize(
    "other",
    [
        change(account_id="other"),
        change(platform="mastodon"),
        change(kind=ActionKind.REPLY),
        change(target="x"),
        change(visibility="unlisted"),
        change(segments=tuple(reversed(PAYLOAD.segments))),
        change(segments=PAYLOAD.segments[:1]),
        first(text="Halo "),
        first(link=None),
        first(languages=("en",)),
        first(media=()),
        first(media=(MEDIA.model_copy(update={"alt": "Teh"}),)),
        first(media=(MEDIA.model_copy(update={"sha256": "b" * 64}),)),
        first(media=(MEDIA.model_copy(update={"mime": "image/jpeg"}),)),
    ],
)
def test_everything_that_leaves_changes_the_digest(other: Payload) -> None:
    assert other.digest() != PAYLOAD.digest()


def test_where_the_bytes_are_kept_does_not_matter() -> None:
    moved = first(media=(MEDIA.model_copy(update={"media_id": "m2"}),))
    assert moved.digest() == PAYLOAD.digest()


def test_the_digest_is_pinned() -> None:
    """A change of the canonical form would void every approval in every database."""
    payload = Payload(
        account_id="a", platform="p", kind=ActionKind.POST, segments=(Segment(text="é"),)
    )
    assert payload.canonical() == (
        b'{"account_id":"a","kind":"post","platform":"p","segments":[{"languages":[],"link":null,'
        b'"media":[],"text":"\xc3\xa9"}],"target":null,"visibility":"public"}'
    )
    assert payload.digest().startswith("v1:")


@given(st.text(), st.text())
def test_texts_differ_as_digests_do(one: str, two: str) -> None:
    if any("\ud800" <= c <= "\udfff" for c in one + two):
        return
    assert (first(text=one).digest() == first(text=two).digest()) == (one == two)


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs"])))
def test_storing_and_reading_keeps_the_digest(words: str) -> None:
    payload = first(text=words)
    again = Payload.model_validate(payload.model_dump(mode="json"))
    assert again.digest() == payload.digest()
