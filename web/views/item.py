"""Everything the page of one post or reply shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.action import WRITTEN, ActionState, Payload
from domain.approval import NEEDS_COMMENT, Policy, Verb, verbs_from
from domain.brand import BrandProfile
from domain.errors import NotFound
from domain.source import Evidence
from storage.tables import (
    Action,
    ActionVersion,
    Brand,
    ChannelAccount,
    Decision,
    InteractionRow,
    PersonRow,
    Recurrence,
    SegmentRow,
)
from storage.uow import UnitOfWork
from web.diff import Piece, words
from web.limits import LimitBook, Offer
from workflows.recurring import why_not_repeated
from workflows.risks import repeat_risk

PARTS = "\n\n"  # between the parts of a thread, where they are compared as one text


@dataclass(frozen=True)
class Part:
    """One part of the text with its length in the platform's unit."""

    text: str
    length: int | None
    too_long: bool


@dataclass(frozen=True)
class HistoryEntry:
    """A version with what changed in it and what people decided on it."""

    version: ActionVersion
    author: str
    pieces: list[Piece]
    decisions: list[tuple[Decision, str]]


@dataclass(frozen=True)
class Conversation:
    """What a reply answers."""

    interaction: InteractionRow
    person: PersonRow
    ours: str  # our post that was spoken to, empty where it is not ours


@dataclass(frozen=True)
class ItemView:
    """One post or reply, ready to show."""

    action: Action
    brand: Brand
    profile: BrandProfile
    account: ChannelAccount
    version: ActionVersion
    payload: Payload
    parts: list[Part]
    offer: Offer
    evidence: list[Evidence]
    verbs: list[str]
    comment_needed: frozenset[str]
    history: list[HistoryEntry]
    conversation: Conversation | None
    segments: Sequence[SegmentRow]
    policy: Policy
    approvals: int
    stopped: str | None
    risks: dict[str, str]  # what a verb could publish twice, in words
    occurrence_of: Recurrence | None  # what it is an occurrence of
    comes_again: Sequence[Recurrence]  # what lets it come again, what is active first
    repeatable: bool
    changed: list[Piece]  # from the version that the person saw, after a stale decision

    @property
    def zone(self) -> str:
        """The brand's time zone."""
        return self.profile.time_zone

    @property
    def written(self) -> bool:
        """Whether it has words that can be edited."""
        return self.payload.kind in WRITTEN


def whole_text(payload: Payload) -> str:
    """All parts of a text as one."""
    return PARTS.join(segment.text for segment in payload.segments)


def person_names(uow: UnitOfWork) -> dict[str, str]:
    """Names of the team by id."""
    return {person.id: person.name for person in uow.people.all()}


def item_view(
    uow: UnitOfWork, limits: LimitBook, action_id: str, *, seen: int | None = None
) -> ItemView:
    """Gather the page of an action.

    Args:
        uow: the unit of work.
        limits: what accounts offer.
        action_id: the action.
        seen: the version somebody decided on that has been replaced since.
    """
    action = uow.actions.get(action_id)
    versions = uow.actions.versions(action)
    if not versions:
        raise NotFound("Nothing has been written for this yet. Look again in a moment.")
    version = versions[-1]
    payload = Payload.model_validate(version.payload)
    account = uow.brands.account(action.account_id)
    profile = uow.brands.profile(action.brand_id)
    offer = limits.of(account)
    decisions = uow.actions.decisions(action.id)
    names = person_names(uow)
    old = next((v for v in versions if v.version == seen), None) if seen is not None else None
    return ItemView(
        action=action,
        brand=uow.brands.get(action.brand_id),
        profile=profile,
        account=account,
        version=version,
        payload=payload,
        parts=[part(segment.text, offer) for segment in payload.segments],
        offer=offer,
        evidence=[Evidence.model_validate(item) for item in version.evidence],
        verbs=[verb.value for verb in verbs_from(ActionState(action.state))],
        comment_needed=frozenset(verb.value for verb in NEEDS_COMMENT),
        history=_history(versions, decisions, names),
        conversation=_conversation(uow, action),
        segments=uow.actions.segments(action),
        policy=Policy.of(profile),
        approvals=sum(
            1
            for item in decisions
            if item.verb == Verb.APPROVE.value and item.version == version.version
        ),
        stopped=uow.stop.why_stopped(action.brand_id),
        risks={
            verb.value: risk
            for verb in verbs_from(ActionState(action.state))
            if (risk := repeat_risk(uow, action, version, verb)) is not None
        },
        occurrence_of=uow.recurrences.get(action.recurrence_id) if action.recurrence_id else None,
        comes_again=uow.recurrences.find(source_id=action.id),
        repeatable=why_not_repeated(uow, action) is None,
        changed=_between(old, payload),
    )


def part(text: str, offer: Offer) -> Part:
    """A part of a text, measured."""
    length = offer.length(text)
    limit = offer.text_max
    return Part(text, length, length is not None and limit is not None and length > limit)


def _between(old: ActionVersion | None, payload: Payload) -> list[Piece]:
    if old is None:
        return []
    return words(whole_text(Payload.model_validate(old.payload)), whole_text(payload))


def _history(
    versions: Sequence[ActionVersion], decisions: Sequence[Decision], names: dict[str, str]
) -> list[HistoryEntry]:
    """Newest first."""
    entries = []
    before: str | None = None
    for version in versions:
        text = whole_text(Payload.model_validate(version.payload))
        pieces = [Piece("same", text)] if before is None else words(before, text)
        entries.append(
            HistoryEntry(
                version=version,
                author=names.get(version.author_id or "", ""),
                pieces=pieces,
                decisions=[
                    (item, names.get(item.user_id, ""))
                    for item in decisions
                    if item.version == version.version
                ],
            )
        )
        before = text
    return entries[::-1]


def _conversation(uow: UnitOfWork, action: Action) -> Conversation | None:
    if action.interaction_id is None:
        return None
    interaction = uow.interactions.get(action.interaction_id)
    return conversation(uow, interaction)


def conversation(uow: UnitOfWork, interaction: InteractionRow) -> Conversation:
    """An interaction with its writer and what of ours it speaks to."""
    ours = ""
    if interaction.target_remote_id:
        post = uow.actions.by_remote_id(interaction.account_id, interaction.target_remote_id)
        version = uow.actions.version(post) if post else None
        ours = whole_text(Payload.model_validate(version.payload)) if version else ""
    return Conversation(interaction, uow.interactions.person(interaction.person_id), ours)
