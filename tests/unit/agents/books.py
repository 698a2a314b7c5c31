"""A ledger in memory."""

from __future__ import annotations

from agents.calls import CallRecord
from domain.errors import BudgetExceeded


class Books:
    """Keeps calls in a list and a budget in a number."""

    def __init__(self, budget: int = 1_000_000) -> None:
        self.budget = budget
        self.reserved = 0
        self.calls: list[CallRecord] = []

    def reserve(self, brand_id: str, tokens: int) -> None:
        spent = sum(call.spent for call in self.calls)
        if spent + self.reserved + tokens > self.budget:
            raise BudgetExceeded(f"the budget of {brand_id} does not cover {tokens} tokens")
        self.reserved += tokens

    def record(self, call: CallRecord) -> None:
        self.reserved -= call.reserved
        self.calls.append(call)
