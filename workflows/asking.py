"""Asking a model again, with another seed, when its answer could not be used."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from agents.calls import CallScope
from domain.errors import InvalidOutput

log = logging.getLogger(__name__)
Result = TypeVar("Result")


def ask_again(ask: Callable[[CallScope], Result], scope: CallScope, tries: int) -> Result:
    """Ask up to `tries` times; what was done before in the same stage is kept meanwhile.

    Args:
        ask: asks once, on behalf of the scope it is given.
        scope: the first scope; each further one has another `attempt`, hence another seed.
        tries: at least 1.

    Raises:
        InvalidOutput: the last answer could not be used either.
    """
    for number in range(tries - 1):
        try:
            return ask(scope.model_copy(update={"attempt": scope.attempt + number}))
        except InvalidOutput as error:
            log.warning("asked again: %s", error)
    return ask(scope.model_copy(update={"attempt": scope.attempt + tries - 1}))
