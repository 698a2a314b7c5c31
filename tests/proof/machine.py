"""Random walks: several accounts and items, faults, crashes, races and people in any order."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from domain.action import ActionKind, ActionState
from domain.approval import Verb
from tests.proof import known, people
from tests.proof.checker import check, failures, quiet
from tests.proof.directed import BEFORE_SEND, PAUSING, RACES, SCRIPTS
from tests.proof.faults import NEEDS_KEY, POINTS, Fate
from tests.proof.plain import KINDS, PLAIN
from tests.proof.world import Plant, World

NUMBERS = st.integers(0, 7)
WORKERS = st.sampled_from("AB")
PAUSES = st.sampled_from((1, 10, 31, 65, 100, 310, 3700, 7300))


class DeliveryMachine(RuleBasedStateMachine):
    """Bound to a plant by `walk`."""

    plant: Plant

    @initialize(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    def begin(self, kinds: list[str]) -> None:
        self.world = World(self.plant, tuple(kinds))
        self.count = 0
        for _ in kinds:
            self.compose(account=self.count, parts=1 + self.count, approved=True)

    def account(self, number: int) -> str:
        accounts = self.world.accounts
        return accounts[number % len(accounts)]

    def item(self, number: int) -> str:
        return self.world.items[number % len(self.world.items)]

    @rule(account=NUMBERS, parts=st.integers(1, 4), approved=st.booleans())
    def compose(self, account: int, parts: int, approved: bool) -> None:
        self.count += 1
        texts = tuple(f"kiriman {self.count} bagian {n}" for n in range(parts))
        item = people.compose(self.world, self.account(account), texts)
        if approved:
            people.approve(self.world, item)

    @rule(account=NUMBERS)
    def like(self, account: int) -> None:
        item = people.act(self.world, self.account(account))
        if item is not None:
            people.approve(self.world, item)

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        of = self.item(number)
        action = self.world.row(of)
        if action.state == ActionState.PUBLISHED and action.kind == ActionKind.POST:
            item = people.act(self.world, action.account_id, of)
            if item is not None:
                people.approve(self.world, item)

    @rule(number=NUMBERS, accept=st.booleans())
    def approve(self, number: int, accept: bool) -> None:
        people.approve(self.world, self.item(number), accept=accept)

    @rule(number=NUMBERS, parts=st.integers(1, 3))
    def edit(self, number: int, parts: int) -> None:
        self.count += 1
        item = self.item(number)
        if self.world.row(item).kind == ActionKind.POST:
            people.edit(self.world, item, tuple(f"ubah {self.count} {n}" for n in range(parts)))

    @rule(
        number=NUMBERS,
        verb=st.sampled_from((Verb.HOLD, Verb.RELEASE, Verb.RETRY, Verb.REJECT, Verb.REOPEN)),
    )
    def decide(self, number: int, verb: Verb) -> None:
        people.decide(self.world, self.item(number), verb)

    @rule(number=NUMBERS, knows=st.booleans())
    def settle_by_hand(self, number: int, knows: bool) -> None:
        item = self.item(number)
        if knows:
            people.look_and_settle(self.world, item)
        elif self.world.row(item).state == ActionState.UNCONFIRMED:
            people.give_up(self.world, item)

    @rule(account=NUMBERS, fates=st.lists(st.sampled_from(list(Fate)), min_size=1, max_size=4))
    def trouble(self, account: int, fates: list[Fate]) -> None:
        where = self.account(account)
        plain = self.world.kinds[where] in PLAIN
        self.world.fates(where, *[f for f in fates if not (plain and f in NEEDS_KEY)])

    @rule(account=NUMBERS, down=st.booleans(), spent=st.integers(0, 1))
    def reading(self, account: int, down: bool, spent: int) -> None:
        link = self.world.link(self.account(account))
        link.down, link.spent_reads = down, spent

    @rule(point=st.sampled_from(POINTS), skip=st.integers(0, 2))
    def crash(self, point: str, skip: int) -> None:
        self.world.arm(point, skip=skip)

    @rule(point=st.sampled_from(RACES), script=st.sampled_from(SCRIPTS), number=NUMBERS)
    def race(self, point: str, script: Any, number: int) -> None:
        item = self.item(number)
        plain = any(kind in PLAIN for kind in self.world.kinds.values())
        slow = script in PAUSING and plain
        if slow and point in BEFORE_SEND and not known.SLOW_WITHOUT_KEYS:
            return
        self.world.arm(point, lambda: script(self.world, item))
        self.world.sweep("A")

    @rule(worker=WORKERS)
    def sweep(self, worker: str) -> None:
        self.world.sweep(worker)

    @rule(worker=WORKERS, seconds=PAUSES)
    def later(self, worker: str, seconds: float) -> None:
        self.world.pass_time(seconds)
        self.world.sweep(worker)

    @rule(on=st.booleans())
    def stop(self, on: bool) -> None:
        self.world.stop(on=on)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            quiet(self.world)
            check(self.world)
            assert not self.world.problems, failures(self.world)


def walk(plant: Plant, examples: int, *, steps: int = 25, seed: int | None = None) -> None:
    """Walk at random; a violation fails with its history. Without a seed always the same walks."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=seed is None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    made: Any = type("Bound", (DeliveryMachine,), {"plant": plant})
    if seed is not None:
        from hypothesis import seed as seeded

        made = seeded(seed)(made)
    run_state_machine_as_test(made, settings=chosen)
