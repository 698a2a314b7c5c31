"""The table of graphs. A version stays listed while threads of it may still sleep."""

from workflows.graph import Graphs, GraphSpec

GRAPHS = Graphs(
    (
        GraphSpec("cycle", 1, "research", "research", "workflows.cycle"),
        GraphSpec("post", 1, "write", "planning", "workflows.post"),
        GraphSpec("answer", 1, "triage", "engagement", "workflows.answer"),
    )
)
