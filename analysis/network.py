"""The network layer: who is active, who is new, who is tied to us. Ids only, no names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import networkx as nx

from analysis.tables import ENGAGING, EngagementRow
from analysis.tables import count_figure as count
from config.i18n import N_
from domain.conversation import InteractionKind
from domain.evaluation import Figure

BRAND = "brand"  # the node of the brand; people's ids are UUIDs
_TIES = ENGAGING - {InteractionKind.LIKE}  # an edge is a reply, a repost, a quote or a mention


def most_active(rows: Sequence[EngagementRow], limit: int = 10) -> tuple[tuple[str, int], ...]:
    """(person id, number of interactions), most first, ties by id."""
    counts = Counter(row.person_id for row in rows)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit])


def interaction_graph(rows: Sequence[EngagementRow]) -> nx.DiGraph:
    """Who turned to whom: an edge per pair, its weight the number of times; no self-loops.

    Our published answers are edges from the brand to the person.
    """
    graph = nx.DiGraph()
    graph.add_node(BRAND)
    for row in rows:
        if row.kind not in _TIES:
            continue
        target = row.target_person or BRAND
        if target != row.person_id:
            _tie(graph, row.person_id, target)
        if row.answered_at is not None:
            _tie(graph, BRAND, row.person_id)
    return graph


def _tie(graph: nx.DiGraph, source: str, target: str) -> None:
    weight = graph.get_edge_data(source, target, {"weight": 0})["weight"]
    graph.add_edge(source, target, weight=weight + 1)


def network_figures(
    rows: Sequence[EngagementRow], earlier: Collection[str] | None
) -> tuple[Figure, ...]:
    """All figures of the network layer.

    Args:
        rows: what the public did in the period.
        earlier: ids of the people seen before the period; None where nothing was read before.
    """
    people = {row.person_id for row in rows}
    graph = interaction_graph(rows)
    both = [node for node in graph.successors(BRAND) if graph.has_edge(node, BRAND)]
    top = most_active(rows, 1)
    return (
        count(
            "people_active", "network", N_("People who did something"), len(people), N_("people")
        ),
        _against(
            "newcomers",
            N_("People seen for the first time"),
            None if earlier is None else len(people.difference(earlier)),
        ),
        _against(
            "returning_people",
            N_("People seen before"),
            None if earlier is None else len(people.intersection(earlier)),
        ),
        Figure(
            id="most_active_interactions",
            layer="network",
            label=N_("Interactions of the most active person"),
            value=top[0][1] if top else None,
            unit=N_("interactions"),
            status="ok" if top else "too_few",
        ),
        count(
            "network_people",
            "network",
            N_("People in the conversation graph"),
            graph.number_of_nodes() - 1,
            N_("people"),
            N_("who replied, mentioned, quoted or reposted, and whom they answered"),
        ),
        count(
            "network_ties",
            "network",
            N_("Ties in the conversation graph"),
            graph.number_of_edges(),
            N_("ties"),
        ),
        count(
            "mutual_ties",
            "network",
            N_("People who wrote to us and got our answer"),
            len(both),
            N_("people"),
        ),
    )


def _against(figure_id: str, label: str, value: int | None) -> Figure:
    return Figure(
        id=figure_id,
        layer="network",
        label=label,
        value=value,
        unit=N_("people"),
        status="not_yet" if value is None else "ok",
        note=N_("nothing was read before this period") if value is None else "",
    )
