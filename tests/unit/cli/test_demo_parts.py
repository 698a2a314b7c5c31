"""The parts of the demonstration: website, home, calendar, course, summary."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from rich.console import Console

from cli.demo_parts import customers, stand
from cli.demo_parts.calendar import Calendar
from cli.demo_parts.errors import HomeRefused, NoProgress, StageFailed
from cli.demo_parts.instance import shifted
from cli.demo_parts.memory import FILE, open_home
from cli.demo_parts.screen import Screen
from cli.demo_parts.site import FOLDER, make_server
from cli.demo_parts.situation import Situation, Waiting, read
from cli.demo_parts.sockets import free_port, listen, port_of
from cli.demo_parts.story import Story
from cli.demo_parts.summary import Summary, lines
from config.clock import ShiftedClock
from embedded.supervisor import EmbeddedServices
from net.client import HttpClient
from net.guard import AddressGuard
from sources.crawler import crawl
from storage.uow import Database
from tests.fakes import ListWaker
from tests.rooms import make_room

CALM = Situation(
    stage="engagement",
    progress="",
    finished=False,
    running=(),
    waiting=(),
    next_due=None,
    next_node="",
    posts={},
    published=(),
    comments={},
    papers=(),
    calls=0,
    call_seconds=None,
)
POST = Waiting("post", "p1", "/items/p1", "a post")


# -- the website ---------------------------------------------------------------------------------


def test_the_website_can_be_read_but_for_what_robots_txt_forbids() -> None:
    server = make_server(listen())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        host = f"127.0.0.1:{server.server_address[1]}"
        http = HttpClient(
            guard=AddressGuard([host]),
            clock=lambda: datetime.now(UTC),
            sleep=time.sleep,
            user_agent="Humas/0.1",
        )
        result = crawl(
            f"http://{host}/",
            client=http,
            clock=lambda: datetime.now(UTC),
            sleep=time.sleep,
            user_agent="Humas/0.1",
            languages=("id",),
            delay=0,
        )
        listing = httpx.get(f"http://{host}/../", trust_env=False)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    read_pages = {document.url.rsplit("/", 1)[1] for document in result.documents}
    pages = {path.name for path in FOLDER.glob("*.html")} - {"keranjang.html", "index.html"}
    assert read_pages - {"", "index.html"} == pages
    assert [reason for url, reason in result.skipped if url.endswith("keranjang.html")] == [
        "robots.txt forbids it"
    ]
    sentences = [sentence for document in result.documents for sentence in document.sentences]
    assert sum("Kami" in sentence or "kami" in sentence for sentence in sentences) >= 10
    assert "Hari Sabtu dan Minggu kedai buka pukul 07.00 sampai 22.00." in sentences
    assert "Directory listing" not in listing.text


def test_the_brand_file_is_a_brand() -> None:
    brand = stand.profile("http://127.0.0.1:1/")
    assert (brand.period_days, brand.posts_per_period) == (7, 3)
    assert brand.name == customers.BRAND_NAME


# -- the home ------------------------------------------------------------------------------------


def test_a_home_is_emptied_only_if_it_is_a_demonstrations(tmp_path: Path) -> None:
    home = tmp_path / "home"
    embedded = EmbeddedServices(home)
    first = open_home(home, embedded, keep=False)
    assert (home / FILE).stat().st_mode & 0o777 == 0o600
    (home / "old").touch()
    assert open_home(home, embedded, keep=True) == first
    assert (home / "old").exists()
    second = open_home(home, embedded, keep=False)
    assert second.password != first.password
    assert not (home / "old").exists()
    (home / FILE).unlink()
    (home / "letters").touch()
    with pytest.raises(HomeRefused, match="--home"):
        open_home(home, embedded, keep=False)
    assert (home / "letters").exists()


def test_a_taken_port_leads_to_another() -> None:
    with listen() as taken:
        found = free_port(port_of(taken))
        assert found != port_of(taken)
    assert free_port(found) == found


# -- time ----------------------------------------------------------------------------------------


def test_the_calendar_jumps_only_while_nothing_is_to_be_done(tmp_path: Path) -> None:
    clock = ShiftedClock(tmp_path / "clock")
    calendar = Calendar(clock)
    due = clock.now() + timedelta(days=2)
    assert calendar.jump(replace(CALM, next_due=due, running=("publish",))) is None
    assert calendar.jump(replace(CALM, next_due=due, waiting=(POST,))) is None
    assert calendar.jump(replace(CALM, next_due=clock.now() + timedelta(seconds=4))) is None
    assert calendar.jump(CALM) is None
    assert clock.offset() == timedelta()
    assert calendar.jump(replace(CALM, next_due=due)) is not None
    assert clock.now() >= due
    assert shifted(clock).now(UTC) >= due


# -- the course ----------------------------------------------------------------------------------


class Network:
    """Takes comments and remembers them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []

    def call(self, token: str, method: str, path: str, **options: Any) -> dict[str, str]:
        self.calls.append((token, method, path))
        return {"id": str(len(self.calls))}


def told(
    situations: list[Situation],
    tmp_path: Path,
    reviewer: Any = None,
    now: Callable[[], float] = time.monotonic,
) -> tuple[Story, Network, StringIO, ShiftedClock]:
    """A story over given situations; the last one lasts."""
    network, out, clock = Network(), StringIO(), ShiftedClock(tmp_path / "clock")
    on: Any = SimpleNamespace(
        clock=clock,
        instance=network,
        tokens=defaultdict(str, {c.handle: c.handle for c in customers.CUSTOMERS}),
        keep_up=lambda: None,
        log=tmp_path / "log",
        web_url="http://web",
        zone=UTC,
        services=SimpleNamespace(settings=SimpleNamespace(llm_timeout_seconds=10, llm_tries=1)),
    )
    queue = list(situations)
    screen = Screen(Console(file=out, width=200), now)
    look = lambda: queue.pop(0) if len(queue) > 1 else queue[0]  # noqa: E731
    return Story(on, screen, reviewer, look, now), network, out, clock


def test_customers_come_once_when_the_posts_are_out(tmp_path: Path) -> None:
    due = datetime.now(UTC) + timedelta(days=3)
    out_now = replace(CALM, posts={"published": 1, "rejected": 1}, published=("7",), next_due=due)
    answered = replace(out_now, comments={"answered": 3})
    done = replace(answered, finished=True)
    story, network, out, clock = told([CALM, out_now, out_now, answered, done], tmp_path)
    assert story.run(threading.Event())
    comments = [call for call in network.calls if call[2] == "/api/v1/statuses"]
    assert [token for token, _, _ in comments] == [c.handle for c in customers.CUSTOMERS]
    assert clock.now() >= due
    assert out.getvalue().count("Post 1 is on the network") == 1
    assert out.getvalue().count("A reply is sent") == 3


def test_the_calendar_waits_for_comments_that_are_not_read_yet(tmp_path: Path) -> None:
    due = datetime.now(UTC) + timedelta(days=3)
    out_now = replace(CALM, posts={"published": 1}, published=("7",), next_due=due)
    story, _, _, clock = told([CALM, out_now, out_now, replace(out_now, finished=True)], tmp_path)
    story.run(threading.Event())
    assert clock.offset() == timedelta()


class Helper:
    """A reviewer that runs a stage again once."""

    def __init__(self) -> None:
        self.again = 0
        self.quick = False

    def may_run_again(self, item: Waiting) -> bool:
        return not self.again

    def run_again(self, item: Waiting) -> str:
        self.again += 1
        return "ran it again"

    def go_on_by_hand(self, item: Waiting) -> str:
        return "goes on by hand"


def test_a_stage_that_fails_twice_ends_the_demonstration_with_its_reason(tmp_path: Path) -> None:
    failure = Waiting("failure", "t1", "/", "the stage planning gave up: rubbish", thread_id="t1")
    helper = Helper()
    story, _, _, _ = told([replace(CALM, waiting=(failure,))], tmp_path, helper)
    with pytest.raises(StageFailed, match="rubbish"):
        story.run(threading.Event())
    assert helper.again == 1


def test_an_evaluation_without_words_goes_on_by_hand(tmp_path: Path) -> None:
    failure = Waiting("failure", "t1", "/", "the stage evaluation gave up: x", node="evaluation")
    situations = [replace(CALM, waiting=(failure,))] * 2 + [replace(CALM, finished=True)]
    story, _, out, _ = told(situations, tmp_path, Helper())
    assert story.run(threading.Event())
    assert out.getvalue().count("The reviewer goes on by hand") == 1


def test_standing_still_is_noticed_but_a_person_may_take_time(tmp_path: Path) -> None:
    seconds = iter(range(0, 100_000, 50))
    story, _, _, _ = told([CALM], tmp_path, now=lambda: float(next(seconds)))
    with pytest.raises(NoProgress, match="180 seconds"):
        story.run(threading.Event())
    stop = threading.Event()
    seconds = iter(range(0, 100_000, 50))
    situation = replace(CALM, waiting=(POST,))
    story, _, out, _ = told([situation], tmp_path, now=lambda: float(next(seconds)))
    threading.Timer(1.2, stop.set).start()
    assert not story.run(stop)
    assert out.getvalue().count("http://web/items/p1") == 1


@pytest.mark.db
def test_a_new_period_runs_and_then_waits_for_people(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    room = make_room(database, database_url, waker)
    cycle = room.start(by_hand=True)
    begun = read(database, room.workspace_id, cycle.id)
    assert (begun.running, begun.waiting, begun.stage) == (("research",), (), "research")
    room.pump.drain()
    written = read(database, room.workspace_id, cycle.id)
    assert [item.kind for item in written.waiting] == ["dossier", "plan"]
    assert (written.running, written.next_due) == ((), None)
    room.post()
    room.pump.drain()
    assert [item.kind for item in read(database, room.workspace_id, cycle.id).waiting] == [
        "dossier",
        "plan",
        "post",
    ]


# -- the summary ---------------------------------------------------------------------------------


def test_the_summary_names_counts_and_pages() -> None:
    summary = Summary(
        findings=6,
        quotes=5,
        pages=8,
        posts=3,
        comments=3,
        replies=3,
        figures=12,
        paragraphs=3,
        calls=14,
        failed_calls=2,
        tokens=(12000, 900),
        model="m",
        papers={"dossier": "/papers/1"},
        report=Path("report.txt"),
    )
    text = "\n".join(lines(summary, {"Research": 10.2}, 61.0, "http://web"))
    assert "3 received, 3 answered" in text
    assert "in the queue after 61 s" in text
    assert "12,000 tokens read, 900 written); 2 answers could not be used" in text
    assert "dossier      http://web/papers/1" in text
    untold = replace(summary, tokens=None, failed_calls=0)
    assert "not told by the endpoint" in "\n".join(lines(untold, {}, None, ""))
