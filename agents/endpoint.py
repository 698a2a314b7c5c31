"""The wire under the door: one request, one reply, and why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from agents.calls import AgentRole, Message, Outcome
from agents.schema import canonical_json, fingerprint


@dataclass(frozen=True)
class Request:
    """Everything that shapes an answer."""

    model: str
    messages: tuple[Message, ...]
    schema_name: str
    json_schema: dict[str, Any]
    max_tokens: int
    temperature: float
    seed: int

    def but(self, **changes: Any) -> Request:
        """The same request with some fields changed."""
        return replace(self, **changes)

    def params(self) -> dict[str, float | int | str]:
        """The sampling parameters."""
        return {
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "seed": self.seed,
        }

    def key(self) -> str:
        """The request's fingerprint: all of it but the model's name."""
        return fingerprint(
            {
                "messages": [message.model_dump() for message in self.messages],
                "schema": self.json_schema,
                **self.params(),
            }
        )

    def bound(self) -> int:
        """Upper bound of the tokens of prompt and answer.

        Tokenizers differ; none in use spends more than a token on two bytes of ordinary text.
        """
        prompt = sum(len(message.content.encode()) for message in self.messages)
        return (prompt + len(canonical_json(self.json_schema))) // 2 + 16 + self.max_tokens


@dataclass(frozen=True)
class Reply:
    """What an endpoint answered. Tokens are None where it did not say."""

    content: str
    finish: str
    model: str
    tokens_in: int | None
    tokens_out: int | None


class EndpointFailure(Exception):
    """No reply.

    Attributes:
        outcome: for the ledger.
        again: whether another try makes sense.
        retry_after: seconds that the endpoint asked us to wait.
    """

    def __init__(
        self, message: str, outcome: Outcome, *, again: bool, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.outcome: Outcome = outcome
        self.again = again
        self.retry_after = retry_after


class Endpoint(Protocol):
    """Answers requests."""

    def complete(self, request: Request) -> Reply:
        """Answer one request, without retries.

        Raises:
            EndpointFailure: there is no reply.
            domain.errors.ReplayMiss: a recording has none.
        """
        ...


class Recorder(Protocol):
    """Keeps answers."""

    def record(self, role: AgentRole, task: str, request: Request, reply: Reply) -> None:
        """Keep the reply to a request."""
        ...
