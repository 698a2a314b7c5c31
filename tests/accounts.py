"""A room whose accounts meet platforms of their own, each of which fails in its own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from channels.base import (
    AccountInfo,
    ChannelError,
    InteractionPage,
    MetricValue,
    Outcome,
    OwnPost,
    OwnPostsPage,
    SendRequest,
)
from domain.approval import Verb
from domain.brand import BrandProfile
from domain.slot import Slot
from storage.tables import ChannelAccount
from storage.uow import Database
from tests.fakes import START, FakeChannel, FakePlatform, ListWaker
from tests.rooms import Room, make_room
from workflows import outside
from workflows.account_health import check_account
from workflows.account_rows import RowBudgets
from workflows.accounts import connect_account
from workflows.items import Draft
from workflows.start import compose_post

HOUR = timedelta(hours=1)


@dataclass
class Site:
    """What one account meets on its platform: refusals, an expiry, calls as they are made."""

    platform: FakePlatform = field(default_factory=FakePlatform)
    fails: Callable[[str], ChannelError | None] = lambda _call: None
    expires: datetime | None = None
    calls: list[str] = field(default_factory=list)


class SiteChannel(FakeChannel):
    """The fake channel behind a site."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.platform)
        self.site = site

    def _called(self, name: str) -> None:
        self.site.calls.append(name)
        error = self.site.fails(name)
        if error is not None:
            raise error

    def check(self) -> AccountInfo:
        """Who it is."""
        self._called("check")
        return replace(super().check(), credentials_expire_at=self.site.expires)

    def interactions(self, cursor: str | None) -> InteractionPage:
        """What came."""
        self._called("interactions")
        return super().interactions(cursor)

    def own_posts(self, cursor: str | None) -> OwnPostsPage:
        """What stands there."""
        self._called(f"own_posts {cursor}")
        return super().own_posts(cursor)

    def publish(self, request: SendRequest) -> Outcome:
        """Send."""
        self.site.calls.append("publish")
        return super().publish(request)


@dataclass
class Stand:
    """A room whose accounts meet sites of their own."""

    room: Room
    sites: dict[str, Site]
    notes: list[tuple[tuple[str, ...], str, str]]

    @property
    def site(self) -> Site:
        return self.sites["kopi"]

    def row(self, account_id: str = "") -> ChannelAccount:
        with self.room.services.database.unit(self.room.workspace_id) as uow:
            return uow.brands.account(account_id or self.room.account_id)

    def texts(self, **which: str) -> list[str]:
        with self.room.services.database.unit(self.room.workspace_id) as uow:
            return [post.text for post in uow.outside.find(**which)]  # type: ignore[arg-type]

    def import_posts(self) -> int:
        room = self.room
        return outside.import_posts(room.services, room.workspace_id, room.account_id)

    def read(self) -> int:
        room = self.room
        return outside.read_outside(room.services, room.workspace_id, room.account_id)

    def check(self) -> bool:
        room = self.room
        return check_account(room.services, room.workspace_id, room.account_id)

    def connect(self, handle: str = "kopi") -> ChannelAccount:
        room = self.room
        return connect_account(
            room.services,
            room.workspace_id,
            room.owner,
            room.brand_id,
            "bluesky",
            "https://social.example",
            handle,
            "secret",
        )[0]

    def waits(self, until: datetime) -> None:
        RowBudgets(self.room.services.database, self.row()).spent(until, "Too many calls.")


def make_stand(database: Database, url: str, waker: ListWaker, *handles: str) -> Stand:
    notes: list[tuple[tuple[str, ...], str, str]] = []
    profile = BrandProfile(
        name="Kopi Senja", languages=("en",), reports_to=("json://reports.example",)
    )
    room = make_room(database, url, waker, profile, notes=notes)
    sites = {handle: Site() for handle in ("kopi", *handles)}
    sites["kopi"].platform = room.platform
    services = replace(
        room.services, open_channel=lambda account: SiteChannel(sites[account.handle])
    )
    pump = type(room.pump)(services, waker)
    return Stand(replace(room, services=services, pump=pump), sites, notes)


def earlier(number: int, *, likes: int = 3) -> OwnPost:
    """A post made so many hours before."""
    return OwnPost(
        f"earlier-{number}",
        "post",
        f"Past {number}",
        f"https://social.example/earlier-{number}",
        START - number * HOUR,
        (MetricValue("likeCount", likes),),
    )


def fail_once(name: str, error: ChannelError) -> Callable[[str], ChannelError | None]:
    """Fails at the first call of that name."""
    left = [error]
    return lambda call: left.pop() if call == name and left else None


def approved(stand: Stand, words: str, at: datetime, account_id: str = "") -> str:
    room = stand.room
    slot = Slot.of_wall((at + 7 * HOUR).replace(tzinfo=None), "Asia/Jakarta")
    with room.services.database.unit(room.workspace_id) as uow:
        draft = Draft(text=words, no_claim=True)
        account = account_id or room.account_id
        item = compose_post(uow, room.verbs(uow), room.owner, account, draft, slot).id
    room.pump.drain()
    room.decide(item, Verb.APPROVE)
    room.pump.drain()
    return item
