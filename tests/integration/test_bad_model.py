"""A model endpoint that is down, answers rubbish or costs too much, behind the real model client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from domain.brand import BrandProfile
from storage.uow import Database
from tests.fakes import ListWaker
from tests.real_parts import (
    HTML,
    JSON,
    STORY,
    Endpoint,
    budget,
    calls,
    kept,
    page,
    papers,
    real_room,
    rebuilt,
    run_again,
    run_until_it_fails,
    website,
)
from tests.unit.net.loopback import Answer, Site, serve
from tests.waiting import free_port

pytestmark = pytest.mark.db

Bad = Callable[[Endpoint], Answer]
TRIED_AGAIN = 3  # the usual HUMAS_STAGE_TRIES


def profile(site: Site) -> BrandProfile:
    return BrandProfile(name="Kopi Senja", website=site.url + "/", posts_per_period=2)


def hosts(*sites: Site) -> tuple[str, ...]:
    return tuple(f"127.0.0.1:{site.port}" for site in sites)


def say(content: str) -> Bad:
    return lambda endpoint: endpoint.completion(content)


def refuse(status: int, headers: dict[str, str], body: bytes) -> Bad:
    return lambda _endpoint: (status, headers, body)


def choices(value: object) -> Bad:
    return lambda endpoint: endpoint.choices(value)


def error(status: int, message: str, **headers: str) -> Bad:
    return refuse(status, JSON | headers, json.dumps({"error": {"message": message}}).encode())


# name: answer, what the message says, how the calls end
RUBBISH: dict[str, tuple[Bad, str, list[str]]] = {
    "a page for browsers": (
        refuse(200, HTML, b"<html>Welcome to nginx</html>"),
        "is not a chat completion",
        ["invalid"] * TRIED_AGAIN,
    ),
    "broken JSON": (
        refuse(200, JSON, b'{"choices": ['),
        "is not a chat completion",
        ["invalid"] * TRIED_AGAIN,
    ),
    "other JSON": (
        choices([{"index": 0}]),
        "is not a chat completion",
        ["invalid"] * TRIED_AGAIN,
    ),
    "choices that are no list": (
        choices({"a": 1}),
        "is not a chat completion",
        ["invalid"] * TRIED_AGAIN,
    ),
    "content that is no text": (
        lambda endpoint: endpoint.completion({"a": [1]}),
        "is not a chat completion",
        ["invalid"] * TRIED_AGAIN,
    ),
    "no content": (
        lambda endpoint: endpoint.completion(None),
        "gave no answer to research_business",
        ["declined"] * TRIED_AGAIN,
    ),
    "prose": (
        say("Tentu! Berikut jawabannya."),
        "gave no usable answer",
        ["invalid"] * 2 * TRIED_AGAIN,
    ),
    "another shape": (
        say('{"business_model": 7}'),
        "business_model",
        ["invalid"] * 2 * TRIED_AGAIN,
    ),
    "a sentence that was not given": (
        say(
            json.dumps(
                {
                    "business_model": "b2c",
                    "business_model_sources": ["s99"],
                    "purpose": "sales",
                    "purpose_sources": [],
                }
            )
        ),
        "business_model_sources",
        ["invalid"] * 2 * TRIED_AGAIN,
    ),
    "endless talk": (
        lambda endpoint: endpoint.completion('{"a', finish="length"),
        "did not finish its answer",
        ["truncated"] * 2 * TRIED_AGAIN,
    ),
    "an error page": (
        refuse(500, HTML, b"<html>" + b"Internal Server Error " * 5000 + b"</html>"),
        "HTTP 500",
        ["unavailable"] * TRIED_AGAIN,
    ),
    "come back in an hour": (
        error(429, "Too many requests", **{"Retry-After": "3600"}),
        "HTTP 429",
        ["rate_limited"] * TRIED_AGAIN,
    ),
    "a wrong key": (error(401, "Incorrect API key"), "HTTP 401", ["refused"] * TRIED_AGAIN),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_fails_the_stage_and_nothing_is_lost(
    name: str, database: Database, database_url: str, waker: ListWaker
) -> None:
    bad, said, outcomes = RUBBISH[name]
    endpoint = Endpoint()
    endpoint.bad = lambda _task: bad(endpoint)
    with serve(website({"/": STORY})) as site, serve(endpoint) as model:
        settings = {"allow_hosts": hosts(site), "llm_base_url": f"{model.url}/v1"}
        with real_room(database, database_url, waker, profile(site), **settings) as room:
            before = kept(room)
            cycle = room.start()
            thread = run_until_it_fails(room, cycle)
            assert thread.node == "research"
            assert said in thread.error
            assert "research" in thread.error
            assert "un the stage again" in thread.error
            assert "by hand" in thread.error or "stronger model" in thread.error
            assert len(thread.error) < 700
            assert "<html>" not in thread.error
            assert kept(room) == before
            assert calls(room) == outcomes
            assert budget(room)[0] == 0

            endpoint.bad = None
            assert run_again(room, cycle).status == "waiting"
            assert room.thread_of(cycle.id).error == ""
            made = papers(room, cycle)
            assert {(p.kind, p.state, p.number) for p in made.values()} == {
                ("dossier", "in_review", 1),
                ("plan", "in_review", 1),
            }
            assert calls(room)[len(outcomes) :] == ["ok"] * 5
            assert budget(room)[0] == 0


def test_a_model_that_is_down_is_named_and_people_go_on_by_hand(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    down = f"http://127.0.0.1:{free_port()}/v1"
    with serve(website({"/": STORY})) as site:
        settings = {"allow_hosts": hosts(site), "llm_base_url": down}
        with real_room(database, database_url, waker, profile(site), **settings) as room:
            before = kept(room)
            cycle = room.start()
            thread = run_until_it_fails(room, cycle)
            assert f"no connection to {down}" in thread.error
            assert "Connection refused" in thread.error
            assert "humas doctor" in thread.error
            assert "do it by hand" in thread.error
            assert kept(room) == before
            assert calls(room) == ["unavailable"] * TRIED_AGAIN
            assert budget(room) == (0, 0)
            assert run_again(room, cycle, by_hand=True).status == "waiting"
            assert {p.state for p in papers(room, cycle).values()} == {"drafted"}
            assert len(calls(room)) == TRIED_AGAIN


def test_a_model_that_comes_back_under_another_address_finishes_the_stage(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    down = f"http://127.0.0.1:{free_port()}/v1"
    with serve(website({"/": STORY})) as site, serve(Endpoint()) as model:
        settings = {"allow_hosts": hosts(site), "llm_base_url": down}
        with real_room(database, database_url, waker, profile(site), **settings) as room:
            cycle = room.start()
            run_until_it_fails(room, cycle)
            with rebuilt(room, **settings | {"llm_base_url": f"{model.url}/v1"}) as again:
                assert run_again(again, cycle).status == "waiting"
                assert len(papers(again, cycle)) == 2


def test_a_pause_that_the_endpoint_asks_for_is_kept(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    asked = [error(429, "Slowly", **{"Retry-After": "1"})]
    endpoint = Endpoint()
    endpoint.bad = lambda _task: asked.pop()(endpoint) if asked else None
    with serve(website({"/": STORY})) as site, serve(endpoint) as model:
        settings = {"allow_hosts": hosts(site), "llm_base_url": f"{model.url}/v1", "llm_tries": 2}
        with real_room(database, database_url, waker, profile(site), **settings) as room:
            cycle = room.start()
            start = time.monotonic()
            room.pump.drain()
            assert time.monotonic() - start >= 1
            assert room.thread_of(cycle.id).status == "waiting"
            assert calls(room) == ["rate_limited", *["ok"] * 5]
            assert budget(room) == (0, 5 * 16)


def test_a_failure_in_the_middle_of_the_plan_leaves_the_dossier_and_no_half_plan(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    endpoint = Endpoint()

    def second_post(task: str) -> Answer | None:
        late = endpoint.tasks.count("plan_item") > 1
        return (503, JSON, b"{}") if task == "plan_item" and late else None

    endpoint.bad = second_post
    with serve(website({"/": STORY})) as site, serve(endpoint) as model:
        settings = {"allow_hosts": hosts(site), "llm_base_url": f"{model.url}/v1"}
        with real_room(database, database_url, waker, profile(site), **settings) as room:
            cycle = room.start()
            thread = run_until_it_fails(room, cycle)
            assert thread.node == "planning"
            assert "HTTP 503" in thread.error
            dossier = papers(room, cycle)["dossier"]
            assert list(papers(room, cycle)) == ["dossier"]
            endpoint.bad = None
            assert run_again(room, cycle).status == "waiting"
            assert papers(room, cycle)["dossier"].id == dossier.id
            assert endpoint.tasks.count("research_business") == 1
            assert len(papers(room, cycle)["plan"].content["items"]) == 2
            assert budget(room)[0] == 0


def test_characters_that_the_database_cannot_hold_are_no_way_to_break_a_stage(
    database: Database, database_url: str, waker: ListWaker
) -> None:
    """NUL characters, from the website and from the model."""
    endpoint = Endpoint()
    statement = {
        "source": "s1",
        "topic": "product",
        "statement": "Kopi Senja menjual\x00 kopi aren.",
    }
    answer = endpoint.completion(json.dumps({"findings": [statement] * 2}))
    endpoint.bad = lambda task: answer if task == "research_findings" else None
    story = page(
        "Kopi Senja menjual\x00 kopi gula aren.",
        "Kedai buka setiap\x00 hari pukul 08.00.",
    )
    with serve(website({"/": story})) as site, serve(endpoint) as model:
        settings = {"allow_hosts": hosts(site), "llm_base_url": f"{model.url}/v1"}
        with real_room(database, database_url, waker, profile(site), **settings) as room:
            cycle = room.start()
            thread = run_until_it_fails(room, cycle)
            assert "gave no usable answer to research_findings" in thread.error
            assert kept(room)["papers"] == "[]"
            assert budget(room)[0] == 0
            endpoint.bad = None
            assert run_again(room, cycle).status == "waiting"


@pytest.mark.parametrize(("limit", "node"), [(100, "research"), (25_000, "planning")])
def test_a_budget_that_is_used_up_stops_before_the_call(
    limit: int, node: str, database: Database, database_url: str, waker: ListWaker
) -> None:
    endpoint = Endpoint()
    endpoint.tokens = (9_000, 1_000)
    with serve(website({"/": STORY})) as site, serve(endpoint) as model:
        settings = {"allow_hosts": hosts(site), "llm_base_url": f"{model.url}/v1"}
        low = {"llm_tokens_per_day": limit}
        with real_room(database, database_url, waker, profile(site), **settings | low) as room:
            cycle = room.start()
            room.pump.drain()
            thread = room.thread_of(cycle.id)
            assert (thread.status, thread.node) == ("failed", node)  # at once: waiting helps not
            assert f"The model budget of {limit} tokens" in thread.error
            assert "Raise HUMAS_LLM_TOKENS_PER_DAY" in thread.error
            assert "by hand" in thread.error
            asked = len(endpoint.tasks)
            assert len(calls(room)) == asked
            assert budget(room) == (0, asked * 10_000)
            assert list(papers(room, cycle)) == (["dossier"] if node == "planning" else [])
            run_again(room, cycle)
            assert len(endpoint.tasks) == asked
            with rebuilt(room, **settings) as again:
                assert run_again(again, cycle).status == "waiting"
                assert len(papers(again, cycle)) == 2
