"""The demonstration's processes: like those of `up`, but quiet, and gone when the parent is gone."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from cli.up import Children

_PR_SET_PDEATHSIG = 1


class QuietChildren(Children):
    """Children that write to a log file, so that the terminal tells the story only."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self.log = log
        self._plain: dict[str, Callable[[], None]] = {}
        self._parent = os.getpid()

    def start(self, name: str, target: Callable[[], None]) -> None:
        """Fork a child; one that is started again keeps its first target."""
        plain = self._plain.setdefault(name, target)

        def quiet() -> None:
            self._die_with_parent()
            with self.log.open("ab") as file:
                os.dup2(file.fileno(), sys.stdout.fileno())
                os.dup2(file.fileno(), sys.stderr.fileno())
            plain()

        super().start(name, quiet)

    def _die_with_parent(self) -> None:
        """Linux ends us when the parent was killed; elsewhere such a child has to be ended by hand."""
        if sys.platform != "linux":
            return
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != self._parent:
            raise SystemExit(1)  # it was killed before we asked
