import pytest

from channels.registry import PLATFORMS, build
from domain.errors import InvalidInput
from tests.memory import MemoryBudgets, MemoryTokens
from tests.unit.channels.fakes import NOW, FakeHttp


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_is_built_and_makes_fresh_keys(platform: str) -> None:
    channel = build(
        platform,
        base_url="https://x.test",
        handle="merek",
        secret="s",
        http=FakeHttp({}),
        tokens=MemoryTokens(),
        budgets=MemoryBudgets(),
        clock=lambda: NOW,
    )
    keys = {channel.new_client_key(NOW) for _ in range(50)}
    assert len(keys) == 50
    assert {field.name for field in PLATFORMS[platform].fields} == {"base_url", "handle", "secret"}
    assert [field.secret for field in PLATFORMS[platform].fields] == [False, False, True]


def test_unknown_platform_says_which_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"'orkut'.*bluesky, mastodon"):
        build(
            "orkut",
            base_url="",
            handle="",
            secret="",
            http=FakeHttp({}),
            tokens=MemoryTokens(),
            budgets=MemoryBudgets(),
            clock=lambda: NOW,
        )
