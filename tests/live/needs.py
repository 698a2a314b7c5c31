"""What a live test does when a part of the machine it needs is missing."""

import os

import pytest


def need(what: str, problem: str | None) -> None:
    """Skip the test when ``problem`` says why ``what`` cannot run; fail where ``CI`` is set.

    The automatic checks install every part, so a missing one there is a failure: a check that
    skips itself would stay green for ever.

    Args:
        what: The part, for the message.
        problem: The answer of that part's ``available()``.
    """
    if problem is None:
        return
    message = f"{what} cannot run here: {problem}"
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
