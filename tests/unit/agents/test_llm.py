"""The door to a model, against a real HTTP server that misbehaves on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from agents.calls import CallScope, Message, Price
from agents.llm import LanguageModel, OffModel
from agents.recording import RecordingFile, replay_model
from agents.schema import strict_schema
from domain.errors import BudgetExceeded, InvalidOutput, ModelOff, ModelUnavailable, ReplayMiss
from tests.unit.agents.books import Books
from tests.unit.agents.endpoint_server import Script, answer, refusal, serving

SCOPE = CallScope(brand_id="b", thread_id="t", stage="planning")
ASKED = [Message(role="user", content="Pick a colour.")]


class Colour(BaseModel):
    name: Literal["red", "blue"]
    why: Annotated[str, Field(min_length=1, max_length=40)]


GOOD = '{"name": "red", "why": "warm"}'


@contextmanager
def model_for(script: Script, **changes: Any) -> Iterator[tuple[LanguageModel, Books, list[float]]]:
    books, pauses = Books(), list[float]()
    with serving(script):
        settings: dict[str, Any] = {
            "base_url": script.url,
            "api_key": "secret-key",
            "models": {"planner": "model-a"},
            "ledger": books,
            "timeout": 5.0,
            "sleep": pauses.append,
            **changes,
        }
        model = LanguageModel(**settings)
        yield model, settings["ledger"], pauses


def ask(model: LanguageModel, **changes: Any) -> Any:
    return model.ask("planner", "pick", ASKED, Colour, scope=SCOPE, max_tokens=50, **changes)


def test_a_good_answer_is_checked_and_booked() -> None:
    script = Script(answer(GOOD))
    with model_for(script, prices={"model-a": Price(tokens_in=2, tokens_out=8)}) as (
        model,
        books,
        _,
    ):
        result = ask(model)
    assert result.value == Colour(name="red", why="warm")
    call = result.call
    assert books.calls == [call]
    assert (call.tokens_in, call.tokens_out, call.outcome) == (11, 5, "ok")
    assert call.cost == pytest.approx((11 * 2 + 5 * 8) / 1_000_000)
    assert (call.model, call.role, call.task, call.stage) == (
        "scripted-1",
        "planner",
        "pick",
        "planning",
    )
    assert books.reserved == 0
    assert call.reserved >= 16
    sent = script.requests[0]
    assert sent["model"] == "model-a"
    assert sent["max_tokens"] == 50
    assert sent["seed"] == 7
    assert sent["response_format"]["json_schema"]["strict"] is True
    assert sent["response_format"]["json_schema"]["schema"] == strict_schema(Colour)


def test_without_a_price_or_usage_cost_and_tokens_are_unknown_not_zero() -> None:
    with model_for(Script(answer(GOOD, tokens=None))) as (model, _, _):
        call = ask(model).call
    assert (call.tokens_in, call.tokens_out, call.cost) == (None, None, None)
    assert call.spent == call.reserved


@pytest.mark.parametrize("bad", ["not json", '{"name": "green", "why": "x"}', '{"name": "red"}'])
def test_a_bad_answer_gets_one_repair_turn_with_the_problem(bad: str) -> None:
    script = Script(answer(bad), answer(GOOD))
    with model_for(script) as (model, books, _):
        assert ask(model).value.name == "red"
    assert [call.outcome for call in books.calls] == ["invalid", "ok"]
    turns = script.requests[1]["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[1]["content"] == bad


def test_our_own_rules_go_into_the_repair_turn_and_fail_it_after_that() -> None:
    script = Script(answer(GOOD), answer(GOOD))
    with model_for(script) as (model, books, _), pytest.raises(InvalidOutput, match="red is taken"):
        ask(model, validate=lambda _: ["red is taken"])
    assert "- red is taken" in script.requests[1]["messages"][2]["content"]
    assert [call.outcome for call in books.calls] == ["invalid", "invalid"]
    assert books.reserved == 0


def test_a_cut_answer_is_asked_once_more_with_more_room() -> None:
    script = Script(answer('{"name": "re', "length"), answer(GOOD))
    with model_for(script) as (model, books, _):
        assert ask(model).value.name == "red"
    assert [request["max_tokens"] for request in script.requests] == [50, 100]
    assert [call.outcome for call in books.calls] == ["truncated", "ok"]


def test_an_endless_answer_fails() -> None:
    script = Script(answer("{", "length"), answer("{", "length"))
    with model_for(script) as (model, _, _), pytest.raises(InvalidOutput, match="100 tokens"):
        ask(model)


def test_a_filtered_answer_is_no_answer() -> None:
    with model_for(Script(answer("", "content_filter"))) as (model, books, _):
        with pytest.raises(InvalidOutput, match="content_filter"):
            ask(model)
    assert books.calls[0].outcome == "declined"


def test_429_and_5xx_are_tried_again_with_growing_pauses() -> None:
    script = Script(refusal(503), refusal(429, headers={"retry-after": "7"}), answer(GOOD))
    with model_for(script) as (model, books, pauses):
        assert ask(model).value.name == "red"
    assert pauses == [2.0, 7.0]
    assert [call.outcome for call in books.calls] == ["unavailable", "rate_limited", "ok"]
    assert [call.params["attempt"] for call in books.calls] == [1, 2, 3]
    assert books.calls[0].spent == 0


def test_tries_are_bounded() -> None:
    script = Script(*[refusal(500)] * 9)
    with (
        model_for(script, tries=2) as (model, books, _),
        pytest.raises(ModelUnavailable, match="500"),
    ):
        ask(model)
    assert len(script.requests) == len(books.calls) == 2
    assert books.reserved == 0


def test_an_endpoint_that_asks_for_an_hour_is_down() -> None:
    script = Script(refusal(429, headers={"retry-after": "3600"}), answer(GOOD))
    with model_for(script) as (model, _, pauses), pytest.raises(ModelUnavailable):
        ask(model)
    assert pauses == []


def test_a_wrong_key_is_not_tried_again_and_never_shown() -> None:
    script = Script(refusal(401, "bad key secret-key"), answer(GOOD))
    with model_for(script) as (model, _, _), pytest.raises(ModelUnavailable) as caught:
        ask(model)
    assert len(script.requests) == 1
    assert "secret-key" not in str(caught.value)
    assert "401" in str(caught.value)


def test_a_timeout_counts_the_whole_reservation() -> None:
    script = Script(answer(GOOD))
    script.delay = 0.6
    with model_for(script, timeout=0.2, tries=1) as (model, books, _):
        with pytest.raises(ModelUnavailable, match="too long"):
            ask(model)
    (call,) = books.calls
    assert call.outcome == "timeout"
    assert call.spent == call.reserved > 0


def test_nothing_listening_is_unavailable() -> None:
    with model_for(Script()) as (model, _, _):
        pass
    with pytest.raises(ModelUnavailable, match="no connection"):
        ask(model)


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b'{"choices": []}', b'{"a": 1}'])
def test_an_endpoint_that_speaks_something_else(body: bytes) -> None:
    with model_for(Script((200, {}, body))) as (model, books, _), pytest.raises(ModelUnavailable):
        ask(model)
    assert books.reserved == 0


def test_a_parameter_that_the_model_refuses_is_left_out_from_then_on() -> None:
    script = Script(
        refusal(400, "use max_completion_tokens", param="max_tokens"),
        refusal(400, "no temperature", param="temperature"),
        answer(GOOD),
        answer(GOOD),
    )
    with model_for(script) as (model, books, _):
        ask(model)
        ask(model)
    assert len(books.calls) == 2
    for request in script.requests[2:]:
        assert "max_tokens" not in request
        assert "temperature" not in request
        assert request["max_completion_tokens"] == 50


def test_any_other_400_is_final() -> None:
    script = Script(refusal(400, "context too long"), answer(GOOD))
    with (
        model_for(script) as (model, _, _),
        pytest.raises(ModelUnavailable, match="context too long"),
    ):
        ask(model)
    assert len(script.requests) == 1


def test_an_empty_budget_stops_before_the_call() -> None:
    script = Script(answer(GOOD))
    with model_for(script, ledger=Books(budget=40)) as (model, books, _):
        with pytest.raises(BudgetExceeded):
            ask(model)
    assert script.requests == []
    assert books.calls == []


def test_a_broken_call_frees_its_place_and_its_reservation() -> None:
    places = threading.Semaphore(1)

    class Broken:
        def complete(self, request: Any) -> Any:
            assert not places.acquire(blocking=False)
            raise KeyboardInterrupt

    books = Books()
    model = LanguageModel(
        base_url="",
        api_key="",
        models={"planner": "m"},
        ledger=books,
        slots=lambda: places,
        endpoint=Broken(),
    )
    with pytest.raises(KeyboardInterrupt):
        ask(model)
    assert places.acquire(blocking=False)
    assert books.reserved == 0


def test_a_role_without_a_model_says_which_setting() -> None:
    with (
        model_for(Script()) as (model, _, _),
        pytest.raises(ModelOff, match="HUMAS_LLM_MODEL_WRITER"),
    ):
        model.ask("writer", "redraft", ASKED, Colour, scope=SCOPE, max_tokens=5)


def test_the_off_twin_always_refuses() -> None:
    with pytest.raises(ModelOff, match="by hand"):
        OffModel().ask("planner", "pick", ASKED, Colour, scope=SCOPE, max_tokens=5)


def test_a_recording_replays_and_a_miss_fails(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.jsonl"
    script = Script(answer("rubbish"), answer(GOOD))
    with model_for(script, recorder=RecordingFile(path)) as (model, _, _):
        first = ask(model)
    books = Books()
    replayed = replay_model(path, ledger=books)
    again = ask(replayed)
    assert again.value == first.value
    assert again.call.model == "scripted-1"
    assert [call.outcome for call in books.calls] == ["invalid", "ok"]
    assert "Pick a colour" not in path.read_text()
    change: Callable[..., Any] = replayed.ask
    for changed in ({"seed": 8}, {"temperature": 0.9}):
        with pytest.raises(ReplayMiss):
            change("planner", "pick", ASKED, Colour, scope=SCOPE, max_tokens=50, **changed)


def test_schemas_are_strict_all_the_way_down() -> None:
    inner: Any = create_model("Inner", title=(str, ...), note=(str, "x"))
    only: Any = Literal["a"]
    outer = create_model("Outer", items=(list[inner], ...), only=(only, ...))
    schema = strict_schema(outer)
    assert schema["required"] == ["items", "only"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["only"]["enum"] == ["a"]
    nested = schema["$defs"]["Inner"]
    assert nested["required"] == ["title", "note"]
    assert set(nested["properties"]) == {"title", "note"}
    assert "default" not in nested["properties"]["note"]
    assert "maxLength" not in str(strict_schema(Colour))
