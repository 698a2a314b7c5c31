"""Who follows an account, asked of the platform when somebody wants to know; nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass

from channels.base import ChannelError
from domain.conversation import Person
from storage.tables import ChannelAccount
from workflows.services import Services


@dataclass(frozen=True)
class Followers:
    """An account's followers as the platform tells them; `problem` says why it does not."""

    account: ChannelAccount
    count: int | None = None  # None: the platform gives no figure
    people: tuple[Person, ...] = ()
    more: bool = False  # whether the platform has others than these
    problem: str = ""


def account_followers(services: Services, account: ChannelAccount, limit: int) -> Followers:
    """Ask how many follow an account, and for at most `limit` of them (0: only the number)."""
    now = services.clock.now()
    if account.waits_until is not None and account.waits_until > now:
        said = f"The platform takes no calls before {account.waits_until.isoformat()}."
        return Followers(account, problem=f"{said} {account.waits_for}".strip())
    people: list[Person] = []
    cursor: str | None = None
    more = limit > 0
    try:
        channel = services.open_channel(account)
        count = channel.check().followers
        while more and len(people) < limit:
            page = channel.followers(cursor)
            people += page.people
            more = page.cursor is not None and page.cursor != cursor
            cursor = page.cursor
    except ChannelError as error:
        return Followers(account, people=tuple(people[:limit]), more=more, problem=str(error))
    return Followers(account, count, tuple(people[:limit]), more or len(people) > limit)
