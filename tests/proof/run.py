"""The whole proof: every pair of crash point and fate often enough, every race, random walks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from random import Random

from tests.proof import directed
from tests.proof.checker import failures
from tests.proof.faults import POINTS, Coverage, Fate
from tests.proof.world import Plant, World

FAMILIES = (  # in a chain at most one point of each, in the order in which an item meets them
    ("decision",),
    ("schedule",),
    ("claim",),
    ("tokens", "login"),
    ("budget",),
    ("send:before",),
    ("send:after", "answer", "record"),
    ("settle-read",),
    ("reconcile",),
    ("settled",),
)
ENOUGH = 10
_SEEDS = 10_000


@dataclass
class Result:
    """What a run found."""

    coverage: Coverage = field(default_factory=Coverage)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def note(self, world: World) -> None:
        """Keep the history if something is wrong with it."""
        if world.problems:
            self.violations.append(failures(world))


def missing(coverage: Coverage, enough: int) -> list[tuple[str, Fate]]:
    """Pairs that were not hit often enough."""
    return [(p, f) for p in POINTS for f in Fate if coverage.pairs[p, f.value] < enough]


def table(plant: Plant, share: int, of: int, seed: int) -> list[Callable[[], World]]:
    """This process's share of the table: each pair by itself, each race with each script."""
    random = Random(seed)
    jobs: list[Callable[[], World]] = [
        partial(directed.crash, plant, point, fate, random.randrange(_SEEDS))
        for point, fate in product(POINTS, Fate)
    ]
    jobs += [
        partial(directed.race, plant, point, script, fate, random.randrange(_SEEDS))
        for point, script, fate in product(directed.RACES, directed.SCRIPTS, Fate)
    ]
    random.shuffle(jobs)
    return jobs[share::of]


def chains(plant: Plant, enough: int, random: Random) -> Iterator[Callable[[], World]]:
    """Chains of the points that were hit least, until all pairs were hit often enough."""
    seed = random.randrange(1000)
    for _ in range(60):  # rounds; each adds at least one to most pairs
        lacking = missing(plant.coverage, enough)
        if not lacking:
            return
        for fate in {f: None for p, f in lacking if not p.startswith("look")}:
            seed += 1
            yield partial(_chain, plant, fate, seed, enough)
        for point, fate in missing(plant.coverage, enough):
            if point.startswith("look"):
                seed += 1
                yield partial(directed.crash, plant, point, fate, seed)


def _chain(plant: Plant, fate: Fate, seed: int, enough: int) -> World:
    """A chain of the points that were hit least with a fate."""
    hits = plant.coverage.pairs
    random = Random(seed)
    chosen: list[str] = []
    for family in FAMILIES:
        points = [p for p in POINTS if p.startswith(family) and hits[p, fate.value] < enough]
        random.shuffle(points)
        points.sort(key=lambda p: hits[p, fate.value])
        if family[0] == "tokens":  # only Bluesky has them, so every other chain goes without
            chosen += points[: 3 * (seed % 2)]
        else:
            chosen += points[:1]
    if fate is Fate.STALE_TOKEN and any(p.startswith(("tokens", "login")) for p in chosen):
        chosen = [p for p in chosen if not p.startswith(directed.AFTER_ANSWER)]
    return directed.chain(plant, tuple(chosen), fate, seed)


def run(
    plant: Plant,
    *,
    share: int = 0,
    of: int = 1,
    seed: int = 0,
    enough: int = ENOUGH,
    stop_at: int | None = None,
    seconds: float = 1e9,
) -> Result:
    """This process's share of the directed histories.

    Args:
        plant: where they run.
        share: number of this process, from 0.
        of: how many processes share the work.
        seed: of what is left to chance.
        enough: how often each pair is to be hit, over all processes.
        stop_at: end after so many violations.
        seconds: end after so long, whatever is left.
    """
    began = time.monotonic()
    result = Result(plant.coverage)

    def over() -> bool:
        enough_found = stop_at is not None and len(result.violations) >= stop_at
        return enough_found or time.monotonic() - began > seconds

    def jobs() -> Iterator[Callable[[], World]]:
        yield from table(plant, share, of, seed)
        yield from chains(plant, -(-enough // of), Random(seed * of + share))

    for job in jobs():
        if over():
            break
        result.note(job())
    result.seconds = time.monotonic() - began
    return result
