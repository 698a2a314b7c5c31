"""Mail through a real SMTP server on loopback; what fails is named without its secrets."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from notifications.send import (
    DeliveryFailed,
    InvalidAddress,
    NoAddress,
    NotificationError,
    NullNotifier,
    check_addresses,
    send,
)
from tests.waiting import free_port

PASSWORD = "s3cretpassw0rd"


class Inbox:
    """Keeps what arrives; refuses a recipient on demand."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], EmailMessage]] = []

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("gone@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self, server: Any, session: Any, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        letter = message_from_bytes(content, policy=policy.default)
        self.letters.append((list(envelope.rcpt_tos), letter))
        return "250 OK"


def authenticate(
    server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword
) -> AuthResult:
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def port(inbox: Inbox) -> Iterator[int]:
    number = free_port()
    server = Controller(
        inbox,
        hostname="127.0.0.1",
        port=number,
        authenticator=authenticate,
        auth_require_tls=False,
        decode_data=False,
    )
    server.start()
    yield number
    server.stop()


def address(port: int, to: str = "owner@brand.example", password: str = PASSWORD) -> str:
    return (
        f"mailto://humas:{password}@127.0.0.1:{port}?smtp=127.0.0.1&mode=insecure"
        f"&from=humas@brand.example&to={to}"
    )


def text_of(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_report_arrives_as_plain_text_word_for_word(port: int, inbox: Inbox) -> None:
    body = "Évaluasi: 3 kiriman & <b>12</b> suka\n\n- Jangkauan: tidak tersedia\n- baris terakhir"
    send((address(port),), "Evaluasi minggu ini", body)
    ((to, letter),) = inbox.letters
    assert to == ["owner@brand.example"]
    assert letter["Subject"] == "Evaluasi minggu ini"
    assert letter.get_content_type() == "text/plain"
    assert text_of(letter).strip() == body


def test_every_address_gets_it(port: int, inbox: Inbox) -> None:
    send((address(port, "a@brand.example"), address(port, "b@brand.example")), "Title", "Text")
    assert [to for to, _ in inbox.letters] == [["a@brand.example"], ["b@brand.example"]]


def test_a_text_longer_than_one_message_is_not_cut(port: int, inbox: Inbox) -> None:
    words = [f"word{number}" for number in range(6000)]
    send((address(port),), "Title", " ".join(words))
    arrived = " ".join(text_of(letter) for _, letter in inbox.letters).split()
    assert len(inbox.letters) > 1
    assert [word for word in arrived if word.startswith("word")] == words


def test_a_long_title_is_not_cut(port: int, inbox: Inbox) -> None:
    title = "long " * 80 + "end"
    send((address(port),), title, "Text")
    letter = inbox.letters[0][1]
    assert title in f"{letter['Subject']}{text_of(letter)}"


def test_a_refusing_service_is_named_without_its_password(port: int, inbox: Inbox) -> None:
    wrong = "wr0ngpassw0rd"
    with pytest.raises(DeliveryFailed) as caught:
        send((address(port), address(port, password=wrong)), "Title", "Text")
    assert caught.value.failed == (1,)
    message = str(caught.value)
    assert "address 2 of 2" in message
    assert "127.0.0.1" in message
    assert "The other 1 got it" in message
    assert wrong not in message
    assert PASSWORD not in message
    assert len(inbox.letters) == 1


def test_a_refused_mailbox_is_a_failure(port: int) -> None:
    with pytest.raises(DeliveryFailed, match="address 1 of 1"):
        send((address(port, "gone@brand.example"),), "Title", "Text")


def test_a_server_that_is_down_is_a_failure(inbox: Inbox) -> None:
    with pytest.raises(DeliveryFailed, match="not delivered") as caught:
        send((address(free_port()),), "Title", "Text")
    assert PASSWORD not in str(caught.value)
    assert inbox.letters == []


def test_a_token_in_a_path_is_not_named() -> None:
    token = "AbCdEfGhIjKlMnO"
    with pytest.raises(DeliveryFailed, match=r"address 1 of 1, gotify://127\.0\.0\.1") as caught:
        send((f"gotify://127.0.0.1:{free_port()}/{token}",), "Title", "Text")
    assert token not in str(caught.value)


@pytest.mark.parametrize(
    "broken",
    ["", "owner@brand.example", "nosuch://TOKENabc123/x", "slack://TOKENabc123", "mailto://"],
)
def test_an_unreadable_address_sends_nothing_to_anybody(
    port: int, inbox: Inbox, broken: str
) -> None:
    with pytest.raises(InvalidAddress, match="address 2 of 2") as caught:
        send((address(port), broken), "Title", "Text")
    assert "TOKENabc123" not in str(caught.value)
    assert inbox.letters == []
    with pytest.raises(InvalidAddress, match="address 1 of 1"):
        check_addresses((broken,))


def test_nobody_to_tell_is_an_error() -> None:
    with pytest.raises(NoAddress, match="reports_to"):
        send((), "Title", "Text")


def test_the_errors_are_one_tree() -> None:
    for error in (NoAddress, InvalidAddress, DeliveryFailed):
        assert issubclass(error, NotificationError)


def test_the_null_twin_keeps_messages(port: int, inbox: Inbox) -> None:
    notify = NullNotifier()
    notify((address(port),), "Title", "Text")
    assert notify.messages == [((address(port),), "Title", "Text")]
    assert inbox.letters == []
