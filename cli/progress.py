"""Progress that people see while something long runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from embedded.models import Progress as ModelProgress

console = Console(stderr=True)


@contextmanager
def model_progress(*, quiet: bool = False) -> Iterator[Callable[[ModelProgress], None]]:
    """A bar for fetching a model's weights, shown only once there is something to fetch."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        console=console,
        disable=quiet,
        transient=True,
    ) as bar:
        tasks: dict[str, object] = {}

        def show(item: ModelProgress) -> None:
            if item.step not in tasks:
                tasks[item.step] = bar.add_task(f"model: {item.step}", total=item.total)
            bar.update(tasks[item.step], completed=item.done, total=item.total)  # type: ignore[arg-type]

        yield show
