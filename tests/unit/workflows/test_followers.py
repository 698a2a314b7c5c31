"""Followers: the number, the names as far as they are wanted, and why there are none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from channels.base import AccountInfo, ChannelUnavailable, FollowersPage
from config.clock import FixedClock
from domain.conversation import Person
from storage.tables import ChannelAccount
from tests.fakes import START, FakeChannel, FakePlatform
from workflows.followers import account_followers
from workflows.services import Services


class Pages(FakeChannel):
    """Three pages of two followers; the third fails where told so."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__(FakePlatform())
        self.fails = fails
        self.asked: list[str | None] = []

    def check(self) -> AccountInfo:
        """Six followers."""
        return replace(super().check(), followers=6)

    def followers(self, cursor: str | None) -> FollowersPage:
        """Two of them."""
        self.asked.append(cursor)
        start = int(cursor or 0)
        if self.fails and start == 4:
            raise ChannelUnavailable("The platform is down.")
        people = tuple(Person(remote_id=f"id-{n}", handle=f"f{n}") for n in (start, start + 1))
        return FollowersPage(people, str(start + 2) if start < 4 else None)


def services(channel: Pages) -> Services:
    given: Any = type(
        "Given", (), {"clock": FixedClock(START), "open_channel": lambda _self, _account: channel}
    )()
    return cast("Services", given)


@pytest.mark.parametrize(
    ("limit", "names", "more", "asked"),
    [
        (0, 0, False, []),
        (2, 2, True, [None]),
        (3, 3, True, [None, "2"]),
        (6, 6, False, [None, "2", "4"]),
        (9, 6, False, [None, "2", "4"]),
    ],
)
def test_as_many_pages_are_asked_for_as_are_wanted(
    limit: int, names: int, more: bool, asked: list[str | None]
) -> None:
    channel = Pages()
    found = account_followers(services(channel), ChannelAccount(waits_until=None), limit)
    assert (found.count, len(found.people), found.more) == (6, names, more)
    assert channel.asked == asked
    assert found.problem == ""


def test_a_platform_that_fails_is_named_and_what_was_read_stays() -> None:
    found = account_followers(services(Pages(fails=True)), ChannelAccount(waits_until=None), 9)
    assert [one.handle for one in found.people] == ["f0", "f1", "f2", "f3"]
    assert (found.more, found.problem) == (True, "The platform is down.")


def test_no_call_before_the_budget_is_back() -> None:
    channel = Pages()
    account = ChannelAccount(waits_until=START + timedelta(hours=1), waits_for="Too many calls.")
    found = account_followers(services(channel), account, 9)
    assert channel.asked == [] and found.count is None
    assert found.problem.endswith("Too many calls.")
