"""`bin/humas` as people run it: real processes over real embedded servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.settings import ROOT
from embedded.supervisor import EmbeddedServices
from storage.database import make_engine
from storage.repositories.people import Workspaces
from storage.secrets import new_key
from storage.uow import Database, NoQueue, UnitOfWork
from tests.fakes import ListWaker
from tests.rooms import make_room

pytestmark = [pytest.mark.db, pytest.mark.timeout(300)]
PASSWORD = "a long password"


@dataclass
class Humas:
    """The command line with an environment of its own."""

    env: dict[str, str]

    def __call__(self, *words: str, given: str = "", status: int = 0) -> str:
        """Run a command; standard output, or standard error where a failure is expected."""
        done = subprocess.run(
            [str(ROOT / "bin" / "humas"), *words],
            env=self.env,
            cwd="/",
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        return done.stderr if status and not done.stdout else done.stdout


def environment(**more: str) -> dict[str, str]:
    """Of a shell without settings of ours."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HUMAS_", "OPENAI_"))}
    return kept | {"HUMAS_PYTHON": sys.executable, "HUMAS_LLM_BASE_URL": "off"} | more


@pytest.fixture
def humas(servers: EmbeddedServices, database_url: str) -> Humas:
    """The command line on a fresh, migrated database and the shared Valkey."""
    return Humas(
        environment(
            HUMAS_DATABASE_URL=database_url,
            HUMAS_REDIS_URL=servers.urls.redis_url,
            HUMAS_SECRET_KEY=new_key(),
        )
    )


@pytest.fixture
def made(humas: Humas) -> Humas:
    """With a workspace and a brand."""
    humas(
        *("init", "-w", "Kopi Group", "--email", "owner@example.org", "--name", "Owner"),
        "--password-stdin",
        given=PASSWORD + "\n",
    )
    humas("brand", "add", str(ROOT / "docs" / "examples" / "brand.toml"))
    return humas


@pytest.fixture
def workspace(made: Humas) -> Iterator[UnitOfWork]:
    """The workspace that the commands made."""
    engine = make_engine(made.env["HUMAS_DATABASE_URL"], pool=False)
    database = Database(engine, NoQueue())
    with database.system() as session:
        workspace_id = Workspaces(session).only().id
    with database.unit(workspace_id) as uow:
        yield uow


def test_embedded_servers_serve_commands_from_an_empty_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    humas = Humas(environment(HUMAS_HOME=str(home)))
    try:
        assert "Make one with `humas init`" in humas("brand", "list", status=1)
        owner = ("init", "-w", "A", "--email", "me@example.org", "--name", "Me", "--password-stdin")
        assert "A is there" in humas(*owner, given=PASSWORD)
        assert (home / "secret.key").stat().st_mode & 0o077 == 0
        assert "There is a workspace already: A" in humas(*owner, given=PASSWORD, status=1)
        report = json.loads(humas("doctor", "--json", status=1))
        failed = {item["name"] for item in report["checks"] if item["status"] == "fail"}
        assert failed == {"clock", "workers"}
        assert all(item["todo"] for item in report["checks"] if item["status"] == "fail")
    finally:
        EmbeddedServices(home).destroy()


def test_a_brand_is_added_listed_shown_and_edited(made: Humas, tmp_path: Path) -> None:
    assert "kopi-senja" in made("brand", "list")
    assert "Asia/Jakarta" in made("brand", "show", "kopi-senja")
    again = made("brand", "add", "--name", "Kopi Senja", status=1)
    assert "There is a brand 'kopi-senja' already" in again
    assert "Brands: kopi-senja" in made("brand", "show", "nothing", status=1)
    changed = tmp_path / "b.toml"
    changed.write_text('name = "Kopi Senja Baru"\ntime_zone = "Asia/Makassar"\n')
    assert "time_zone" in made("brand", "edit", "kopi-senja", str(changed))
    shown = json.loads(made("brand", "show", "kopi-senja", "--json"))
    assert shown["profile"]["name"] == "Kopi Senja Baru"
    assert shown["profile"]["time_zone"] == "Asia/Makassar"
    assert shown["slug"] == "kopi-senja"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "A"\ntime_zone = "Asia/Bandung"', "unknown time zone 'Asia/Bandung'"),
        ("name = ", "is not TOML"),
    ],
)
def test_a_bad_brand_file_is_refused_in_one_go(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "b.toml"
    path.write_text(text)
    # Nothing is started for it: the URLs lead nowhere.
    humas = Humas(environment(HUMAS_DATABASE_URL="postgresql://x@127.0.0.1:1/x"))
    assert said in humas("brand", "add", str(path), status=1)


def test_a_database_that_is_down_is_one_clear_line() -> None:
    humas = Humas(
        environment(
            HUMAS_DATABASE_URL="postgresql://me:hidden@127.0.0.1:1/x",
            HUMAS_REDIS_URL="redis://127.0.0.1:1/0",
            HUMAS_SECRET_KEY=new_key(),
        )
    )
    error = humas("brand", "list", status=1)
    assert error.startswith("humas: PostgreSQL does not answer (")
    assert len(error.strip().splitlines()) == 1
    assert "hidden" not in error
    report = json.loads(humas("doctor", "--json", status=1))
    status = {item["name"]: item["status"] for item in report["checks"]}
    assert (status["database"], status["queue"], status["secret key"]) == ("fail", "fail", "ok")


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("HUMAS_DATABASE_URL", "mysql://x", "HUMAS_DATABASE_URL cannot be read"),
        ("HUMAS_REDIS_URL", "http://x", "HUMAS_REDIS_URL cannot be read"),
        ("HUMAS_TICK_SECONDS", "-1", "HUMAS_TICK_SECONDS"),
        ("HUMAS_SECRET_KEY", "abc", "HUMAS_SECRET_KEY is not 32 bytes"),
    ],
)
def test_a_bad_setting_is_named(humas: Humas, setting: str, value: str, said: str) -> None:
    humas.env[setting] = value
    assert said in humas("brand", "list", status=1)


def test_people_are_added_with_their_roles(made: Humas) -> None:
    words = ("user", "add", "r@example.org", "--name", "Rini", "--role", "reviewer")
    assert "at least 10 characters" in made(*words, "--password-stdin", given="short\n", status=1)
    assert "Give it on standard input" in made(*words, status=2)
    made(*words, "--password-stdin", given=PASSWORD)
    assert {p["email"]: p["role"] for p in json.loads(made("user", "list", "--json"))} == {
        "owner@example.org": "owner",
        "r@example.org": "reviewer",
    }
    refused = made(
        *("user", "add", "x@example.org", "--name", "X", "--role", "viewer", "--password-stdin"),
        *("--as", "r@example.org"),
        given=PASSWORD,
        status=1,
    )
    assert "does not include the right to manage" in refused


def test_the_stop_switch(made: Humas, workspace: UnitOfWork) -> None:
    brand_id = workspace.brands.all()[0].id
    made("stop", "on", "--brand", "kopi-senja")
    assert workspace.stop.why_stopped(brand_id) == "The brand's stop switch is on."
    made("stop", "on", "--everything")
    made("stop", "off", "--brand", "kopi-senja")
    status = json.loads(made("stop", "status", "--json"))
    assert status == {"everything": True, "workspace": False, "brands": {"kopi-senja": False}}
    made("stop", "off", "--everything")
    assert workspace.stop.why_stopped(brand_id) is None


def test_a_run_without_workers_says_what_to_start(made: Humas) -> None:
    said = made("run", "kopi-senja", "--by-hand", status=1)
    assert "no clock and no workers" in " ".join(said.split())
    assert "humas up" in said
    again = made("run", "kopi-senja", status=1)
    assert "is running already, at research" in again
    state = json.loads(made("run", "kopi-senja", "--watch", "--no-watch", "--json"))
    assert (state["stage"], state["status"], state["by_hand"]) == ("research", "ready", True)
    assert "Nothing of kopi-senja has failed" in made("run", "kopi-senja", "--retry", status=1)
    assert "There is no evaluation" in made("report", "kopi-senja", status=1)
    assert json.loads(made("report", "kopi-senja", "--so-far", "--json"))["interim"] is True


def test_review_decides_only_on_what_was_seen(
    humas: Humas, database: Database, database_url: str, waker: ListWaker
) -> None:
    room = make_room(database, database_url, waker)
    action_id = room.post("Halo [bold]dunia[/bold] \x1b[31m")
    room.pump.drain()
    listed = json.loads(humas("review", "--json"))
    assert [item["id"] for item in listed] == [action_id]
    short = listed[0]["short"]
    text = humas("review")
    assert short in text
    assert "Halo [bold]dunia[/bold] \\u001b[31m" in text
    assert "--seen" in humas("review", "approve", short, status=2)
    assert "you saw version 7" in humas("review", "approve", short, "--seen", "7", status=1)
    assert "--comment" in humas("review", "reject", short, "--seen", "1", status=2)
    assert "Nothing in this workspace" in humas("review", "show", "ffffffffffff", status=1)
    assert "is not an id" in humas("review", "show", "kopi!", status=1)
    shown = json.loads(humas("review", "show", action_id, "--json"))
    assert (shown["state"], shown["version"]) == ("in_review", 1)
    assert "approve" in shown["verbs"]
    assert room.action(action_id).state == "in_review"
    done = json.loads(humas("review", "approve", short[-6:], "--seen", "1", "--no-claim", "--json"))
    assert done == {"id": action_id, "verb": "approve", "state": "approved"}
    assert room.action(action_id).state == "approved"


def test_an_id_that_fits_two_things_is_refused(
    humas: Humas, database: Database, database_url: str, waker: ListWaker
) -> None:
    from sqlalchemy import text

    from cli.ids import find_item
    from domain.errors import InvalidInput
    from storage.tables import new_id

    room = make_room(database, database_url, waker)
    first = room.post("Satu")
    cycle = room.start()
    twin = new_id()[:-6] + first[-6:]
    with database.unit(room.workspace_id) as uow:
        uow.session.execute(
            text(
                "insert into papers (id, workspace_id, brand_id, cycle_id, kind, number, state, content,"
                " comment, row_version) values (:id, :ws, :brand, :cycle, 'plan', 1, 'in_review', '{}', '', 1)"
            ),
            {"id": twin, "ws": room.workspace_id, "brand": room.brand_id, "cycle": cycle.id},
        )
        with pytest.raises(InvalidInput, match="ambiguous") as refused:
            find_item(uow, first[-6:])
        assert first[-12:] in str(refused.value)
        assert twin[-12:] in str(refused.value)
        assert find_item(uow, first[-12:]).id == first
        assert find_item(uow, twin).kind == "paper"
