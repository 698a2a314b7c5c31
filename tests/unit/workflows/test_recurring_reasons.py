"""Why a repetition rests is stored in English and found again in the catalogue of texts."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

import pytest

from config.catalogue import messages
from config.i18n import translate_stored
from domain.slot import Slot
from storage.tables import ChannelAccount, Recurrence
from workflows import proposals, recurring
from workflows.recurring_dates import disconnected, lead_of, plan

SLOT = Slot.of_wall(datetime(2026, 11, 23, 9, 5), "Asia/Jakarta")


known = cache(messages)


def marked(text: str) -> str:
    """A translation that says which texts it knows."""
    return f"<{text}>" if known().get(text) else text


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (proposals._why(proposals._MISSED, SLOT), "<2026-11-23 09:05 went by before"),
        (proposals._why(proposals._OPEN, SLOT), "<2026-11-23 09:05 is passed over"),
        (proposals._REJECTED, "<The post that it repeats was rejected.>"),
        (f"Dewi: Ayu: {recurring._PAUSED}", "Dewi: Ayu: <paused it>"),
        (f"Dewi: {recurring._STOPPED}", "Dewi: <stopped it>"),
        (disconnected(ChannelAccount(handle="kopi.example")), "kopi.example: <the account is"),
    ],
)
def test_reasons_are_found_in_the_catalogue(stored: str, shown: str) -> None:
    assert translate_stored(stored, marked).startswith(shown)


@pytest.mark.parametrize(
    ("days", "hours", "lead"), [(1, 72, 22), (3, 72, 70), (7, 72, 72), (366, 0.5, 0.5)]
)
def test_the_lead_ends_before_the_post_before_is_out(days: int, hours: float, lead: float) -> None:
    row = Recurrence(
        every_days=days, kind="recurring", zone=SLOT.zone, state="active", ends_at=None
    )
    assert lead_of(row, timedelta(hours=hours)) == timedelta(hours=lead)
    plan(row, SLOT, timedelta(hours=hours))
    assert row.propose_at == SLOT.instant - timedelta(hours=lead)
    row.ends_at = SLOT.instant
    plan(row, SLOT, timedelta(hours=hours))
    assert row.state == "ended"
    assert row.propose_at is None, "the clock leaves it alone"
    assert translate_stored(row.reason, marked).startswith("<")
