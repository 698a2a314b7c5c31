"""The bar chart is well-formed, readable aloud, and draws no bar for what is unknown."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from analysis.charts import Bar, bar_chart

SVG = "{http://www.w3.org/2000/svg}"


def test_it_is_titled_escaped_and_to_scale() -> None:
    chart = bar_chart(
        "Suka & <balasan>", [Bar("Suka", 10, "10"), Bar("Balasan", 5, "5")], key="likes"
    )
    root = fromstring(chart)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "likes-title likes-text"
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == "Suka & <balasan>"
    assert title.get("id") == "likes-title"
    described = root.find(f"{SVG}desc")
    assert described is not None
    assert described.text == "Suka: 10; Balasan: 5"
    first, second = (float(rect.get("width", "")) for rect in root.iter(f"{SVG}rect"))
    assert first == pytest.approx(2 * second)


def test_unknown_is_written_and_not_drawn() -> None:
    root = fromstring(bar_chart("Reach", [Bar("Bluesky", None, "not offered"), Bar("x", 0, "0")]))
    assert [rect.get("width") for rect in root.iter(f"{SVG}rect")] == ["0.0"]
    assert "not offered" in "".join(root.itertext())


def test_no_bars_is_a_chart_too() -> None:
    assert fromstring(bar_chart("Empty", [])).tag == f"{SVG}svg"


def test_negative_values_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        bar_chart("Net", [Bar("x", -1, "-1")])
