"""A stage is not cut off while its model calls are within their own time-outs."""

from __future__ import annotations

import pytest

from agents.calls import NoLedger
from agents.llm import LanguageModel
from config.settings import Settings
from storage.queue import QUEUES

# Questions that a stage asks in turn, each up to `stage_tries` times: business and findings; themes
# and the three posts of a default period; triage and reply; the explanation.
QUESTIONS = {"research": 2, "planning": 4, "engagement": 2, "evaluation": 1}


@pytest.mark.parametrize("queue", QUESTIONS)
def test_the_queue_waits_longer_than_all_calls_of_a_stage(queue: str) -> None:
    settings = Settings(_env_file=None)
    model = LanguageModel(
        base_url="http://127.0.0.1:9/v1",
        api_key="none",
        models={},
        ledger=NoLedger(),
        timeout=settings.llm_timeout_seconds,
        tries=settings.llm_tries,
    )
    worst = QUESTIONS[queue] * settings.stage_tries * model.longest_seconds
    assert QUEUES[queue] > worst
