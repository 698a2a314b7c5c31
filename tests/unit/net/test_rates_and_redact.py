"""Rate-limit signals in every dialect, and text without secrets."""

from datetime import UTC, datetime, timedelta

import pytest

from net.rates import rate_budget, retry_after
from net.redact import redact

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
EPOCH = str(int(LATER.timestamp()))


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "300"},
        {"Retry-After": "Sun, 22 Nov 2026 12:05:00 GMT"},
        {"ratelimit-reset": EPOCH},
        {"RateLimit-Reset": "300"},
        {"X-RateLimit-Reset": "2026-11-22T12:05:00.000000Z"},
        {"X-RateLimit-Reset": "2026-11-22T19:05:00+07:00"},
        {"X-RateLimit-Reset": EPOCH},
        {"x-rate-limit-reset": EPOCH},
        {"x-rate-limit-reset": EPOCH + "000"},
        {"X-RateLimit-Reset-After": "300.0"},
        {"Retry-After": "soon", "ratelimit-reset": EPOCH},
        {"Retry-After": "300", "ratelimit-reset": "1"},
    ],
)
def test_every_dialect_is_understood(headers: dict[str, str]) -> None:
    assert retry_after(headers, NOW) == LATER


@pytest.mark.parametrize("value", ["", "soon", "-5", "nan", "inf", "1e300", "2026-99-99"])
def test_what_cannot_be_read_says_nothing(value: str) -> None:
    assert retry_after({"Retry-After": value}, NOW) is None


def test_a_moment_that_has_passed_means_now() -> None:
    assert retry_after({"ratelimit-reset": str(int(NOW.timestamp()) - 9)}, NOW) == NOW


def test_the_budget_is_read_and_unknown_is_none() -> None:
    headers = {"RateLimit-Limit": "30", "RateLimit-Remaining": "0", "RateLimit-Reset": EPOCH}
    budget = rate_budget(headers, NOW)
    assert (budget.limit, budget.remaining, budget.reset_at) == (30, 0, LATER)
    assert rate_budget({}, NOW).remaining is None


@pytest.mark.parametrize(
    "text",
    [
        "https://user:hunter22@example.org/x",
        "https://hunter22@example.org/x",
        "https://api.telegram.org/bot123456:hunter22/sendMessage",
        "Authorization: Bearer hunter22",
        "basic hunter22==",
        '{"accessJwt": "hunter22", "handle": "kopi.test"}',
        '{"password":"hun\\"ter22","a":1}',
        "grant_type=x&client_secret=hunter22&b=1",
        "https://x.org/cb?code=hunter22&state=abc",
        "https://x.org/?X-Amz-Signature=hunter22",
        "https://x.org/?access_token=hunter22#top",
        "token eyJhbGciOi.eyJhunter22.c2ln",
    ],
)
def test_secrets_are_removed(text: str) -> None:
    assert "ter22" not in redact(text)


@pytest.mark.parametrize(
    "text",
    ["https://example.org/tentang?lang=id#a", "Kode pos 40123, biaya dasar", '{"error": "Invalid"}',
     "surel kopi@example.org"],
)  # fmt: skip
def test_the_rest_stays(text: str) -> None:
    assert redact(text) == text


def test_known_secrets_are_removed_wherever_they_stand() -> None:
    assert redact("the server says abcd1234!", ["abcd1234", "", "e"]) == (
        "the server says [redacted]!"
    )
