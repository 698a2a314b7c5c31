"""What a model call is: who asks, what came back, what it cost, and the ports around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

AgentRole = Literal["researcher", "planner", "writer", "responder", "evaluator"]
Outcome = Literal[
    "ok",
    "invalid",  # not JSON, or against the schema or the rules
    "truncated",  # ended by length
    "declined",  # the endpoint or its filter gave no answer
    "rate_limited",
    "timeout",
    "unavailable",  # no connection, or 5xx
    "refused",  # any other 4xx
]

T = TypeVar("T", bound=BaseModel)
T_co = TypeVar("T_co", bound=BaseModel, covariant=True)
Validator = Callable[[T], list[str]]


class Message(BaseModel):
    """One turn of a conversation with a model."""

    model_config = ConfigDict(frozen=True)

    role: Literal["system", "user", "assistant"]
    content: str


class CallScope(BaseModel):
    """On whose behalf a call is made: it ends up in the ledger."""

    model_config = ConfigDict(frozen=True)

    brand_id: str
    thread_id: str | None = None
    stage: str
    attempt: int = Field(
        default=0, ge=0, description="How often the stage ran before; each run gets other seeds"
    )


class Price(BaseModel):
    """Price of a million tokens in US dollars."""

    model_config = ConfigDict(frozen=True)

    tokens_in: float = Field(ge=0)
    tokens_out: float = Field(ge=0)


class CallRecord(BaseModel):
    """One request to an endpoint. A retry, a repair and a longer try are records of their own.

    `tokens_in` and `tokens_out` are None where the endpoint did not say; `cost` (US dollars) is
    None where the price or the tokens are unknown.
    """

    model_config = ConfigDict(frozen=True)

    brand_id: str
    thread_id: str | None
    stage: str
    role: AgentRole
    task: str = Field(description="The role's task: the name of its prompt file")
    model: str
    params: dict[str, float | int | str]
    prompt_hash: str
    schema_hash: str
    reserved: int = Field(description="Tokens that were set aside before the call")
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    milliseconds: int
    outcome: Outcome
    started_at: datetime
    finished_at: datetime

    @property
    def spent(self) -> int:
        """Tokens to count against the budget.

        An endpoint that timed out may have worked for us all the same, so the whole reservation
        counts; one that refused has done nothing.
        """
        if self.tokens_in is not None and self.tokens_out is not None:
            return self.tokens_in + self.tokens_out
        return 0 if self.outcome in {"rate_limited", "unavailable", "refused"} else self.reserved


@dataclass(frozen=True)
class Answer(Generic[T_co]):
    """A checked answer and the call that gave it."""

    value: T_co
    call: CallRecord


class Ledger(Protocol):
    """Keeps the books of model calls: a hard budget before, the record after."""

    def reserve(self, brand_id: str, tokens: int) -> None:
        """Set an upper bound of tokens aside.

        Raises:
            domain.errors.BudgetExceeded: the brand's budget of the day does not cover them.
        """
        ...

    def record(self, call: CallRecord) -> None:
        """Store a call, failed ones too, and replace its reservation by what was spent."""
        ...


class NoLedger:
    """Keeps no books and knows no budget; for trying a model by hand."""

    def reserve(self, brand_id: str, tokens: int) -> None:
        """Allow everything."""

    def record(self, call: CallRecord) -> None:
        """Forget the call."""


Slots = Callable[[], AbstractContextManager[object]]
"""The global cap on concurrent calls: entering waits for a free place, leaving frees it."""


class Model(Protocol):
    """What an agent needs of a language model."""

    def ask(
        self,
        role: AgentRole,
        task: str,
        messages: Sequence[Message],
        schema: type[T],
        *,
        scope: CallScope,
        max_tokens: int,
        temperature: float = 0.2,
        seed: int = 7,
        validate: Validator[T] | None = None,
    ) -> Answer[T]:
        """Get an answer of the given shape.

        Args:
            role: the agent; each role may have a model of its own.
            task: what the role does; the name of its prompt file.
            messages: the conversation so far.
            schema: the shape of the answer.
            scope: on whose behalf.
            max_tokens: most tokens of the answer; tried once more with twice as many.
            temperature: 0 is the most predictable.
            seed: the same seed gives the same answer where the endpoint supports it.
            validate: problems of an answer that fits the schema; they go into the repair turn.

        Raises:
            domain.errors.ModelError: one of its subclasses says what failed.
        """
        ...
