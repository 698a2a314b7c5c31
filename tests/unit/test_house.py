"""The house keeps its own rules: tree, floors, sizes, dependencies, texts."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml

from cli.__main__ import COMMANDS
from config.settings import ROOT, Settings

FLOORS = (
    ("cli",),
    ("web", "workers"),
    ("workflows",),
    ("agents", "analysis", "channels", "sources", "notifications", "storage"),
    ("domain", "config", "net", "embedded"),
)
PACKAGES = tuple(name for floor in FLOORS for name in floor)
LINES = 400
LONGER = {
    "storage/migrations/versions/0001_first_tables.py": "a generated list of tables",
    "workflows/actions.py": "every verb that people have, beside the guards they share",
    "workflows/delivery.py": "the only caller of publishing methods: invariants 1-3 in one place",
    "net/client.py": "the one HTTP client",
    "tests/live/test_embedded_servers.py": "one server's life is told in one place",
    "tests/unit/channels/test_bluesky.py": "one platform's answers in one place",
}
# Assembled, so that this file does not hold them itself.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("proxy", "golang", "org"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("docker", "io"),
        ("deb", "debian", "org"),
    )
)
MACHINE_PATHS = tuple("/" + name + "/" for name in ("work", "farm", "root"))
BINARY = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".ico", ".mo", ".woff2"}


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def tracked() -> tuple[str, ...]:
    """Every file that belongs to the project: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = tuple(name for name in listed.split("\0") if name and (ROOT / name).is_file())
    assert len(names) > 100
    return names


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def python_files() -> list[str]:
    return [name for name in tracked() if name.endswith(".py")]


# -- tree and floors -----------------------------------------------------------------------------


def test_the_checker_knows_the_same_floors() -> None:
    rules = project()["tool"]["importlinter"]
    assert sorted(rules["root_packages"]) == sorted(PACKAGES)
    contract = next(rule for rule in rules["contracts"] if rule["type"] == "layers")
    assert [tuple(sorted(line.split(" | "))) for line in contract["layers"]] == [
        tuple(sorted(floor)) for floor in FLOORS
    ]


def test_the_architecture_page_describes_every_package_and_floor() -> None:
    page = text_of("docs/architecture.md")
    for package in PACKAGES:
        assert re.search(rf"^`?{package}/", page, re.MULTILINE), package
    for floor in FLOORS:
        assert " | ".join(floor) in page


def test_every_top_level_package_stands_on_a_floor() -> None:
    found = {Path(name).parts[0] for name in python_files() if len(Path(name).parts) > 1}
    assert found == {*PACKAGES, "tests"}


def test_every_folder_with_python_is_a_package() -> None:
    folders = {Path(name).parent for name in python_files() if len(Path(name).parts) > 1}
    # Alembic loads its environment and its scripts by path.
    folders = {folder for folder in folders if folder.parts[:2] != ("storage", "migrations")}
    missing = [str(folder) for folder in folders if not (ROOT / folder / "__init__.py").is_file()]
    assert missing == []


def test_no_installed_distribution_offers_a_package_of_our_name() -> None:
    installed = packages_distributions()
    assert {name: installed[name] for name in (*PACKAGES, "tests") if name in installed} == {}


def test_files_stay_short_or_have_a_reason() -> None:
    long = {name for name in python_files() if text_of(name).count("\n") > LINES}
    assert long - LONGER.keys() == set()


def test_the_list_of_packages_is_the_same_everywhere() -> None:
    makefile = text_of("Makefile").replace("\\\n", " ")
    match = re.search(r"^PACKAGES := (.*)$", makefile, re.MULTILINE)
    assert match is not None
    assert sorted(match[1].split()) == sorted(PACKAGES)
    docker = text_of("Dockerfile").replace("\\\n", " ")
    match = re.search(r"compileall -q (.*)$", docker, re.MULTILINE)
    assert match is not None
    assert sorted(match[1].split()) == sorted(PACKAGES)


# -- dependencies --------------------------------------------------------------------------------


def declared() -> set[str]:
    groups = project()["dependency-groups"]
    listed = [*project()["project"]["dependencies"], *groups["embedded"], *groups["dev"]]
    return {
        re.split(r"[<>=\[;~! ]", item, maxsplit=1)[0].lower()
        for item in listed
        if isinstance(item, str)
    }


def test_every_dependency_has_its_reason() -> None:
    rows = re.findall(
        r"^\| `([\w-]+)` \| [^|]+ \| [^|]+ \|$",
        text_of("docs/decisions/0002-dependencies.md"),
        re.MULTILINE,
    )
    assert sorted(rows) == sorted(declared())


def locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^ ;\\]+)", text_of(name), re.MULTILINE))


def test_the_locks_hold_what_is_declared_and_agree() -> None:
    runtime, development = locked("requirements.lock"), locked("requirements-dev.lock")
    assert declared() - development.keys() == set()
    assert {name: development.get(name) for name in runtime} == runtime


@pytest.mark.parametrize(
    "name", ["requirements.lock", "requirements-dev.lock", "requirements-uv.lock"]
)
def test_every_locked_version_has_hashes(name: str) -> None:
    entries = re.split(r"^(?=[\w.-]+==)", text_of(name), flags=re.MULTILINE)
    assert entries[0] == ""  # nothing but requirements: no hosts, no options
    assert all("--hash=sha256:" in entry for entry in entries[1:])
    assert len(entries) > 1


# -- texts ---------------------------------------------------------------------------------------


def test_no_file_names_a_registry_host_or_a_folder_of_one_machine() -> None:
    found = [
        (name, word)
        for name in tracked()
        if Path(name).suffix not in BINARY
        for word in (*REGISTRY_HOSTS, *MACHINE_PATHS)
        if re.search(
            rf"(?:(?<![\w./-])|(?<=file://)){re.escape(word)}"
            if word[0] == "/"
            else re.escape(word),
            text_of(name),
        )
    ]
    assert found == []


def test_the_change_log_has_the_version() -> None:
    version = project()["project"]["version"]
    assert re.search(rf"^## {re.escape(version)}\b", text_of("CHANGELOG.md"), re.MULTILINE)
    assert f"humas:{version}" in text_of("docker-compose.yml")
    answer = subprocess.run(
        [sys.executable, "-m", "cli", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert version in answer.stdout


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for name in tracked():
        if not name.endswith(".md") or name.startswith(("agents/", "tests/")):
            continue
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(name)):
            if (
                not re.match(r"[a-z]+:", target)
                and not (ROOT / name).parent.joinpath(target).exists()
            ):
                broken.append((name, target))
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    index = text_of("docs/README.md")
    pages = [name for name in tracked() if name.startswith("docs/") and name.endswith(".md")]
    missing = [name for name in pages if f"({name.removeprefix('docs/')})" not in index]
    assert missing == ["docs/README.md"]


def test_make_help_lists_every_target_that_pages_name() -> None:
    listed = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    targets = set(re.findall(r"^\s*(?:\x1b\[\d*m)?([a-z-]+)", listed, re.MULTILINE))
    pages = " ".join(
        text_of(name) for name in tracked() if re.match(r"(docs/.*|[A-Z]+)\.md$", name)
    )
    named = set(re.findall(r"`make ([a-z-]+)", pages))
    assert named - targets == set()
    assert {"help", "setup", "demo", "test", "lint"} <= targets


def test_pages_name_only_commands_that_there_are() -> None:
    pages = " ".join(
        text_of(name) for name in tracked() if re.match(r"(docs/.*|[A-Z]+)\.md$", name)
    )
    named = set(re.findall(r"(?:`|\n)(?:bin/)?humas ([a-z]+)", pages))
    assert len(named) > 5
    assert named - COMMANDS.keys() == set()


# -- the command line and the containers ---------------------------------------------------------


def test_the_help_page_imports_nothing_heavy() -> None:
    answer = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cli", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Commands:" in answer.stdout
    imported = {line.split("|")[-1].strip().split(".")[0] for line in answer.stderr.splitlines()}
    assert "click" in imported
    assert imported & {"sqlalchemy", "langgraph", "openai", "fastapi", "pydantic", "rq"} == set()


def compose() -> dict[str, Any]:
    """The compose file as Compose reads it: variables filled in, merges done."""
    filled = re.sub(
        r"\$\{\w+(?::-([^}]*)|:\?[^}]*)?\}",
        lambda match: match[1] or "x",
        text_of("docker-compose.yml"),
    )
    loaded: dict[str, Any] = yaml.safe_load(filled)
    return loaded


def test_the_compose_file_keeps_to_the_specification() -> None:
    parsed = compose_spec.PyCompose.from_yaml(yaml.safe_dump(compose()))
    assert sorted(parsed.service_names()) == [
        "clock",
        "migrate",
        "postgres",
        "valkey",
        "web",
        "worker",
    ]


def test_services_run_the_commands_that_a_shell_runs() -> None:
    ours = {name: service for name, service in compose()["services"].items() if "build" in service}
    assert sorted(ours) == ["clock", "migrate", "web", "worker"]
    for name, service in ours.items():
        assert service["command"] == ["bin/humas", name]
        assert name in COMMANDS


def test_services_wait_for_what_they_need_and_can_be_scaled() -> None:
    loaded = compose()
    for name, service in loaded["services"].items():
        assert "container_name" not in service
        for other, wanted in service.get("depends_on", {}).items():
            target = loaded["services"][other]
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in target, (name, other)
            else:
                assert target["restart"] == "no", (name, other)
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in loaded["volumes"]
    assert "ports" not in loaded["services"]["worker"]


def test_the_containers_settings_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Production mode, all servers named: what the image and the compose file set together."""
    image = dict(re.findall(r"(HUMAS_\w+)=(\S+)", text_of("Dockerfile")))
    for variables in (image, compose()["services"]["web"]["environment"]):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
    config = Settings(_env_file=None)
    assert config.mode == "production"
    assert not config.embedded
    assert config.web_host == ".".join("0000")
