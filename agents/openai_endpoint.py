"""An OpenAI-compatible endpoint, through the openai library's chat completions.

It stands apart from `llm.py` because importing the library takes half a second, which processes
without a model should not pay.
"""

from __future__ import annotations

from typing import Any

import openai
from pydantic import BaseModel, ConfigDict, Field

from agents.endpoint import EndpointFailure, Reply, Request

CONNECT_SECONDS = 10.0
# Parameters that some models refuse, with what is sent in their place (None: nothing).
_NEGOTIABLE: dict[str, str | None] = {
    "max_tokens": "max_completion_tokens",
    "temperature": None,
    "seed": None,
}
_NEGOTIATIONS = len(_NEGOTIABLE)


class _Part(BaseModel):
    """What we need of an answer. The library checks none of it, and endpoints differ in the rest."""

    model_config = ConfigDict(from_attributes=True)


class _Said(_Part):
    content: str | None = None
    refusal: str | None = None


class _Choice(_Part):
    message: _Said
    finish_reason: str | None = None


class _Usage(_Part):
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)


class _Completion(_Part):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None
    model: str | None = None


class OpenAIEndpoint:
    """Sends requests over the network; retries nothing by itself."""

    def __init__(self, *, base_url: str, api_key: str, timeout: float) -> None:
        self._secret = api_key
        self._client = openai.OpenAI(
            base_url=base_url,
            api_key=api_key,
            timeout=openai.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
            max_retries=0,
        )
        self._refused: dict[str, set[str]] = {}

    def complete(self, request: Request) -> Reply:
        """Answer one request.

        Raises:
            EndpointFailure: no connection, time-out, or a status that is not success.
        """
        for _ in range(_NEGOTIATIONS + 1):
            try:
                return self._create(request)
            except openai.BadRequestError as error:
                if not self._give_way(request.model, error):
                    raise EndpointFailure(self._say(error), "refused", again=False) from error
            except openai.APITimeoutError as error:
                raise EndpointFailure("it took too long", "timeout", again=True) from error
            except openai.APIConnectionError as error:
                cause = error.__cause__ or error
                raise EndpointFailure(
                    f"no connection to {self._client.base_url} ({cause})", "unavailable", again=True
                ) from error
            except openai.RateLimitError as error:
                raise EndpointFailure(
                    self._say(error), "rate_limited", again=True, retry_after=_retry_after(error)
                ) from error
            except openai.APIStatusError as error:
                down = error.status_code >= 500 or error.status_code == 408
                raise EndpointFailure(
                    self._say(error),
                    "unavailable" if down else "refused",
                    again=down,
                    retry_after=_retry_after(error),
                ) from error
            except (openai.APIError, ValueError) as error:
                raise EndpointFailure(
                    f"its answer is not a chat completion ({type(error).__name__})",
                    "invalid",
                    again=False,
                ) from error
        raise EndpointFailure("it refuses every set of parameters", "refused", again=False)

    def _create(self, request: Request) -> Reply:
        body: Any = {
            "model": request.model,
            "messages": [message.model_dump() for message in request.messages],
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": request.schema_name,
                    "schema": request.json_schema,
                    "strict": True,
                },
            },
            **self._parameters(request),
        }
        raw = self._client.chat.completions.create(**body)
        completion = _Completion.model_validate(raw)
        choice, usage = completion.choices[0], completion.usage
        return Reply(
            content=choice.message.content or "",
            finish="refusal" if choice.message.refusal else choice.finish_reason or "nothing",
            model=completion.model or request.model,
            tokens_in=usage.prompt_tokens if usage else None,
            tokens_out=usage.completion_tokens if usage else None,
        )

    def _parameters(self, request: Request) -> dict[str, Any]:
        refused = self._refused.get(request.model, set())
        sent: dict[str, Any] = {}
        for name, value in request.params().items():
            key = _NEGOTIABLE[name] if name in refused else name
            if key is not None:
                sent[key] = value
        return sent

    def _give_way(self, model: str, error: openai.BadRequestError) -> bool:
        """Leave out a parameter that the model does not know, from now on."""
        refused = self._refused.setdefault(model, set())
        if error.param in _NEGOTIABLE and error.param not in refused:
            refused.add(error.param)
            return True
        return False

    def _say(self, error: openai.APIStatusError) -> str:
        text = error.message.replace(self._secret, "***") if self._secret else error.message
        return f"HTTP {error.status_code}: {text}"


def _retry_after(error: openai.APIStatusError) -> float | None:
    try:
        return max(float(error.response.headers.get("retry-after", "")), 0.0)
    except ValueError:
        return None
