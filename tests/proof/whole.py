"""`make proof`: the whole proof of delivery, in several processes with a database each.

It prints how often each crash point met each fate of a request, what was violated, and after how
many histories each seeded bug was caught. The status is 1 when anything is violated, a pair was hit
too seldom, or a seeded bug got through.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from embedded.supervisor import EmbeddedServices
from storage.database import migrate
from tests.proof import run
from tests.proof.faults import POINTS, Fate
from tests.proof.machine import walk
from tests.proof.mutants import MUTANTS
from tests.proof.world import Plant

console = Console(width=110)

HISTORIES = 1000
WALKS = 120  # random walks per process, of up to 25 steps each


@dataclass(frozen=True)
class Share:
    """What one process does."""

    url: str
    number: int
    of: int
    seed: int


@dataclass(frozen=True)
class Catch:
    """What became of a seeded bug."""

    name: str
    histories: int
    violation: str  # the first, empty when it got through


def prove(share: Share) -> run.Result:
    """A process's share of the directed histories, then random walks."""
    quieten()
    plant = Plant(share.url)
    result = run.run(plant, share=share.number, of=share.of, seed=share.seed)
    began = time.monotonic()
    try:
        walk(plant, WALKS, seed=share.seed * share.of + share.number)
    except AssertionError as violation:
        result.violations.append(str(violation))
    result.seconds += time.monotonic() - began
    plant.close()
    return result


def hunt(url: str, number: int) -> Catch:
    """Directed histories with a seeded bug until one is violated."""
    quieten()
    mutant = MUTANTS[number]
    plant = Plant(url, mutant)
    result = run.run(plant, stop_at=1, enough=1)
    plant.close()
    first = result.violations[0].splitlines()[0] if result.violations else ""
    return Catch(mutant.__name__, result.coverage.histories, first)


def quieten() -> None:
    """Leave out what production logs of the failures that are meant here."""
    logging.disable(logging.CRITICAL)


def show(result: run.Result, catches: list[Catch]) -> list[str]:
    """Print the tables.

    Returns:
        What is wrong.
    """
    coverage = result.coverage
    table = Table(title="How often a crash point met the fate of a request it meets least")
    table.add_column("crash point")
    table.add_column("least", justify="right")
    table.add_column("fate")
    table.add_column("in all", justify="right")
    for point in POINTS:
        fate = min(Fate, key=lambda fate: coverage.pairs[point, fate.value])
        hits = [coverage.pairs[point, fate.value] for fate in Fate]
        table.add_row(point, str(min(hits)), fate.value, str(sum(hits)))
    console.print(table)
    caught = Table(title="Seeded bugs")
    for column in ("bug", "caught after", "by"):
        caught.add_column(column)
    for catch in catches:
        after = f"{catch.histories} histories" if catch.violation else "NOT CAUGHT"
        caught.add_row(catch.name, after, catch.violation)
    console.print(caught)
    lacking = run.missing(coverage, run.ENOUGH)
    console.print(
        f"{coverage.histories} histories, {coverage.steps} steps, {coverage.crashes} crashes, "
        f"{coverage.interleavings} interleavings; {len(POINTS)} crash points x {len(Fate)} fates = "
        f"{len(POINTS) * len(Fate)} pairs, {len(lacking)} of them hit less than {run.ENOUGH} times; "
        f"{len(result.violations)} violations."
    )
    for violation in result.violations[:3]:
        console.print(violation, markup=False, highlight=False)
    wrong = [f"{point} with {fate.value} was hit too seldom" for point, fate in lacking]
    wrong += [violation.splitlines()[0] for violation in result.violations]
    wrong += [f"{catch.name} got through" for catch in catches if not catch.violation]
    if coverage.histories < HISTORIES:
        wrong.append(f"only {coverage.histories} of {HISTORIES} histories were run")
    return wrong


def main() -> int:
    """Run it all.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.proof")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--seed", type=int, default=0, help="of what is left to chance")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="humas-proof-") as name:
        embedded = EmbeddedServices(Path(name) / "home", durable=False)
        embedded.ensure()
        try:
            urls = [embedded.create_database(f"proof_{n}") for n in range(given.workers)]
            bugs = [embedded.create_database(f"bug_{n}") for n in range(len(MUTANTS))]
            for url in (*urls, *bugs):
                migrate(url)
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(given.workers, mp_context=context) as pool:
                hunts = [pool.submit(hunt, url, number) for number, url in enumerate(bugs)]
                shares = [
                    pool.submit(prove, Share(url, number, given.workers, given.seed))
                    for number, url in enumerate(urls)
                ]
                catches = [hunt.result() for hunt in hunts]
                whole = run.Result()
                for share in shares:
                    part = share.result()
                    whole.coverage.add(part.coverage)
                    whole.violations += part.violations
        finally:
            embedded.destroy()
    wrong = show(whole, catches)
    console.print(f"{time.monotonic() - began:.0f} seconds")
    for line in wrong:
        console.print(f"[red]{line}[/red]", highlight=False)
    return 1 if wrong else 0
