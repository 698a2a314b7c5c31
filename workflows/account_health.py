"""The credentials of accounts: what is wrong with them, and who is told in time."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy import or_, update

from channels.base import AccountInfo, ChannelBusy, ChannelError, CredentialsRefused
from config.i18n import N_, Translate, gettext_for, translations
from domain.action import Payload
from domain.brand import BrandProfile
from notifications.send import NotificationError
from storage.tables import Action, ChannelAccount
from storage.uow import UnitOfWork
from workflows.accounts import wake_waiting
from workflows.services import Services

log = logging.getLogger(__name__)

RECHECK = timedelta(minutes=15)  # while there is a problem, or nobody could be asked


# -- noting ------------------------------------------------------------------------------------


def note_problem(uow: UnitOfWork, account_id: str, reason: str) -> None:
    """Keep why the platform refuses an account's credentials, until they are accepted again.

    A new problem is looked at and told of at once; the first reason stands while it lasts.
    """
    # A statement of its own: whoever changes the account's row meanwhile may not undo a delivery.
    row = ChannelAccount
    uow.session.execute(
        update(row)
        .where(
            row.workspace_id == uow.workspace_id,
            row.id == account_id,
            row.credentials_problem == "",
        )
        .values(
            credentials_problem=reason,
            credentials_warned_at=None,
            checked_at=None,
            row_version=row.row_version + 1,
        )
    )


def clear_problem(uow: UnitOfWork, account_id: str) -> bool:
    """The platform accepts the credentials. Returns whether they had a problem."""
    row = ChannelAccount
    query = (
        update(row)
        .where(
            row.workspace_id == uow.workspace_id,
            row.id == account_id,
            row.credentials_problem != "",
        )
        .values(credentials_problem="", credentials_warned_at=None, row_version=row.row_version + 1)
        .returning(row.id)
    )
    return uow.session.scalars(query).one_or_none() is not None


# -- telling what would break ------------------------------------------------------------------


@dataclass(frozen=True)
class Trouble:
    """What is wrong, or will be, with an account's credentials, and what it keeps from leaving."""

    account: ChannelAccount
    refused: str  # why the platform refuses them now; empty: they end later
    ends_at: datetime | None  # when they end, or have ended
    broken: int  # approved posts and replies that would not leave
    first: Action | None
    first_text: str
    zone: str

    def text(self, language: str) -> str:
        """What people are told."""
        gettext, ngettext = gettext_for(language), translations(language).ngettext
        name = f"{self.account.platform.capitalize()} @{self.account.handle}"
        if self.refused:
            said = gettext(N_("{account}: the platform refuses the credentials ({reason})."))
            parts = [said.format(account=name, reason=self.refused.rstrip("."))]
        else:
            assert self.ends_at is not None
            said = gettext(N_("{account}: the credentials end on {date}."))
            parts = [said.format(account=name, date=self._when(self.ends_at, language))]
        if self.first is not None and self.first.slot_at is not None:
            count = ngettext(
                "%(num)d approved post would not leave:",
                "%(num)d approved posts would not leave, the first of them:",
                self.broken,
            )
            parts.append(count % {"num": self.broken})
            parts.append(f"“{self.first_text}” ({self._when(self.first.slot_at, language)}).")
        else:
            parts.append(gettext(N_("No approved post is touched so far.")))
        parts.append(gettext(N_("Connect the account again.")))
        return " ".join(parts)

    def title(self, translate: Translate) -> str:
        """The subject of the message."""
        name = f"{self.account.platform.capitalize()} @{self.account.handle}"
        return translate(N_("Connect {account} again")).format(account=name)

    def _when(self, instant: datetime, language: str) -> str:
        return str(
            format_datetime(
                instant, "EEE d MMM y, HH:mm", tzinfo=ZoneInfo(self.zone), locale=language
            )
        )


def trouble_of(
    uow: UnitOfWork, account: ChannelAccount, now: datetime, ahead: timedelta
) -> Trouble | None:
    """What is wrong with an account's credentials now or within a while; None: nothing is known."""
    ends = account.credentials_expire_at
    soon = ends is not None and ends <= now + ahead
    if account.disabled_at is not None or not (account.credentials_problem or soon):
        return None
    # Refused now: whatever has not left yet; else what leaves when they have ended.
    since = None if account.credentials_problem else ends
    broken, first = uow.brands.approved_posts(account.id, since)
    return Trouble(
        account=account,
        refused=account.credentials_problem,
        ends_at=ends,
        broken=broken,
        first=first,
        first_text=_words(uow, first) if first else "",
        zone=uow.brands.profile(account.brand_id).time_zone,
    )


def troubles(uow: UnitOfWork, services: Services, brand_id: str | None = None) -> list[Trouble]:
    """All that people should know of the accounts of a brand, or of all brands."""
    ahead = timedelta(days=services.settings.expiry_warn_days)
    now = services.clock.now()
    brands = [brand_id] if brand_id else [brand.id for brand in uow.brands.all()]
    found = (
        trouble_of(uow, account, now, ahead)
        for brand in brands
        for account in uow.brands.accounts(brand)
    )
    return [item for item in found if item is not None]


def _words(uow: UnitOfWork, action: Action) -> str:
    version = uow.actions.version(action)
    if version is None:
        return ""
    segments = Payload.model_validate(version.payload).segments
    return segments[0].text if segments else ""


# -- checking ----------------------------------------------------------------------------------


def check_account(services: Services, workspace_id: str, account_id: str) -> bool:
    """Try an account's credentials, and tell the brand's people once of what is wrong or will be.

    Returns:
        Whether somebody was told now.
    """
    with services.database.unit(workspace_id) as uow:
        account = uow.brands.account(account_id)
    now = services.clock.now()
    waits = account.waits_until is not None and account.waits_until > now
    if account.disabled_at is not None or waits:
        return False
    every = timedelta(hours=services.settings.account_check_hours)
    try:
        info = services.open_channel(account).check()
    except CredentialsRefused as error:
        with services.database.unit(workspace_id) as uow:
            note_problem(uow, account_id, str(error))
            _checked(uow, account_id, now)
    except ChannelError as error:
        # It says nothing about the credentials: asked again soon.
        log.warning("the credentials of account %s could not be tried: %s", account_id, error)
        retry_at = error.retry_at if isinstance(error, ChannelBusy) else None
        with services.database.unit(workspace_id) as uow:
            _checked(uow, account_id, max(now, (retry_at or now) - RECHECK) - every + RECHECK)
    else:
        _accepted(services, workspace_id, account_id, info, now)
    return _warn(services, workspace_id, account_id)


def _accepted(
    services: Services, workspace_id: str, account_id: str, info: AccountInfo, now: datetime
) -> None:
    with services.database.unit(workspace_id) as uow:
        # Reading may be allowed where publishing is not: a post that was refused settles that itself.
        if not uow.brands.holds_posts(account_id) and clear_problem(uow, account_id):
            wake_waiting(uow, account_id, now)
            uow.brands.account(account_id, lock=True).poll_at = now
            uow.session.flush()
        row = ChannelAccount
        uow.session.execute(
            update(row)
            .where(
                row.workspace_id == workspace_id,
                row.id == account_id,
                row.credentials_expire_at.is_distinct_from(info.credentials_expire_at),
            )
            .values(
                credentials_expire_at=info.credentials_expire_at,
                credentials_warned_at=None,
                row_version=row.row_version + 1,
            )
        )
        _checked(uow, account_id, now)


def _checked(uow: UnitOfWork, account_id: str, at: datetime) -> None:
    row = ChannelAccount
    uow.session.execute(
        update(row)
        .where(row.workspace_id == uow.workspace_id, row.id == account_id)
        .values(checked_at=at, row_version=row.row_version + 1)
    )


def _warn(services: Services, workspace_id: str, account_id: str) -> bool:
    """Tell the brand's people, once per problem. A message that fails is sent again later.

    It is noted after it was sent: told twice after a crash is better than never.
    """
    ahead = timedelta(days=services.settings.expiry_warn_days)
    with services.database.unit(workspace_id) as uow:
        account = uow.brands.account(account_id)
        if account.credentials_warned_at is not None:
            return False
        trouble = trouble_of(uow, account, services.clock.now(), ahead)
        profile = uow.brands.profile(account.brand_id)
    if trouble is None:
        return False
    sent = bool(profile.reports_to)
    if sent and not _send(services, workspace_id, profile, trouble):
        return False
    with services.database.unit(workspace_id) as uow:
        row = ChannelAccount
        uow.session.execute(
            update(row)
            .where(
                row.workspace_id == workspace_id,
                row.id == account_id,
                row.credentials_problem == trouble.refused,
                or_(row.credentials_problem != "", row.credentials_expire_at == trouble.ends_at),
            )
            .values(credentials_warned_at=services.clock.now(), row_version=row.row_version + 1)
        )
        uow.audit.write("system", "warn", "account", account_id, posts=trouble.broken)
    return sent


def _send(services: Services, workspace_id: str, profile: BrandProfile, trouble: Trouble) -> bool:
    language = profile.languages[0]
    title = trouble.title(gettext_for(language))
    try:
        services.notify(profile.reports_to, title, trouble.text(language))
    except NotificationError as error:
        account = trouble.account
        log.warning("nobody was told of account %s: %s", account.id, error)
        with services.database.unit(workspace_id) as uow:
            uow.audit.write("system", "warn_failed", "account", account.id, reason=str(error))
            every = timedelta(hours=services.settings.account_check_hours)
            _checked(uow, account.id, services.clock.now() - every + RECHECK)
        return False
    return True
