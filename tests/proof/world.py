"""One history: a workspace, its accounts on modelled platforms, people, workers and time.

Business time and machine time pass together: `pass_time` moves the clock, lets what is on its way
arrive, and ages the leases in the database, whose own clock cannot be set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from channels.base import CannotTell, ChannelError, NotSent, Refused, Sent, Unknown
from config.clock import FixedClock
from domain.action import ActionState
from domain.approval import Verb, next_state
from domain.brand import BrandProfile
from domain.errors import InvalidInput
from domain.team import Role
from storage.database import make_engine
from storage.tables import (
    Action,
    Approval,
    Attempt,
    ChannelAccount,
    SegmentRow,
    User,
    Workspace,
    new_id,
)
from storage.uow import UnitOfWork
from tests.fakes import START
from tests.proof.faults import Coverage, Fate, Points, Trigger
from tests.proof.network import Link
from tests.proof.plain import PLAIN
from tests.proof.processes import BOX, Process
from tests.proof.servers import Instance, LivePost, Pds, Server, Tag
from workflows.account_rows import purpose
from workflows.actions import ActionVerbs
from workflows.delivery import Delivery
from workflows.items import due_at

WORKERS = ("A", "B")
_ids = count(1)


class Plant:
    """What many histories share: the database, the processes, the book of what was hit."""

    def __init__(self, url: str, delivery: type[Delivery] = Delivery) -> None:
        self.url = url
        self.delivery = delivery
        self.coverage = Coverage()
        self.engine: Engine = make_engine(url, pool_size=3)
        self.processes = {name: Process(name, url) for name in (*WORKERS, "web")}

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()
        for process in self.processes.values():
            process.engine.dispose()


class World:
    """One history from its beginning."""

    def __init__(self, plant: Plant, kinds: tuple[str, ...], **settings: Any) -> None:
        self.plant = plant
        self.coverage = plant.coverage
        self.points = Points(plant.coverage)
        self.clock = FixedClock(START)
        self.settings = {"lease_seconds": 90, "publish_tries": 5} | settings
        self.stopped = False
        self.problems: list[str] = []
        self.items: list[str] = []
        self.given_up: set[str] = set()  # a person said that it failed, without knowing
        self.published: set[str] = set()
        self.tellings: dict[str, set[str]] = defaultdict(set)  # by attempt
        self.links: dict[str, Link] = {}
        self.kinds: dict[str, str] = {}  # by account
        self.workspace_id, self.user = self._make(kinds)
        for process in plant.processes.values():
            process.enter(self)
        plant.coverage.histories += 1

    def _make(self, kinds: tuple[str, ...]) -> tuple[str, User]:
        workspace, number = new_id(), next(_ids)
        with Session(self.plant.engine, expire_on_commit=False) as session, session.begin():
            session.add(Workspace(id=workspace, name=f"proof {workspace}", stopped=False))
            session.flush()
            uow = UnitOfWork(session, workspace)
            brand = uow.brands.add(BrandProfile(name="Kopi Senja"))
            user = User(
                id=new_id(),
                workspace_id=workspace,
                email=f"{workspace}@example.org",
                name="Sari",
                password_hash="-",
                role=Role.OWNER.value,
            )
            session.add(user)
            for order, kind in enumerate(kinds):
                host = f"h{number}-{order}.test"
                account_id = new_id()
                account = uow.brands.add_account(
                    account_id,
                    brand.id,
                    "bluesky" if kind == "bluesky" else "mastodon",
                    f"https://{host}",
                    host,
                    BOX.seal("secret", purpose(account_id, "secret")),
                )
                self.kinds[account.id] = kind
                self.links[host] = Link(self._server(kind, host))
        return workspace, user

    def _server(self, kind: str, host: str) -> Server:
        if kind == "bluesky":
            return Pds(host, self.clock.now)
        return Instance(host, self.clock.now, keys=kind not in PLAIN)

    # -- what is there -------------------------------------------------------------------------

    @property
    def accounts(self) -> list[str]:
        """The accounts in order."""
        return list(self.kinds)

    def link(self, account_id: str) -> Link:
        """The way to an account's server."""
        return list(self.links.values())[self.accounts.index(account_id)]

    def session(self) -> Session:
        """A look from outside; no point of it crashes."""
        return Session(self.plant.engine, expire_on_commit=False)

    def rows(self) -> dict[str, Action]:
        """The items by id, as they stand."""
        with self.session() as session:
            query = select(Action).where(Action.workspace_id == self.workspace_id)
            found = {action.id: action for action in session.scalars(query.order_by(Action.id))}
        now = {key for key, action in found.items() if action.state == ActionState.PUBLISHED}
        for gone in self.published - now:
            self.wrong(f"{gone} was published and is {found[gone].state}")
        self.published |= now
        return found

    def row(self, item: str) -> Action:
        """An item as it stands."""
        return self.rows()[item]

    def outcome(self, attempt_id: str) -> str | None:
        """What an attempt says of itself."""
        with self.session() as session:
            attempt = session.get(Attempt, attempt_id)
            return attempt.outcome if attempt else None

    def process(self, name: str) -> Process:
        """A process by its name: A and B work, web serves people."""
        return self.plant.processes[name]

    def wrong(self, problem: str) -> None:
        """Note a violation, or a job that ended as none should."""
        self.problems.append(problem)

    def pending_post(self, item: str) -> tuple[SegmentRow | None, LivePost | None]:
        """The part that is next to be sent, and what the public sees of it."""
        with self.session() as session:
            action = session.get_one(Action, item)
            query = select(SegmentRow).where(
                SegmentRow.action_id == item,
                SegmentRow.version == action.version,
                SegmentRow.state == "pending",
            )
            segment = session.scalars(query.order_by(SegmentRow.ordinal).limit(1)).first()
        if segment is None:
            return None, None
        live = self.link(action.account_id).server.live()
        return segment, next((p for p in live if p.tag.key == segment.client_key), None)

    # -- what the processes tell ---------------------------------------------------------------

    def about_to_send(self, tag: Tag, process: Process) -> None:
        """R1 and invariant 1, at the instant that a request leaves."""
        if process.frames[-1].claimed_stopped:
            self.wrong(f"{tag} left although the stop switch was on before the claim")
        query = (
            select(Attempt.id)
            .join(SegmentRow, SegmentRow.id == Attempt.segment_id)
            .join(
                Approval,
                (Approval.action_id == Attempt.action_id)
                & (Approval.version == Attempt.version)
                & (Approval.digest == Attempt.digest),
            )
            .where(
                Attempt.workspace_id == self.workspace_id,
                Attempt.action_id == tag.item,
                Attempt.id == (tag.attempt or None),
                SegmentRow.client_key == tag.key,
            )
        )
        with self.session() as session:
            if session.scalars(query).first() is None:
                self.wrong(f"{tag} left without a committed attempt and approval")

    def told(self, tag: Tag, result: object) -> None:
        """What the process of an attempt learned of it."""
        words = self.tellings[tag.attempt]
        if isinstance(result, Sent):
            words.add("sent")
        elif isinstance(result, Refused | InvalidInput):
            words.add("refused")
        elif isinstance(result, NotSent | ChannelError | CannotTell):
            words.add("not_sent")
        elif isinstance(result, Unknown):
            words.add("unknown")

    def meanwhile(self, process: Process, point: str, others: Callable[[], None]) -> None:
        """Others act while a process stands at a point."""
        self.coverage.interleavings += 1
        self.points.log.append(f"meanwhile at {point} of {process.name}")
        others()
        self.points.log.append(f"{process.name} goes on")

    # -- what happens --------------------------------------------------------------------------

    def arm(
        self,
        point: str,
        meanwhile: Callable[[], None] | None = None,
        *,
        skip: int = 0,
        late: bool = False,
    ) -> None:
        """Let the next process that comes to a point crash there, or let others act."""
        self.points.armed.append(Trigger(point, meanwhile, skip, late))

    def fates(self, account_id: str, *fates: Fate) -> None:
        """What becomes of the next requests to an account's server."""
        self.link(account_id).fates.extend(fates)

    def step(self, what: str) -> None:
        """Count and log a step."""
        self.coverage.steps += 1
        self.points.log.append(what)

    def pass_time(self, seconds: float) -> None:
        """Business and machine time pass."""
        self.step(f"{seconds:.0f} s pass")
        end = self.clock.now() + timedelta(seconds=seconds)
        while True:
            arrivals = [entry[0] for link in self.links.values() for entry in link.late]
            self.clock.at = max(self.clock.at, min([*arrivals, end]))
            for link in self.links.values():
                link.arrive(self.clock.now())
            if self.clock.now() >= end:
                break
        aged = "{0} = {0} - make_interval(secs => :by)"
        with self.plant.engine.begin() as connection:
            connection.execute(
                text(
                    f"update attempts set {aged.format('lease_until')}, {aged.format('created_at')}"
                    " where workspace_id = :workspace"
                ),
                {"by": seconds, "workspace": self.workspace_id},
            )

    def deliver(self, worker: str, item: str) -> str:
        """A worker's job: publish an item."""
        self.step(f"{worker} delivers {item[-4:]}")
        process = self.process(worker)
        return process.job(
            "deliver",
            item,
            "claim",
            lambda: self.plant.delivery(process.services, self.workspace_id).deliver(item),
        )

    def settle(self, worker: str, item: str) -> str:
        """A worker's job: find out what became of an item."""
        self.step(f"{worker} settles {item[-4:]}")
        process = self.process(worker)
        return process.job(
            "settle",
            item,
            "settle-read",
            lambda: self.plant.delivery(process.services, self.workspace_id).settle(item),
        )

    def schedule(self, worker: str, item: str) -> str:
        """A worker's job: an approval takes effect (as `workflows.steps` does it)."""
        self.step(f"{worker} schedules {item[-4:]}")
        process = self.process(worker)

        def work() -> None:
            with process.services.database.unit(self.workspace_id) as uow:
                action = uow.actions.get(item, lock=True)
                if action.state == ActionState.APPROVED and action.effective_at is not None:
                    assert action.effective_at <= self.clock.now()
                    action.state = next_state(ActionState.APPROVED, Verb.SCHEDULE).value

        return process.job("schedule", item, "schedule", work)

    def sweep(self, worker: str) -> int:
        """A worker does what is due, as the clock would wake it. Returns how much it did."""
        now, done = self.clock.now(), 0
        for item, action in self.rows().items():
            due = due_at(action)
            if action.state == ActionState.APPROVED:
                self.schedule(worker, item)
            elif action.state == ActionState.UNCONFIRMED and (
                action.retry_at is None or action.retry_at <= now
            ):
                self.settle(worker, item)
            elif action.state == ActionState.PUBLISHING or (
                action.state == ActionState.SCHEDULED and due is not None and due <= now
            ):
                self.deliver(worker, item)
            else:
                continue
            done += 1
        return done

    # -- people --------------------------------------------------------------------------------

    def person(self, item: str, work: Callable[[ActionVerbs, UnitOfWork], object]) -> str:
        """A person does something through the web process."""
        web = self.process("web")

        def request() -> None:
            with web.services.database.unit(self.workspace_id) as uow:
                work(ActionVerbs(uow, self.clock, undo_seconds=0), uow)

        return web.job("decision", item, "decision", request)

    def stop(self, on: bool) -> None:
        """The workspace's stop switch."""
        self.step(f"stop switch {'on' if on else 'off'}")
        with self.session() as session, session.begin():
            session.get_one(Workspace, self.workspace_id).stopped = on
        self.stopped = on

    def connect_again(self, account_id: str) -> None:
        """A person connects an account again: nothing is to be waited for any more."""
        with self.session() as session, session.begin():
            session.get_one(ChannelAccount, account_id).waits_until = None
