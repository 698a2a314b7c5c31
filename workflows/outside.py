"""Reading what an account published before Humas and beside it: once back in time, then at the front.

What Humas sent itself is never kept as outside: not by its id on the platform, and not while its
outcome is unknown, when it may stand there already.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from channels.base import Channel, ChannelBusy, ChannelError, CredentialsRefused, OwnPost
from storage.repositories.outside import OutsideText, Window
from storage.tables import ChannelAccount
from storage.uow import UnitOfWork
from workflows.account_health import note_problem
from workflows.services import Services

log = logging.getLogger(__name__)

IMPORT_MOST = 500  # posts of an account; older ones stay on the platform
IMPORT_BACK = timedelta(days=365)
AGAIN = timedelta(minutes=5)  # after a page that could not be read, or a worker that died
MAX_PAGES = 20  # per job
CLOCKS_DIFFER = timedelta(minutes=2)  # between us and a platform


def import_posts(services: Services, workspace_id: str, account_id: str) -> int:
    """Read an account's past posts, newest first, and remember after each page how far it came.

    May be ended at any time and run twice: it goes on after the last page that was kept.

    Returns:
        How many posts were new.
    """
    new = 0
    for _ in range(MAX_PAGES):
        account = _readable(services, workspace_id, account_id)
        if account is None or account.import_done_at is not None:
            return new
        try:
            page = services.open_channel(account).own_posts(account.import_cursor)
        except ChannelError as error:
            _put_off(services, workspace_id, account_id, error, services.clock.now())
            return new
        now = services.clock.now()
        with services.database.unit(workspace_id) as uow:
            row = uow.brands.account(account_id, lock=True)
            wanted = [post for post in page.posts if post.posted_at >= now - IMPORT_BACK]
            room = max(0, IMPORT_MOST - uow.outside.count(account_id))
            new += _keep(uow, row, wanted, now, room)
            row.outside_read_at = now
            row.import_cursor = page.cursor
            stands_still = page.cursor == account.import_cursor
            too_old = bool(page.posts) and not wanted  # one old date is no end: dates can be false
            full = uow.outside.count(account_id) >= IMPORT_MOST
            if page.cursor is None or stands_still or too_old or full:
                row.import_done_at = now
                uow.audit.write("system", "import", "account", account_id, posts=new)
    return new


def read_outside(services: Services, workspace_id: str, account_id: str) -> int:
    """Read an account's newest posts until a page holds nothing new; figures are brought up to date.

    Nothing is kept before all pages were read, so that a failure leaves no gap behind.

    Returns:
        How many posts were new.
    """
    account = _readable(services, workspace_id, account_id)
    if account is None:
        return 0
    try:
        posts = _newest(services, services.open_channel(account), account)
    except ChannelError as error:
        # Counted as read so long ago that it is tried again soon.
        before = timedelta(hours=services.settings.outside_hours) - AGAIN
        _put_off(services, workspace_id, account_id, error, services.clock.now() - before)
        return 0
    now = services.clock.now()
    with services.database.unit(workspace_id) as uow:
        row = uow.brands.account(account_id, lock=True)
        uow.outside.forget_ours(account_id)
        new = _keep(uow, row, posts, now, None)
        row.outside_read_at = now
    return new


def _newest(services: Services, channel: Channel, account: ChannelAccount) -> list[OwnPost]:
    found: dict[str, OwnPost] = {}
    cursor = None
    for _ in range(MAX_PAGES):
        page = channel.own_posts(cursor)
        ids = [post.remote_id for post in page.posts if post.remote_id not in found]
        found.update((post.remote_id, post) for post in page.posts)
        with services.database.unit(account.workspace_id) as uow:
            known = uow.outside.known(account.id, ids) | uow.outside.ours(account.id, ids)
        horizon = services.clock.now() - IMPORT_BACK
        old = all(post.posted_at < horizon for post in page.posts)
        nothing_new = bool(page.posts) and (old or not set(ids) - known)
        if page.cursor is None or page.cursor == cursor or nothing_new:
            break
        cursor = page.cursor
    return list(found.values())


def _readable(services: Services, workspace_id: str, account_id: str) -> ChannelAccount | None:
    """The account where it may be called now."""
    with services.database.unit(workspace_id) as uow:
        account = uow.brands.account(account_id)
    waits = account.waits_until is not None and account.waits_until > services.clock.now()
    return None if account.disabled_at is not None or waits else account


def _put_off(
    services: Services, workspace_id: str, account_id: str, error: ChannelError, read_at: datetime
) -> None:
    log.warning("posts of account %s could not be read: %s", account_id, error)
    with services.database.unit(workspace_id) as uow:
        row = uow.brands.account(account_id, lock=True)
        row.outside_read_at = read_at
        until = error.retry_at if isinstance(error, ChannelBusy) else None
        if until is not None and (row.waits_until is None or row.waits_until < until):
            row.waits_until, row.waits_for = until, str(error)
        uow.session.flush()
        if isinstance(error, CredentialsRefused):
            note_problem(uow, account_id, str(error))


def _keep(
    uow: UnitOfWork,
    account: ChannelAccount,
    posts: Iterable[OwnPost],
    now: datetime,
    room: int | None,
) -> int:
    """Keep what is not ours, at most `room` new ones; returns how many were new."""
    posts = list(posts)
    ids = [post.remote_id for post in posts]
    windows = uow.outside.under_way(account.id)  # before `ours`: see there
    ours = uow.outside.ours(account.id, ids)
    known = uow.outside.known(account.id, ids)
    new = 0
    for post in posts:
        if post.remote_id in ours:
            continue
        if post.remote_id not in known:
            if _may_be_ours(post.posted_at, windows):
                continue  # a later read will know
            if room is not None and new >= room:
                continue
            new += 1
        uow.outside.keep(account, _text(post), now)
    return new


def _may_be_ours(posted_at: datetime, windows: Iterable[Window]) -> bool:
    return any(
        window.since - CLOCKS_DIFFER <= posted_at
        and (window.until is None or posted_at <= window.until + CLOCKS_DIFFER)
        for window in windows
    )


def _text(post: OwnPost) -> OutsideText:
    figures = {item.name: item.value for item in post.metrics}
    return OutsideText(post.remote_id, post.kind, post.text, post.url, post.posted_at, figures)
