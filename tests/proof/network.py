"""The network between a process and the platforms: every request with an effect meets a fate."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from channels.api import Params
from net.client import FileField
from net.errors import HttpStatus, NetError, NoAnswer, OutcomeUnknown, Unreachable
from net.response import Response
from tests.proof.faults import Fate
from tests.proof.servers import Call, Server, Tag, refusal

if TYPE_CHECKING:
    from tests.proof.processes import Process

SPENT = {"ratelimit-limit": "5", "ratelimit-remaining": "0", "ratelimit-reset": "300"}


@dataclass
class Link:
    """The way to one server, with what lies on it."""

    server: Server
    fates: deque[Fate] = field(default_factory=deque)  # of the next requests; then all is well
    down: bool = False  # reads get no answer
    spent_reads: int = 0  # so many answers to reads say that the budget is used up
    delay: timedelta = timedelta(seconds=30)
    late: list[tuple[datetime, Call, Tag]] = field(default_factory=list)

    def arrive(self, now: datetime) -> None:
        """Carry out what was on its way until now."""
        due = [entry for entry in self.late if entry[0] <= now]
        self.late = [entry for entry in self.late if entry[0] > now]
        for _, call, tag in sorted(due, key=lambda entry: entry[0]):
            self.server.carry_out(call, tag)

    def meet(self, call: Call, tag: Tag, fate: Fate) -> Response | NetError:
        """What the sender gets to see of a request with that fate."""
        server = self.server
        now = server.now()
        lost = OutcomeUnknown("no complete answer came back")
        if fate in _UNTOUCHED:
            return self._untouched(fate)
        if fate is Fate.DROPPED:
            return lost
        if fate is Fate.ERROR_UNDONE:
            return OutcomeUnknown("answered 500", status=500)
        if fate is Fate.DELAYED:
            self.late.append((now + self.delay, call, tag))
            return lost
        return self._carried_out(call, tag, fate)

    def _carried_out(self, call: Call, tag: Tag, fate: Fate) -> Response | NetError:
        server = self.server
        done = server.carry_out(call, tag)
        if fate is Fate.TWICE_LATE:
            self.late.append((server.now() + self.delay, call, tag))
        if fate in {Fate.LOST_ANSWER, Fate.TWICE_LATE}:
            return OutcomeUnknown("no complete answer came back")
        if fate is Fate.ERROR_DONE:
            return OutcomeUnknown("answered 503", status=503)
        if fate is Fate.ODD_DONE:
            return refusal(*server.odd)
        if fate is Fate.TWICE:
            done = server.carry_out(call, tag)
        if isinstance(done, HttpStatus):
            return done
        if fate is Fate.GARBLED:
            return Response(200, httpx.Headers(), b"<html>", "https://x.test/")
        if fate is Fate.BUDGET_SPENT:
            return Response(done.status, httpx.Headers(SPENT), done.body, done.url)
        return done

    def _untouched(self, fate: Fate) -> NetError:
        if fate is Fate.UNREACHABLE:
            return Unreachable("connection refused")
        if fate is Fate.REFUSED:
            return refusal(*self.server.listed)
        if fate is Fate.ODD_UNDONE:
            return refusal(*self.server.odd)
        if fate is Fate.STALE_TOKEN:
            return refusal(*self.server.stale)
        return refusal(429, "Too many", {"retry-after": "60"})


_UNTOUCHED = frozenset(
    {Fate.UNREACHABLE, Fate.REFUSED, Fate.ODD_UNDONE, Fate.STALE_TOKEN, Fate.LIMITED}
)


class ModelHttp:
    """`channels.api.Http` of one process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def request(
        self,
        method: str,
        url: str,
        *,
        may_have_effect: bool,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        content: bytes | None = None,
        json: object = None,
        files: Mapping[str, FileField] | None = None,
        data: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Response:
        """Bring a request to its server, as far as the fates let it."""
        assert content is None and files is None and data is None, "uploads are not modelled"
        world = self._process.world
        where = urlsplit(url)
        link = world.links[where.netloc]
        call = Call(method, where.path, dict(headers or {}), dict(params or {}), json)
        if not may_have_effect:
            return self._read(link, call)
        tag = self._process.tag()
        world.about_to_send(tag, self._process)
        self._process.reach("send:before")
        fate = link.fates.popleft() if link.fates else Fate.ANSWERED
        answer = link.meet(call, tag, fate)
        world.points.met(tag.item, fate)
        self._process.reach("send:after")
        if isinstance(answer, NetError):
            raise answer
        return answer

    def _read(self, link: Link, call: Call) -> Response:
        if link.down:
            raise NoAnswer("no complete answer came back")
        answer = link.server.read(call)
        if call.path.endswith("createSession"):
            self._process.reach("login:died")
        if isinstance(answer, NetError):
            raise answer
        if link.spent_reads:
            link.spent_reads -= 1
            return Response(answer.status, httpx.Headers(SPENT), answer.body, answer.url)
        return answer
