"""What the client repeats, what it never repeats, and how it says what happened."""

import gzip
import logging
import socket
import ssl
import struct
import time as systime
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from net.client import Timeouts
from net.errors import (
    BadAnswer,
    HttpStatus,
    InvalidRequest,
    NetError,
    NoAnswer,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    TooLarge,
    Unreachable,
)
from net.guard import AddressGuard
from tests.unit.net.loopback import Answer, Seen, Time, client, serve, talk


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def read_then_reset(connection: socket.socket) -> None:
    connection.recv(65536)
    reset(connection)


def read_then_close(connection: socket.socket) -> None:
    connection.recv(65536)


def read_then_wait(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.settimeout(5)
    connection.recv(1)


def half_a_body(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


def rubbish(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"220 mail.example ESMTP\r\n")


def drip(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for n in range(200):
        connection.sendall(f"X-{n}: slow\r\n".encode())
        systime.sleep(0.1)


AFTER_SENDING = [read_then_reset, read_then_close, read_then_wait, half_a_body, rubbish]
SHORT = Timeouts(connect=1, read=0.3, write=1, total=2)


@pytest.mark.parametrize("conversation", AFTER_SENDING)
def test_an_effect_that_left_without_an_answer_is_unknown_and_sent_once(
    conversation: Callable[[socket.socket], None],
) -> None:
    with talk(conversation) as site, client(site, timeouts=SHORT) as http:
        with pytest.raises(OutcomeUnknown):
            http.request("POST", site.url, may_have_effect=True, json={"text": "Halo"})
    assert len(site.seen) == 1


@pytest.mark.parametrize("conversation", AFTER_SENDING)
def test_a_read_without_an_answer_is_repeated_and_then_no_answer(
    conversation: Callable[[socket.socket], None],
) -> None:
    time = Time()
    with talk(conversation) as site, client(site, timeouts=SHORT, time=time) as http:
        with pytest.raises(NoAnswer) as caught:
            http.request("GET", site.url, may_have_effect=False)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert len(site.seen) == 3
    assert time.slept == [0.5, 1.0]


def test_a_refused_connection_is_certainly_not_sent() -> None:
    with serve(lambda _s: (200, {}, b"")) as site:
        pass
    with client(site) as http, pytest.raises(Unreachable) as caught:
        http.request("POST", site.url, may_have_effect=True)
    assert isinstance(caught.value, NotSent)


def test_a_failed_tls_handshake_is_certainly_not_sent() -> None:
    with talk(read_then_close) as site, client(site) as http, pytest.raises(Unreachable):
        http.request("POST", site.url.replace("http:", "https:"), may_have_effect=True)
    assert len(site.seen) == 1


def test_a_tls_handshake_that_hangs_is_certainly_not_sent() -> None:
    with talk(read_then_wait) as site:
        with client(site, timeouts=Timeouts(connect=0.3)) as http, pytest.raises(Unreachable):
            http.request("POST", site.url.replace("http:", "https:"), may_have_effect=True)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_effect_answered_with_a_server_error_is_unknown(status: int) -> None:
    with serve(lambda _s: (status, {"Retry-After": "0"}, b"oops")) as site, client(site) as http:
        with pytest.raises(OutcomeUnknown, match="oops") as caught:
            http.request("POST", site.url, may_have_effect=True)
    assert caught.value.status == status
    assert len(site.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 400, 401, 404, 409, 422])
def test_an_effect_refused_is_a_status(status: int) -> None:
    with serve(lambda _s: (status, {"Location": "/else"}, b'{"error":"no"}')) as site:
        with client(site) as http, pytest.raises(HttpStatus) as caught:
            http.request("POST", site.url, may_have_effect=True)
    assert (caught.value.status, caught.value.body) == (status, b'{"error":"no"}')
    assert len(site.seen) == 1


def test_a_refusal_stays_a_refusal_when_its_text_breaks_off() -> None:
    def half_a_refusal(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nhalf")

    with talk(half_a_refusal) as site, client(site) as http, pytest.raises(HttpStatus) as caught:
        http.request("POST", site.url, may_have_effect=True)
    assert caught.value.status == 403


def test_an_effect_with_too_large_an_answer_is_unknown() -> None:
    with serve(lambda _s: (200, {}, b"x" * 1000)) as site, client(site, max_bytes=10) as http:
        with pytest.raises(OutcomeUnknown) as caught:
            http.request("POST", site.url, may_have_effect=True)
    assert caught.value.status == 200


def test_effects_use_a_fresh_connection_each() -> None:
    ports: list[int] = []

    def conversation(connection: socket.socket) -> None:
        ports.append(connection.getpeername()[1])
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        connection.settimeout(0.05)
        connection.recv(1)

    with talk(conversation) as site, client(site) as http:
        for _ in range(3):
            http.request("POST", site.url, may_have_effect=True)
    assert len(set(ports)) == 3


def test_a_read_is_repeated_after_server_errors_until_it_succeeds() -> None:
    def handler(_seen: Seen) -> Answer:
        return (503, {}, b"") if len(site.seen) < 3 else (200, {}, b"there")

    with serve(handler) as site, client(site) as http:
        assert http.request("GET", site.url, may_have_effect=False).body == b"there"
    assert len(site.seen) == 3


def test_an_upload_is_repeated_with_the_same_body() -> None:
    def handler(_seen: Seen) -> Answer:
        return (502, {}, b"") if len(site.seen) < 2 else (200, {}, b"{}")

    with serve(handler) as site, client(site) as http:
        files = {"file": ("a.png", b"\x89PNG", "image/png")}
        http.request("POST", site.url, may_have_effect=False, files=files, data={"alt": "Kopi"})
    assert site.seen[0].body.count(b"\x89PNG") == site.seen[1].body.count(b"\x89PNG") == 1


def test_retry_after_is_obeyed_up_to_the_cap() -> None:
    def handler(_seen: Seen) -> Answer:
        return (429, {"Retry-After": "7"}, b"") if len(site.seen) < 2 else (200, {}, b"")

    time = Time()
    with serve(handler) as site, client(site, time=time) as http:
        http.request("GET", site.url, may_have_effect=False)
    assert time.slept == [7.0]

    time = Time()
    with serve(lambda _s: (429, {"Retry-After": "3600"}, b"")) as site:
        with client(site, time=time) as http, pytest.raises(RateLimited) as caught:
            http.request("GET", site.url, may_have_effect=False)
    assert time.slept == []
    assert caught.value.retry_at is not None
    assert (caught.value.retry_at - time.now).total_seconds() == 3600


def test_a_rate_limited_effect_is_refused_and_not_repeated() -> None:
    with serve(lambda _s: (429, {"Retry-After": "1"}, b"slow down")) as site:
        with client(site) as http, pytest.raises(RateLimited, match="slow down"):
            http.request("POST", site.url, may_have_effect=True)
    assert len(site.seen) == 1


def test_client_errors_of_reads_are_not_repeated() -> None:
    with serve(lambda _s: (404, {}, b"")) as site, client(site) as http:
        with pytest.raises(HttpStatus):
            http.request("GET", site.url, may_have_effect=False)
    assert len(site.seen) == 1


def test_a_dripping_answer_ends_at_the_total_time() -> None:
    with talk(drip) as site:
        with client(site, timeouts=Timeouts(read=1, total=0.5), tries=1) as http:
            began = systime.monotonic()
            with pytest.raises(NoAnswer):
                http.request("GET", site.url, may_have_effect=False)
    assert systime.monotonic() - began < 15  # the drip itself lasts 20 s


def test_a_huge_announced_body_is_not_read() -> None:
    with serve(lambda _s: (200, {"Content-Length": "10000000000"}, b"x")) as site:
        with client(site) as http, pytest.raises(TooLarge):
            http.request("GET", site.url, may_have_effect=False)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_huge_body_is_cut_off_without_filling_memory(compressed: bool) -> None:
    bomb = gzip.compress(bytes(200_000_000), 9)

    def conversation(connection: socket.socket) -> None:
        connection.recv(65536)
        coding = b"Content-Encoding: gzip\r\n" if compressed else b""
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + coding + b"\r\n")
        if compressed:
            connection.sendall(bomb)
        else:
            for _ in range(800):
                connection.sendall(bytes(65536))

    with talk(conversation) as site, client(site, max_bytes=1_000_000) as http:
        tracemalloc.start()
        try:
            with pytest.raises(TooLarge):
                http.request("GET", site.url, may_have_effect=False)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 6_000_000


@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000])
def test_gzip_comes_back_whole(size: int) -> None:
    plain = bytes(n * 31 % 251 for n in range(size))
    body = gzip.compress(plain)
    with serve(lambda _s: (200, {"Content-Encoding": "gzip"}, body)) as site, client(site) as http:
        assert http.request("GET", site.url, may_have_effect=False).body == plain


@pytest.mark.parametrize(
    ("coding", "body"),
    [("gzip", b"no gzip"), ("gzip", gzip.compress(b"x" * 999, mtime=0)[:-12]), ("zstd", b"x")],
)
def test_broken_compression_is_a_bad_answer(coding: str, body: bytes) -> None:
    with serve(lambda _s: (200, {"Content-Encoding": coding}, body)) as site, client(site) as http:
        with pytest.raises(BadAnswer):
            http.request("GET", site.url, may_have_effect=False)


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server that is `name`, and of a client that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "both.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain) + pem
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


@pytest.mark.parametrize(("name", "fits"), [("brand.example", True), ("other.example", False)])
def test_tls_checks_the_name_while_the_address_is_pinned(
    tmp_path: Path, name: str, fits: bool
) -> None:
    server, trusting = certificate(tmp_path, name)
    with serve(lambda _s: (200, {}, b"safe"), ssl_context=server) as site:
        guard = AddressGuard([f"brand.example:{site.port}"], resolver=lambda _h, _p: ["127.0.0.1"])
        url = f"https://brand.example:{site.port}/"
        with client(guard=guard, ssl_context=trusting) as http:
            if fits:
                assert http.request("POST", url, may_have_effect=True).body == b"safe"
            else:
                with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
                    http.request("POST", url, may_have_effect=True)
    assert len(site.seen) == fits


def test_an_error_page_for_browsers_stays_out_of_the_message() -> None:
    answer = (404, {"Content-Type": "text/html"}, b"<html>lost</html>")
    with serve(lambda _s: answer) as site, client(site) as http:
        with pytest.raises(HttpStatus, match=r"answered 404\.$") as caught:
            http.request("GET", site.url, may_have_effect=False)
    assert caught.value.excerpt == "<html>lost</html>"


SECRET = "s3cr3t-t0ken-value"


@pytest.mark.parametrize("effect", [False, True])
@pytest.mark.parametrize("status", [401, 429, 500])
def test_secrets_stand_in_no_error_and_no_log(
    effect: bool, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(seen: Seen) -> Answer:
        return status, {}, f"{seen.headers['authorization']} {seen.path}".encode()

    caplog.set_level(logging.DEBUG)
    with serve(echo) as site, client(site) as http, pytest.raises(NetError) as caught:
        http.request(
            "POST",
            f"{site.url}/bot123456:{SECRET}/send?access_token={SECRET}&text=halo",
            may_have_effect=effect,
            headers={"Authorization": f"Bearer {SECRET}"},
        )
    chain: BaseException | None = caught.value
    while chain is not None:
        assert SECRET not in str(chain)
        chain = chain.__context__
    assert "text=halo" in str(caught.value)
    assert SECRET not in caplog.text


@pytest.mark.parametrize("value", [f"Bearer {SECRET}\nX: y", f"Bearer {SECRET}\N{SNOWMAN}"])
def test_an_illegal_header_is_not_sent_and_not_shown(value: str) -> None:
    with talk(read_then_wait) as site, client(site, timeouts=SHORT) as http:
        with pytest.raises(InvalidRequest) as caught:
            http.request("POST", site.url, may_have_effect=True, headers={"Authorization": value})
    assert SECRET not in f"{caught.value!r} {caught.value.__context__!r}"


def test_json_that_is_none_is_a_bad_answer() -> None:
    with serve(lambda _s: (200, {}, b"<html>")) as site, client(site) as http:
        with pytest.raises(BadAnswer, match="not in JSON"):
            http.request("GET", site.url, may_have_effect=False).json()


def test_parameters_join_the_query_and_no_cookie_is_kept() -> None:
    with serve(lambda _s: (200, {"Set-Cookie": "a=b"}, b"")) as site, client(site) as http:
        for _ in range(2):
            http.request("GET", f"{site.url}/x?a=1", may_have_effect=False, params={"b": "2"})
    assert site.paths == ["/x?a=1&b=2"] * 2
    assert site.seen[1].headers["cookie"] is None
