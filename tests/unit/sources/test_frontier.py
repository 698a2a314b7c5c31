"""Addresses in one form, in the order that a fact finder would read them."""

import pytest

from sources.frontier import Frontier, canonical
from sources.pages import Link


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("HTTP://Kopi.Example", "http://kopi.example/"),
        ("https://kopi.example:443/a#b", "https://kopi.example/a"),
        ("http://kopi.example:8080/a", "http://kopi.example:8080/a"),
        ("https://kopi.example/?utm_source=x&b=1&fbclid=2&a=", "https://kopi.example/?b=1&a="),
        ("https://kopi.example/%7Ea/%c3%a9 b", "https://kopi.example/~a/%C3%A9%20b"),
        ("https://kopi.example/a%2Fb%25c", "https://kopi.example/a%2Fb%25c"),
        ("https://user:pass@kopi.example/", "https://kopi.example/"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("mailto:a@b.example", None),
        ("javascript:void(0)", None),
        ("http://", None),
        ("http://a:99999/", None),
        ("/relative", None),
    ],
)
def test_the_form_of_an_address(url: str, form: str | None) -> None:
    assert canonical(url) == form
    if form is not None:
        assert canonical(form) == form


def order(urls: list[str], languages: tuple[str, ...] = ("id", "en")) -> list[str]:
    frontier = Frontier(languages)
    for url in urls:
        frontier.push(Link(f"https://k.example{url}", "", None), depth=1)
    return [frontier.pop()[0].removeprefix("https://k.example") for _ in range(len(frontier))]


def test_pages_about_the_organisation_come_first_then_by_depth() -> None:
    assert order(["/blog/1", "/?sort=2", "/tentang-kami", "/blog/2", "/produk"]) == [
        "/tentang-kami", "/produk", "/blog/1", "/blog/2", "/?sort=2",
    ]  # fmt: skip


def test_preferred_languages_come_first() -> None:
    assert order(["/fr/about", "/en/about", "/id/blog"]) == ["/id/blog", "/en/about", "/fr/about"]


def test_a_large_catalogue_does_not_crowd_out_the_rest() -> None:
    urls = [f"/produk/{n}" for n in range(20)] + ["/kontak"]
    assert order(urls)[:6] == [*urls[:5], "/kontak"]


def test_an_address_is_handed_out_once() -> None:
    assert order(["/a", "/a"]) == ["/a"]
