"""`make bench-spine`: what it costs to run a cycle through workers instead of in one process.

A whole cycle (research, planning, review, publishing, two posts, evaluation) with an instant model
and an instant channel, over real PostgreSQL and Valkey:

- in process: the same runner and graphs, called one step after the other;
- humas worker: one lasting process per queue, watched from outside;
- SimpleWorker: RQ's own lasting worker, one process per queue, that nobody watches;
- fork per job: RQ's worker with a process per job, as Humas ran it in 0.1.

All ways are measured in the same run and in turn: each round runs one cycle of each, starting with
another one each time. Prints medians and ratios; machines are noisy, so nothing here fails on a time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import redis as redislib
from rich.console import Console
from rich.table import Table

from config.clock import ShiftedClock
from config.settings import Settings
from domain.action import ActionState
from domain.approval import Verb
from domain.brand import BrandProfile
from domain.team import Role
from embedded.supervisor import EmbeddedServices
from storage.database import migrate
from storage.queue import QUEUES, JobQueue, connect
from storage.repositories.people import Workspaces
from storage.repositories.threads import Schedule
from storage.secrets import new_key
from storage.tables import new_id
from storage.uow import Database
from tests.fakes import FakeModel, ListWaker, Pump
from tests.spine.answers import set_answers
from tests.spine.processes import Processes
from tests.spine.world import TablePlatform, world_services
from workers.clock import ClockProcess
from workflows.actions import ActionVerbs
from workflows.papers import decide_paper, read_plan
from workflows.services import Services
from workflows.start import start_cycle

console = Console(width=115)

WORKERS = {"worker": "humas worker", "simple": "SimpleWorker", "fork": "fork per job"}


@dataclass
class Result:
    """What one way of running measured."""

    name: str
    cycles: list[float] = field(default_factory=list)  # seconds per whole cycle
    cpu: list[float] = field(default_factory=list)  # seconds of processor in what runs the stages
    steps: int = 0  # super-steps per cycle
    starts: list[float] = field(default_factory=list)  # seconds from enqueue to start
    memory: dict[str, float] = field(default_factory=dict)  # MB


class Bench:
    """One installation, used by one way of running."""

    def __init__(self, folder: Path, embedded: EmbeddedServices, number: int) -> None:
        self.folder = folder
        database_url = embedded.create_database(f"bench_{new_id().replace('-', '')}")
        platform_url = embedded.create_database(f"world_{new_id().replace('-', '')}")
        migrate(database_url)
        TablePlatform(platform_url).create()
        self.clock_file = folder / f"clock-{new_id()}"
        self.env = {
            "HUMAS_DATABASE_URL": database_url,
            "HUMAS_REDIS_URL": f"{embedded.urls.redis_url.removesuffix('0')}{number}",
            "HUMAS_SECRET_KEY": new_key(),
            "HUMAS_UNDO_SECONDS": "0",
            "HUMAS_MEASURE_HOURS": "0",
            "HUMAS_CLOCK_FILE": str(self.clock_file),
            "HUMAS_LOG_LEVEL": "ERROR",
            "SPINE_PLATFORM": platform_url,
            "SPINE_MODEL": "instant",
        }
        os.environ.update(self.env)
        self.platform_url = platform_url
        self.settings = Settings(_env_file=None)
        self.model = FakeModel(set_answers())
        self.queued = world_services(self.settings, platform_url, model=self.model)
        self.number = 0
        with self.queued.database.system() as session:
            self.workspace_id = Workspaces(session).add("bench").id
        with self.queued.database.unit(self.workspace_id) as uow:
            self.owner = uow.people.add("a@example.org", "A", "long enough 1", Role.OWNER)

    def in_process(self) -> tuple[Services, Pump]:
        """The same services with a list as the queue."""
        waker = ListWaker()
        database = Database(self.queued.database.engine, waker)
        services = Services(**{**vars(self.queued), "database": database})
        return services, Pump(services, waker)

    def close(self) -> None:
        """Give its connections back."""
        self.queued.database.engine.dispose()

    def run_cycle(self, services: Services, until: Callable[[Callable[[], bool]], None]) -> float:
        """Start a brand's cycle and see it through; returns seconds."""
        self.number += 1
        workspace = self.workspace_id
        with services.database.unit(workspace) as uow:
            profile = BrandProfile(
                name=f"Brand {self.number}", website="https://kopi.example", posts_per_period=2
            )
            brand = uow.brands.add(profile).id
            account = new_id()
            sealed = services.box.seal("secret", f"channel_accounts:secret:{account}")
            uow.brands.add_account(
                account, brand, "bluesky", "https://x.example", f"b{self.number}", sealed
            )
        clock = services.clock
        assert isinstance(clock, ShiftedClock)
        started = time.perf_counter()
        with services.database.unit(workspace) as uow:
            cycle = start_cycle(uow, clock, self.owner, brand)

        def papers_ready() -> bool:
            with services.database.unit(workspace) as uow:
                plan = uow.cycles.latest_paper(cycle.id, "plan")
                return plan is not None and uow.threads.get(cycle.thread_id).node == "review"

        until(papers_ready)
        with services.database.unit(workspace) as uow:
            for kind in ("dossier", "plan"):
                paper = uow.cycles.latest_paper(cycle.id, kind)
                assert paper is not None
                decide_paper(uow, self.owner, paper.id, Verb.APPROVE, paper.number)

        def in_state(state: ActionState) -> bool:
            with services.database.unit(workspace) as uow:
                actions = uow.actions.find(cycle_id=cycle.id)
                return len(actions) == 2 and all(a.state == state.value for a in actions)

        until(lambda: in_state(ActionState.IN_REVIEW))
        with services.database.unit(workspace) as uow:
            verbs = ActionVerbs(uow, clock, undo_seconds=0)
            for action in uow.actions.find(cycle_id=cycle.id):
                verbs.decide(self.owner, action.id, Verb.APPROVE, 1, no_claim=True)
            plan = uow.cycles.latest_paper(cycle.id, "plan")
            assert plan is not None
            slots = [item.slot.instant for item in read_plan(plan).items]
        until(lambda: in_state(ActionState.SCHEDULED))
        for number, slot in enumerate(slots, start=1):
            clock.advance_to(slot)
            until(partial(self._published, services, cycle.id, number))
        clock.advance_to(cycle.period_end)

        def finished() -> bool:
            with services.database.unit(workspace) as uow:
                return uow.threads.unfinished(brand) == 0

        until(finished)
        return time.perf_counter() - started

    def _published(self, services: Services, cycle_id: str, number: int) -> bool:
        with services.database.unit(self.workspace_id) as uow:
            states = [a.state for a in uow.actions.find(cycle_id=cycle_id)]
        return states.count(ActionState.PUBLISHED.value) >= number


class InProcess:
    """The runner without queue and workers."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.result = Result("in process")
        self._services, self._pump = bench.in_process()

    def cycle(self) -> float:
        """Run one; returns seconds."""
        self._pump.steps.clear()
        seconds = self.bench.run_cycle(self._services, self._until)
        self.result.steps = sum(told.count("->") for told in self._pump.steps)
        return seconds

    def _until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not done():
            self._pump.drain()
            self._pump.tick()
            assert time.monotonic() < deadline, "the cycle does not get on"

    def cpu(self) -> float:
        """Seconds of processor so far."""
        return time.process_time()

    def finish(self) -> None:
        """Nothing more is measured of it."""
        self.bench.close()


class ByWorkers:
    """Cycles through real workers; the bench plays the clock, so that no tick is waited for."""

    def __init__(self, bench: Bench, role: str, name: str) -> None:
        self.bench = bench
        self.result = Result(name)
        self._redis: redislib.Redis = connect(bench.env["HUMAS_REDIS_URL"])
        self._clock = ClockProcess(
            bench.settings, bench.queued.database, JobQueue(self._redis), bench.queued.clock
        )
        self._processes = Processes(bench.env)
        for queues in [(queue,) for queue in QUEUES] if role == "simple" else [tuple(QUEUES)]:
            self._processes.start(role, *queues)

    def cycle(self) -> float:
        """Run one; returns seconds."""
        return self.bench.run_cycle(self.bench.queued, self._until)

    def _until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        woken = 0.0
        while not done():
            if time.monotonic() - woken > 0.05:  # what looks too often takes the processor away
                wake_due(self.bench.queued, self._clock)
                woken = time.monotonic()
            time.sleep(0.008)
            assert time.monotonic() < deadline, "the workers do not get on"

    def cpu(self) -> float:
        """Seconds of processor so far, with that of jobs' processes; 0 where /proc is missing."""
        ticks = 0
        for process in self._processes.running:
            for pid in [process.pid, *self._processes.descendants(process)]:
                stat = Path(f"/proc/{pid}/stat")
                if stat.exists():
                    ticks += sum(map(int, stat.read_text().rpartition(")")[2].split()[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def finish(self) -> None:
        """Measure how soon a job starts and what the idle processes hold, and end them."""
        self.result.starts = idle_to_start(self._redis, 20)
        self.result.memory = memory(self._processes)
        self.stop()

    def stop(self) -> None:
        """End the workers."""
        self._processes.stop()
        self._redis.close()
        self.bench.close()


def wake_due(services: Services, clock: ClockProcess) -> None:
    """What the clock's tick does for due threads, without its pause."""
    with services.database.system() as session:
        due = Schedule(session).due(services.clock.now(), 3600)
    for item in due:
        clock._wake(item)


def idle_to_start(connection: redislib.Redis, times: int) -> list[float]:
    """Seconds from enqueueing a job to its first line, workers idle."""
    queue = JobQueue(connection)
    seconds = []
    for _ in range(times):
        time.sleep(0.1)
        key = f"bench:{new_id()}"
        sent = time.time()
        queue.enqueue("publishing", "tests.bench.spine.note_start", key, job_id=key[6:])
        answer: Any = connection.blpop([key], timeout=20)
        seconds.append(float(answer[1]) - sent)
    return seconds


def note_start(key: str) -> None:
    """The job of `idle_to_start`: says when it began."""
    connect(os.environ["HUMAS_REDIS_URL"]).rpush(key, str(time.time()))


def memory(processes: Processes) -> dict[str, float]:
    """Resident and unique megabytes per idle worker process; empty where /proc is missing."""
    unique, resident = [], []
    for process in processes.running:
        children = processes.descendants(process) or [process.pid]
        for pid in children:
            path = Path(f"/proc/{pid}/smaps_rollup")
            try:
                lines = path.read_text().splitlines()
            except OSError:
                continue
            table = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
            unique.append((int(table["Private_Clean"]) + int(table["Private_Dirty"])) / 1024)
            resident.append(int(table["Rss"]) / 1024)
    if not unique:
        return {}
    return {"unique": statistics.median(unique), "resident": statistics.median(resident)}


def show(results: list[Result]) -> None:
    """The table."""
    base = statistics.median(results[0].cycles)
    steps = results[0].steps
    table = Table(title=f"One cycle, {steps} super-steps; medians of {len(results[0].cycles)} runs")
    for column in (
        "way",
        "cycle s",
        "min-max",
        "ratio",
        "ms/step",
        "added",
        "CPU ms",
        "idle->start ms",
        "unique MB",
        "RSS MB",
    ):
        table.add_column(column, justify="right" if column != "way" else "left", no_wrap=True)
    for result in results:
        cycle = statistics.median(result.cycles)
        start = f"{statistics.median(result.starts) * 1000:.0f}" if result.starts else "-"
        table.add_row(
            result.name,
            f"{cycle:.2f}",
            f"{min(result.cycles):.2f}-{max(result.cycles):.2f}",
            f"{cycle / base:.2f}",
            f"{cycle / steps * 1000:.0f}",
            f"{(cycle - base) / steps * 1000:.0f}",
            f"{statistics.median(result.cpu) / steps * 1000:.0f}" if any(result.cpu) else "-",
            start,
            f"{result.memory['unique']:.0f}" if result.memory else "-",
            f"{result.memory['resident']:.0f}" if result.memory else "-",
        )
    console.print(table)
    console.print(
        "ratio: to the same graphs in process, in the same run. added: ms per super-step above that. "
        "CPU: of the processes that run the stages, per super-step, without the servers. Memory: of one "
        "idle worker. Trust ratios, not seconds."
    )


def measure(ways: Sequence[InProcess | ByWorkers], rounds: int) -> None:
    """Interleaved rounds, so that what else the machine does falls on all ways alike."""
    for way in ways:
        way.cycle()  # warm-up, and waits for the imports
        console.print(f"ready: {way.result.name}")
    for number in range(rounds):
        start = number % len(ways)
        for way in [*ways[start:], *ways[:start]]:
            before = way.cpu()
            way.result.cycles.append(way.cycle())
            way.result.cpu.append(way.cpu() - before)
    for way in ways:
        way.finish()


def main() -> None:
    """Run all ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-n", type=int, default=7, help="counted rounds (default 7)")
    rounds = parser.parse_args().n
    with tempfile.TemporaryDirectory(prefix="humas-bench-") as folder, ExitStack() as opened:
        embedded = EmbeddedServices(Path(folder) / "home", durable=True)
        opened.callback(embedded.destroy)
        embedded.ensure()
        ways: list[InProcess | ByWorkers] = [InProcess(Bench(Path(folder), embedded, 0))]
        for number, (role, name) in enumerate(WORKERS.items(), start=1):
            way = ByWorkers(Bench(Path(folder), embedded, number), role, name)
            opened.callback(way.stop)
            ways.append(way)
        measure(ways, rounds)
        show([way.result for way in ways])


if __name__ == "__main__":
    main()
