"""The model ledger of one workspace: budget before a call, the record after it."""

from __future__ import annotations

from agents.calls import CallRecord
from config.clock import Clock
from storage.tables import LlmCall, new_id
from storage.uow import Database


class DatabaseLedger:
    """Writes each call in a transaction of its own, so that a failed stage still counts."""

    def __init__(
        self, database: Database, workspace_id: str, clock: Clock, tokens_per_day: int
    ) -> None:
        """Take the hard budget per brand and day (UTC) in tokens."""
        self._database = database
        self._workspace = workspace_id
        self._clock = clock
        self._limit = tokens_per_day
        self._day = ""  # of the reservation that the next record replaces

    def reserve(self, brand_id: str, tokens: int) -> None:
        """Set tokens aside; raises BudgetExceeded."""
        self._day = self._clock.now().date().isoformat()
        with self._database.unit(self._workspace) as uow:
            uow.ledger.reserve(brand_id, self._day, tokens, self._limit)

    def record(self, call: CallRecord) -> None:
        """Store a call and replace its reservation by what was spent."""
        with self._database.unit(self._workspace) as uow:
            uow.ledger.settle(call.brand_id, self._day, call.reserved, call.spent)
            uow.ledger.add(
                LlmCall(
                    id=new_id(),
                    workspace_id=self._workspace,
                    brand_id=call.brand_id,
                    thread_id=call.thread_id,
                    role=call.role,
                    stage=call.stage,
                    task=call.task,
                    model=call.model,
                    params=dict(call.params),
                    prompt_hash=call.prompt_hash,
                    schema_hash=call.schema_hash,
                    tokens_in=call.tokens_in,
                    tokens_out=call.tokens_out,
                    cost_microusd=None if call.cost is None else round(call.cost * 1_000_000),
                    milliseconds=call.milliseconds,
                    outcome=call.outcome,
                )
            )
