"""The books of one request: a reservation that is opened before and closed after it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from agents.calls import AgentRole, CallRecord, CallScope, Ledger, Outcome, Price
from agents.endpoint import EndpointFailure, Reply, Request
from agents.schema import fingerprint
from config.clock import Clock
from domain.errors import ModelUnavailable


@dataclass
class Booking:
    """What is known of one request while it runs."""

    ledger: Ledger
    clock: Clock
    price: Price | None
    scope: CallScope
    role: AgentRole
    task: str
    request: Request
    attempt: int
    reserved: int
    started_at: datetime
    start: float
    reply: Reply | None = None
    milliseconds: int | None = None

    def answered(self, reply: Reply) -> None:
        """Note the reply and stop the watch."""
        self.reply = reply
        self.milliseconds = self._elapsed()

    def close(self, outcome: Outcome) -> CallRecord:
        """Write the record, which replaces the reservation."""
        reply = self.reply
        record = CallRecord(
            brand_id=self.scope.brand_id,
            thread_id=self.scope.thread_id,
            stage=self.scope.stage,
            role=self.role,
            task=self.task,
            model=reply.model if reply else self.request.model,
            params={**self.request.params(), "attempt": self.attempt},
            prompt_hash=fingerprint([item.model_dump() for item in self.request.messages]),
            schema_hash=fingerprint(self.request.json_schema),
            reserved=self.reserved,
            tokens_in=reply.tokens_in if reply else None,
            tokens_out=reply.tokens_out if reply else None,
            cost=self._cost(),
            milliseconds=self._elapsed() if self.milliseconds is None else self.milliseconds,
            outcome=outcome,
            started_at=self.started_at,
            finished_at=self.clock.now(),
        )
        self.ledger.record(record)
        return record

    def unavailable(self, failure: EndpointFailure) -> ModelUnavailable:
        """The error for people when no try is left."""
        return ModelUnavailable(
            f"The model endpoint could not answer the {self.role} ({self.task}, model "
            f"{self.request.model}, try {self.attempt}): {failure}. Check it with `humas doctor`, then "
            "run the stage again or do it by hand."
        )

    def _elapsed(self) -> int:
        return round((time.monotonic() - self.start) * 1000)

    def _cost(self) -> float | None:
        reply, price = self.reply, self.price
        if price is None or reply is None or reply.tokens_in is None or reply.tokens_out is None:
            return None
        total = reply.tokens_in * price.tokens_in + reply.tokens_out * price.tokens_out
        return total / 1_000_000
