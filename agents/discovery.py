"""Which model an endpoint serves, where nobody has named one."""

from __future__ import annotations

import time
from collections.abc import Callable

import openai

from domain.errors import ModelOff, ModelUnavailable

SHOWN = 12
REMEMBERED = 60.0  # seconds


def only_model(base_url: str, api_key: str, timeout: float = 15.0) -> str:
    """The name of the endpoint's only model.

    Args:
        base_url: the endpoint's address.
        api_key: its key.
        timeout: seconds for the question.

    Raises:
        ModelOff: it serves none or several, so that a person has to choose; says which there are.
        ModelUnavailable: it does not answer, or not with a list of models.
    """
    client = openai.OpenAI(base_url=base_url, api_key=api_key, timeout=timeout, max_retries=0)
    try:
        names = sorted({str(item.id) for item in client.models.list().data})
    except (openai.OpenAIError, AttributeError, TypeError, ValueError) as error:
        raise ModelUnavailable(
            f"The model endpoint did not say which models it has ({type(error).__name__}). Set HUMAS_LLM_MODEL, "
            "or check the endpoint with `humas doctor`."
        ) from error
    if len(names) == 1:
        return names[0]
    known = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    raise ModelOff(
        f"The endpoint has {len(names)} models and HUMAS_LLM_MODEL does not say which to use"
        + (f": {known}." if names else ".")
    )


def remembered(
    ask: Callable[[], str], now: Callable[[], float] = time.monotonic
) -> Callable[[], str]:
    """A question whose answer counts for a while.

    Workers last from job to job, and a server may be given another model under them.

    Args:
        ask: the question; what it raises is not remembered.
        now: seconds on a clock that only goes forward.
    """
    kept: tuple[float, str] | None = None

    def answer() -> str:
        nonlocal kept
        if kept is None or now() >= kept[0]:
            kept = (now() + REMEMBERED, ask())
        return kept[1]

    return answer
