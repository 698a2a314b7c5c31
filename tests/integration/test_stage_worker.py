"""Real workers whose jobs hang, eat memory, crash or are killed: each harms only itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rq import Queue
from rq.job import Job, JobStatus

from config.settings import Settings
from domain.brand import BrandProfile
from domain.team import Role
from embedded.supervisor import EmbeddedServices
from storage.database import migrate
from storage.queue import connect
from storage.repositories.people import Workspaces
from storage.secrets import new_key
from tests.integration import stage_jobs
from tests.spine.processes import ROOT, Processes
from tests.spine.world import TablePlatform, world_services
from tests.waiting import descendants, wait_until
from workflows.start import start_cycle

pytestmark = [pytest.mark.db, pytest.mark.live, pytest.mark.timeout(120)]
QUEUES = ("publishing", "intake", "research")


class Office:
    """Pools over servers of their own."""

    def __init__(self, servers: EmbeddedServices) -> None:
        self.servers = servers
        self.redis = connect(servers.urls.redis_url)
        self.platform = servers.create_database("platform")
        self.env = {
            "HUMAS_DATABASE_URL": servers.urls.database_url,
            "HUMAS_REDIS_URL": servers.urls.redis_url,
            "HUMAS_SECRET_KEY": new_key(),
            "HUMAS_TICK_SECONDS": "0.3",
            "HUMAS_SWEEP_SECONDS": "0.5",
            "HUMAS_STAGE_TRIES": "2",
            "HUMAS_LOG_LEVEL": "ERROR",
            "SPINE_PLATFORM": self.platform,
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def pool(
        self, *queues: str, jobs: int = 1000, log: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a pool in a group of its own, as a terminal does; what it says may go to a file."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.stage_jobs", *queues],
            cwd=ROOT,
            env={**os.environ, **self.env, "PYTHONPATH": str(ROOT), "STAGE_JOBS": str(jobs)},
            start_new_session=True,
            stderr=None if log is None else log.open("ab"),
        )
        self.running.append(process)
        return process

    def put(self, queue: str, function: Any, *args: Any, timeout: int = 300) -> Job:
        """Queue a job."""
        return Queue(queue, connection=self.redis).enqueue_call(
            function, args=args, timeout=timeout
        )

    def ended(self, job: Job, seconds: float = 20) -> JobStatus:
        """How a job ended, once it has."""
        done = (JobStatus.FINISHED, JobStatus.FAILED)
        wait_until(lambda: job.get_status() in done, seconds, "the job ended", pause=0.05)
        return job.get_status()

    def started(self, job: Job) -> None:
        """Return once it runs."""
        wait_until(lambda: job.get_status() == JobStatus.STARTED, 20, "it runs", pause=0.02)

    def pid(self, queue: str) -> int:
        """Which process runs the next job of a queue."""
        job = self.put(queue, stage_jobs.own_pid)
        assert self.ended(job) == JobStatus.FINISHED
        found = job.return_value()
        assert isinstance(found, int)
        return found

    def why(self, job: Job) -> str:
        """What RQ says of its failure."""
        assert self.ended(job) == JobStatus.FAILED
        result = job.latest_result()
        assert result is not None
        return str(result.exc_string)

    def nothing_is_left_of(self, job: Job) -> bool:
        """Whether RQ believes no more that it runs."""
        queue = Queue(job.origin, connection=self.redis)
        waiting = queue.intermediate_queue.get_job_ids()
        return job not in queue.started_job_registry and job.id not in waiting

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)
        self.redis.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    home: Path = tmp_path_factory.mktemp("stage") / "home"
    servers = EmbeddedServices(home, durable=False)
    servers.ensure()
    try:
        migrate(servers.urls.database_url)
        made = Office(servers)
        try:
            made.pool(*QUEUES)
            made.pool("engagement", jobs=3)
            made.pool("planning")
            yield made
        finally:
            made.stop()
    finally:
        servers.destroy()


def test_a_worker_keeps_its_process_from_job_to_job(office: Office) -> None:
    assert len({office.pid("intake") for _ in range(3)}) == 1


def test_a_job_that_hangs_in_c_is_killed_alone(office: Office) -> None:
    mine, other = office.pid("publishing"), office.pid("intake")
    hung = office.put("publishing", stage_jobs.hang_in_c, timeout=1)
    office.started(hung)
    behind = office.put("publishing", stage_jobs.own_pid)
    assert office.pid("intake") == other, "another queue goes on"
    assert hung.get_status() == JobStatus.STARTED
    assert "it hung, over its time-out of 1 s" in office.why(hung)
    assert office.ended(behind) == JobStatus.FINISHED
    assert behind.return_value() not in (mine, other)
    assert office.pid("intake") == other
    assert office.nothing_is_left_of(hung)


def test_a_job_that_eats_memory_is_killed_alone(office: Office) -> None:
    mine, other = office.pid("publishing"), office.pid("intake")
    hungry = office.put("publishing", stage_jobs.eat, 4 * stage_jobs.MEGABYTES)
    assert "more than the 400 MB of HUMAS_WORKER_MB" in office.why(hungry)
    assert office.pid("publishing") != mine
    assert office.pid("intake") == other
    assert office.nothing_is_left_of(hungry)


def test_a_worker_that_keeps_much_memory_is_replaced_after_its_job(office: Office) -> None:
    mine = office.pid("publishing")
    size = int(stage_jobs.MEGABYTES * 0.4)
    assert office.ended(office.put("publishing", stage_jobs.keep, size)) == JobStatus.FINISHED
    wait_until(lambda: office.pid("publishing") != mine, 10, "it was replaced")


def test_a_crash_of_the_interpreter_ends_one_job(office: Office) -> None:
    mine, other = office.pid("publishing"), office.pid("intake")
    crashed = office.put("publishing", stage_jobs.crash)
    assert "SIGABRT" in office.why(crashed)
    assert office.pid("publishing") != mine
    assert office.pid("intake") == other
    assert office.nothing_is_left_of(crashed)


def test_a_long_job_gives_signs_of_life_and_is_settled_when_killed(office: Office) -> None:
    mine = office.pid("publishing")
    job = office.put("publishing", stage_jobs.sleep, 60)
    office.started(job)
    registry = Queue("publishing", connection=office.redis).started_job_registry

    def alive_until() -> float:
        rows: Any = office.redis.zrange(registry.key, 0, -1, withscores=True)
        return float(max(score for _, score in rows))

    first = alive_until()
    assert first < time.time() + 120, "a lost machine's job is not held for its whole time-out"
    wait_until(lambda: alive_until() > first, 10, "a sign of life")
    os.kill(mine, signal.SIGKILL)
    assert "SIGKILL" in office.why(job)
    assert office.pid("publishing") != mine
    assert office.nothing_is_left_of(job)


def test_the_replacement_of_a_killed_worker_starts_at_once(office: Office, tmp_path: Path) -> None:
    log = tmp_path / "log"
    office.pool("evaluation", log=log)
    for _ in range(3):
        mine = office.pid("evaluation")
        running = office.put("evaluation", stage_jobs.sleep, 60)
        office.started(running)
        os.kill(mine, signal.SIGKILL)
        assert "SIGKILL" in office.why(running)
    assert office.pid("evaluation")
    said = log.read_text()
    assert said.count("ended in job") == 3
    assert "failed" not in said  # none of the replacements had to be replaced in its turn


def test_a_worker_is_replaced_after_its_jobs(office: Office) -> None:
    pids = [office.pid("engagement") for _ in range(7)]
    assert [pids.index(pid) for pid in pids] == [0, 0, 0, 3, 3, 3, 6]


def test_the_time_out_comes_first_as_an_exception(office: Office) -> None:
    mine = office.pid("publishing")
    job = office.put("publishing", stage_jobs.sleep, 30, timeout=1)
    assert "JobTimeoutException" in office.why(job)
    assert office.pid("publishing") != mine, "what it kept from job to job may be half done"


def test_who_swallows_the_time_out_is_killed(office: Office) -> None:
    job = office.put("publishing", stage_jobs.sleep_on, 30, timeout=1)
    assert "it hung, over its time-out of 1 s" in office.why(job)


def test_a_stage_that_crashes_each_time_waits_for_a_person(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in office.env.items():
        monkeypatch.setenv(name, value)
    services = world_services(Settings(_env_file=None), office.platform)
    TablePlatform(office.platform).create()
    clock = Processes(office.env)
    try:
        with services.database.system() as session:
            workspace = Workspaces(session).add("office").id
        with services.database.unit(workspace) as uow:
            brand = uow.brands.add(BrandProfile(name="Kopi", website="https://kopi.example")).id
            owner = uow.people.add("a@example.org", "A", "long enough 1", Role.OWNER)
        with services.database.unit(workspace) as uow:
            thread = start_cycle(uow, services.clock, owner, brand).thread_id
        clock.start("clock")

        def given_up() -> bool:
            with services.database.unit(workspace) as uow:
                return uow.threads.get(thread).status == "failed"

        wait_until(given_up, 40, "the stage waits for a person")
        with services.database.unit(workspace) as uow:
            found = uow.threads.get(thread)
            assert found.failures == 2
            assert "its worker died each time" in found.error
    finally:
        clock.stop()
        services.database.engine.dispose()


def test_workers_go_on_after_the_queue_server_was_lost(office: Office) -> None:
    found = office.servers.valkey.daemon.pid()
    assert found is not None
    os.kill(found, signal.SIGKILL)
    office.servers.ensure()
    for queue in QUEUES:
        assert office.ended(office.put(queue, stage_jobs.own_pid), 30) == JobStatus.FINISHED


def test_a_told_pool_finishes_its_job_and_takes_no_other(office: Office) -> None:
    pool = office.running[2]
    job = office.put("planning", stage_jobs.sleep, 1.5)
    office.started(job)
    behind = office.put("planning", stage_jobs.own_pid)
    os.killpg(pool.pid, signal.SIGINT)  # Ctrl-C reaches the pool and its workers
    assert pool.wait(20) == 0
    assert job.get_status() == JobStatus.FINISHED
    assert job.return_value() == "slept"
    assert behind.get_status() == JobStatus.QUEUED


def test_workers_without_a_pool_end_after_their_job(office: Office) -> None:
    pool = office.running[1]
    office.pid("engagement")
    workers = descendants(pool.pid)
    assert len(workers) == 1
    job = office.put("engagement", stage_jobs.sleep, 1)
    office.started(job)
    pool.kill()
    pool.wait(5)
    assert office.ended(job) == JobStatus.FINISHED
    wait_until(lambda: not _there(workers[0]), 15, "the worker ended")


def _there(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent to look does not."""
    answer = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state = answer.stdout.strip()
    return bool(state) and not state.startswith("Z")
