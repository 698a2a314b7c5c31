"""Humas with servers of its own and many posts, and its processes, for benchmarks and the chaos run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis as redislib
from pydantic import SecretStr
from sqlalchemy import text

from config.clock import ShiftedClock
from config.settings import Settings
from embedded.supervisor import EmbeddedServices
from storage.database import make_engine, migrate
from storage.queue import connect
from storage.secrets import SecretBox, new_key
from storage.uow import Database, NoQueue
from tests.bench.office import FEIGNED, Office, open_office
from tests.spine.processes import ROOT
from workflows.compose import build_services
from workflows.graphs import GRAPHS
from workflows.runner import Runner


@contextmanager
def processes(env: dict[str, str], *commands: Sequence[str]) -> Iterator[None]:
    """Modules run as processes, ended together."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
        )
        for command in commands
    ]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(60)


class Installation:
    """Humas with its own database, queue and clock file.

    Args:
        folder: for its home and clock file.
        embedded: running servers; a database is made on them.
        base_url: the platform's server, on a loopback address with its port.
        platform: its connector.
        logins: handle and secret of each account.
    """

    def __init__(
        self,
        folder: Path,
        embedded: EmbeddedServices,
        base_url: str,
        platform: str = "mastodon",
        logins: Sequence[tuple[str, str]] = FEIGNED,
    ) -> None:
        url = embedded.create_database("posts")
        migrate(url)
        self.env = {
            "HUMAS_HOME": str(folder / "home"),
            "HUMAS_DATABASE_URL": url,
            "HUMAS_REDIS_URL": embedded.urls.redis_url,
            "HUMAS_SECRET_KEY": new_key(),
            "HUMAS_LLM_BASE_URL": "off",
            "HUMAS_CLOCK_FILE": str(folder / "clock"),
            "HUMAS_ALLOW_HOSTS": json.dumps([base_url.rpartition("/")[2]]),
            "HUMAS_LOG_LEVEL": "ERROR",
        }
        settings = Settings(
            _env_file=None,
            home=folder / "home",
            database_url=url,
            redis_url=self.env["HUMAS_REDIS_URL"],
            secret_key=SecretStr(self.env["HUMAS_SECRET_KEY"]),
            llm_base_url="off",
            clock_file=folder / "clock",
            allow_hosts=[base_url.rpartition("/")[2]],
        )
        self.services = build_services(settings, waker=NoQueue())
        self.database = Database(make_engine(url), NoQueue())
        self.redis: redislib.Redis = connect(self.env["HUMAS_REDIS_URL"])
        clock = self.services.clock
        assert isinstance(clock, ShiftedClock)
        self.clock = clock
        box = SecretBox(self.env["HUMAS_SECRET_KEY"])
        self.office: Office = open_office(self.database, box, base_url, platform, logins)
        self.tick = settings.tick_seconds

    def close(self) -> None:
        """Give its connections back."""
        self.services.database.engine.dispose()
        self.database.engine.dispose()
        self.redis.close()

    def sleep_threads(self, thread_ids: Sequence[str]) -> None:
        """Advance threads in this process until each waits for its slot."""
        runner = Runner(self.services, GRAPHS)
        workspace = self.office.workspace_id
        for thread_id in thread_ids:
            for _ in range(6):
                with self.database.unit(workspace) as uow:
                    thread = uow.threads.get(thread_id)
                if thread.status == "waiting":
                    break
                runner.advance(workspace, thread_id, thread.checkpoint_id)
            assert (thread.status, thread.node) == ("waiting", "schedule"), thread.error

    def claim_to_request(self, arrivals: dict[str, float]) -> list[float]:
        """Seconds from the attempt's row to the arrival of its request."""
        query = text(
            "select v.payload #>> '{segments,0,text}', extract(epoch from t.created_at) "
            "from attempts t join action_versions v using (action_id, version)"
        )
        with self.database.system() as session:
            rows = session.execute(query).all()
        return [arrivals[words] - float(at) for words, at in rows if words in arrivals]
