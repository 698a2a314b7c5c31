"""`make bench-due`: how late posts leave that are all due at one instant.

So many posts (1,000) are due at the same instant on an instance that answers in 50 ms, with two
publishing workers and a clock, all of them started as `humas worker` and `humas clock` start them.
Lateness is the arrival of a post's publishing request at the instance minus its due instant. It is
compared with

- ideal: as many workers, 50 ms a post, and no other cost: post k leaves at floor(k / workers) * 50 ms;
- plain RQ: as many SimpleWorkers whose jobs do nothing but the HTTP call, the queue filled before
  they are let go: what any queue costs.

Nothing fails on a time. The status is 1 when a post is missing at the instance or there twice.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import redis as redislib
from rich.console import Console
from rich.table import Table
from rq import Queue

from config.clock import ShiftedClock
from embedded.supervisor import EmbeddedServices
from net.client import HttpClient
from net.guard import AddressGuard
from storage.queue import connect
from tests.bench.installation import Installation, processes
from tests.bench.instance import Instance
from tests.waiting import wait_until

console = Console(width=110)

DELAY = 0.05  # seconds that the instance takes for an answer
PLAIN = "tests.bench.due.plain_call"
WARM = 8  # posts before the measured ones, so that imports and first connections are not counted
AHEAD = 3.0  # seconds between the moving of the clock and the due instant
STUCK = 90.0  # seconds without a further post after which the run is given up


@dataclass
class Run:
    """What one way of sending measured."""

    name: str
    lateness: list[float] = field(default_factory=list)  # seconds, in order of arrival
    note: str = ""


def lateness_of(posts: Sequence[tuple[str, float]], due: float) -> list[float]:
    """Seconds from the due instant to the arrival of each post."""
    return sorted(arrived - due for _, arrived in posts)


def ideal(count: int, workers: int) -> Run:
    """As many workers, the instance's delay, and nothing else."""
    return Run("ideal", [number // workers * DELAY for number in range(count)])


def wait_for_posts(instance: Instance, count: int) -> None:
    """Wait until so many posts have arrived, or until no more come."""
    last, news = -1, time.monotonic()
    while time.monotonic() - news < STUCK:
        now = len(instance.seen().posts)
        if now >= count:
            return
        if now != last:
            last, news = now, time.monotonic()
        time.sleep(0.25)


def run_humas(here: Installation, instance: Instance, count: int, workers: int) -> tuple[Run, int]:
    """Prepare the posts, let them become due, and see them out.

    Returns:
        What was measured, and how many posts are missing or doubled.
    """
    now = here.clock.now()
    slots = {"warm": now + timedelta(days=1), "post": now + timedelta(days=1, hours=1)}
    texts = {
        "warm": [f"warm {number}" for number in range(WARM)],
        "post": [f"post {number}" for number in range(count)],
    }
    started = time.monotonic()
    ids = [
        thread_id
        for name, slot in slots.items()
        for thread_id in here.office.approved_posts(texts[name], slot, now)
    ]
    stored = time.monotonic() - started
    here.sleep_threads(ids)
    slept = time.monotonic() - started - stored
    total = len(ids)
    console.print(
        f"prepared {total} posts: rows {stored:.1f} s, threads into LangGraph {slept:.1f} s "
        f"({slept / total * 1000:.0f} ms each)"
    )
    publishing = ["publishing"] * workers
    with processes(here.env, ("cli", "worker", *publishing), ("cli", "clock")):
        here.clock.advance_to(slots["warm"])
        wait_for_posts(instance, WARM)
        wait_until(lambda: here.office.states().get("published", 0) >= WARM, 60, "warm posts out")
        time.sleep(1.0)
        before = dict(instance.seen().others)
        here.clock.advance_to(slots["post"] - timedelta(seconds=AHEAD))
        due = (slots["post"] - here.clock.offset()).timestamp()
        wait_for_posts(instance, total)
        try:
            wait_until(
                lambda: here.office.states().get("published", 0) == total, 60, "all are published"
            )
        except AssertionError as late:
            console.print(f"{late}: {here.office.states()}")
    seen = instance.seen()
    posts = [(words, at) for words, at in seen.posts if words.startswith("post ")]
    run = Run("Humas", lateness_of(posts, due))
    reads = sum(seen.others.values()) - sum(before.values())
    between = here.claim_to_request(dict(posts))
    run.note = f"{reads / max(1, len(posts)):.2f} further calls per post"
    if between:
        console.print(
            "from the attempt's row to its request at the instance: median "
            f"{statistics.median(between) * 1000:.0f} ms; the clock ticks every {here.tick:g} s"
        )
    counts = Counter(words for words, _ in seen.posts)
    wrong = [w for w in (*texts["warm"], *texts["post"]) if counts[w] != 1]
    if wrong:
        console.print(
            f"[red]{len(wrong)} posts are missing or doubled[/red]: {', '.join(wrong[:10])}"
        )
    console.print(f"at the end: {here.office.states()}")
    return run, len(wrong)


_clients: dict[str, HttpClient] = {}


def plain_call(base_url: str, number: int) -> None:
    """The baseline's job: the HTTP call and nothing else."""
    host = base_url.removeprefix("http://")
    if host not in _clients:
        _clients[host] = HttpClient(
            guard=AddressGuard([host]),
            clock=ShiftedClock(Path(os.devnull)).now,
            sleep=time.sleep,
            user_agent="bench",
        )
    _clients[host].request(
        "POST",
        f"{base_url}/api/v1/statuses",
        may_have_effect=True,
        headers={"Idempotency-Key": str(number)},
        json={"status": f"plain {number}"},
    )


def run_plain(env: dict[str, str], instance: Instance, count: int, workers: int) -> Run:
    """SimpleWorkers that take such jobs; the queue is full before they may begin."""
    connection: redislib.Redis = connect(env["HUMAS_REDIS_URL"])
    connection.flushall()
    queue = Queue("plain", connection=connection)
    gate = Queue("gate", connection=connection)
    warm = [queue.enqueue(PLAIN, instance.url, -number - 1) for number in range(WARM)]
    with processes(env, *[("tests.bench.due", "--plain-worker")] * workers):
        wait_until(lambda: all(job.get_status() == "finished" for job in warm), 60, "warm")
        started = time.monotonic()
        data = [
            Queue.prepare_data(PLAIN, args=(instance.url, n), timeout=300) for n in range(count)
        ]
        gate.enqueue_many(data)
        filled = time.monotonic() - started
        jobs = [job_id.encode() for job_id in gate.job_ids]
        with connection.pipeline() as pipeline:  # the list becomes visible at once
            pipeline.rpush(queue.key, *jobs)
            due = time.time()
            pipeline.execute()
        wait_for_posts(instance, len(warm) + count)
    posts = [
        (words, at)
        for words, at in instance.seen().posts
        if words.startswith("plain ") and int(words.split()[1]) >= 0
    ]
    connection.close()
    note = f"filling the queue took {filled:.1f} s, not counted"
    return Run("plain RQ, SimpleWorker", lateness_of(posts, due), note)


def plain_worker() -> None:
    """A process of the baseline."""
    from rq import SimpleWorker

    connection = connect(os.environ["HUMAS_REDIS_URL"])
    SimpleWorker([Queue("plain", connection=connection)], connection=connection).work(
        logging_level="WARNING"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the sorted values does not exceed."""
    return values[min(len(values) - 1, int(len(values) * share))]


def show(runs: Sequence[Run], count: int, workers: int) -> None:
    """The table."""
    best = runs[0]
    table = Table(
        title=f"{count} posts due at one instant, {workers} workers, answers in {DELAY * 1000:.0f} ms: "
        "lateness in seconds (ratio to the ideal)"
    )
    for column in ("way", "first", "p50", "p99", "max", "posts/s"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for run in runs:
        cells = []
        for share in (0.5, 0.99, 1.0):
            value, base = percentile(run.lateness, share), percentile(best.lateness, share)
            cells.append(f"{value:.2f} ({value / base:.2f})" if base else f"{value:.2f}")
        span = run.lateness[-1] - run.lateness[0] + DELAY
        rate = f"{len(run.lateness) / span:.1f}"
        table.add_row(run.name, f"{run.lateness[0]:.2f}", *cells, rate)
    console.print(table)
    for run in runs:
        if run.note:
            console.print(f"{run.name}: {run.note}")
    console.print("Trust ratios, not seconds: all processes share this machine.")


def main() -> int:
    """Run all ways and print the table.

    Returns:
        The exit status: 1 when a post is missing or doubled.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-n", type=int, default=1000, help="posts due at once (default 1000)")
    parser.add_argument("--workers", type=int, default=2, help="publishing workers (default 2)")
    parser.add_argument("--plain-worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.plain_worker:
        plain_worker()
        return 0
    with tempfile.TemporaryDirectory(prefix="humas-bench-") as name:
        folder = Path(name)
        embedded = EmbeddedServices(folder / "home", durable=True)
        embedded.ensure()
        try:
            with Instance(DELAY) as instance:
                here = Installation(folder, embedded, instance.url)
                humas, wrong = run_humas(here, instance, given.n, given.workers)
                here.close()
            with Instance(DELAY) as instance:
                plain = run_plain(here.env, instance, given.n, given.workers)
        finally:
            embedded.destroy()
    runs = [ideal(given.n, given.workers), plain, humas]
    show([run for run in runs if run.lateness], given.n, given.workers)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
