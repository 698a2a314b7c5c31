"""The order of things: LangGraph graphs, approval, delivery, intake, evaluation."""
