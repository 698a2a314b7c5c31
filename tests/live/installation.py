"""A whole installation started as a user would: `humas up` in a home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from config.clock import ShiftedClock
from tests.waiting import descendants, free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long passphrase 7"
EMAIL = "pemilik@example.org"


class Installation:
    """`bin/humas up` as a child process, and the commands of the same home."""

    def __init__(self, home: Path, *, allow: list[str], **settings: str) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.clock = ShiftedClock(home / "clock")
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("HUMAS_", "OPENAI_"))},
            "HUMAS_PYTHON": sys.executable,
            "HUMAS_HOME": str(home),
            "HUMAS_WEB_PORT": str(self.port),
            "HUMAS_ALLOW_HOSTS": json.dumps(allow),
            "HUMAS_CLOCK_FILE": str(home / "clock"),
            "HUMAS_UNDO_SECONDS": "0",
            "HUMAS_POLL_SECONDS": "2",
            "HUMAS_TICK_SECONDS": "1",
            "HUMAS_SWEEP_SECONDS": "5",
            "HUMAS_LEASE_SECONDS": "10",
            "HUMAS_CRAWL_DELAY_SECONDS": "0",
            "HUMAS_LOG_LEVEL": "WARNING",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.log = home / "up.log"

    def humas(self, *arguments: str, given: str = "", check: bool = True) -> str:
        """Run a command; returns what it printed to standard output."""
        done = subprocess.run(
            [ROOT / "bin" / "humas", *arguments],
            env=self.env,
            input=given,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"humas {' '.join(arguments)}: {done.stdout}\n{done.stderr}")
        return done.stdout

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [ROOT / "bin" / "humas", "up"],
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self.answers, 180, f"the web answers; {self.log.read_text()[-2000:]}")
        return self

    def answers(self) -> bool:
        """Whether the web server answers."""
        try:
            return httpx.get(f"{self.url}/login", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def jump(self, instant: datetime) -> None:
        """Move business time forward."""
        self.clock.advance_to(instant)

    def tree(self) -> list[int]:
        """Process numbers of all processes below `humas up`."""
        assert self.process is not None
        return descendants(self.process.pid)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        if error is not None:
            sys.stderr.write(self.log.read_text()[-6000:])
