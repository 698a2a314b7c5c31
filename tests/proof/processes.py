"""The processes of a history: each with its own connections, services and channels.

A process dies by `ProcessDied` in the middle of production code; its connections are thrown away
and a new process takes its place. Its connection can also be cut, so that it goes on with an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

from channels.base import Channel, Outcome, Reconciled, SendRequest
from channels.mastodon import MastodonChannel
from channels.registry import build
from domain.errors import HumasError
from storage.database import make_engine
from storage.secrets import SecretBox, new_key
from storage.tables import ChannelAccount
from storage.uow import Database, NoQueue
from tests.fakes import fake_services
from tests.proof.faults import CUTS, ProcessDied
from tests.proof.network import ModelHttp
from tests.proof.plain import PLAIN, channel_class
from tests.proof.servers import Tag
from workflows.account_rows import RowBudgets, RowTokens
from workflows.services import Services

if TYPE_CHECKING:
    from tests.proof.world import World

LOCK_TIMEOUT = "4s"  # whoever waits longer stands behind a lock that is held across the network
BOX = SecretBox(new_key())


@dataclass
class Frame:
    """What a process is doing."""

    op: str  # deliver, settle, schedule, decision
    item: str
    expects: str  # the name of the next commit
    inside: str = ""  # the part of a channel call that commits by itself
    key: str = ""
    attempt: str = ""  # the id of the attempt that the present claim has made
    stopped: bool = False  # the stop switch was on when the present transaction began
    claimed_stopped: bool = False  # and it was so when the present claim began
    alone: bool = False  # it holds the account's session: others wait, so none can act meanwhile


class Process:
    """One process; the plant keeps it over many histories and gives it the world it lives in."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url
        self.frames: list[Frame] = []
        self.cut = False  # the present job has lost its connection
        self._world: World | None = None
        self._services: Services | None = None
        self._kept: dict[tuple[tuple[str, Any], ...], Services] = {}
        self.engine = self._connect()

    @property
    def world(self) -> World:
        """The history it lives in."""
        assert self._world is not None
        return self._world

    def enter(self, world: World) -> None:
        """Live in another history."""
        self._world = world
        self._services = None
        self.frames.clear()

    def die(self) -> None:
        """Throw everything away; what comes after is a new process."""
        self.engine.dispose()
        self.engine = self._connect()
        self._services = None
        self.frames.clear()

    def _connect(self) -> Engine:
        engine = make_engine(self.url, pool_size=2)

        @event.listens_for(engine, "connect")
        def limit(connection: Any, _record: Any) -> None:
            connection.execute(f"set lock_timeout = '{LOCK_TIMEOUT}'")
            connection.commit()

        @event.listens_for(engine, "begin")
        def begin(_connection: Connection) -> None:
            if self.frames:
                self.frames[-1].stopped = self.world.stopped

        @event.listens_for(engine, "commit")
        def commit(connection: Connection) -> None:
            if self.frames:
                self._commit(connection)

        return engine

    @property
    def services(self) -> Services:
        """Made once per history and life."""
        if self._services is None:
            self._services = replace(
                self._made(tuple(sorted(self.world.settings.items()))),
                database=Database(self.engine, NoQueue()),
                clock=self.world.clock,
                open_channel=self._open,
            )
        return self._services

    def _made(self, settings: tuple[tuple[str, Any], ...]) -> Services:
        """Services with these settings; reading settings takes longer than a step of a history."""
        if settings not in self._kept:
            made = fake_services(Database(self.engine, NoQueue()), self.url, **dict(settings))
            self._kept[settings] = replace(made, box=BOX)
        return self._kept[settings]

    # -- points --------------------------------------------------------------------------------

    def job(self, op: str, item: str, expects: str, work: Callable[[], object]) -> str:
        """Do one job as a worker or a web server would.

        Returns:
            "" when it came to its end, else how it ended.
        """
        self.frames.append(Frame(op, item, expects))
        self.cut = False
        try:
            work()
        except ProcessDied:
            self.die()
            return "died"
        except SQLAlchemyError as error:
            self.frames.pop()
            if not self.cut and type(error).__name__ != "StaleDataError":
                self.world.wrong(f"{op} ended with {type(error).__name__}: {error}")
            return "failed"
        except HumasError as error:
            self.frames.pop()
            if op != "decision":
                self.world.wrong(f"{op} ended with {type(error).__name__}: {error}")
            return f"refused: {type(error).__name__}"
        except Exception as error:
            self.frames.pop()
            if not self.cut:
                self.world.wrong(f"{op} ended with {type(error).__name__}: {error}")
            return "failed"
        self.frames.pop()
        return ""

    def tag(self) -> Tag:
        """Whose request leaves now."""
        frame = self.frames[-1]
        return Tag(frame.key, frame.attempt, frame.item)

    def reach(self, point: str) -> None:
        """Die here, or let others act, if the history says so."""
        points = self.world.points
        trigger = points.take((point,))
        if trigger is None:
            return
        if trigger.meanwhile is not None:
            self.world.meanwhile(self, point, trigger.meanwhile)
            return
        points.crashed(point, self.frames[-1].item)
        raise ProcessDied(point)

    def _commit(self, connection: Connection) -> None:
        """A transaction is about to be committed."""
        frame = self.frames[-1]
        name = frame.inside or frame.expects
        raw: Any = connection.connection.dbapi_connection
        cuts = tuple(f"{name}:{cut}" for cut in CUTS)
        trigger = self.world.points.take(cuts if frame.alone else (*cuts, f"{name}:done"))
        if trigger is not None and trigger.meanwhile is None:
            self.world.points.crashed(trigger.point, frame.item)
            _, when, how = trigger.point.replace("/", ":").split(":")
            if when == "after":
                raw.commit()
            if how == "died":
                raise ProcessDied(trigger.point)
            self.cut = True
            raw.close()  # the commit that follows finds no connection any more
            return
        if name == "claim":
            frame.claimed_stopped = frame.stopped
            made = raw.execute(_MADE, [frame.item]).fetchone()
            frame.attempt = str(made[0]) if made else ""
            if made:
                frame.expects = "record"
        elif not frame.inside:
            frame.expects = _NEXT.get(frame.expects, frame.expects)
        if trigger is not None and trigger.meanwhile is not None:
            raw.commit()
            self.world.meanwhile(self, trigger.point, trigger.meanwhile)

    # -- channels ------------------------------------------------------------------------------

    def _open(self, account: ChannelAccount) -> Channel:
        frame = self.frames[-1] if self.frames else Frame("", "", "")
        database = self.services.database
        kind = self.world.kinds[account.id]
        options: dict[str, Any] = {
            "base_url": account.base_url,
            "http": ModelHttp(self),
            "budgets": _Budgets(database, account, frame),
            "clock": self.world.clock.now,
        }
        if kind in PLAIN:
            channel: Channel = channel_class(kind)(token="token", **options)
        else:
            tokens = _Tokens(database, self.services.box, account, frame)
            channel = build(
                account.platform,
                handle=account.handle,
                secret="secret",
                tokens=tokens,
                **options,
            )
        assert kind == "bluesky" or isinstance(channel, MastodonChannel)
        return cast("Channel", _Watched(channel, self, frame))


# What the present transaction has written.
_MADE = (
    "select id from attempts where action_id = %s and outcome is null"
    " and xmin = pg_current_xact_id()::xid"
)
_NEXT = {"record": "claim", "settle-read": "settled"}


class _Tokens(RowTokens):
    """The session in the account's row; its commits have a name of their own."""

    def __init__(
        self, database: Database, box: SecretBox, account: ChannelAccount, frame: Frame
    ) -> None:
        super().__init__(database, box, account)
        self._frame = frame

    def load(self) -> dict[str, str]:
        self._frame.inside = "tokens"
        found = super().load()
        self._frame.inside = "channel"
        return found

    def save(self, tokens: dict[str, str]) -> None:
        self._frame.inside = "tokens"
        super().save(tokens)
        self._frame.inside = "channel"

    @contextmanager
    def alone(self) -> Iterator[None]:
        with super().alone():
            self._frame.alone = True
            try:
                yield
            finally:
                self._frame.alone = False


class _Budgets(RowBudgets):
    """The budget in the account's row; its commits have a name of their own."""

    def __init__(self, database: Database, account: ChannelAccount, frame: Frame) -> None:
        super().__init__(database, account)
        self._frame = frame

    def spent(self, until: Any, reason: str) -> None:
        self._frame.inside = "budget"
        super().spent(until, reason)
        self._frame.inside = "channel"


class _Watched:
    """A channel whose calls can be the last that a process does, and are written down."""

    def __init__(self, channel: Channel, process: Process, frame: Frame) -> None:
        self._channel = channel
        self._process = process
        self._frame = frame

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def prepare(self, request: SendRequest) -> None:
        self._enter(request)
        try:
            self._channel.prepare(request)
        except Exception as error:
            self._process.world.told(self._process.tag(), error)
            raise
        finally:
            self._frame.inside = ""

    def publish(self, request: SendRequest) -> Outcome:
        self._enter(request)
        try:
            outcome = self._channel.publish(request)
        except Exception as error:
            self._process.world.told(self._process.tag(), error)
            raise
        finally:
            self._frame.inside = ""
        self._process.world.told(self._process.tag(), outcome)
        self._process.reach("answer:died")
        return outcome

    def reconcile(self, request: SendRequest) -> Reconciled:
        self._enter(request)
        try:
            found = self._channel.reconcile(request)
        finally:
            self._frame.inside = ""
        if self._frame.op == "deliver":
            self._process.world.told(self._process.tag(), found)
            self._process.reach("look:died")
        else:
            self._process.reach("reconcile:died")
        return found

    def _enter(self, request: SendRequest) -> None:
        self._frame.inside = "channel"
        self._frame.key = request.client_key
