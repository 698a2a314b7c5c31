"""A workspace whose crawler, channels and model are the real ones, pointed at servers on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import text

from config.settings import Settings
from domain.brand import BrandProfile
from storage.tables import Cycle, Paper, Thread
from storage.uow import Database
from tests.fakes import ListWaker, Pump, with_clock
from tests.rooms import Room, make_room
from tests.spine.answers import set_answers
from tests.unit.net.loopback import Answer, Seen
from workflows.compose import build_services
from workflows.start import retry_stage

# What a person would miss if a failure left it half-written.
KEPT = ("papers", "actions", "action_versions", "approvals", "segments", "channel_accounts")
HTML = {"Content-Type": "text/html; charset=utf-8"}
JSON = {"Content-Type": "application/json"}


def page(*paragraphs: str, links: tuple[str, ...] = ()) -> Answer:
    """A web page."""
    body = "".join(f"<p>{item}</p>" for item in paragraphs)
    more = "".join(f'<a href="{link}">lagi</a>' for link in links)
    return 200, HTML, f"<html lang=id><body>{body}{more}</body></html>".encode()


STORY = page("Kopi Senja menjual kopi gula aren.", "Kedai buka setiap hari pukul 08.00.")


def website(pages: dict[str, Answer]) -> Callable[[Seen], Answer]:
    """A website that may be changed while it runs; without a page it answers 404."""
    return lambda seen: pages.get(seen.path, (404, HTML, b"<p>tidak ada</p>"))


@contextmanager
def real_room(
    database: Database,
    url: str,
    waker: ListWaker,
    profile: BrandProfile,
    **settings: Any,
) -> Iterator[Room]:
    """A room with the services that the composition root builds."""
    room = make_room(database, url, waker, profile)
    room.clock.at = datetime.now(UTC)
    with rebuilt(room, **settings) as real:
        yield real


@contextmanager
def rebuilt(room: Room, **settings: Any) -> Iterator[Room]:
    """The same room after somebody changed the settings and started Humas again."""
    known = room.services.settings
    values: dict[str, Any] = {
        "database_url": known.database_url,
        "redis_url": "redis://unused.invalid",
        "secret_key": known.secret_key,
        "llm_base_url": "off",
        "llm_model": "scripted",
        "llm_tries": 1,
        "crawl_delay_seconds": 0,
        "undo_seconds": 0,
        "_env_file": None,
    }
    values |= settings
    values["HUMAS_LLM_BASE_URL"] = values.pop("llm_base_url")  # it is known by its alias only
    built = build_services(Settings(**values), waker=room.pump.waker, pool_size=2)
    try:
        services = with_clock(built, room.clock)
        yield replace(room, services=services, pump=Pump(services, room.pump.waker))
    finally:
        built.database.engine.dispose()


def run_until_it_fails(room: Room, cycle: Cycle) -> Thread:
    """Run the cycle, with the pauses between its tries left out."""
    room.pump.drain()
    for _ in range(room.services.settings.stage_tries):
        room.pump.skip_pauses()
        room.pump.tick()
    thread = room.thread_of(cycle.id)
    assert thread.status == "failed", (thread.status, thread.node)
    return thread


def run_again(room: Room, cycle: Cycle, *, by_hand: bool = False) -> Thread:
    """Press the button of a failed stage."""
    with room.services.database.unit(room.workspace_id) as uow:
        retry_stage(uow, room.owner, room.thread_of(cycle.id).id, by_hand=by_hand)
    room.pump.drain()
    return room.thread_of(cycle.id)


def papers(room: Room, cycle: Cycle) -> dict[str, Paper]:
    """The newest papers of a cycle by kind."""
    with room.services.database.unit(room.workspace_id) as uow:
        found = {kind: uow.cycles.latest_paper(cycle.id, kind) for kind in ("dossier", "plan")}
    return {kind: paper for kind, paper in found.items() if paper is not None}


def kept(room: Room) -> dict[str, str]:
    """Everything in the tables that a failure may not touch."""
    with room.services.database.system() as session:
        return {
            table: str(
                session.scalar(
                    text(f"select coalesce(json_agg(t order by t::text), '[]') from {table} t")
                )
            )
            for table in KEPT
        }


def calls(room: Room) -> list[str]:
    """How each model call of the ledger ended, in order."""
    with room.services.database.system() as session:
        return list(session.scalars(text("select outcome from llm_calls order by id")))


def budget(room: Room) -> tuple[int, int]:
    """Tokens that are reserved and spent."""
    with room.services.database.system() as session:
        row = session.execute(text("select sum(reserved), sum(spent) from llm_budgets")).one()
    return int(row[0] or 0), int(row[1] or 0)


class Endpoint:
    """A model endpoint that answers well, or as `bad` says; give it to `serve` as the handler."""

    # The task that a schema's name stands for.
    TASKS: ClassVar[dict[str, str]] = {
        "Business": "research_business",
        "Findings": "research_findings",
        "Themes": "plan_themes",
        "Post": "plan_item",
    }

    def __init__(self, bad: Callable[[str], Answer | None] | None = None) -> None:
        self.bad = bad
        self.tasks: list[str] = []
        self.tokens = (11, 5)
        self._answers = set_answers()

    def __call__(self, seen: Seen) -> Answer:
        schema = json.loads(seen.body)["response_format"]["json_schema"]["name"]
        task = self.TASKS[schema]
        self.tasks.append(task)
        answer = self.bad(task) if self.bad else None
        return answer or self.completion(json.dumps(self._value(task)))

    def _value(self, task: str) -> Any:
        if task == "research_findings":
            one = {
                "topic": "product",
                "statement": "Kopi Senja menjual kopi gula aren setiap hari.",
            }
            return {"findings": [{"source": source} | one for source in ("s1", "s2")]}
        return self._answers[task](object)

    def completion(self, content: Any, finish: str = "stop") -> Answer:
        """A chat completion with that content."""
        return self.choices(
            [
                {
                    "index": 0,
                    "finish_reason": finish,
                    "message": {"role": "assistant", "content": content},
                }
            ]
        )

    def choices(self, choices: Any) -> Answer:
        """A chat completion with whatever stands in its choices."""
        usage = {
            "prompt_tokens": self.tokens[0],
            "completion_tokens": self.tokens[1],
            "total_tokens": sum(self.tokens),
        }
        kind = {"id": "c", "object": "chat.completion", "created": 1, "model": "scripted"}
        return 200, JSON, json.dumps(kind | {"choices": choices, "usage": usage}).encode()
