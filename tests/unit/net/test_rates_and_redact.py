"""Rate-limit signals in every dialect, and text without secrets."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


META = '{"call_count": %s, "total_time": 25, "total_cputime": 25}'
BY_ID = '{"123": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": %s}]}'


@pytest.mark.parametrize(
    ("headers", "until"),
    [
        ({"X-App-Usage": META % 28}, None),
        ({"X-App-Usage": META % 100}, LATER),
        ({"X-Business-Use-Case-Usage": BY_ID % 19}, NOW + timedelta(minutes=19)),
        ({"X-Business-Use-Case-Usage": BY_ID % 0}, LATER),
        ({"X-Ad-Account-Usage": '{"acc_id_util_pct": 100, "reset_time_duration": 300}'}, LATER),
        ({"X-App-Usage": META % 100, "x-business-use-case-usage": BY_ID % 90},
         NOW + timedelta(minutes=90)),
        ({"X-App-Usage": "[[[ no JSON"}, None),
        ({"X-App-Usage": '{"call_count": "many"}'}, None),
        ({"X-App-Usage": META % "1e400"}, None),
        ({"RateLimit": '"burst";r=0;t=300'}, LATER),
        ({"RateLimit": '"day";r=200;t=9000, "burst";r=0;t=300'}, LATER),
        ({"RateLimit": '"a;r=0;t=9";r=3;t=9'}, None),
        ({"RateLimit": '"burst";r=0'}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2026-11-22T12:05:00Z"}, LATER),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "2026-11-22T12:05:00Z"}, None),
    ],
)  # fmt: skip
def test_a_spent_budget_says_until_when(headers: dict[str, str], until: datetime | None) -> None:
    assert rate_budget(headers, NOW).spent_until(NOW) == until
    assert until is None or retry_after(headers, NOW) == until


def test_usage_in_percent_is_read_while_calls_are_left() -> None:
    assert rate_budget({"X-App-Usage": META % 62.5}, NOW).used_percent == 62.5


@given(st.integers(0, 3_000_000), st.sampled_from(["UTC", "Asia/Jakarta", "America/St_Johns"]))
def test_all_dialects_name_the_same_instant(seconds: int, zone: str) -> None:
    when = NOW + timedelta(seconds=seconds)
    written = {
        "Retry-After": str(seconds),
        "RateLimit-Reset": str(int(when.timestamp())),
        "X-RateLimit-Reset": when.astimezone(ZoneInfo(zone)).isoformat(),
        "x-rate-limit-reset": format_datetime(when, usegmt=True),
        "RateLimit": f'"q";r=0;t={seconds}',
    }
    read = {retry_after({name: value}, NOW) for name, value in written.items()}
    assert read == {when} if seconds else read <= {when, None}


NAMES = ["Retry-After", "RateLimit", "RateLimit-Reset", "X-RateLimit-Remaining", "X-App-Usage",
         "X-Business-Use-Case-Usage", "X-Ad-Account-Usage", "X-RateLimit-Reset-After"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=60)))
def test_no_header_of_a_server_can_make_it_fail(headers: dict[str, str]) -> None:
    for when in (retry_after(headers, NOW), rate_budget(headers, NOW).reset_at):
        assert when is None or when.tzinfo is UTC


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["call_count", "estimated_time_to_regain_access", "reset_time_duration", "1"]), inner),
    max_leaves=9,
)  # fmt: skip


@given(JSON)
def test_no_usage_can_make_it_fail(usage: object) -> None:
    assert rate_budget({"X-App-Usage": json.dumps(usage)}, NOW).limit is None


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
