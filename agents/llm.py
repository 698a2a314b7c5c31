"""The only door to a language model: structured output, budget, retries, repair, ledger.

Every failure leaves as one of the errors of `domain.errors` (ModelUnavailable, ModelOff,
InvalidOutput, BudgetExceeded, ReplayMiss). There is no fallback answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext

from pydantic import ValidationError

from agents.booking import Booking
from agents.calls import (
    AgentRole,
    Answer,
    CallScope,
    Ledger,
    Message,
    Price,
    Slots,
    T,
    Validator,
)
from agents.endpoint import Endpoint, EndpointFailure, Recorder, Reply, Request
from agents.schema import strict_schema
from config.clock import Clock, SystemClock
from domain.errors import InvalidOutput, ModelOff

FIRST_PAUSE = 2.0  # seconds; doubles with each try, which outlasts the loading of a local model
LONGEST_PAUSE = 60.0  # an endpoint that asks for more than this is down for us
SHOWN_PROBLEMS = 6
REPAIR_TEMPERATURE = 0.6
SEEDS_PER_RUN = 10


class LanguageModel:
    """Asks an OpenAI-compatible endpoint and gives back only what passed every check."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        models: Mapping[AgentRole, str],
        ledger: Ledger,
        timeout: float = 300.0,
        tries: int = 3,
        prices: Mapping[str, Price] | None = None,
        recorder: Recorder | None = None,
        slots: Slots = nullcontext,
        sleep: Callable[[float], None] = time.sleep,
        clock: Clock | None = None,
        endpoint: Endpoint | None = None,
        find_model: Callable[[], str] | None = None,
    ) -> None:
        """Prepare a model; nothing is sent yet.

        Args:
            base_url: the endpoint's address, up to and without `/chat/completions`.
            api_key: its key; any text where the endpoint wants none.
            models: name of the model for each role.
            ledger: budget before a call, record after it.
            timeout: seconds for one request.
            tries: how often one request is tried on 429, 5xx and time-outs.
            prices: price per model name; without one a call's cost is unknown.
            recorder: keeps every answer for replays.
            slots: the global cap on concurrent calls.
            sleep: how to wait between tries.
            clock: the time for the ledger.
            endpoint: another way to the model than the network, such as a recording.
            find_model: names the model for roles that have none, asked once.
        """
        if endpoint is None:
            from agents.openai_endpoint import OpenAIEndpoint

            endpoint = OpenAIEndpoint(base_url=base_url, api_key=api_key, timeout=timeout)
        self._endpoint = endpoint
        self._models = dict(models)
        self._find_model = find_model
        self._ledger = ledger
        self._timeout = timeout
        self._tries = tries
        self._prices = dict(prices or {})
        self._recorder = recorder
        self._slots = slots
        self._sleep = sleep
        self._clock = clock or SystemClock()

    @property
    def longest_seconds(self) -> float:
        """Upper bound of one `ask`: the answer, its longer try, its repair, each with retries."""
        return 3 * (self._tries * self._timeout + (self._tries - 1) * LONGEST_PAUSE)

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
        """Get an answer of the given shape; see `agents.calls.Model`.

        Raises:
            ModelOff: no model is named for the role.
            ModelUnavailable: the endpoint is down, refuses, or takes too long.
            InvalidOutput: rubbish, also after the repair turn, or too long twice.
            BudgetExceeded: the brand's budget of the day does not cover the call.
        """
        request = Request(
            model=self._model(role),
            messages=tuple(messages),
            schema_name=schema.__name__,
            json_schema=strict_schema(schema),
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed + SEEDS_PER_RUN * scope.attempt,
        )
        grown = repaired = False
        while True:
            reply, booking = self._send(role, task, request, scope)
            if reply.finish == "length":
                booking.close("truncated")
                if grown:
                    raise InvalidOutput(
                        f"The {role}'s model {request.model} did not finish its answer ({task}) within "
                        f"{request.max_tokens} tokens. Run the stage again, or use a stronger model."
                    )
                grown = True
                # another seed, because the same one would run into the same endless sentence
                request = request.but(max_tokens=request.max_tokens * 2, seed=request.seed + 1)
                continue
            if reply.finish not in {"stop", "end_turn", "eos"} or not reply.content:
                booking.close("declined")
                raise InvalidOutput(
                    f"The {role}'s model {request.model} gave no answer to {task} (it ended with "
                    f"{reply.finish!r}). Run the stage again, or do it by hand."
                )
            value, problems = _check(reply.content, schema, validate)
            if value is not None and not problems:
                return Answer(value, booking.close("ok"))
            booking.close("invalid")
            if repaired:
                raise InvalidOutput(
                    f"The {role}'s model {request.model} gave no usable answer to {task}, also after "
                    f"it was told what was wrong: {'; '.join(problems[:SHOWN_PROBLEMS])}. "
                    "Run the stage again, use a stronger model, or do it by hand."
                )
            repaired = True
            # A model that is sure of its mistake repeats it, so the repair leaves it more freedom.
            request = request.but(
                messages=(*messages, *_repair(reply.content, problems)),
                temperature=max(request.temperature, REPAIR_TEMPERATURE),
                seed=request.seed + 1,
            )

    def _model(self, role: AgentRole) -> str:
        if role not in self._models and self._find_model is not None:
            self._models[role] = self._find_model()
        if role not in self._models:
            raise ModelOff(
                f"No model is named for the {role}. Set HUMAS_LLM_MODEL (or "
                f"HUMAS_LLM_MODEL_{role.upper()}), or do this stage by hand."
            )
        return self._models[role]

    def _send(
        self, role: AgentRole, task: str, request: Request, scope: CallScope
    ) -> tuple[Reply, Booking]:
        """Try a request until it is answered; the caller books the answer's outcome."""
        for attempt in range(1, self._tries):
            booking = self._open(role, task, request, scope, attempt)
            try:
                return self._once(booking), booking
            except EndpointFailure as failure:
                pause = failure.retry_after or FIRST_PAUSE * 2 ** (attempt - 1)
                if not failure.again or pause > LONGEST_PAUSE:
                    raise booking.unavailable(failure) from failure
                self._sleep(pause)
        booking = self._open(role, task, request, scope, self._tries)
        try:
            return self._once(booking), booking
        except EndpointFailure as failure:
            raise booking.unavailable(failure) from failure

    def _open(
        self, role: AgentRole, task: str, request: Request, scope: CallScope, attempt: int
    ) -> Booking:
        bound = request.bound()
        self._ledger.reserve(scope.brand_id, bound)
        return Booking(
            ledger=self._ledger,
            clock=self._clock,
            price=self._prices.get(request.model),
            scope=scope,
            role=role,
            task=task,
            request=request,
            attempt=attempt,
            reserved=bound,
            started_at=self._clock.now(),
            start=time.monotonic(),
        )

    def _once(self, booking: Booking) -> Reply:
        try:
            with self._slots():
                reply = self._endpoint.complete(booking.request)
        except EndpointFailure as failure:
            booking.close(failure.outcome)
            raise
        except BaseException:
            booking.close("unavailable")  # no reservation may outlive a call that broke off
            raise
        booking.answered(reply)
        if self._recorder is not None:
            self._recorder.record(booking.role, booking.task, booking.request, reply)
        return reply


class OffModel:
    """The twin where no model is configured: people do every stage by hand."""

    def ask(
        self,
        role: AgentRole,
        task: str,
        messages: Sequence[Message],  # noqa: ARG002
        schema: type[T],  # noqa: ARG002
        *,
        scope: CallScope,  # noqa: ARG002
        max_tokens: int,  # noqa: ARG002
        temperature: float = 0.2,  # noqa: ARG002
        seed: int = 7,  # noqa: ARG002
        validate: Validator[T] | None = None,  # noqa: ARG002
    ) -> Answer[T]:
        """Refuse.

        Raises:
            ModelOff: always.
        """
        raise ModelOff(
            f"No language model is configured, so the {role} cannot do {task}. Enter it by hand, or "
            "set HUMAS_LLM_BASE_URL and HUMAS_LLM_MODEL and run the stage again."
        )


def _check(
    content: str, schema: type[T], validate: Validator[T] | None
) -> tuple[T | None, list[str]]:
    try:
        value = schema.model_validate_json(content)
    except ValidationError as error:
        return None, [
            f"{'.'.join(str(part) for part in item['loc']) or 'the answer'}: "
            f"{item['msg'].removeprefix('Value error, ')}"
            for item in error.errors(include_url=False, include_input=False)
        ]
    if _holds_nul(value.model_dump()):
        return None, ["the answer: it holds a NUL character (\\u0000), which no text may"]
    return value, validate(value) if validate else []


def _holds_nul(value: object) -> bool:
    """Whether a text in it holds the one character that the database cannot store."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(item) for item in value.values())
    return isinstance(value, list | tuple) and any(_holds_nul(item) for item in value)


def _repair(content: str, problems: Sequence[str]) -> tuple[Message, Message]:
    listed = "\n".join(f"- {problem}" for problem in problems[:SHOWN_PROBLEMS])
    return (
        Message(role="assistant", content=content),
        Message(
            role="user",
            content=f"That answer cannot be used:\n{listed}\n"
            "Give the whole answer again as JSON with these problems put right and nothing else changed.",
        ),
    )
