"""Reading what the public does: rows first, threads second, the cursor in the same transaction."""

from __future__ import annotations

import logging
from datetime import timedelta

from channels.base import ChannelBusy, ChannelError, CredentialsRefused
from domain.conversation import ANSWERABLE, InteractionKind
from workflows.account_health import RECHECK, note_problem
from workflows.services import Services
from workflows.threads import new_thread

log = logging.getLogger(__name__)
MAX_PAGES = 20
ERROR_PAUSE = timedelta(minutes=5)


def poll(services: Services, workspace_id: str, account_id: str) -> int:
    """Read an account's new interactions.

    May run twice at once: an interaction is one row by (account, remote id), and its thread is made
    by whoever inserted the row.

    Returns:
        How many were new.
    """
    pause = timedelta(seconds=services.settings.poll_seconds)
    new = 0
    for _ in range(MAX_PAGES):
        with services.database.unit(workspace_id) as uow:
            account = uow.brands.account(account_id)
            if account.disabled_at is not None:
                return new
            if account.waits_until is not None and account.waits_until > services.clock.now():
                # The platform wants no calls before: asking it would only lengthen the wait.
                row = uow.brands.account(account_id, lock=True)
                row.poll_at = row.waits_until
                return new
        try:
            page = services.open_channel(account).interactions(account.cursor)
        except ChannelError as error:
            log.warning("account %s could not be read: %s", account_id, error)
            retry_at = error.retry_at if isinstance(error, ChannelBusy) else None
            with services.database.unit(workspace_id) as uow:
                row = uow.brands.account(account_id, lock=True)
                row.poll_error = str(error)
                now = services.clock.now()
                row.poll_at = max(retry_at or now, now + min(pause, ERROR_PAUSE))
                if isinstance(error, CredentialsRefused):
                    # Platforms count vain log-ins; connecting again reads at once.
                    row.poll_at = now + max(pause, RECHECK)
                    uow.session.flush()
                    note_problem(uow, account_id, str(error))
            return new
        with services.database.unit(workspace_id) as uow:
            row = uow.brands.account(account_id, lock=True)
            now = services.clock.now()
            for item in page.interactions:
                row_id = uow.interactions.receive(row, item, now)
                if row_id is None:
                    continue
                new += 1
                if _wants_answer(item.kind):
                    interaction = uow.interactions.get(row_id)
                    interaction.thread_id = new_thread(uow, "answer", row.brand_id, row_id).id
            if page.cursor:
                row.cursor = page.cursor
            row.poll_error = None
            row.polled_at = now
            row.poll_at = now + pause
        if not page.more:
            break
    return new


def _wants_answer(kind: InteractionKind) -> bool:
    return kind in ANSWERABLE
