"""A fixed sample of the proof; `make proof` runs all of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.proof import run
from tests.proof.machine import walk
from tests.proof.mutants import MUTANTS
from tests.proof.world import Plant
from workflows.delivery import Delivery

pytestmark = pytest.mark.db

ONE_OF = 12  # so much of all directed histories
WALKS = 12


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Leave out what production logs of the failures that are meant here."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(before)


def test_a_sample_of_crashes_and_races_holds(database_url: str) -> None:
    plant = Plant(database_url)
    try:
        result = run.run(plant, share=1, of=ONE_OF, enough=0)
    finally:
        plant.close()
    assert result.violations == []
    assert result.coverage.histories > 100
    assert result.coverage.crashes > 30
    assert result.coverage.interleavings > 30


def test_a_sample_of_random_walks_holds(database_url: str) -> None:
    plant = Plant(database_url)
    try:
        walk(plant, WALKS)
    finally:
        plant.close()
    assert plant.coverage.histories == WALKS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_seeded_bug_is_caught(mutant: type[Delivery], database_url: str) -> None:
    plant = Plant(database_url, mutant)
    try:
        result = run.run(plant, stop_at=1, enough=0)
    finally:
        plant.close()
    assert result.violations
