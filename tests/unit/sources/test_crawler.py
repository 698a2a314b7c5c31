"""Crawling real websites on loopback."""

import socket
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest

from net.client import HttpClient
from net.errors import AddressRefused
from sources.crawler import CrawlProgress, CrawlResult, crawl
from sources.errors import EmptySite, RobotsForbid, SiteUnreachable
from tests.unit.net.loopback import Answer, Handler, Seen, Site, Time, client, serve, talk

AGENT = "Humas/0.1 (+https://example.org/bot)"
HTML = {"Content-Type": "text/html; charset=utf-8"}


def page(text: str, *links: str, lang: str = "id") -> Answer:
    anchors = "".join(f'<li><a href="{link}">x</a></li>' for link in links)
    html = f"<html lang={lang}><title>T</title><body><ul>{anchors}</ul><main><p>{text}</p></main>"
    return 200, HTML, html.encode()


def pages(answers: Mapping[str, Answer]) -> Handler:
    return lambda seen: answers.get(seen.path, (404, {}, b"no"))


def story(n: object) -> str:
    return f"Cerita nomor {n} tentang kopi Gayo yang dipanggang setiap pagi di kota Bandung."


def run(site: Site, http: HttpClient, time: Time, **more: Any) -> CrawlResult:
    return crawl(
        site.url,
        client=http,
        clock=time.clock,
        sleep=time.sleep,
        user_agent=AGENT,
        **more,
    )


def visit(answers: Mapping[str, Answer], **more: Any) -> tuple[CrawlResult, Site, Time]:
    time = Time()
    with serve(pages(answers)) as site, client(site, time=time) as http:
        return run(site, http, time, **more), site, time


def reasons(result: CrawlResult, site: Site) -> dict[str, str]:
    return {url.removeprefix(site.url): reason for url, reason in result.skipped}


def test_a_site_is_read_breadth_first_and_only_once() -> None:
    told: list[CrawlProgress] = []
    result, site, time = visit(
        {
            "/": page(story(0), "/a", "/a#x", "/tentang", "/b", "https://lain.example/"),
            "/a": page(story("a"), "/", "/c"),
            "/b": page(story("b")),
            "/c": page(story("c")),
            "/tentang": page("Tentang kami: koperasi kopi dari Bandung sejak tahun 1999."),
        },
        delay=0.5,
        on_page=told.append,
    )
    assert site.paths == ["/robots.txt", "/", "/tentang", "/a", "/b", "/c"]
    assert [d.url for d in result.documents] == [site.url + p for p in site.paths[1:]]
    assert (result.skipped, result.unread, result.ended) == ((), 0, "all")
    assert time.slept == [0.5] * 4
    assert [t.done for t in told] == [1, 2, 3, 4, 5]
    first = result.documents[0]
    assert (first.language, first.kind, first.title) == ("id", "page", "T")
    assert story(0) in first.sentences
    assert {s.headers["user-agent"] for s in site.seen} == {AGENT}


def test_every_quote_stands_in_its_document() -> None:
    text = "Kopi &amp; teh   kami <b>enak</b>. Harga Rp&nbsp;25.000! Buka <i>setiap</i> hari, ya?"
    result, _, _ = visit({"/": page(text)})
    (document,) = result.documents
    assert document.sentences[-3:] == (
        "Kopi & teh kami enak.", "Harga Rp 25.000!", "Buka setiap hari, ya?",
    )  # fmt: skip
    assert all(s in document.text for s in document.sentences)


def test_the_cap_on_pages_ends_the_crawl_and_says_so() -> None:
    answers = {f"/{n}": page(story(n), f"/{n + 1}", f"/x{n}") for n in range(50)}
    answers["/"] = page(story("mulai"), "/0")
    result, _, _ = visit(answers, max_pages=3)
    assert (len(result.documents), result.ended) == (3, "pages")
    assert result.unread > 0


def test_a_maze_of_empty_pages_ends() -> None:
    def maze(seen: Seen) -> Answer:
        if seen.path == "/robots.txt":
            return 404, {}, b""
        if seen.path == "/":
            return page(story(0), "/1")
        return 200, HTML, f'<a href="{seen.path}1"></a><a href="{seen.path}2"></a>'.encode()

    time = Time()
    with serve(maze) as site, client(site, time=time) as http:
        result = run(site, http, time, max_pages=5)
    assert (len(result.documents), result.ended) == (1, "requests")
    assert len(site.seen) == 21


def test_pages_that_give_nothing_are_skipped_with_their_reason() -> None:
    result, site, _ = visit(
        {
            "/": page(
                story(0), "/big", "/pdf", "/foto.jpg", "/gone", "/same", "/empty", "/away", "/back", "/loop",
                "/plain",
            ),
            "/big": (200, HTML, b"<p>" + b"x" * 3000),
            "/pdf": (200, {"Content-Type": "application/pdf"}, b"%PDF"),
            "/same": page(story(0), "/big", "/pdf", "/foto.jpg", "/gone", "/same", "/empty", "/away",
                          "/back", "/loop", "/plain"),
            "/empty": (200, HTML, b"<html><body><script>build()</script></body></html>"),
            "/away": (302, {"Location": "http://169.254.169.254/"}, b""),
            "/back": (301, {"Location": "/"}, b""),
            "/loop": (302, {"Location": "/loop"}, b""),
            "/plain": (200, {"Content-Type": "text/plain"}, b"Kami menjual\nkopi."),
        },
        max_bytes=2000,
    )  # fmt: skip
    found = reasons(result, site)
    assert found["/big"].startswith("TooLarge")
    assert found["/pdf"] == "content type application/pdf"
    assert found["/foto.jpg"] == "not a web page, by its name"
    assert found["/gone"] == "status 404"
    assert found["/same"] == f"same text as {site.url}/"
    assert found["/empty"] == "no readable text"
    assert found["/away"].endswith("outside the website")
    assert found["/back"].endswith("already known")
    assert found["/loop"].startswith("TooManyRedirects")
    assert result.documents[-1].sentences == ("Kami menjual\nkopi.",)
    assert "/foto.jpg" not in site.paths


@pytest.mark.parametrize("announced", [True, False])
def test_a_page_of_50_megabytes_is_skipped_without_filling_memory(announced: bool) -> None:
    size = 50_000_000
    home = page(story(0), "/big")[2]

    def conversation(connection: socket.socket) -> None:
        path = connection.recv(65536).split()[1]
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
        if path == b"/robots.txt":
            connection.sendall(b"HTTP/1.1 404 No\r\nConnection: close\r\n\r\n")
        elif path == b"/":
            connection.sendall(head + b"\r\n" + home)
        else:
            length = b"Content-Length: %d\r\n" % size if announced else b""
            connection.sendall(head + length + b"\r\n")
            for _ in range(size // 50_000):
                connection.sendall(b"<p>Halo</p>" + b" " * 49_989)

    time = Time()
    with talk(conversation) as site, client(site, time=time) as http:
        tracemalloc.start()
        try:
            result = run(site, http, time)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert reasons(result, site) == {"/big": "TooLarge: more than 5,000,000 bytes"}
    assert peak < 15_000_000


def test_a_start_page_that_is_too_large_is_said() -> None:
    with serve(pages({"/": (200, HTML, b"x" * 3000)})) as site, client(site) as http:
        with pytest.raises(SiteUnreachable, match="larger than 2,000 bytes"):
            run(site, http, Time(), max_bytes=2000)


def robots(text: str) -> Answer:
    return 200, {"Content-Type": "text/plain"}, text.encode()


@pytest.mark.parametrize(
    "answer",
    [
        robots("User-agent: *\nDisallow: /"),
        robots("User-agent: humas\nDisallow: /\n\nUser-agent: *\nAllow: /"),
        (500, {}, b""),
        (503, {}, b""),
        (429, {}, b""),
    ],
)
def test_a_forbidden_site_is_not_read(answer: Answer) -> None:
    with serve(pages({"/robots.txt": answer, "/": page(story(0))})) as site, client(site) as http:
        with pytest.raises(RobotsForbid, match="give documents") as caught:
            run(site, http, Time())
    assert set(site.paths) == {"/robots.txt"}
    assert site.url in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_missing_robots_file_allows(status: int) -> None:
    result, _, _ = visit({"/robots.txt": (status, {}, b""), "/": page(story(0))})
    assert len(result.documents) == 1


def test_rules_for_single_pages_and_the_pause_are_obeyed() -> None:
    result, site, time = visit(
        {
            "/robots.txt": robots("User-agent: *\nDisallow: /secret\nCrawl-delay: 4"),
            "/": page(story(0), "/secret/a", "/a", "/hop"),
            "/a": page(story("a")),
            "/hop": (302, {"Location": "/secret/b"}, b""),
            "/secret/b": page(story("b")),
        },
        delay=0.5,
    )
    found = reasons(result, site)
    assert found["/secret/a"] == "robots.txt forbids it"
    assert found["/hop"].endswith("robots.txt forbids it")
    assert not any(path.startswith("/secret") for path in site.paths)
    assert time.slept == [4.0, 4.0]


def test_the_start_may_lead_to_another_host_whose_rules_then_hold() -> None:
    rules = robots("User-agent: *\nDisallow: /no")
    answers = {"/robots.txt": rules, "/": page(story(0), "/a", "/no"), "/a": page(story(1))}
    time = Time()
    with (
        serve(pages(answers)) as real,
        serve(pages({"/": (301, {"Location": real.url}, b"")})) as old,
    ):
        with client(real, old, time=time) as http:
            result = run(old, http, time)
    assert [d.url for d in result.documents] == [f"{real.url}/", f"{real.url}/a"]
    assert reasons(result, real) == {"/no": "robots.txt forbids it"}


def test_a_start_that_leads_to_a_forbidden_host_is_refused() -> None:
    answers = {"/robots.txt": robots("User-agent: *\nDisallow: /"), "/": page(story(0))}
    with (
        serve(pages(answers)) as real,
        serve(pages({"/": (301, {"Location": real.url}, b"")})) as old,
    ):
        with client(real, old) as http, pytest.raises(RobotsForbid):
            run(old, http, Time())
    assert real.paths == ["/robots.txt"]


@pytest.mark.parametrize("body", [b"", b"<html><body></body></html>", b"<script>x()</script>"])
def test_an_empty_site_is_said(body: bytes) -> None:
    with serve(pages({"/": (200, HTML, body)})) as site, client(site) as http:
        with pytest.raises(EmptySite, match="no readable text"):
            run(site, http, Time())


def test_an_unreachable_site_is_said() -> None:
    with serve(pages({})) as site:
        pass
    with client(site) as http, pytest.raises(SiteUnreachable, match="cannot be reached"):
        run(site, http, Time())
    with serve(pages({})) as site, client(site) as http:
        with pytest.raises(SiteUnreachable, match="404"):
            run(site, http, Time())


def test_a_private_site_is_refused() -> None:
    with serve(pages({"/": page(story(0))})) as site, client() as http:
        with pytest.raises(SiteUnreachable) as caught:
            run(site, http, Time())
    assert isinstance(caught.value.__cause__, AddressRefused)
    assert site.seen == []


@pytest.mark.parametrize("url", ["kopi.example", "ftp://kopi.example/", "", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    time = Time()
    with client() as http, pytest.raises(SiteUnreachable, match="no website address"):
        crawl(url, client=http, clock=time.clock, sleep=time.sleep, user_agent=AGENT)


def test_a_site_that_breaks_down_is_left_alone() -> None:
    def handler(seen: Seen) -> Answer:
        if seen.path == "/robots.txt":
            return 404, {}, b""
        return page(story(0), *[f"/{n}" for n in range(9)]) if seen.path == "/" else (500, {}, b"")

    time = Time()
    with serve(handler) as site, client(site, time=time) as http:
        result = run(site, http, time)
    assert (result.ended, result.unread, len(result.skipped)) == ("failing", 4, 5)


def test_encodings_come_out_right() -> None:
    text = "Café “Bandung” menjual kopi seharga €2 — murah sekali untuk semua pelanggan."
    html = f"<html lang=id><body><p>{text}</p></body></html>"
    for body, kind in [
        (html.encode("cp1252"), "text/html; charset=iso-8859-1"),
        (html.encode("cp1252"), "text/html"),
        (html.encode("utf-8"), "text/html"),
        (html.encode("utf-16"), "text/html; charset=utf-16"),
    ]:
        result, _, _ = visit({"/": (200, {"Content-Type": kind}, body)})
        assert result.documents[0].text == text
