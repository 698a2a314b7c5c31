"""Reading a website politely: robots.txt, one host, few pages, a pause between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from domain.source import SourceDocument
from net.client import HttpClient, Response
from net.errors import HttpStatus, NetError, NoAnswer, NotSent, TooLarge
from sources.errors import EmptySite, RobotsForbid, SiteUnreachable
from sources.frontier import Frontier, canonical
from sources.pages import Link, decode, read_html, to_document
from sources.robots import Robots
from sources.sentences import normalize

__all__ = ["CrawlProgress", "CrawlResult", "crawl"]

_NO_PAGE = re.compile(
    r"\.(?:pdf|docx?|xlsx?|pptx?|od[tsp]|zip|rar|7z|gz|tar|jpe?g|png|gif|webp|avif|svg|ico|bmp|tiff?|"
    r"mp[34]|webm|mov|avi|wav|ogg|css|js|json|xml|rss|atom|woff2?|ttf|eot|apk|exe|dmg|iso|ics|vcf)$",
    re.IGNORECASE,
)
_MAX_FAILURES = 5


@dataclass(frozen=True, slots=True)
class CrawlProgress:
    """What has just happened, for a progress display.

    Attributes:
        url: the page just read or skipped.
        done: documents so far.
        goal: the cap on documents.
        queued: addresses still known and unread.
        reason: why the page was skipped; None if it became a document.
    """

    url: str
    done: int
    goal: int
    queued: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class CrawlResult:
    """The outcome of a crawl.

    Attributes:
        documents: in the order of reading.
        skipped: address and reason of every page that gave no document.
        unread: how many known addresses were left when the crawl ended.
        ended: why it ended: all read, a cap reached, or the website failing.
    """

    documents: tuple[SourceDocument, ...]
    skipped: tuple[tuple[str, str], ...]
    unread: int
    ended: Literal["all", "pages", "requests", "failing"]


@dataclass
class _Crawl:
    client: HttpClient
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    languages: Sequence[str]
    max_pages: int
    max_bytes: int
    delay: float
    user_agent: str
    on_page: Callable[[CrawlProgress], None] | None
    robots: Robots
    frontier: Frontier
    origin: tuple[str, str] = ("", "")
    documents: list[SourceDocument] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    last_request: datetime | None = None
    failures: int = 0

    def run(self, start: str) -> CrawlResult:
        self._read(start, self._first(start), depth=0)
        requests = 1
        ended: Literal["all", "pages", "requests", "failing"] = "all"
        while self.frontier:
            if len(self.documents) >= self.max_pages:
                ended = "pages"
            elif requests >= 4 * self.max_pages:
                ended = "requests"
            elif self.failures >= _MAX_FAILURES:
                ended = "failing"
            if ended != "all":
                break
            url, depth = self.frontier.pop()
            if _NO_PAGE.search(urlsplit(url).path):
                self._skip(url, "not a web page, by its name")
            elif not self.robots.allows(url):
                self._skip(url, "robots.txt forbids it")
            else:
                requests += 1
                self._visit(url, depth)
        return CrawlResult(tuple(self.documents), tuple(self.skipped), len(self.frontier), ended)

    def _first(self, start: str) -> Response:
        """Fetch the start page; its final origin is the site."""
        try:
            if not self.robots.allows(start):
                raise self._forbidden(start)
            response = self._fetch(start, self.robots.allows)
            if response.status >= 300:
                raise self._forbidden(response.location or start)
        except NetError as error:
            raise SiteUnreachable(
                f"The website {start} cannot be read: {error} You can also give documents about"
                " the organisation instead of its website."
            ) from error
        final = urlsplit(response.url)
        self.origin = (final.scheme, final.netloc.lower())
        return response

    def _forbidden(self, url: str) -> RobotsForbid:
        problem = self.robots.problem(url)
        why = (
            f"Its robots.txt could not be had, which has to count as a no ({problem})"
            if problem
            else f"Its robots.txt forbids {url} to {self.robots.token!r}"
        )
        return RobotsForbid(
            f"The website {url} may not be read. {why}. Ask whoever runs the website to admit the"
            f" user agent {self.robots.token!r}, or give documents about the organisation instead."
        )

    def _visit(self, url: str, depth: int) -> None:
        try:
            response = self._fetch(url, lambda target: self._inside(target) == "")
        except TooLarge as error:
            self._skip(url, f"TooLarge: more than {error.limit:,} bytes")
        except HttpStatus as error:
            self.failures += error.status == 429 or error.status >= 500
            self._skip(url, f"status {error.status}")
        except NetError as error:
            self.failures += isinstance(error, NotSent | NoAnswer)
            self._skip(url, f"{type(error).__name__}: {error}")
        else:
            self.failures = 0
            self._read(url, response, depth)

    def _inside(self, url: str) -> str:
        """Why a redirect to this address is not followed; empty if it is."""
        same = self._on_site(url)
        if same is None:
            return "outside the website"
        return "" if self.robots.allows(same) else "robots.txt forbids it"

    def _fetch(self, url: str, follow: Callable[[str], bool]) -> Response:
        pause = max(self.delay, self.robots.delay(url))
        if self.last_request is not None and pause > 0:
            passed = (self.clock() - self.last_request).total_seconds()
            if passed < pause:
                self.sleep(pause - max(passed, 0.0))
        try:
            return self.client.request(
                "GET",
                url,
                may_have_effect=False,
                headers={
                    "user-agent": self.user_agent,
                    "accept": "text/html,application/xhtml+xml,text/plain;q=0.8",
                    "accept-language": ", ".join([*self.languages, "*;q=0.1"]),
                },
                max_bytes=self.max_bytes,
                follow=follow,
            )
        finally:
            self.last_request = self.clock()

    def _read(self, url: str, response: Response, depth: int) -> None:
        """Turn an answer into a document and new addresses, or say why not."""
        if response.status >= 300:
            target = response.location or "nowhere"
            self._skip(url, f"redirects to {target}: {self._inside(target) or 'not followed'}")
            return
        final = canonical(response.url) or url
        if final != url and not self.frontier.mark(final):
            self._skip(url, f"redirects to {final}, already known")
            return
        content_type = response.headers.get("content-type", "")
        media = content_type.split(";")[0].strip().lower()
        source = decode(response.body, content_type)
        if media in ("text/html", "application/xhtml+xml") or (
            not media and source.lstrip()[:1] == "<"
        ):
            page = read_html(source, response.url, response.headers.get("content-language", ""))
            title, language, text = page.title, page.language, page.text
            self._queue(page.links, depth + 1)
        elif media == "text/plain" and "\x00" in source:
            self._skip(final, "no text, although it is sent as text")
            return
        elif media == "text/plain":
            title, language, text = "", None, normalize(source)
        else:
            self._skip(final, f"content type {media or 'missing'}")
            return
        document = to_document(
            url=final,
            title=title,
            language=language,
            text=text,
            fetched_at=self.clock(),
            kind="page",
            languages=self.languages,
            wrapped=media == "text/plain",
        )
        if not document.sentences:
            self._skip(final, "no readable text")
        elif document.sha256 in self.digests:
            self._skip(final, f"same text as {self.digests[document.sha256]}")
        else:
            self.digests[document.sha256] = final
            self.documents.append(document)
            self._tell(final, None)

    def _queue(self, links: Sequence[Link], depth: int) -> None:
        for link in links:
            url = self._on_site(link.url)
            if url is not None:
                self.frontier.push(Link(url, link.text, link.language), depth=depth)

    def _on_site(self, url: str) -> str | None:
        """The canonical address on the origin that answers, or None if it is another site's."""
        form = canonical(url)
        if form is None:
            return None
        parts = urlsplit(form)
        scheme, host = self.origin
        if parts.netloc.removeprefix("www.") != host.removeprefix("www."):
            return None
        return urlunsplit((scheme, host, parts.path, parts.query, ""))

    def _skip(self, url: str, reason: str) -> None:
        self.skipped.append((url, reason))
        self._tell(url, reason)

    def _tell(self, url: str, reason: str | None) -> None:
        if self.on_page is not None:
            self.on_page(
                CrawlProgress(url, len(self.documents), self.max_pages, len(self.frontier), reason)
            )


def crawl(
    start_url: str,
    *,
    client: HttpClient,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    user_agent: str,
    languages: Sequence[str] = ("id", "en"),
    max_pages: int = 30,
    max_bytes: int = 5_000_000,
    delay: float = 0.5,
    on_page: Callable[[CrawlProgress], None] | None = None,
) -> CrawlResult:
    """Read the pages of one website.

    Args:
        start_url: an http(s) address; the host that finally answers is the website.
        client: fetches, and guards against private addresses.
        clock: the present instant, with time zone.
        sleep: waits so many seconds.
        user_agent: such as `Humas/0.1 (+https://example.org/bot)`; its first word is what
            robots.txt is asked about.
        languages: two-letter codes, preferred first.
        max_pages: cap on documents (and, times four, on requests).
        max_bytes: cap on each page.
        delay: least pause between two requests in seconds; a longer one in robots.txt wins.
        on_page: told after every page.

    Raises:
        SiteUnreachable: the start page cannot be had.
        RobotsForbid: robots.txt forbids the start page, or answers with a server error.
        EmptySite: no page holds readable text.
    """
    start = canonical(start_url)
    if start is None:
        raise SiteUnreachable(
            f"{start_url!r} is no website address. Give one that starts with https://."
        )
    frontier = Frontier(languages)
    frontier.mark(start)
    job = _Crawl(
        client=client,
        clock=clock,
        sleep=sleep,
        languages=languages,
        max_pages=max_pages,
        max_bytes=max_bytes,
        delay=delay,
        user_agent=user_agent,
        on_page=on_page,
        robots=Robots(client, user_agent),
        frontier=frontier,
    )
    result = job.run(start)
    if not result.documents:
        reasons = "; ".join(f"{url}: {reason}" for url, reason in result.skipped)
        raise EmptySite(
            f"The website {start} holds no readable text ({reasons}). If its pages are built by"
            " scripts or pictures, give documents about the organisation instead."
        )
    return result
