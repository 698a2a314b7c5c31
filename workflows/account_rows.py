"""What a channel keeps in its account's row: its session, and how long it may not call."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, or_, text, update

from channels.base import Outcome, Sent
from net.redact import names_secret, redact, scrub
from storage.secrets import SecretBox, SecretKeyError
from storage.tables import ChannelAccount
from storage.uow import Database

log = logging.getLogger(__name__)


def purpose(account_id: str, what: str) -> str:
    """What a sealed value is bound to."""
    return f"channel_accounts:{what}:{account_id}"


def without_secrets(box: SecretBox, account: ChannelAccount, outcome: Outcome) -> Outcome:
    """An outcome as it may be kept, whatever the platform said: without the account's secrets.

    Nothing that goes wrong here may keep an outcome from being recorded: where the secrets cannot
    be read, the raw answer is left out.
    """
    try:
        secrets = _secrets(box, account)
        raw = scrub(outcome.raw, secrets)
    except SecretKeyError:
        log.exception("the raw answer for account %s is not kept", account.id)
        secrets, raw = [], {}
    if isinstance(outcome, Sent):
        return replace(outcome, raw=raw)
    return replace(outcome, raw=raw, reason=redact(outcome.reason, secrets))


def _secrets(box: SecretBox, account: ChannelAccount) -> list[str]:
    found = [box.open(account.sealed_secret, purpose(account.id, "secret"))]
    if account.sealed_session is not None:
        session = json.loads(box.open(account.sealed_session, purpose(account.id, "session")))
        found += [value for name, value in session.items() if names_secret(name)]
    return found


class RowBudgets:
    """Notes in the account's row until when its platform wants no calls."""

    def __init__(self, database: Database, account: ChannelAccount) -> None:
        self._database = database
        self._account = account

    def spent(self, until: datetime, reason: str) -> None:
        """Keep the latest instant that any call was told."""
        row = ChannelAccount
        with self._database.unit(self._account.workspace_id) as uow:
            uow.session.execute(
                update(row)
                .where(
                    row.workspace_id == self._account.workspace_id,
                    row.id == self._account.id,
                    or_(row.waits_until.is_(None), row.waits_until < until),
                )
                .values(waits_until=until, waits_for=reason, row_version=row.row_version + 1)
            )


class RowTokens:
    """A channel's session, sealed in its account's row.

    A token is stored in a transaction of its own before it is used for the first time, so that a
    rotated one cannot be lost.
    """

    def __init__(self, database: Database, box: SecretBox, account: ChannelAccount) -> None:
        self._database = database
        self._box = box
        self._account = account

    def load(self) -> dict[str, str]:
        """The stored session, empty where there is none."""
        with self._database.unit(self._account.workspace_id) as uow:
            row = uow.session.get(ChannelAccount, self._account.id)
            if row is None or row.sealed_session is None:
                return {}
            text = self._box.open(row.sealed_session, purpose(row.id, "session"))
        tokens: dict[str, str] = json.loads(text)
        return tokens

    def save(self, tokens: dict[str, str]) -> None:
        """Store a session."""
        if not tokens or not all(tokens.values()):
            raise ValueError("a session with empty values is never stored")
        with self._database.unit(self._account.workspace_id) as uow:
            row = uow.session.get(ChannelAccount, self._account.id, with_for_update=True)
            if row is None:
                return  # a trial before the account is stored; the next session is kept
            row.sealed_session = self._box.seal(json.dumps(tokens), purpose(row.id, "session"))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the account's session while it is renewed.

        An advisory lock on a connection of its own: the row stays free for `save`, and the server
        frees the lock when this process dies.
        """
        key = {"key": f"session {self._account.id}"}
        lock = func.hashtextextended(text(":key"), 0)
        with self._database.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(func.pg_advisory_lock(lock).select(), key)
            try:
                yield
            finally:
                connection.execute(func.pg_advisory_unlock(lock).select(), key)
