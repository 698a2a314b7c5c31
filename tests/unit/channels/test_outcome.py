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
from channels.outcome import Rules, Verdict, outcome_before, outcome_of, read_error
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
    ("bluesky", 400, "InvalidMimeType", Refused),
    ("bluesky", 400, "BlobTooLarge", Refused),
    ("bluesky", 401, "AccountDeactivated", Refused),
    ("bluesky", 405, None, Refused),
    ("bluesky", 415, None, Refused),
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
    ("mastodon", 307, None, Refused),
    ("mastodon", 308, None, Refused),
    ("mastodon", 405, None, Refused),
    ("mastodon", 406, None, Refused),
    ("mastodon", 410, None, Refused),
    ("mastodon", 415, None, Refused),
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


def outcomes(platform: str, rules: Rules) -> list[bool]:
    """Which rows of the answers hold under a table."""
    return [
        type(outcome_of(refusal(status, name), rules, NOW)) is kind
        for of, status, name, kind in ANSWERS
        if of == platform
    ]


@pytest.mark.parametrize(
    ("platform", "entry"), [(name, entry) for name, table in TABLES.items() for entry in table]
)
@pytest.mark.parametrize("wrong", [None, *Verdict])
def test_one_wrong_verdict_is_noticed(
    platform: str, entry: tuple[int, str], wrong: Verdict | None
) -> None:
    """Each entry of a table, left out or with another verdict, breaks a row of the answers."""
    right = dict(TABLES[platform])
    assert all(outcomes(platform, right))
    meant = right.pop(entry)
    # Not named is unknown, and so is what exists already.
    if wrong is meant or (wrong is None and meant is Verdict.EXISTS):
        return
    mutated = right if wrong is None else right | {entry: wrong}
    assert not all(outcomes(platform, mutated))


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
