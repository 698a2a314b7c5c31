"""A small storm: the same as `make chaos`, without the baseline."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded.supervisor import EmbeddedServices
from tests.chaos.run import Plan, faults, run_humas
from tests.live.bluesky_network.network import BlueskyNetwork, available
from tests.live.needs import need

pytestmark = [pytest.mark.live, pytest.mark.bluesky]

POSTS = 30


def test_a_storm_neither_doubles_nor_loses_a_post(tmp_path: Path) -> None:
    need("the Bluesky network", available())
    embedded = EmbeddedServices(tmp_path / "home", durable=True)
    embedded.ensure()
    try:
        with BlueskyNetwork() as network:
            plan = Plan(workers=2, seed=7, pause=1.5)
            outcome = run_humas(network, embedded, tmp_path, POSTS, plan)
    finally:
        embedded.destroy()
    assert faults(outcome) == []
    assert sum(outcome.states.values()) == POSTS
    assert outcome.states.get("published", 0) >= POSTS // 2
    # It stormed, or nothing was proved.
    assert outcome.struck["PostgreSQL crashed"] and outcome.struck["Valkey flushed"]
    assert sum(count for name, count in outcome.struck.items() if name.startswith("kill")) > 0
    assert sum(count for name, count in outcome.fates.items() if name != "passed") > 0
