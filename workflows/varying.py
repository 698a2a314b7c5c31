"""An occurrence of a repeated post in other words: by the model, or left to a person who is told so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agents.calls import CallScope
from agents.variation import vary
from agents.writer import Rewritten
from domain.action import Payload
from domain.brand import BrandProfile
from domain.errors import ModelError, ReplayMiss
from domain.source import Evidence
from storage.tables import Action, ActionVersion
from storage.uow import UnitOfWork
from workflows.asking import ask_again
from workflows.context import call_scope
from workflows.proposals import same_text_note
from workflows.services import Services

EARLIER = 3  # texts that went out before, shown to the model so that it repeats none of them


@dataclass(frozen=True)
class Varied:
    """What an occurrence is submitted with.

    `evidence` is None where the text stayed as it was; `note` then says what a person has to do.
    """

    payload: Payload
    evidence: tuple[dict[str, Any], ...] | None = None
    note: str = ""


@dataclass(frozen=True)
class _Material:
    profile: BrandProfile
    payload: Payload
    earlier: tuple[str, ...]
    facts: tuple[Evidence, ...]
    scope: CallScope
    note: str


def needs_variation(action: Action, version: ActionVersion) -> bool:
    """Whether a draft is an occurrence with the text of the post that it repeats."""
    return action.recurrence_id is not None and version.version == 1


def vary_occurrence(
    services: Services, workspace_id: str, action_id: str, thread_id: str, limit: int
) -> Varied:
    """Write the first part anew; the further parts of a thread stay.

    Where no model is on, or it cannot do it, the text stays and the note asks people to vary it.
    """
    with services.database.unit(workspace_id) as uow:
        material = _material(uow, action_id, thread_id)
    first, *more = material.payload.segments
    if services.model_off or not first.text.strip():
        return Varied(material.payload, note=material.note)
    model = services.model_of(workspace_id)

    def ask(scope: CallScope) -> Rewritten:
        return vary(
            model,
            material.profile,
            first.text,
            material.earlier,
            material.facts,
            scope,
            limit=limit,
        )

    try:
        made = ask_again(ask, material.scope, services.settings.stage_tries)
    except ReplayMiss:
        raise
    except ModelError as error:
        return Varied(material.payload, note=f"{material.note} The model could not: {error}")
    segments = (first.model_copy(update={"text": made.text}), *more)
    return Varied(
        material.payload.model_copy(update={"segments": segments}),
        tuple(item.model_dump(mode="json") for item in made.evidence),
    )


def _material(uow: UnitOfWork, action_id: str, thread_id: str) -> _Material:
    action = uow.actions.get(action_id)
    version = uow.actions.version(action)
    assert version is not None and action.recurrence_id is not None
    row = uow.recurrences.get(action.recurrence_id)
    published = [uow.actions.version(item) for item in uow.recurrences.published(row, EARLIER)]
    return _Material(
        profile=uow.brands.profile(action.brand_id),
        payload=Payload.model_validate(version.payload),
        earlier=tuple(
            Payload.model_validate(item.payload).segments[0].text for item in published if item
        ),
        facts=tuple(Evidence.model_validate(item) for item in version.evidence),
        scope=call_scope(uow, action.brand_id, thread_id, "vary"),
        note=same_text_note(uow, action),
    )
