"""Waiting, ports and process trees, for tests that run real processes."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable


def free_port() -> int:
    """A TCP port of the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(
    check: Callable[[], object], seconds: float, what: str, *, pause: float = 0.2
) -> None:
    """Wait for something to become true; fails with `what`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return
        time.sleep(pause)
    raise AssertionError(f"after {seconds:.0f} s still not: {what}")


def descendants(pid: int) -> list[int]:
    """Process numbers of the children and grandchildren of a process."""
    found: list[int] = []
    todo = [pid]
    while todo:
        answer = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(todo.pop())],
            capture_output=True,
            text=True,
            check=False,
        )
        children = [int(child) for child in answer.stdout.split()]
        found += children
        todo += children
    return found
