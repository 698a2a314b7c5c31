"""What people see while the demonstration runs: lines as things happen, and one line that is alive."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner


class Screen:
    """Prints what happens with the seconds since the start, and measures the stages.

    The live line is refreshed by hand, without a thread: the process forks children meanwhile.

    Args:
        console: where to print; a status line is shown only on a terminal.
        now: seconds that only go forward.
    """

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self.console = console
        self.stages: dict[str, float] = {}
        self._now = now
        self._start = now()
        self._stage = ""
        self._since = self._start
        self._spinner = Spinner("dots", text="")
        self._live = Live(self._spinner, console=console, auto_refresh=False, transient=True)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self._now() - self._start

    def open(self) -> None:
        """Show the live line, on a terminal."""
        if self.console.is_terminal:
            self._live.start()

    def close(self) -> None:
        """Take the live line away and end the stage that is measured."""
        self.stage("")
        self._live.stop()

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(f"[dim]{self.seconds:5.0f} s[/dim]  {escape(text)}", soft_wrap=True)

    def stage(self, name: str) -> None:
        """Begin a stage; the one before it ends. A stage that is met again goes on."""
        if name == self._stage:
            return
        now = self._now()
        if self._stage:
            self.stages[self._stage] = self.stages.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = name, now
        if name:
            self.console.print(
                f"[dim]{self.seconds:5.0f} s[/dim]  [bold]{escape(name)}[/bold]", soft_wrap=True
            )

    def status(self, text: str) -> None:
        """Show what goes on right now, on a terminal."""
        if self.console.is_terminal:
            spent = self._now() - self._since
            self._spinner.update(text=f"{escape(text)} [dim]({spent:.0f} s)[/dim]")
            self._live.refresh()
