"""The guard reaches public addresses only, and exactly those that it checked."""

import socket
from ipaddress import ip_address

import httpx
import pytest

from net.errors import AddressRefused, InvalidRequest, TooManyRedirects, Unreachable
from net.guard import AddressGuard, GuardedTransport, is_public
from tests.unit.net.loopback import client, serve

PRIVATE = [
    "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "::", "::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1",
    "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2001:db8::1", "64:ff9b:1::1",
    "2001:0:7f00:1::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("text", PRIVATE)
def test_private_addresses_are_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://[::1]/",
        "http://[::ffff:127.0.0.1]/", "http://localhost/", "http://localhost./", "http://169.254.169.254/latest",
        "http://10.0.0.1/", "ftp://8.8.8.8/", "file:///etc/passwd", "http://8.8.8.8:22/", "https://8.8.8.8:8443/",
        "gopher://8.8.8.8/", "/no/host",
    ],
)  # fmt: skip
def test_addresses_are_refused_before_anything_is_sent(url: str) -> None:
    with client() as http, pytest.raises(AddressRefused):
        http.request("GET", url, may_have_effect=False)


def test_an_octal_address_is_no_address() -> None:
    with client() as http, pytest.raises(InvalidRequest):
        http.request("GET", "http://0177.0.0.1/", may_have_effect=False)


def test_one_private_answer_among_public_ones_refuses_the_name() -> None:
    guard = AddressGuard(resolver=lambda _h, _p: ["8.8.8.8", "192.168.0.5"])
    with client(guard=guard) as http, pytest.raises(AddressRefused, match=r"192\.168\.0\.5"):
        http.request("POST", "https://brand.example/", may_have_effect=True)


def test_a_name_is_looked_up_once_so_that_rebinding_leads_nowhere() -> None:
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    asked: list[str] = []

    def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked) - 1, 1)]

    guard = AddressGuard(resolver=resolver)
    assert guard.addresses("brand.example", 80) == ["8.8.8.8"]
    with pytest.raises(AddressRefused):
        guard.addresses("brand.example", 80)
    with serve(lambda _s: (200, {}, b"x")) as site:
        asked.clear()
        pinned = AddressGuard(
            [f"brand.example:{site.port}"],
            resolver=lambda h, _p: asked.append(h) or ["127.0.0.1"],  # type: ignore[func-returns-value]
        )
        with client(guard=pinned) as http:
            # The system's name service knows no brand.example: only the checked address can do.
            url = f"http://brand.example:{site.port}/"
            assert http.request("GET", url, may_have_effect=False).body == b"x"
    assert asked == ["brand.example"]
    assert site.seen[0].headers["host"] == f"brand.example:{site.port}"


def test_the_allow_list_admits_loopback_on_that_port_only() -> None:
    with serve(lambda _s: (200, {}, b"ok")) as site, serve(lambda _s: (200, {}, b"no")) as other:
        with client(site) as http:
            assert http.request("GET", site.url, may_have_effect=False).body == b"ok"
            with pytest.raises(AddressRefused):
                http.request("GET", other.url, may_have_effect=False)
    assert other.seen == []


def test_the_allow_list_does_not_open_the_private_network() -> None:
    guard = AddressGuard(["inside.example:8000"], resolver=lambda _h, _p: ["10.0.0.7"])
    with pytest.raises(AddressRefused):
        guard.addresses("inside.example", 8000)


@pytest.mark.parametrize("entry", ["127.0.0.1", ":80", "host:port", ""])
def test_a_wrong_entry_of_the_allow_list_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        AddressGuard([entry])


def test_a_redirect_to_a_private_address_is_refused() -> None:
    with serve(lambda _s: (302, {"Location": "http://169.254.169.254/meta"}, b"")) as site:
        with client(site) as http, pytest.raises(AddressRefused, match=r"169\.254"):
            http.request("GET", site.url, may_have_effect=False)


def test_redirects_are_capped_at_five() -> None:
    def handler(seen: object) -> tuple[int, dict[str, str], bytes]:
        return 302, {"Location": f"/{len(site.seen)}"}, b""

    with serve(handler) as site, client(site) as http:
        with pytest.raises(TooManyRedirects):
            http.request("GET", site.url, may_have_effect=False)
    assert len(site.seen) == 6


def test_five_redirects_are_followed() -> None:
    def handler(seen: object) -> tuple[int, dict[str, str], bytes]:
        n = len(site.seen)
        return (302, {"Location": f"/{n}"}, b"") if n <= 5 else (200, {}, b"there")

    with serve(handler) as site, client(site) as http:
        response = http.request("GET", site.url, may_have_effect=False)
    assert (response.body, response.url) == (b"there", f"{site.url}/5")


def test_credentials_stay_with_their_origin() -> None:
    with serve(lambda _s: (200, {}, b"")) as other:
        with serve(
            lambda s: (307, {"Location": "/b" if s.path == "/" else other.url}, b"")
        ) as site:
            with client(site, other) as http:
                http.request(
                    "GET",
                    site.url,
                    may_have_effect=False,
                    headers={"Authorization": "Bearer abcdef", "Cookie": "a=b", "X-Api-Key": "k"},
                )
    assert site.seen[1].headers["authorization"] == "Bearer abcdef"
    names = {n.lower() for n in other.seen[0].headers}
    assert names <= {"host", "user-agent", "accept", "accept-encoding", "connection"}


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    with client() as http, pytest.raises(Unreachable, match=r"no-such-name\.invalid"):
        http.request("GET", "http://no-such-name.invalid/", may_have_effect=False)


def test_the_transport_raises_the_errors_of_httpx() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        guard = AddressGuard([f"127.0.0.1:{port}"])
        with httpx.Client(transport=GuardedTransport(guard), trust_env=False) as other:
            with pytest.raises(httpx.ConnectError):
                other.get(f"http://127.0.0.1:{port}/")
