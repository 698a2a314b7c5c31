"""The network layer: active people, ties, newcomers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analysis.network import BRAND, interaction_graph, most_active, network_figures
from analysis.tables import EngagementRow
from domain.conversation import InteractionKind
from tests.unit.analysis.rows import said, table

people = st.sampled_from([f"p{number}" for number in range(6)])
rows_lists = st.lists(
    st.tuples(people, st.sampled_from(InteractionKind), st.none() | people, st.booleans()),
    max_size=40,
).map(
    lambda rows: [
        said(number, who, kind=kind, target=target, answered_after=5 if answered else None)
        for number, (who, kind, target, answered) in enumerate(rows)
    ]
)


def test_most_active_people_first_and_ties_by_id() -> None:
    rows = [said(1, "b"), said(2, "a"), said(3, "c"), said(4, "c")]
    assert most_active(rows) == (("c", 2), ("a", 1), ("b", 1))
    assert most_active(rows, limit=1) == (("c", 2),)


def test_the_graph_holds_who_turned_to_whom() -> None:
    rows = [
        said(1, "a", answered_after=5),
        said(2, "a"),
        said(3, "b", target="a"),
        said(4, "c", target="c"),
        said(5, "d", kind=InteractionKind.LIKE),
        said(6, "e", kind=InteractionKind.REPOST),
    ]
    graph = interaction_graph(rows)
    assert set(graph.edges) == {("a", BRAND), (BRAND, "a"), ("b", "a"), ("e", BRAND)}
    assert graph["a"][BRAND]["weight"] == 2
    found = table(network_figures(rows, {"a", "zzz"}))
    assert found["people_active"].value == 5
    assert found["network_people"].value == 3
    assert found["network_ties"].value == 4
    assert found["mutual_ties"].value == 1
    assert found["newcomers"].value == 4
    assert found["returning_people"].value == 1
    assert found["most_active_interactions"].value == 2


def test_without_an_earlier_window_nobody_is_called_new() -> None:
    found = table(network_figures([said(1, "a")], None))
    assert found["newcomers"].status == "not_yet"
    assert found["newcomers"].value is None
    assert found["returning_people"].value is None


def test_nothing_happened() -> None:
    found = table(network_figures([], {"a"}))
    assert found["people_active"].value == 0
    assert found["newcomers"].value == 0
    assert found["most_active_interactions"].status == "too_few"


@given(rows_lists, st.sets(people))
def test_newcomers_and_returning_are_everybody(
    rows: list[EngagementRow], earlier: set[str]
) -> None:
    found = table(network_figures(rows, earlier))
    parts = [found["newcomers"].value, found["returning_people"].value]
    assert sum(int(part or 0) for part in parts) == found["people_active"].value
    assert sum(number for _, number in most_active(rows, limit=99)) == len(rows)


@given(rows_lists)
def test_the_graph_has_no_self_loops(rows: list[EngagementRow]) -> None:
    graph = interaction_graph(rows)
    assert all(source != target for source, target in graph.edges)
    assert all(weight > 0 for _, _, weight in graph.edges.data("weight"))
