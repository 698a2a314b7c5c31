"""A workspace with a brand, an account and people, over the real database and a fake platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from config.clock import FixedClock
from domain.approval import Verb
from domain.brand import BrandProfile
from domain.slot import Slot
from domain.team import Role
from storage.repositories.people import Workspaces
from storage.tables import Action, Cycle, Thread, User, new_id
from storage.uow import Database, UnitOfWork
from tests.fakes import START, FakePlatform, ListWaker, Pump, fake_services
from workflows.actions import ActionVerbs
from workflows.items import Draft
from workflows.services import Services
from workflows.start import compose_post, start_cycle


@dataclass
class Room:
    """A workspace with a brand, an account and people."""

    services: Services
    pump: Pump
    platform: FakePlatform
    clock: FixedClock
    workspace_id: str
    brand_id: str
    account_id: str
    owner: User
    reviewer: User
    viewer: User

    def verbs(self, uow: UnitOfWork) -> ActionVerbs:
        return ActionVerbs(
            uow, self.services.clock, undo_seconds=self.services.settings.undo_seconds
        )

    def post(self, words: str = "Halo dunia", slot: Slot | None = None, **more: object) -> str:
        with self.services.database.unit(self.workspace_id) as uow:
            draft = Draft(text=words, no_claim=True, **more)  # type: ignore[arg-type]
            return compose_post(uow, self.verbs(uow), self.owner, self.account_id, draft, slot).id

    def decide(self, action_id: str, verb: Verb, seen: int = 1, **more: object) -> Action:
        with self.services.database.unit(self.workspace_id) as uow:
            return self.verbs(uow).decide(self.reviewer, action_id, verb, seen, **more)  # type: ignore[arg-type]

    def start(self, *, by_hand: bool = False) -> Cycle:
        with self.services.database.unit(self.workspace_id) as uow:
            return start_cycle(uow, self.clock, self.owner, self.brand_id, by_hand=by_hand)

    def thread_of(self, subject_id: str) -> Thread:
        with self.services.database.unit(self.workspace_id) as uow:
            thread = uow.threads.of_subject(subject_id)
            assert thread is not None
            return thread

    def action(self, action_id: str) -> Action:
        with self.services.database.unit(self.workspace_id) as uow:
            return uow.actions.get(action_id)


def make_room(
    database: Database,
    url: str,
    waker: ListWaker,
    profile: BrandProfile | None = None,
    **changes: Any,
) -> Room:
    clock = FixedClock(START)
    platform = FakePlatform()
    services = fake_services(database, url, platform=platform, clock=clock, **changes)
    with database.system() as session:
        workspace_id = Workspaces(session).add(f"ws {new_id()}").id
    with database.unit(workspace_id) as uow:
        brand = uow.brands.add(profile or BrandProfile(name="Kopi Senja"))
        account_id = new_id()
        uow.brands.add_account(
            account_id,
            brand.id,
            "bluesky",
            "https://social.example",
            "kopi",
            services.box.seal("secret", f"channel_accounts:secret:{account_id}"),
        )
        people = [
            uow.people.add(
                f"{role.value}-{new_id()}@example.org", role.value, "long enough 1", role
            )
            for role in (Role.OWNER, Role.REVIEWER, Role.VIEWER)
        ]
        brand_id = brand.id
    return Room(
        services,
        Pump(services, waker),
        platform,
        clock,
        workspace_id,
        brand_id,
        account_id,
        *people,
    )
