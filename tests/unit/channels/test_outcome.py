import pytest

from channels import bluesky, mastodon
from channels.base import (
    ChannelBusy,
    ChannelUnavailable,
    CredentialsRefused,
    NotSent,
    PlatformRefused,
    Refused,
    Unknown,
)
from channels.outcome import Rules, outcome_before, outcome_of, read_error
from net.errors import (
    AddressRefused,
    BadAnswer,
    InvalidRequest,
    NetError,
    NoAnswer,
    OutcomeUnknown,
    TooLarge,
    TooManyRedirects,
    Unreachable,
)
from tests.unit.channels.fakes import NOW, refusal

TABLES = {"bluesky": bluesky.RULES, "mastodon": mastodon.RULES}

NETWORK: list[tuple[NetError, type]] = [
    (Unreachable("x"), NotSent),
    (AddressRefused("x"), NotSent),
    (InvalidRequest("x"), NotSent),
    (OutcomeUnknown("x"), Unknown),
    (OutcomeUnknown("x", status=503), Unknown),
    (NoAnswer("x"), Unknown),
    (BadAnswer("x"), Unknown),
    (TooLarge("x", limit=1), Unknown),
    (TooManyRedirects("x"), Unknown),
    (NetError("x"), Unknown),
]

ANSWERS: list[tuple[str, int, str | None, type]] = [
    ("bluesky", 400, "InvalidRequest", Refused),
    ("bluesky", 400, "InvalidRecord", Refused),
    ("bluesky", 400, "BlobNotFound", Refused),
    ("bluesky", 400, "InvalidSwap", Unknown),
    ("bluesky", 400, "SomethingNew", Unknown),
    ("bluesky", 400, None, Unknown),
    ("bluesky", 400, "ExpiredToken", NotSent),
    ("bluesky", 400, "InvalidToken", NotSent),
    ("bluesky", 401, "AuthenticationRequired", NotSent),
    ("bluesky", 401, "AccountTakedown", Refused),
    ("bluesky", 403, "Forbidden", Refused),
    ("bluesky", 404, None, Refused),
    ("bluesky", 408, None, Unknown),
    ("bluesky", 409, None, Unknown),
    ("bluesky", 413, "PayloadTooLarge", Refused),
    ("bluesky", 429, "RateLimitExceeded", NotSent),
    ("bluesky", 302, None, Unknown),
    ("mastodon", 400, "x", Refused),
    ("mastodon", 401, "The access token was revoked", NotSent),
    ("mastodon", 403, "This action is outside the authorized scopes", NotSent),
    ("mastodon", 403, "This action is not allowed", Refused),
    ("mastodon", 404, "Record not found", Refused),
    ("mastodon", 408, None, Unknown),
    ("mastodon", 409, None, Unknown),
    ("mastodon", 413, None, Refused),
    ("mastodon", 422, "Validation failed: Text is too long", Refused),
    ("mastodon", 422, "Duplicate record", Unknown),
    ("mastodon", 425, None, Unknown),
    ("mastodon", 429, "Too many requests", NotSent),
    ("mastodon", 301, None, Unknown),
    ("mastodon", 303, None, Unknown),
    ("mastodon", 308, None, Refused),
]


@pytest.mark.parametrize("rules", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize(("error", "kind"), NETWORK, ids=lambda value: type(value).__name__)
def test_what_the_network_did(rules: Rules, error: NetError, kind: type) -> None:
    assert type(outcome_of(error, rules, NOW)) is kind


@pytest.mark.parametrize(("platform", "status", "name", "kind"), ANSWERS)
def test_what_the_platform_answered(
    platform: str, status: int, name: str | None, kind: type
) -> None:
    outcome = outcome_of(refusal(status, name), TABLES[platform], NOW)
    assert type(outcome) is kind
    assert outcome.raw["status"] == status


@pytest.mark.parametrize("rules", TABLES.values(), ids=TABLES)
def test_refused_credentials_wait_for_a_person(rules: Rules) -> None:
    outcome = outcome_of(refusal(401, "whatever"), rules, NOW)
    assert isinstance(outcome, NotSent)
    assert outcome.reconnect
    assert not outcome.counts
    assert outcome.retry_at is not None
    assert outcome.retry_at > NOW
    assert "reconnect" in outcome.reason


@pytest.mark.parametrize("rules", TABLES.values(), ids=TABLES)
def test_rate_limit_costs_no_attempt(rules: Rules) -> None:
    outcome = outcome_of(refusal(429, "x"), rules, NOW)
    assert isinstance(outcome, NotSent)
    assert (outcome.retry_at, outcome.counts, outcome.reconnect) == (NOW, False, False)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refusal(429), ChannelBusy),
        (refusal(401), CredentialsRefused),
        (refusal(404), PlatformRefused),
        (refusal(502), ChannelUnavailable),
        (Unreachable("x"), ChannelUnavailable),
        (NoAnswer("x"), ChannelUnavailable),
    ],
)
def test_failed_reads(error: NetError, kind: type) -> None:
    assert type(read_error(error, mastodon.RULES)) is kind


def test_failed_preparation_is_never_unknown() -> None:
    errors = [
        (CredentialsRefused("x"), NotSent),
        (ChannelBusy("x", NOW), NotSent),
        (ChannelUnavailable("x"), NotSent),
        (PlatformRefused("x", status=422), Refused),
    ]
    for error, kind in errors:
        assert type(outcome_before(error, NOW)) is kind
