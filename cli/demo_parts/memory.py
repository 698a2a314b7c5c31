"""The demonstration's home: what a later `--keep` needs to know, and whether it may be emptied."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cli.demo_parts.errors import HomeRefused
from embedded.model_server import ModelServer
from embedded.supervisor import EmbeddedServices

FILE = "demo.json"
EMAIL = "demo@lintangkidul.example"


@dataclass
class Memory:
    """What is remembered between runs in one home; readable by its owner only."""

    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    site_port: int = 0
    network_port: int = 0
    tokens: dict[str, str] = field(default_factory=dict)

    def save(self, home: Path) -> None:
        """Write it down."""
        path = home / FILE
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)


def leftover_model(home: Path) -> ModelServer:
    """The model server that a killed run may have left behind; only good for stopping it."""
    return ModelServer(home, model=Path("unknown"), alias="unknown")


def open_home(home: Path, embedded: EmbeddedServices, *, keep: bool) -> Memory:
    """Make the home ready: emptied for a fresh run, or as the last run left it.

    Args:
        home: the folder.
        embedded: its servers, not started yet.
        keep: go on with the data of the last run.

    Raises:
        HomeRefused: the folder holds something else, or a demonstration runs in it.
    """
    path = home / FILE
    if embedded.in_use():
        raise HomeRefused(
            f"A demonstration runs in {home} already. End it with Ctrl-C, or give this one another "
            "folder with --home."
        )
    if path.is_file():
        if keep:
            return Memory(**json.loads(path.read_text(encoding="utf-8")))
        leftover_model(home).stop()
        embedded.destroy()
        shutil.rmtree(home)
    elif home.exists() and any(home.iterdir()):
        raise HomeRefused(
            f"The folder {home} holds something that no demonstration has put there, and a fresh run "
            "empties its folder. Name another one with --home."
        )
    home.mkdir(parents=True, exist_ok=True)
    memory = Memory()
    memory.save(home)
    return memory
