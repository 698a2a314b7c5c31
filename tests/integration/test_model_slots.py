"""The cap on concurrent model calls holds over connections, and a dead holder frees its place."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import Engine

from workflows.model_slots import ModelSlots

pytestmark = pytest.mark.db


def test_no_more_than_the_places_are_held_at_once(engine: Engine) -> None:
    slots = ModelSlots(engine, 2)
    held = most = 0
    lock = threading.Lock()

    def call() -> None:
        nonlocal held, most
        with slots():
            with lock:
                held += 1
                most = max(most, held)
            time.sleep(0.1)
            with lock:
                held -= 1

    threads = [threading.Thread(target=call) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (held, most) == (0, 2)


def test_a_failed_call_frees_its_place(engine: Engine) -> None:
    slots = ModelSlots(engine, 1)
    with pytest.raises(RuntimeError), slots():
        raise RuntimeError
    with slots():
        pass
