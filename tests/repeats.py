"""A post that comes again, in a room: what tests of repetitions do with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from domain.action import ActionState
from domain.approval import Verb
from domain.slot import Slot
from storage.repositories.recurrences import next_slot
from storage.tables import Action, Recurrence, User
from tests.fakes import START
from tests.rooms import Room
from workflows import recurring
from workflows.items import Draft
from workflows.proposals import Proposal, propose

LEAD = timedelta(hours=72)
WEEK = timedelta(days=7)
JAKARTA = "Asia/Jakarta"
BERLIN = "Europe/Berlin"
TEXT = "Setiap Jumat kami panggang roti gandum. Mampir ya!"
OTHER = "Sudah coba roti dari oven kami? Jumat ini hangat lagi, sampai jumpa di toko."


@dataclass
class Again:
    """A post that comes again, in a room."""

    room: Room
    id: str
    source_id: str

    def row(self) -> Recurrence:
        with self.room.services.database.unit(self.room.workspace_id) as uow:
            return uow.recurrences.get(self.id)

    def slot(self) -> Slot:
        return next_slot(self.row())

    def last(self) -> Action:
        with self.room.services.database.unit(self.room.workspace_id) as uow:
            found = uow.recurrences.last(self.id)
            assert found is not None
            return found

    def posts(self) -> list[Action]:
        with self.room.services.database.unit(self.room.workspace_id) as uow:
            return list(uow.recurrences.occurrences(self.id, 100))

    def propose(self, at: datetime | None = None) -> Proposal:
        """Look as the job does, when it is time or at another moment."""
        when = at or self.row().propose_at
        assert when is not None
        self.room.clock.at = when
        with self.room.services.database.unit(self.room.workspace_id) as uow:
            done = propose(uow, when, LEAD, self.id)
        self.room.pump.drain()
        return done

    def publish(self, action: Action, words: str) -> Action:
        """Edit, approve, and let its time come."""
        room = self.room
        room.decide(action.id, Verb.EDIT, action.version, draft=Draft(text=words, no_claim=True))
        room.pump.drain()
        room.decide(action.id, Verb.APPROVE, action.version + 1)
        room.pump.drain()
        assert action.slot_at is not None
        room.clock.at = action.slot_at
        room.pump.tick()
        found = room.action(action.id)
        assert found.state == ActionState.PUBLISHED
        return found


def published(room: Room, slot: Slot | None = None, words: str = TEXT) -> str:
    """A post that is out."""
    action_id = room.post(words, slot=slot)
    room.pump.drain()
    room.decide(action_id, Verb.APPROVE)
    room.pump.drain()
    if slot is not None:
        room.clock.at = slot.instant
        room.pump.tick()
    assert room.action(action_id).state == ActionState.PUBLISHED
    return action_id


def repeat(
    room: Room,
    source_id: str,
    kind: str = "recurring",
    days: int = 7,
    until: date | None = None,
    user: User | None = None,
) -> Again:
    with room.services.database.unit(room.workspace_id) as uow:
        row = recurring.repeat_post(
            uow, room.clock.now(), LEAD, user or room.owner, source_id, kind, days, until
        )
        return Again(room, row.id, source_id)


def monday(hour: int = 9, zone: str = JAKARTA) -> Slot:
    return Slot.at(START.date(), time(hour), zone)
