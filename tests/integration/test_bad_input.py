"""Websites that cannot be read, and other rubbish from outside, behind the real crawler."""

from __future__ import annotations

import socket
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from importlib import import_module

import pytest

from domain.brand import BrandProfile
from storage.uow import Database
from tests.fakes import ListWaker, Pump
from tests.real_parts import (
    HTML,
    STORY,
    kept,
    page,
    papers,
    real_room,
    run_again,
    run_until_it_fails,
    website,
)
from tests.rooms import make_room
from tests.unit.net.loopback import Answer, Site, serve, talk
from tests.waiting import free_port
from workflows import intake
from workflows.services import Reading

pytestmark = pytest.mark.db

BIG = 50_000_000
ROBOTS = {"Content-Type": "text/plain"}


def big(path: bytes, home: bytes = b"") -> AbstractContextManager[Site]:
    """A website with a page of 50 MB at the path, whose length is not announced."""

    def conversation(connection: socket.socket) -> None:
        asked = connection.recv(65536).split()[1]
        if asked == b"/robots.txt":
            connection.sendall(b"HTTP/1.1 404 No\r\nConnection: close\r\n\r\n")
            return
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
        )
        if asked != path:
            connection.sendall(home)
            return
        for _ in range(BIG // 50_000):
            connection.sendall(b"<p>Halo</p>" + b" " * 49_989)

    return talk(conversation)


@pytest.mark.parametrize(
    ("pages", "said", "todo"),
    [
        ({"/": page()}, "holds no readable text", "give documents"),
        ({"/": (200, HTML, b"<script>render()</script>")}, "no readable text", "give documents"),
        ({"/": (200, HTML, b"")}, "holds no readable text", "give documents"),
        ({}, "answered 404", "give documents"),
        (
            {"/": STORY, "/robots.txt": (200, ROBOTS, b"User-agent: *\nDisallow: /")},
            "may not be read. Its robots.txt forbids",
            "admit the user agent 'Humas'",
        ),
        (
            {"/": STORY, "/robots.txt": (429, {"Retry-After": "3600"}, b"")},
            "Its robots.txt could not be had",
            "give documents",
        ),
        (
            {"/": (200, HTML | {"Content-Length": str(BIG)}, b"<p>Halo</p>")},
            "is larger than 5,000,000 bytes",
            "Use a smaller page",
        ),
    ],
    ids=["empty", "scripts", "no bytes", "404", "forbidden", "no robots.txt", "50 MB"],
)
def test_a_bad_website_fails_the_stage_until_it_is_mended(
    pages: dict[str, Answer],
    said: str,
    todo: str,
    database: Database,
    database_url: str,
    waker: ListWaker,
) -> None:
    with serve(website(pages)) as site:
        profile = BrandProfile(name="Kopi Senja", website=site.url + "/")
        hosts = (f"127.0.0.1:{site.port}",)
        with real_room(database, database_url, waker, profile, allow_hosts=hosts) as room:
            before = kept(room)
            cycle = room.start()
            thread = run_until_it_fails(room, cycle)
            assert thread.node == "research"
            assert said in thread.error
            assert todo in thread.error
            assert site.url in thread.error
            assert kept(room) == before
            pages.clear()
            pages["/"] = STORY
            assert run_again(room, cycle).status == "waiting"
            assert papers(room, cycle)["dossier"].content["skipped_sources"] == []
            with database.unit(room.workspace_id) as uow:
                (document,) = uow.sources.documents(room.brand_id)
                assert document.url == site.url + "/"


def test_a_website_that_is_down_is_named_and_people_go_on_by_hand(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    profile = BrandProfile(name="Kopi Senja", website=address)
    hosts = (f"127.0.0.1:{port}",)
    with real_room(database, database_url, waker, profile, allow_hosts=hosts) as room:
        before = kept(room)
        cycle = room.start()
        thread = run_until_it_fails(room, cycle)
        assert f"The website {address} cannot be read" in thread.error
        assert "Connection refused" in thread.error
        assert "Check the address" in thread.error
        assert "give documents" in thread.error
        assert kept(room) == before
        assert run_again(room, cycle, by_hand=True).status == "waiting"
        made = papers(room, cycle)
        assert {paper.state for paper in made.values()} == {"drafted"}
        (skipped,) = made["dossier"].content["skipped_sources"]
        assert f"The website {address} cannot be read" in skipped


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:{port}/", "only 80 and 443 are admitted"),
        ("http://127.0.0.1/", "which is not a public address"),
        ("http://[::1]/", "which is not a public address"),
        ("http://10.1.2.3/", "which is not a public address"),
        ("http://169.254.169.254/latest/meta-data/", "which is not a public address"),
        ("http://localhost/", "which is not a public address"),
        ("http://2130706433/", "which is not a public address"),
    ],
)
def test_an_address_inside_is_refused_before_anything_is_sent(
    address: str, said: str, database: Database, database_url: str, waker: ListWaker
) -> None:
    with serve(website({"/": STORY})) as secret:
        profile = BrandProfile(name="Kopi Senja", website=address.format(port=secret.port))
        with real_room(database, database_url, waker, profile) as room:
            before = kept(room)
            thread = run_until_it_fails(room, room.start())
            assert said in thread.error
            assert "Give the public address" in thread.error or "Use the public" in thread.error
            assert kept(room) == before
            assert secret.seen == []


def test_a_website_that_leads_inside_is_refused_there(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    with serve(website({"/": STORY})) as secret:
        lead = (302, {"Location": secret.url + "/"}, b"")
        with serve(website({"/": lead})) as site:
            profile = BrandProfile(name="Kopi Senja", website=site.url + "/")
            hosts = (f"127.0.0.1:{site.port}",)
            with real_room(database, database_url, waker, profile, allow_hosts=hosts) as room:
                thread = run_until_it_fails(room, room.start())
                assert f"{secret.url}/" in thread.error
                assert "only 80 and 443 are admitted" in thread.error
                assert secret.seen == []


def test_a_page_of_50_megabytes_is_skipped_and_shows_in_the_dossier(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    home = page("Kopi Senja menjual kopi gula aren.", links=("/besar",))[2]
    with big(b"/besar", home) as site:
        profile = BrandProfile(name="Kopi Senja", website=site.url + "/")
        hosts = (f"127.0.0.1:{site.port}",)
        with real_room(database, database_url, waker, profile, allow_hosts=hosts) as room:
            cycle = room.start()
            import_module("workflows.cycle")  # what is measured is the page, not our modules
            tracemalloc.start()
            try:
                room.pump.drain()
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            assert room.thread_of(cycle.id).status == "waiting"
            assert papers(room, cycle)["dossier"].content["skipped_sources"] == [
                f"{site.url}/besar: TooLarge: more than 5,000,000 bytes"
            ]
            assert peak < 15_000_000
            with database.unit(room.workspace_id) as uow:
                (document,) = uow.sources.documents(room.brand_id)
                assert document.url == site.url + "/"


def test_data_sent_as_text_is_skipped(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    home = page("Kopi Senja menjual kopi gula aren.", links=("/data",))
    data = (200, {"Content-Type": "text/plain"}, b"Kopi\x00\x01Senja menjual kopi.")
    with serve(website({"/": home, "/data": data})) as site:
        profile = BrandProfile(name="Kopi Senja", website=site.url + "/")
        hosts = (f"127.0.0.1:{site.port}",)
        with real_room(database, database_url, waker, profile, allow_hosts=hosts) as room:
            cycle = room.start()
            room.pump.drain()
            assert room.thread_of(cycle.id).status == "waiting"
            assert papers(room, cycle)["dossier"].content["skipped_sources"] == [
                f"{site.url}/data: no text, although it is sent as text"
            ]


def test_an_error_that_nobody_foresaw_shows_no_data_and_says_what_to_do(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    def broken(_profile: BrandProfile, _progress: Callable[[str], None]) -> Reading:
        raise RuntimeError("the disk is full\n[parameters: 'Sari, Jalan Melati 3']")

    profile = BrandProfile(name="Kopi Senja", website="https://kopi.example")
    with real_room(database, database_url, waker, profile) as room:
        services = replace(room.services, read_sources=broken)
        bad = replace(room, services=services, pump=Pump(services, waker))
        error = run_until_it_fails(bad, bad.start()).error
        assert "RuntimeError: the disk is full" in error
        assert "worker's log, then run the stage again" in error
        assert "Sari" not in error


@pytest.mark.parametrize("rubbish", ["\x00", "\ud800"])
def test_characters_that_are_none_do_not_stop_the_inbox(
    rubbish: str, database: Database, database_url: str, waker: ListWaker
) -> None:
    room = make_room(database, database_url, waker)
    room.platform.comment(f"Halo{rubbish}Kak", "remote-1", "sari")
    (bad,) = room.platform.inbound
    room.platform.inbound = [
        bad.model_copy(update={"person": bad.person.model_copy(update={"name": f"Sa{rubbish}ri"})})
    ]
    room.platform.comment("Buka jam berapa?", "remote-1", "budi")
    assert intake.poll(room.services, room.workspace_id, room.account_id) == 2
    with database.unit(room.workspace_id) as uow:
        rows = uow.interactions.of_brand(room.brand_id)
        found = {(row.text, uow.interactions.person(row.person_id).name) for row in rows}
    assert found == {("Halo\ufffdKak", "Sa\ufffdri"), ("Buka jam berapa?", "Budi")}
