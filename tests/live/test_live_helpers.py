"""The helpers of the live tests: the handbook's site and Debian's Chromium."""

import httpx
import pytest

from tests.live import chromium, handbook
from tests.live.needs import need

pytestmark = pytest.mark.live


def test_handbook_is_served_in_its_two_languages_only() -> None:
    need("the handbook", handbook.available())
    with handbook.HandbookSite() as site, httpx.Client(base_url=site.url) as client:
        root = client.get("/")
        assert (root.status_code, root.headers["location"]) == (302, "/id-ID/index.html")
        indonesian, english = client.get(site.home()), client.get(site.home("en-US"))
        assert "Buku Panduan Administrator Debian" in indonesian.text
        assert "The Debian Administrator&#39;s Handbook" in english.text.replace("'", "&#39;")
        for missing in ("/fr-FR/index.html", "/id-ID/images/", "/robots.txt", "/id-ID/../fr-FR/"):
            assert client.get(missing).status_code == 404, missing
        assert site.requests[:2] == ["GET /", "GET /id-ID/index.html"]


@pytest.mark.browser
@pytest.mark.parametrize("viewport", [chromium.DESKTOP, chromium.PHONE])
def test_chromium_shows_a_page_of_the_handbook(viewport: tuple[int, int]) -> None:
    need("the handbook", handbook.available())
    need("Chromium", chromium.available())
    with handbook.HandbookSite() as site, chromium.chromium_page(viewport, locale="id-ID") as page:
        page.goto(site.url)
        assert page.url == site.home()
        assert page.title() == "Buku Panduan Administrator Debian"
        assert page.evaluate("[innerWidth, innerHeight]") == list(viewport)
        assert page.evaluate("navigator.language") == "id-ID"


def test_a_missing_part_skips_here_and_fails_in_the_automatic_checks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    need("A part", None)
    with pytest.raises(pytest.skip.Exception, match="A part cannot run here: it is not there"):
        need("A part", "it is not there")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="A part cannot run here: it is not there"):
        need("A part", "it is not there")
