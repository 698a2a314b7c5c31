"""The session's Bluesky network as a pytest fixture."""

from collections.abc import Iterator

import pytest

from tests.live.bluesky_network.network import BlueskyNetwork, available
from tests.live.needs import need


@pytest.fixture(scope="session")
def bluesky_network() -> Iterator[BlueskyNetwork]:
    """A network that all tests of the session share: use handles of your own."""
    need("the Bluesky network", available())
    with BlueskyNetwork() as network:
        yield network
