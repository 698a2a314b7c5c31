"""Histories from a table: every crash point with every fate, and every race with every script.

Each is one item on one platform; a seed decides the rest (platform, parts, which request is hit,
what people do meanwhile, how time passes).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from domain.action import ActionState
from domain.approval import Verb
from tests.proof import known, people
from tests.proof.checker import check, quiet
from tests.proof.faults import NEEDS_KEY, UNCLEAR, Fate
from tests.proof.plain import KINDS, PLAIN
from tests.proof.world import Plant, World

AFTER_REQUEST = ("send:after", "answer:died", "record")  # reached once for each request
WHILE_SETTLING = ("settle-read", "settled", "reconcile:died")
AFTER_ANSWER = ("answer", "record", "settle", "reconcile", "look")
PAUSES = (1, 31, 65, 100, 310)


def kinds_for(point: str, fate: Fate) -> tuple[str, ...]:
    """The platforms on which a pair can happen."""
    if point.startswith(("tokens", "login")):
        return ("bluesky",)
    if fate in NEEDS_KEY:
        return ("bluesky", "mastodon")
    if fate is Fate.STALE_TOKEN and point.startswith(AFTER_ANSWER):
        return ("mastodon", "plain")  # Bluesky refreshes and sends again within the same call
    if point.startswith(("look", "reconcile", "settled")):
        return ("bluesky", "mastodon", "plain")
    return KINDS


def crash(plant: Plant, point: str, fate: Fate, seed: int) -> World:
    """One history with a crash at a point around a request with a fate, run and checked."""
    random = Random(f"{point}|{fate.value}|{seed}")
    kinds = kinds_for(point, fate)
    world = World(plant, (kinds[seed % len(kinds)],))
    account = world.accounts[0]
    parts = 1 + seed % 3
    item = people.compose(world, account, tuple(f"bagian {n} {seed}" for n in range(parts)))
    after = point.startswith(AFTER_REQUEST)
    settling = point.startswith(WHILE_SETTLING)
    late = point.startswith("decision") and seed // 12 % 2 == 1
    look = point.startswith("look")
    first = random.randrange(parts) if after or settling or late or look else 0
    if point.startswith("decision") and not late:
        world.arm(point)
    people.approve(world, item)
    if world.row(item).state == ActionState.IN_REVIEW:
        people.approve(world, item)
    world.fates(account, *[Fate.ANSWERED] * first, fate)
    world.link(account).delay = _delay(random)
    if (settling or late or look) and fate not in UNCLEAR:
        world.arm("send:after", skip=first)
    if point.startswith("budget") and not (fate is Fate.BUDGET_SPENT and seed // 12 % 2):
        world.link(account).spent_reads = 1
    if look or late:
        _until_given_up(world, item, point, settle=late)
    elif not point.startswith("decision"):
        world.arm(point, skip=first if after else 0)
    _until_hit(world)
    _live_on(world, item, random)
    quiet(world)
    check(world)
    return world


def chain(plant: Plant, points: tuple[str, ...], fate: Fate, seed: int) -> World:
    """One history in which one item meets a crash at each of several points, one after the other."""
    random = Random(f"{points}|{fate.value}|{seed}")
    kinds = set(kinds_for("", fate))
    for point in points:
        kinds &= set(kinds_for(point, fate))
    kind = sorted(kinds)[seed % len(kinds)]
    world = World(plant, (kind,))
    account = world.accounts[0]
    item = people.compose(world, account, tuple(f"bagian {n}" for n in range(2 + seed // 4 % 2)))
    for point in points:
        world.arm(point, late=point.startswith(AFTER_REQUEST + WHILE_SETTLING))
    hit = [point for point in points if point.startswith(AFTER_REQUEST)]
    settling = [point for point in points if point.startswith(WHILE_SETTLING)]
    if settling and fate not in UNCLEAR and "send:after" not in hit:
        # The second request is the one that leaves something to settle.
        world.arm("send:after", skip=1 if hit else 0)
    for _ in range(4):
        if world.row(item).state == ActionState.IN_REVIEW:
            people.approve(world, item)
    world.fates(account, fate, fate)
    link = world.link(account)
    link.delay = _delay(random)
    link.spent_reads = sum(point.startswith("budget") for point in points)
    _until_hit(world, 14)
    _live_on(world, item, random)
    quiet(world)
    check(world)
    return world


def _until_hit(world: World, turns: int = 6) -> None:
    """Workers work until the request that was meant has met its fate, and the point was reached."""
    link = world.link(world.accounts[0])
    for turn in range(turns):
        world.sweep("AB"[turn % 2])
        if not link.fates and not world.points.armed:
            return
        for item, action in world.rows().items():
            if action.state == ActionState.FAILED and turn < turns // 2:
                people.decide(world, item, Verb.RETRY)
                people.approve(world, item)
        world.pass_time(100 if turn < 2 else 310)


def _delay(random: Random) -> timedelta:
    return timedelta(seconds=random.choice((5, 40, 80)))


def _until_given_up(world: World, item: str, point: str, *, settle: bool) -> None:
    """Nothing can be read until a person decides what became of the item."""
    link = world.link(world.accounts[0])
    for _ in range(12):
        world.sweep("A")
        if world.row(item).state == ActionState.UNCONFIRMED:
            break
        link.down = not link.fates and not link.spent_reads
        world.pass_time(100)
    if world.row(item).state != ActionState.UNCONFIRMED:
        return
    world.pass_time(100)
    if settle:
        world.arm(point)
        people.look_and_settle(world, item)
        link.down = False
        return
    people.give_up(world, item)
    people.decide(world, item, Verb.RETRY)
    people.approve(world, item)
    link.down = False
    world.arm(point)
    world.sweep("B")
    world.sweep("B")


def _live_on(world: World, item: str, random: Random) -> None:
    """Workers work, time passes, and sometimes people do something."""
    for _ in range(random.randint(3, 5)):
        world.sweep(random.choice("AB"))
        if random.random() < 0.15:
            verb = random.choice((Verb.HOLD, Verb.RELEASE, Verb.RETRY))
            people.decide(world, item, verb)
        elif random.random() < 0.15:
            people.edit(world, item, (f"lain {random.random()}",))
        if random.random() < 0.3 and world.row(item).state == ActionState.IN_REVIEW:
            people.approve(world, item)
        world.pass_time(random.choice(PAUSES))
    action = world.row(item)
    if action.state == ActionState.ON_HOLD:
        people.decide(world, item, Verb.RELEASE)
    if action.state == ActionState.IN_REVIEW:
        people.approve(world, item)


# -- races ---------------------------------------------------------------------------------------

Script = Callable[[World, str], None]


def other_worker(world: World, item: str) -> None:
    """A second worker takes the same item."""
    world.deliver("B", item)
    world.settle("B", item)


def lease_over(world: World, item: str) -> None:
    """The first worker is so slow that its lease is over; a second one takes up the item."""
    world.pass_time(100)
    world.deliver("B", item)
    world.settle("B", item)
    world.pass_time(31)
    world.deliver("B", item)


def edited(world: World, item: str) -> None:
    """A person changes the words, approves them, and a second worker goes on."""
    people.edit(world, item, ("kata lain",))
    people.approve(world, item)
    world.sweep("B")
    world.sweep("B")


def lease_over_edited(world: World, item: str) -> None:
    """The lease is over, the item is settled, and then a person changes the words."""
    world.pass_time(100)
    world.deliver("B", item)
    world.settle("B", item)
    edited(world, item)


def held(world: World, item: str) -> None:
    """A person holds it."""
    people.decide(world, item, Verb.HOLD)


def stopped(world: World, item: str) -> None:
    """Somebody uses the stop switch."""
    del item
    world.stop(on=True)


def given_up(world: World, item: str) -> None:
    """The lease is over, a person gives up and has it sent again."""
    world.pass_time(100)
    world.deliver("B", item)
    people.give_up(world, item)
    people.decide(world, item, Verb.RETRY)
    people.approve(world, item)
    world.sweep("B")
    world.sweep("B")


SCRIPTS: tuple[Script, ...] = (
    other_worker,
    lease_over,
    edited,
    lease_over_edited,
    held,
    stopped,
    given_up,
)
RACES = (
    "claim:done",
    "tokens:done",
    "send:before",
    "send:after",
    "answer:died",
    "record:done",
    "settle-read:done",
    "reconcile:died",
    "settled:done",
)
UNTROUBLED = (Fate.LIMITED, Fate.DROPPED, Fate.LOST_ANSWER, Fate.REFUSED, Fate.UNREACHABLE)
PAUSING = frozenset({lease_over, lease_over_edited, given_up})
BEFORE_SEND = ("claim:done", "tokens:done", "send:before")


def race(plant: Plant, point: str, script: Script, fate: Fate, seed: int) -> World:
    """One history in which others act while a worker stands at a point."""
    random = Random(f"{point}|{script.__name__}|{fate.value}|{seed}")
    kinds = kinds_for(point, fate)
    slow = script in PAUSING and (point in BEFORE_SEND or fate is Fate.DELAYED)
    if slow and not known.SLOW_WITHOUT_KEYS:
        kinds = tuple(kind for kind in kinds if kind not in PLAIN)
    world = World(plant, (kinds[seed % len(kinds)],))
    account = world.accounts[0]
    item = people.compose(world, account, tuple(f"bagian {n}" for n in range(1 + seed // 4 % 2)))
    people.approve(world, item)
    world.schedule("A", item)
    world.link(account).delay = _delay(random)
    world.fates(account, fate, random.choice((Fate.ANSWERED, *UNTROUBLED)))
    world.arm(point, lambda: script(world, item), skip=random.randint(0, 1))
    world.deliver("A", item)
    if point.startswith(("settle", "reconcile")):
        world.pass_time(100)
        world.deliver("A", item)
        world.settle("A", item)
    if world.stopped:
        world.stop(on=False)
    _live_on(world, item, random)
    quiet(world)
    check(world)
    return world
