"""A workspace with very many approved posts, stored in bulk, for the benchmarks of delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func

from domain.action import ActionKind, ActionState, Payload, Segment
from domain.brand import BrandProfile
from domain.team import Role
from storage.repositories.people import Workspaces
from storage.secrets import SecretBox
from storage.tables import (
    Action,
    ActionVersion,
    Approval,
    ChannelAccount,
    Decision,
    Thread,
    User,
    new_id,
)
from storage.uow import Database
from workflows.account_rows import purpose
from workflows.graphs import GRAPHS

ZONE = "UTC"
FEIGNED = tuple((f"kopi{number}", "token") for number in range(10))  # handle, secret


@dataclass
class Office:
    """A brand with accounts on one instance, and a person who approves."""

    database: Database
    workspace_id: str
    brand_id: str
    accounts: list[ChannelAccount]
    owner: User

    def approved_posts(
        self, posts: Sequence[str | Sequence[str]], slot: datetime, now: datetime
    ) -> list[str]:
        """Store posts that a person has approved for one instant, with their new threads.

        Args:
            posts: one text each, or the texts of a thread's parts; the accounts take turns.
            slot: when they are due.
            now: the instant of their approval.

        Returns:
            The ids of the threads.
        """
        first = GRAPHS.newest("post")
        ids = []
        with self.database.unit(self.workspace_id) as uow:
            layers: list[list[object]] = [[], [], [], []]
            for number, post in enumerate(posts):
                parts = [post] if isinstance(post, str) else post
                account = self.accounts[number % len(self.accounts)]
                action_id, thread_id, decision_id = new_id(), new_id(), new_id()
                payload = Payload(
                    account_id=account.id,
                    platform=account.platform,
                    kind=ActionKind.POST,
                    segments=tuple(Segment(text=text) for text in parts),
                )
                what = {
                    "workspace_id": self.workspace_id,
                    "action_id": action_id,
                    "version": 1,
                    "digest": payload.digest(),
                }
                thread = Thread(
                    id=thread_id,
                    workspace_id=self.workspace_id,
                    brand_id=self.brand_id,
                    graph=first.name,
                    graph_version=first.version,
                    subject_id=action_id,
                    node=first.first,
                    queue=first.first_queue,
                    status="ready",
                    waits_for=[],
                    ready_at=func.clock_timestamp(),
                )
                action = Action(
                    id=action_id,
                    workspace_id=self.workspace_id,
                    brand_id=self.brand_id,
                    account_id=account.id,
                    thread_id=thread_id,
                    author_id=self.owner.id,
                    kind=payload.kind.value,
                    state=ActionState.SCHEDULED.value,
                    version=1,
                    slot_at=slot,
                    slot_wall=slot.replace(tzinfo=None).isoformat(),
                    slot_zone=ZONE,
                    effective_at=now,
                )
                version = ActionVersion(
                    **what,
                    payload=payload.model_dump(mode="json"),
                    evidence=[],
                    no_claim=True,
                    origin="person",
                    author_id=self.owner.id,
                    created_at=now,
                )
                decision = Decision(id=decision_id, user_id=self.owner.id, verb="approve", **what)
                approval = Approval(**what, decision_id=decision_id, approved_at=now)
                layers[0] += [thread, action]
                layers[1].append(version)
                layers[2].append(decision)
                layers[3].append(approval)
                ids.append(thread_id)
            for layer in layers:
                uow.session.add_all(layer)
                uow.session.flush()
        return ids

    def states(self) -> dict[str, int]:
        """Number of posts by state."""
        with self.database.unit(self.workspace_id) as uow:
            return uow.actions.counts()


def open_office(
    database: Database,
    box: SecretBox,
    base_url: str,
    platform: str = "mastodon",
    logins: Sequence[tuple[str, str]] = FEIGNED,
) -> Office:
    """A new workspace with accounts on an instance.

    Args:
        logins: handle and secret of each account.
    """
    with database.system() as session:
        workspace_id = Workspaces(session).add(f"office {new_id()}").id
    with database.unit(workspace_id) as uow:
        owner = uow.people.add(f"{new_id()}@example.org", "A", "long enough 1", Role.OWNER)
        brand = uow.brands.add(BrandProfile(name="Kopi Senja", grace_minutes=600))
        accounts = []
        for handle, secret in logins:
            account_id = new_id()
            sealed = box.seal(secret, purpose(account_id, "secret"))
            accounts.append(
                uow.brands.add_account(account_id, brand.id, platform, base_url, handle, sealed)
            )
        return Office(database, workspace_id, brand.id, accounts, owner)
