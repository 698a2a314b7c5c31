"""`make chaos`: what becomes of many due posts while everything around them fails.

500 posts (every tenth a thread of two parts) of ten accounts are due at once on a real Bluesky
network behind a proxy that cuts, delays, doubles and resets. Meanwhile workers and the clock are
killed, PostgreSQL crashes and Valkey forgets its queue. Then the proxy calms down, and what is live
on the network is counted and compared with what Humas says of each item. The baseline, a table of
what is sent, RQ with retries and a sweep, meets the same storm in the same run.

Nothing fails on a time. The status is 1 when Humas doubled or lost a post, or has an item whose
state does not say what is true of it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import redis as redislib
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from embedded.supervisor import EmbeddedServices
from storage.database import psycopg_url
from storage.queue import connect
from tests.bench.installation import Installation
from tests.chaos import naive
from tests.chaos.proxy import FaultyProxy
from tests.chaos.storm import Crew, Storm
from tests.live.bluesky_network.network import Account, BlueskyNetwork

console = Console(width=110)

PASSWORD = "a-password-of-this-run"
ACCOUNTS = 10
THREAD_EACH = 10
ROUNDS = 60  # of two minutes by the business clock after the storm
STUCK = 240.0  # seconds without any change after which a run is taken as ended
WAITS_FOR_PERSON = frozenset({"unconfirmed", "in_review"})


@dataclass
class Outcome:
    """What became of the posts of one way."""

    name: str
    parts: int = 0
    live: Counter[str] = field(default_factory=Counter)  # by text, on the network
    expected: set[str] = field(default_factory=set)
    untrue: list[str] = field(default_factory=list)  # what is said of an item and is not so
    states: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    struck: Counter[str] = field(default_factory=Counter)
    fates: dict[str, int] = field(default_factory=dict)

    @property
    def doubled(self) -> list[str]:
        """Texts that are live more than once."""
        return [words for words, times in self.live.items() if times > 1]

    @property
    def missing(self) -> list[str]:
        """Texts that are not live."""
        return sorted(self.expected - self.live.keys())


def posts_of(name: str, count: int) -> list[tuple[str, ...]]:
    """The texts: every tenth post has two parts."""
    return [
        tuple(
            f"{name} {number:04} part {part}"
            for part in range(1 if (number + 1) % THREAD_EACH else 2)
        )
        for number in range(count)
    ]


def live_texts(network: BlueskyNetwork, accounts: Sequence[Account]) -> Counter[str]:
    """How often each text is in the repositories of the accounts, read without the proxy."""
    found: Counter[str] = Counter()
    for account in accounts:
        cursor = ""
        while True:
            answer = httpx.get(
                f"{network.pds_url}/xrpc/com.atproto.repo.listRecords",
                params={
                    "repo": account.did,
                    "collection": "app.bsky.feed.post",
                    "limit": "100",
                    "cursor": cursor,
                },
                timeout=30,
            )
            answer.raise_for_status()
            body = answer.json()
            found.update(record["value"]["text"] for record in body["records"])
            cursor = body.get("cursor", "")
            if not cursor:
                break
    return found


def steady(state: Callable[[], object], done: Callable[[], bool]) -> None:
    """Wait until it is done, or until nothing has changed for a long time."""
    last, news = state(), time.monotonic()
    while not done() and time.monotonic() - news < STUCK:
        time.sleep(1.0)
        now = state()
        if now != last:
            last, news = now, time.monotonic()


class Humas:
    """The posts in Humas, and what it says of them."""

    def __init__(self, here: Installation, posts: list[tuple[str, ...]]) -> None:
        self.here = here
        self.posts = posts
        self._last: dict[str, int] = {}

    def states(self) -> dict[str, int]:
        """Number of posts by state; the last known while the database is away."""
        try:
            self._last = self.here.office.states()
        except OperationalError:
            self.here.database.engine.dispose()
        return self._last

    def share(self) -> float:
        """The share of the posts that left."""
        return self.states().get("published", 0) / len(self.posts)

    def settled(self) -> bool:
        """Whether each post is out or waits for a person."""
        states = self.states()
        return sum(states.values()) > 0 and not states.keys() - WAITS_FOR_PERSON - {"published"}

    def see_out(self, crew: Crew) -> None:
        """After the storm: let what waits for its next try or look come to it."""
        for _ in range(ROUNDS):
            if self.settled():
                return
            time.sleep(6)
            crew.mend()
            self.here.clock.advance_to(self.here.clock.now() + timedelta(minutes=2))

    def check(self, outcome: Outcome) -> None:
        """Compare what it says of each part with what is live."""
        query = text(
            "select v.payload #>> array['segments', s.ordinal::text, 'text'], s.state, a.state "
            "from segments s join actions a on a.id = s.action_id "
            "and a.version = s.version join action_versions v on v.action_id = a.id "
            "and v.version = a.version"
        )
        with self.here.database.system() as session:
            rows = session.execute(query).all()
        told = {words: (part, item) for words, part, item in rows}
        for words in sorted(outcome.expected):
            part, item = told.get(words, ("no row", "no item"))
            live, person = outcome.live[words] > 0, item in WAITS_FOR_PERSON
            if live and part != "sent" and not person:
                outcome.untrue.append(f"{words!r} is there, and Humas says {item} ({part})")
            if not live and (part == "sent" or item == "published"):
                outcome.untrue.append(f"{words!r} is said to be published and is not there")
            elif not live and not person:
                outcome.untrue.append(f"{words!r} is not there and nobody is asked: {item}")


def run_humas(
    network: BlueskyNetwork, embedded: EmbeddedServices, folder: Path, count: int, plan: Plan
) -> Outcome:
    """Humas in the storm."""
    accounts = make_accounts(network, "humas")
    logins = [(account.handle, PASSWORD) for account in accounts]
    with FaultyProxy(network.pds_url, plan.seed) as proxy, ExitStack() as stack:
        here = Installation(folder, embedded, proxy.url, "bluesky", logins)
        stack.callback(here.close)
        humas = Humas(here, posts_of("humas", count))
        now = here.clock.now()
        slot = now + timedelta(hours=1)
        here.sleep_threads(here.office.approved_posts(humas.posts, slot, now))
        outcome = Outcome("Humas", expected={part for post in humas.posts for part in post})
        crew = Crew(
            [[sys.executable, "-m", "cli", "worker", "publishing"]] * plan.workers
            + [[sys.executable, "-m", "cli", "clock"]],
            here.env,
        )
        with crew:
            here.clock.advance_to(slot - timedelta(seconds=5))
            proxy.tell("storm")
            began = time.monotonic()
            with plan.storm(crew, embedded, here.redis, humas.share) as storm:
                steady(humas.states, lambda: humas.share() >= plan.until or humas.settled())
            outcome.fates = proxy.tell("calm")
            outcome.struck = storm.struck
            crew.mend()
            console.print(f"the storm is over: {humas.states()}")
            humas.see_out(crew)
            outcome.seconds = time.monotonic() - began
        outcome.states = humas.states()
        outcome.live = live_texts(network, accounts)
        humas.check(outcome)
    return outcome


def run_naive(
    network: BlueskyNetwork, embedded: EmbeddedServices, count: int, plan: Plan
) -> Outcome:
    """The baseline in the same storm."""
    accounts = make_accounts(network, "naive")
    url = embedded.create_database("naive")
    texts = [f"naive {number:04}" for number in range(count)]
    queue = connect(embedded.urls.redis_url)
    queue.flushall()
    with FaultyProxy(network.pds_url, plan.seed) as proxy:
        naive.create(
            url,
            [
                (number, proxy.url, accounts[number % ACCOUNTS].handle, PASSWORD, words)
                for number, words in enumerate(texts)
            ],
        )
        last = [0]

        def sent() -> int:
            try:
                with psycopg.connect(psycopg_url(url), connect_timeout=5) as connection:
                    found = connection.execute("select count(*) from naive_posts where sent")
                    last[0] = int(found.fetchall()[0][0])
            except psycopg.OperationalError:
                pass  # PostgreSQL is away for a moment: what was known last counts
            return last[0]

        outcome = Outcome("naive send and retry", expected=set(texts))
        env = {"NAIVE_DATABASE": psycopg_url(url), "NAIVE_QUEUE": embedded.urls.redis_url}
        crew = Crew(
            [[sys.executable, "-m", "tests.chaos.naive", "work"]] * plan.workers
            + [[sys.executable, "-m", "tests.chaos.naive", "sweep"]],
            env,
        )
        with crew:
            proxy.tell("storm")
            began = time.monotonic()
            with plan.storm(crew, embedded, queue, lambda: sent() / count) as storm:
                steady(sent, lambda: sent() >= plan.until * count)
            outcome.fates = proxy.tell("calm")
            outcome.struck = storm.struck
            crew.mend()
            steady(sent, lambda: sent() == count)
            outcome.seconds = time.monotonic() - began
        outcome.states = {"sent": sent(), "not sent": count - sent()}
        outcome.live = live_texts(network, accounts)
    queue.close()
    return outcome


@dataclass(frozen=True)
class Plan:
    """How hard and how long it storms."""

    workers: int
    seed: int
    pause: float = 3.0
    until: float = 0.97  # of the posts are out; what waits for its next try does not hold it up

    def storm(
        self,
        crew: Crew,
        embedded: EmbeddedServices,
        queue: redislib.Redis,
        done: Callable[[], float],
    ) -> Storm:
        """The storm over a crew."""
        return Storm(crew, embedded, queue, done, pause=self.pause, seed=self.seed)


def make_accounts(network: BlueskyNetwork, name: str) -> list[Account]:
    """Accounts on the network."""
    return [network.create_account(f"{name}-{n}.test", PASSWORD) for n in range(ACCOUNTS)]


def show(outcomes: Sequence[Outcome]) -> None:
    """The table, and what struck each way."""
    table = Table(title="Posts on a real Bluesky network in a storm")
    table.add_column("")
    for outcome in outcomes:
        table.add_column(outcome.name, justify="right")
    rows: list[tuple[str, Callable[[Outcome], object]]] = [
        ("parts approved", lambda o: len(o.expected)),
        ("live on the network", lambda o: sum(o.live.values())),
        ("doubled", lambda o: len(o.doubled)),
        ("not live", lambda o: len(o.missing)),
        ("said otherwise than it is", lambda o: len(o.untrue)),
        ("states at the end", lambda o: ", ".join(f"{n} {s}" for s, n in sorted(o.states.items()))),
        ("seconds", lambda o: f"{o.seconds:.0f}"),
    ]
    struck = sorted({name for outcome in outcomes for name in outcome.struck})
    rows += [(name, lambda o, name=name: o.struck[name]) for name in struck]  # type: ignore[misc]
    fates = sorted({name for outcome in outcomes for name in outcome.fates})
    rows += [(f"requests: {n}", lambda o, n=n: o.fates.get(n, 0)) for n in fates]  # type: ignore[misc]
    for name, value in rows:
        table.add_row(name, *[str(value(outcome)) for outcome in outcomes])
    console.print(table)
    for outcome in outcomes:
        for line in (*outcome.untrue[:10], *(f"doubled: {d}" for d in outcome.doubled[:3])):
            console.print(f"{outcome.name}: {line}")


def faults(outcome: Outcome) -> list[str]:
    """What must not be: posts doubled, or items of which something untrue is said."""
    return [*(f"{words!r} is live more than once" for words in outcome.doubled), *outcome.untrue]


def main() -> int:
    """Run both ways and print the table.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run")
    parser.add_argument("-n", type=int, default=500, help="posts (default 500)")
    parser.add_argument("--workers", type=int, default=4, help="worker processes (default 4)")
    parser.add_argument("--seed", type=int, default=20261122, help="of what is left to chance")
    parser.add_argument("--no-baseline", action="store_true", help="leave the baseline out")
    given = parser.parse_args()
    plan = Plan(given.workers, given.seed)
    with tempfile.TemporaryDirectory(prefix="humas-chaos-") as name, BlueskyNetwork() as network:
        folder = Path(name)
        embedded = EmbeddedServices(folder / "home", durable=True)
        embedded.ensure()
        try:
            outcomes = [run_humas(network, embedded, folder, given.n, plan)]
            if not given.no_baseline:
                outcomes.append(run_naive(network, embedded, given.n, plan))
        finally:
            embedded.destroy()
    show(outcomes)
    wrong = faults(outcomes[0])
    return 1 if wrong else 0


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    sys.exit(main())
