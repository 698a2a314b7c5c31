"""The evaluation's numbers: reading, computing over real rows, and the report's text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.base import ChannelUnavailable, MetricValue
from domain.approval import Verb
from domain.brand import BrandProfile
from domain.conversation import InteractionKind
from domain.evaluation import Evaluation, Figure, Paragraph
from notifications.send import NullNotifier
from storage.tables import Action, ChannelAccount, Cycle, InteractionRow, MetricSnapshot, new_id
from storage.uow import Database
from tests.fakes import START, FakeChannel, ListWaker, fake_services
from tests.rooms import Room, make_room
from tests.unit.analysis.rows import all_words
from tests.unit.analysis.test_words import NAMES
from workflows.evaluation import (
    compute,
    deliver_report,
    engagement_row,
    figure_text,
    measure_accounts,
    metric,
    report_text,
    thread_values,
)

END = START + timedelta(days=7)


def figure(figure_id: str = "engagements", **more: object) -> Figure:
    values: dict[str, object] = {"layer": "media", "label": "Engagements", "value": 12}
    return Figure.model_validate({"id": figure_id, **values, **more})


# -- pure parts --------------------------------------------------------------------------------


def snapshot(value: int | None, status: str, at: datetime) -> MetricSnapshot:
    return MetricSnapshot(name="likeCount", value=value, status=status, taken_at=at)


def test_a_snapshot_from_before_the_end_is_not_yet_read() -> None:
    early = END - timedelta(seconds=1)
    stale = metric(snapshot(4, "ok", early), END)
    assert (stale.value, stale.status, stale.taken_at) == (None, "not_yet", early)
    assert metric(snapshot(4, "ok", END), END).value == 4
    assert metric(snapshot(4, "ok", early), None).value == 4
    assert metric(snapshot(None, "not_offered", END), END).status == "not_offered"


def test_a_threads_figures_are_sums_or_nothing() -> None:
    found: Mapping[str, list[MetricValue]] = {
        "one": [MetricValue("likes", 3), MetricValue("quotes", 1)],
        "two": [MetricValue("likes", 4)],
    }
    assert thread_values(("one", "two"), found) == {"likes": 7}
    assert thread_values(("one",), found) == {"likes": 3, "quotes": 1}
    assert thread_values(("one", "gone"), found) == {}
    assert thread_values((), found) == {}


def test_an_answer_to_another_person_is_a_tie_between_people() -> None:
    row = InteractionRow(
        id="i",
        account_id="acc",
        person_id="sari",
        kind="reply",
        sentiment="negative",
        text=None,
        target_remote_id="remote",
        occurred_at=START,
    )
    made = engagement_row(row, {"i": END}, {("acc", "remote"): "budi", ("other", "remote"): "x"})
    assert made.target_person == "budi"
    assert made.answered_at == END
    assert made.kind is InteractionKind.REPLY
    assert made.text == ""
    assert engagement_row(row, {}, {("other", "remote"): "x"}).target_person is None


@pytest.mark.parametrize(
    ("given", "locale", "shown"),
    [
        (figure(value=12345), "id", "12.345"),
        (figure(value=12345), "en", "12,345"),
        (figure(value=0.125, unit="share"), "id", "12,5%"),
        (figure(value=2.5), "id", "2,5"),
        (figure(value=0), "en", "0"),
        (figure(value=None, status="not_yet"), "id", "belum dibaca"),
        (figure(value=None, status="not_offered"), "id", "tidak disediakan oleh platform"),
    ],
)
def test_figures_in_words(given: Figure, locale: str, shown: str) -> None:
    assert figure_text(given, locale) == shown


def test_the_report_is_written_in_the_readers_language() -> None:
    evaluation = Evaluation(
        period_start=datetime(2026, 11, 22, 20, tzinfo=UTC),  # the 23rd in Jakarta
        period_end=datetime(2026, 11, 29, 20, tzinfo=UTC),
        figures=(
            figure(),
            figure("reach", label="Reach", value=None, status="not_offered"),
            figure("likes_total", label="Likes", value=None, status="not_yet", as_of=START),
        ),
        paragraphs=(
            Paragraph(text="Ada {engagements} tanggapan, jangkauan {reach}."),
            Paragraph(text="Balas lebih cepat.", kind="recommendation"),
        ),
    )
    title, body = report_text(evaluation, BrandProfile(name="Kopi Senja"), "id")
    assert title == "Evaluasi Kopi Senja, 23 Nov 2026 sampai 30 Nov 2026"
    assert "Ada 12 tanggapan, jangkauan tidak disediakan oleh platform." in body
    assert "Rekomendasi: Balas lebih cepat." in body
    assert "- Keterlibatan: 12\n" in body
    assert "- Suka: belum dibaca (terakhir dibaca pada 23 Nov 2026)" in body
    assert "Percakapan" not in body


def test_an_indonesian_report_has_no_english_words_of_the_figures() -> None:
    figures = tuple(
        item.model_copy(update={"id": f"{item.id}_{number}"})
        for number, item in enumerate(all_words())
    )
    evaluation = Evaluation(period_start=START, period_end=END, figures=figures)
    profile = BrandProfile(name="Kopi Senja")
    english = report_text(evaluation, profile, "en")[1].splitlines()
    indonesian = report_text(evaluation, profile, "id")[1].splitlines()
    assert len(english) == len(indonesian)
    assert {line for line in english if line in indonesian} <= {"", "Media"}
    for item in figures:
        assert f"- {item.label}: " not in "\n".join(indonesian)
        assert f"({item.note})" not in "\n".join(indonesian) or item.note in NAMES


def test_a_placeholder_without_a_figure_is_an_error() -> None:
    evaluation = Evaluation(
        period_start=START, period_end=END, paragraphs=(Paragraph(text="{nothing}"),)
    )
    with pytest.raises(KeyError):
        report_text(evaluation, BrandProfile(name="Kopi"), "en")


# -- over the real database --------------------------------------------------------------------


@pytest.fixture
def room(database: Database, database_url: str, waker: ListWaker) -> Room:
    profile = BrandProfile(name="Kopi Senja", competitors=("Teh Pagi",))
    return make_room(database, database_url, waker, profile)


@dataclass
class Silent(FakeChannel):
    """A platform that has gone away."""

    def __init__(self) -> None:
        pass

    def capabilities(self) -> object:  # type: ignore[override]
        raise ChannelUnavailable("The platform is down.")


def publish(room: Room, words: str) -> Action:
    action_id = room.post(words)
    room.pump.drain()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    return room.action(action_id)


def evaluate(room: Room, now: datetime | None = None) -> Evaluation:
    with room.services.database.unit(room.workspace_id) as uow:
        cycle = Cycle(brand_id=room.brand_id, period_start=START, period_end=END)
        return compute(uow, cycle, now)


def receive(room: Room) -> None:
    with room.services.database.unit(room.workspace_id) as uow:
        account = uow.brands.account(room.account_id)
        for item in room.platform.inbound:
            uow.interactions.receive(account, item, room.clock.now())


@pytest.mark.db
def test_figures_come_from_the_platform_and_the_rows(room: Room) -> None:
    posts = [publish(room, f"Halo {number}") for number in range(2)]
    for post in room.platform.posts.values():
        post.likes = 3
    for number, who in enumerate(["sari", "sari", "budi"]):
        target = str(posts[0].remote_id)
        at = START + timedelta(minutes=number)
        room.platform.comment("Kopi Senja enak", target, who, at)
    room.platform.comment("terlambat", str(posts[0].remote_id), "wati", END)
    receive(room)
    room.clock.at = END
    assert measure_accounts(room.services, room.workspace_id, room.brand_id) == ()
    made = evaluate(room)
    values = {item.id: item.value for item in made.figures}
    assert values["posts_published"] == 2
    assert values["likes_total"] == 6
    assert values["replies_total"] == 4
    assert values["followers"] == 120
    assert values["interactions_received"] == 3
    assert values["people_active"] == 2
    assert values["voice_texts_brand"] == 3
    assert values["texts_answered"] == 0
    assert values["newcomers"] is None
    assert made.people[0][1] == 2
    reach = made.figure("reach")
    assert reach is not None
    assert reach.status == "not_offered"
    assert Evaluation.model_validate(made.model_dump(mode="json")) == made


@pytest.mark.db
def test_what_is_not_offered_is_stored_once(room: Room) -> None:
    for _ in range(2):
        measure_accounts(room.services, room.workspace_id, room.brand_id)
    with room.services.database.unit(room.workspace_id) as uow:
        rows = [
            row
            for row in uow.session.query(MetricSnapshot).all()
            if row.workspace_id == room.workspace_id
        ]
    stored = [row.name for row in rows if row.status == "not_offered"]
    assert sorted(stored) == ["impressions", "reach"]
    assert all(row.value is None for row in rows if row.status == "not_offered")
    assert [row.value for row in rows if row.name == "followersCount"] == [120, 120]


@pytest.mark.db
def test_a_silent_platform_leaves_dated_gaps_and_the_others_are_read(room: Room) -> None:
    publish(room, "Halo")
    second = new_id()
    with room.services.database.unit(room.workspace_id) as uow:
        uow.brands.add_account(second, room.brand_id, "mastodon", "https://m.example", "k", b"x")
    measure_accounts(room.services, room.workspace_id, room.brand_id)
    read_at = room.clock.now()
    room.clock.at = END

    def open_channel(account: ChannelAccount) -> FakeChannel:
        return Silent() if account.id == room.account_id else FakeChannel(room.platform)

    partly = replace(room.services, open_channel=open_channel)
    (unread,) = measure_accounts(partly, room.workspace_id, room.brand_id)
    assert (unread.account_id, unread.reason) == (room.account_id, "The platform is down.")
    made = evaluate(room)
    likes, followers = made.figure("likes_total"), made.figure("followers")
    assert likes is not None
    assert followers is not None
    assert (likes.status, likes.value, likes.as_of) == ("not_yet", None, read_at)
    assert followers.value == 120
    assert "1 of 2 accounts" in followers.note
    before_the_end = evaluate(room, now=END - timedelta(hours=1)).figure("likes_total")
    assert before_the_end is not None
    assert before_the_end.value == 0


@pytest.mark.db
def test_our_published_answer_stops_the_clock(room: Room) -> None:
    post = publish(room, "Halo")
    room.platform.comment("Jam berapa buka?", str(post.remote_id), "sari", START)
    receive(room)
    with room.services.database.unit(room.workspace_id) as uow:
        (row,) = uow.interactions.of_brand(room.brand_id)
        thread = uow.threads.of_subject(post.id)
        assert thread is not None
        for state, minutes in (("published", 25), ("rejected", 5)):
            uow.actions.add(
                Action(
                    id=new_id(),
                    workspace_id=room.workspace_id,
                    brand_id=room.brand_id,
                    account_id=room.account_id,
                    interaction_id=row.id,
                    thread_id=thread.id,
                    kind="reply",
                    state=state,
                    remote_id=f"answer-{minutes}",
                    published_at=START + timedelta(minutes=minutes),
                )
            )
    with room.services.database.unit(room.workspace_id) as uow:
        ours = uow.metrics.published(room.brand_id, START, END)
        remote_ids = set(uow.metrics.remote_ids(ours).values())
        assert remote_ids == {("answer-25",), (str(post.remote_id),)}
        assert uow.metrics.published(room.brand_id, END) == []
        assert uow.interactions.people_before(room.brand_id, START) == set()
        assert uow.interactions.people_before(room.brand_id, END) == {row.person_id}
    values = {item.id: item.value for item in evaluate(room, now=START).figures}
    assert values["texts_answered"] == 1
    assert values["answered_share"] == 1.0
    assert values["median_minutes_to_answer"] == pytest.approx(25)
    assert values["replies_published"] == 1
    assert values["posts_published"] == 1
    assert values["mutual_ties"] == 1


@pytest.mark.db
def test_the_report_goes_to_the_brands_addresses(database: Database, database_url: str) -> None:
    notify = NullNotifier()
    services = replace(fake_services(database, database_url), notify=notify)
    profile = BrandProfile(name="Kopi", reports_to=("mailto://a@b.example",))
    assert deliver_report(services, profile, "Title", "Body")
    assert notify.messages == [(("mailto://a@b.example",), "Title", "Body")]
    assert not deliver_report(services, BrandProfile(name="Kopi"), "Title", "Body")
    assert len(notify.messages) == 1
