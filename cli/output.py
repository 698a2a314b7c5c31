"""How commands print: safe text, tables for 80 columns, JSON that stands alone."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

# Control characters can redraw a terminal and direction marks can reorder what is read: in a text
# that somebody is about to approve they are shown instead of obeyed.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """The text with control characters and direction marks made visible."""
    lines = text.replace("\r\n", "\n")
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", lines)


def console() -> Console:
    """Standard output; 80 columns where it is not a terminal."""
    return Console(highlight=False, markup=False, emoji=False)


def say(text: str = "", *, style: str = "", indent: int = 0) -> None:
    """A paragraph, wrapped to the width and never cut."""
    target = console()
    body = text.lstrip("\n")
    for _ in range(len(text) - len(body)):
        target.print()
    target.print(Padding(Text(clean(body), style=style), (0, 0, 0, indent), expand=False))


def note(text: str) -> None:
    """A remark beside the data: to standard error."""
    click.echo(clean(text), err=True)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, fixed: int = 1) -> None:
    """A table without frames.

    Args:
        headers: one per column.
        rows: the cells as text.
        fixed: how many columns from the left are never wrapped.
    """
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, header in enumerate(headers):
        made.add_column(header, no_wrap=number < fixed, overflow="fold")
    for row in rows:
        made.add_row(*(Text(clean(cell)) for cell in row))
    console().print(made)


def fields(rows: Sequence[tuple[str, str]]) -> None:
    """Names and values, one pair a line."""
    made = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True, style="bold")
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(name, Text(clean(value)))
    console().print(made)


def listed(head: str, lines: Sequence[tuple[str, str]]) -> None:
    """A name at the left and paragraphs beside it, as (text, style); empty ones are left out."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for text, style in lines:
        if text:
            made.add_row(Text(head), Text(clean(text), style=style))
            head = ""
    console().print(made)


def print_json(data: Any) -> None:
    """Data for programs; instants in ISO 8601."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} does not belong into JSON")


def when(instant: datetime | None, zone: ZoneInfo, empty: str = "no time set") -> str:
    """An instant on the brand's wall clock."""
    return f"{instant.astimezone(zone):%a %d %b %Y %H:%M}" if instant else empty


def words(name: str) -> str:
    """A state or verb as words."""
    return name.replace("_", " ")


def span(seconds: float) -> str:
    """A length of time, roughly."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
