"""What can go wrong: the fates of a request, the points where a process can stop, what was hit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class ProcessDied(BaseException):
    """The process is gone: nothing of ours runs on, no handler for errors sees it."""


class Fate(StrEnum):
    """What becomes of one request that has an effect."""

    ANSWERED = "answered"
    BUDGET_SPENT = "answered, budget used up"
    UNREACHABLE = "never left"
    DROPPED = "dropped on the way"
    LOST_ANSWER = "done, answer lost"
    ERROR_DONE = "done, 5xx"
    ERROR_UNDONE = "not done, 5xx"
    DELAYED = "done later, time-out"
    TWICE = "arrives twice"
    TWICE_LATE = "done, lost, arrives again later"
    REFUSED = "listed 4xx, not done"
    ODD_DONE = "unlisted 4xx, done"
    ODD_UNDONE = "unlisted 4xx, not done"
    LIMITED = "429"
    GARBLED = "done, answer unreadable"
    STALE_TOKEN = "token refused"


# After these it is not known whether it was done, so that delivery has to look.
UNCLEAR = frozenset(
    {
        Fate.DROPPED,
        Fate.LOST_ANSWER,
        Fate.ERROR_DONE,
        Fate.ERROR_UNDONE,
        Fate.DELAYED,
        Fate.TWICE_LATE,
        Fate.ODD_DONE,
        Fate.ODD_UNDONE,
        Fate.GARBLED,
    }
)
# No sender can make one post of a request that the network brings twice to a platform without keys.
NEEDS_KEY = frozenset({Fate.TWICE, Fate.TWICE_LATE})

# A commit can be missed in four ways: the process dies or its connection is cut (and it goes on
# with an error), before the commit takes effect or after it (the acknowledgement is lost).
CUTS = ("before/died", "before/cut", "after/died", "after/cut")
COMMITS = ("decision", "schedule", "claim", "tokens", "budget", "record", "settle-read", "settled")
CALLS = ("login:died", "send:before", "send:after", "answer:died", "look:died", "reconcile:died")
POINTS = tuple(f"{name}:{cut}" for name in COMMITS for cut in CUTS) + CALLS


@dataclass
class Coverage:
    """What was really hit, over all histories."""

    histories: int = 0
    steps: int = 0
    crashes: int = 0
    interleavings: int = 0
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)

    def add(self, other: Coverage) -> None:
        """Count another run in."""
        self.histories += other.histories
        self.steps += other.steps
        self.crashes += other.crashes
        self.interleavings += other.interleavings
        self.pairs.update(other.pairs)
        self.fates.update(other.fates)

    def table(self) -> str:
        """Points down, fates across, how often each pair was hit."""
        fates = list(Fate)
        lines = [f"{'crash point':<24}" + "".join(f"{n:>6}" for n in range(1, len(fates) + 1))]
        lines += [
            f"{point:<24}" + "".join(f"{self.pairs[point, fate.value]:>6}" for fate in fates)
            for point in POINTS
        ]
        lines += ["", "fates: " + "; ".join(f"{n} {f.value}" for n, f in enumerate(fates, 1))]
        return "\n".join(lines)


@dataclass
class Trigger:
    """What happens when a point is reached: the process stops there, or others act meanwhile.

    A point of a commit is named without its way of being missed where others act (`claim:done`).
    """

    point: str
    meanwhile: Callable[[], None] | None = None  # None: it crashes
    skip: int = 0  # so many times the point passes unharmed
    late: bool = False  # only once a request has met its fate


class Points:
    """Where the processes of a history stop, and the bookkeeping of pairs."""

    def __init__(self, coverage: Coverage) -> None:
        self.coverage = coverage
        self.armed: list[Trigger] = []
        self.fate_of: dict[str, Fate] = {}  # the last fate of an item's requests
        self._open: dict[str, list[str]] = {}  # crashes before an item's first request
        self.log: list[str] = []

    def take(self, names: tuple[str, ...]) -> Trigger | None:
        """The trigger for one of these names, used up."""
        for trigger in self.armed:
            if trigger.point in names and not (trigger.late and not self.fate_of):
                if trigger.skip:
                    trigger.skip -= 1
                    return None
                self.armed.remove(trigger)
                return trigger
        return None

    def crashed(self, point: str, item: str | None) -> None:
        """Count a crash with the fate of the item's request before it, or of the next one."""
        self.coverage.crashes += 1
        self.log.append(f"crash at {point}")
        if item is None:
            return
        fate = self.fate_of.get(item)
        if fate is None:
            self._open.setdefault(item, []).append(point)
        else:
            self.coverage.pairs[point, fate.value] += 1

    def met(self, item: str, fate: Fate) -> None:
        """A request of the item met its fate."""
        self.log.append(f"{fate.value}: {item[-4:]}")
        self.coverage.fates[fate.value] += 1
        self.fate_of[item] = fate
        for point in self._open.pop(item, []):
            self.coverage.pairs[point, fate.value] += 1
