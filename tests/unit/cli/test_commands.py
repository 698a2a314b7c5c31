"""Help, options and text of the commands, without any server."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import click
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from channels.base import CredentialsRefused
from cli.__main__ import COMMANDS, main
from cli.errors import explain
from cli.health import Health
from cli.ids import short
from cli.output import clean, span
from config.settings import ROOT, Settings
from domain.errors import InvalidInput
from storage.tables import new_id


def every_command() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, (module, _) in COMMANDS.items():
        command = getattr(import_module(module), name)
        found.append((name,))
        if isinstance(command, click.Group):
            found += [(name, sub) for sub in command.commands]
    return found


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*path, "--help"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Usage:")
    body = result.output.split("\n\n")[1].strip()
    assert len(body) > 15, "a command without a description"
    assert max(map(len, result.output.splitlines())) <= 100


def test_the_list_of_commands_matches_their_own_words() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert all(name in result.output for name in COMMANDS)


@pytest.mark.parametrize("name", ["--help", "run", "review", "brand", "doctor", "report"])
def test_help_loads_nothing_heavy(name: str) -> None:
    words = [name] if name == "--help" else [name, "--help"]
    script = (
        "import sys, cli.__main__ as m\n"
        f"sys.argv = ['humas', *{words!r}]\n"
        "try:\n    m.run()\nexcept SystemExit:\n    pass\n"
        "heavy = {'sqlalchemy', 'openai', 'langgraph', 'rq', 'alembic', 'apprise', 'fastapi'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "LOADED []" in done.stdout, done.stdout


def test_texts_of_strangers_cannot_command_the_terminal() -> None:
    assert clean("a\x1b[31mb\x07\u202ec\td\n") == "a\\u001b[31mb\\u0007\\u202ec\td\n"
    assert clean("Halo, dunia — ☕ kopi") == "Halo, dunia — ☕ kopi"


def test_short_ids_are_the_random_part() -> None:
    ids = [new_id() for _ in range(200)]
    assert len({short(item) for item in ids}) == 200
    assert all(len(short(item)) == 12 and "-" not in short(item) for item in ids)


@pytest.mark.parametrize(
    ("seconds", "text"), [(3, "3 s"), (119, "119 s"), (600, "10 min"), (7200, "2 h")]
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_health_names_what_is_missing() -> None:
    assert Health(None, 5, {"research": 0, "planning": 0}).missing() == "no clock and no workers"
    assert Health(3, 5, {"research": 1, "planning": 0}).missing() == "no worker for planning"
    assert Health(3, 5, {"research": 1, "planning": 1}).missing() == ""
    assert Health(500, 5, {"research": 1}).missing() == "no clock"


def test_errors_of_people_are_explained_and_defects_are_not() -> None:
    assert explain(InvalidInput("Do this.")) == "Do this."
    assert explain(CredentialsRefused("Reconnect.")) == "Reconnect."
    assert explain(KeyError("x")) is None
    with pytest.raises(ValidationError) as wrong:
        Settings(_env_file=None, tick_seconds=-1)
    text = explain(wrong.value)
    assert text is not None
    assert "HUMAS_TICK_SECONDS" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "kopi", "--retry", "--end"], "--retry, --end and --watch"),
        (["review", "settle", "abcd"], "--published URL, --absent and --failed"),
        (["stop", "on", "--brand", "x", "--everything"], "not both"),
        (["brand", "add"], "Give a FILE or --name"),
        (["review", "reschedule", "abcd"], "--date"),
        (["nonsense"], "No such command"),
    ],
)
def test_wrong_use_is_refused_before_anything_starts(words: list[str], said: str) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2, result.output
    assert said in result.output
