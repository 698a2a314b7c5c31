"""Charts as SVG text, readable by screen readers. All words come from the caller, translated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _ROW, _BAR, _LEFT, _RIGHT, _TOP = 640, 28, 18, 220, 90, 34


@dataclass(frozen=True)
class Bar:
    """One bar. Without a value only `shown` is written, such as "not offered": no bar of length 0."""

    label: str
    value: float | None
    shown: str


def bar_chart(title: str, bars: Sequence[Bar], *, key: str = "chart", description: str = "") -> str:
    """A chart of horizontal bars, each with its label and its value in words.

    Args:
        title: read out by screen readers and drawn above the bars.
        bars: top to bottom; values must not be negative.
        key: begins the ids inside the drawing; unique on its page.
        description: what there is to see, for screen readers.

    Raises:
        ValueError: a value is negative.
    """
    if any(bar.value is not None and bar.value < 0 for bar in bars):
        raise ValueError(f"the chart {title!r} has a negative value; bars begin at zero")
    longest = max((bar.value for bar in bars if bar.value is not None), default=0.0)
    height = _TOP + _ROW * len(bars) + 6
    told = description or "; ".join(f"{bar.label}: {bar.shown}" for bar in bars)
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
            f'aria-labelledby="{escape(key)}-title {escape(key)}-text" class="chart">'
        ),
        f'<title id="{escape(key)}-title">{escape(title)}</title>',
        f'<desc id="{escape(key)}-text">{escape(told)}</desc>',
        f'<text x="0" y="18" class="chart-title" font-weight="bold">{escape(title)}</text>',
    ]
    room = _WIDTH - _LEFT - _RIGHT
    for index, bar in enumerate(bars):
        top = _TOP + index * _ROW
        middle = top + _BAR - 4
        lines.append(
            f'<text x="{_LEFT - 8}" y="{middle}" text-anchor="end" font-size="13">{escape(bar.label)}</text>'
        )
        length = 0.0
        if bar.value is not None:
            length = room * bar.value / longest if longest else 0.0
            lines.append(
                f'<rect x="{_LEFT}" y="{top}" width="{length:.1f}" height="{_BAR}" '
                'fill="currentColor" fill-opacity="0.65"/>'
            )
        lines.append(
            f'<text x="{_LEFT + length + 6:.1f}" y="{middle}" font-size="13">{escape(bar.shown)}</text>'
        )
    return "\n".join([*lines, "</svg>"])
