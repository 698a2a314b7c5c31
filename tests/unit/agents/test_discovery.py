"""A named endpoint is enough where it serves one model; several are a person's choice."""

from __future__ import annotations

import json

import pytest

from agents.discovery import REMEMBERED, only_model, remembered
from domain.errors import ModelOff, ModelUnavailable
from tests.unit.net.loopback import serve


def listing(*names: str) -> bytes:
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "x"} for name in names]
    return json.dumps({"object": "list", "data": data}).encode()


def test_the_only_model_is_taken() -> None:
    answer = (200, {"content-type": "application/json"}, listing("qwen"))
    with serve(lambda _seen: answer) as site:
        assert only_model(f"{site.url}/v1", "key") == "qwen"
        assert site.paths == ["/v1/models"]


@pytest.mark.parametrize("names", [(), ("a", "b"), tuple(f"m{n}" for n in range(40))])
def test_none_or_several_are_named(names: tuple[str, ...]) -> None:
    answer = (200, {"content-type": "application/json"}, listing(*names))
    with serve(lambda _seen: answer) as site:
        with pytest.raises(ModelOff, match="HUMAS_LLM_MODEL") as caught:
            only_model(f"{site.url}/v1", "key")
    assert all(name in str(caught.value) for name in names[:2])


@pytest.mark.parametrize(
    ("status", "body"), [(401, b"{}"), (200, b"<html>"), (200, b'{"data": 7}'), (500, b"")]
)
def test_an_endpoint_without_a_list_is_told(status: int, body: bytes) -> None:
    answer = (status, {"content-type": "application/json"}, body)
    with serve(lambda _seen: answer) as site:
        with pytest.raises(ModelUnavailable, match="humas doctor"):
            only_model(f"{site.url}/v1", "key")


def test_the_name_counts_for_a_while_and_a_failure_for_no_time() -> None:
    answers: list[str | Exception] = [ModelUnavailable("down"), "first", "second"]
    asked: list[float] = []
    at = 0.0

    def ask() -> str:
        asked.append(at)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    name = remembered(ask, lambda: at)
    with pytest.raises(ModelUnavailable):
        name()
    assert name() == "first"
    at = REMEMBERED - 1
    assert name() == "first"
    at = REMEMBERED
    assert name() == "second"
    assert asked == [0.0, 0.0, REMEMBERED]
