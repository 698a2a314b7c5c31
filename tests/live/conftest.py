"""Fixtures that all live tests share."""

from tests.live.bluesky_network.fixtures import bluesky_network

__all__ = ["bluesky_network"]
