"""After new rules of time zones: posts that are still to leave keep their wall time.

Governments change their clocks, and the tz database follows. What a person chose is the wall
time, so the instants of slots are computed anew; processes take up new rules when they start.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy import select

from domain.action import ActionState
from domain.events import EventKind
from domain.slot import Slot
from storage.tables import Action
from storage.uow import Database, UnitOfWork

log = logging.getLogger(__name__)

WAITING = (
    ActionState.DRAFTED,
    ActionState.IN_REVIEW,
    ActionState.CHANGES_REQUESTED,
    ActionState.APPROVED,
    ActionState.SCHEDULED,
    ActionState.ON_HOLD,
)
# No change of clocks ever moved a zone by more; what lies longer back stays as it was.
MOST_SHIFT = timedelta(hours=26)


def realign_slots(database: Database, now: datetime) -> int:
    """Realign all posts that are still to leave; cheap enough for each start of a clock.

    Returns:
        How many slots had another instant.
    """
    query = (
        select(Action.workspace_id, Action.id, Action.slot_at, Action.slot_wall, Action.slot_zone)
        .where(
            Action.slot_at > now - MOST_SHIFT,
            Action.slot_wall.is_not(None),
            Action.slot_zone.is_not(None),
            Action.state.in_([state.value for state in WAITING]),
        )
        .execution_options(yield_per=1000)
    )
    moved: list[tuple[str, str]] = []
    gone: set[str] = set()
    instants: dict[tuple[str, str], datetime] = {}
    with database.system() as session:
        for workspace_id, action_id, at, wall, zone in session.execute(query):
            assert at is not None and wall is not None and zone is not None
            if zone not in gone and (wall, zone) not in instants:
                try:
                    instants[wall, zone] = Slot.stored(at, wall, zone).refreshed().instant
                except ZoneInfoNotFoundError:
                    log.warning("the tz database has no zone %s any more; its slots stay", zone)
                    gone.add(zone)
            if zone not in gone and instants[wall, zone] != at:
                moved.append((workspace_id, action_id))
    done = 0
    for workspace_id, action_id in moved:
        with database.unit(workspace_id) as uow:
            done += realign(uow, uow.actions.get(action_id, lock=True), now)
    return done


def realign(uow: UnitOfWork, action: Action, now: datetime) -> bool:
    """Give a post that is still to leave the instant of its wall time by the rules of today.

    Args:
        uow: the unit of work.
        action: the post, locked.
        now: business time; what is due by the old rules and by the new ones stays.

    Returns:
        Whether its instant was another one.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: its zone is gone from the tz database.
    """
    if (
        ActionState(action.state) not in WAITING
        or action.slot_at is None
        or action.slot_wall is None
        or action.slot_zone is None
    ):
        return False
    slot = Slot.stored(action.slot_at, action.slot_wall, action.slot_zone)
    fresh = slot.refreshed()
    if fresh.instant == slot.instant or max(fresh.instant, slot.instant) <= now:
        return False
    action.slot_at = fresh.instant
    uow.audit.write(
        "system",
        "realign",
        "action",
        action.id,
        before=slot.instant.isoformat(),
        after=fresh.instant.isoformat(),
        wall=slot.wall_text,
        zone=slot.zone,
    )
    uow.send(action.thread_id, EventKind.CHANGED, f"realigned {fresh.instant.isoformat()}")
    return True
