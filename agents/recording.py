"""Recording real answers of a model, and replaying them in tests.

A recording is a file of JSON lines. It holds fingerprints of requests and the model's answers,
never the prompts, and each line names the model that answered.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from agents.calls import AgentRole, Ledger, NoLedger
from agents.endpoint import Reply, Request
from agents.llm import LanguageModel
from domain.errors import ReplayMiss


class RecordingFile:
    """Appends answers to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, role: AgentRole, task: str, request: Request, reply: Reply) -> None:
        """Append one line."""
        line = {
            "key": request.key(),
            "role": role,
            "task": task,
            "schema": request.schema_name,
            "model": reply.model,
            "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "finish": reply.finish,
            "content": reply.content,
            "tokens_in": reply.tokens_in,
            "tokens_out": reply.tokens_out,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


class RecordedEndpoint:
    """Answers from a recording and from nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open(encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.strip()]
        self._replies = {
            line["key"]: Reply(
                content=line["content"],
                finish=line["finish"],
                model=line["model"],
                tokens_in=line["tokens_in"],
                tokens_out=line["tokens_out"],
            )
            for line in lines
        }

    def complete(self, request: Request) -> Reply:
        """The recorded reply.

        Raises:
            ReplayMiss: the recording has no answer to exactly this request.
        """
        try:
            return self._replies[request.key()]
        except KeyError:
            raise ReplayMiss(
                f"{self._path.name} holds no answer to this request ({request.schema_name}, key "
                f"{request.key()}): a prompt, a schema or a parameter has changed. Record it anew "
                "with a real model."
            ) from None


def replay_model(path: Path, *, ledger: Ledger | None = None) -> LanguageModel:
    """A model that answers from a recording; a miss raises ReplayMiss.

    Args:
        path: the recording.
        ledger: books, where a test looks into them.
    """
    roles: tuple[AgentRole, ...] = ("researcher", "planner", "writer", "responder", "evaluator")
    return LanguageModel(
        base_url="",
        api_key="",
        models=dict.fromkeys(roles, "recorded"),
        ledger=ledger or NoLedger(),
        tries=1,
        endpoint=RecordedEndpoint(path),
    )
