"""What the agents are told about a post or a comment, gathered from the rows."""

from __future__ import annotations

from dataclasses import dataclass

from agents.calls import CallScope
from agents.evidence import facts
from domain.action import Payload
from domain.brand import BrandProfile
from domain.source import Evidence
from storage.tables import Action, ChannelAccount
from storage.uow import UnitOfWork
from workflows.graph import ThreadState
from workflows.papers import read_dossier


@dataclass(frozen=True)
class RedraftContext:
    """What the writer needs to change a text as a reviewer asked."""

    action_id: str
    version: int
    profile: BrandProfile
    account: ChannelAccount
    payload: Payload
    comment: str
    facts: tuple[Evidence, ...]
    scope: CallScope
    limit: int

    def with_text(self, text: str) -> Payload:
        """The payload with another text in its first part."""
        first, *more = self.payload.segments
        segments = (first.model_copy(update={"text": text}), *more)
        return self.payload.model_copy(update={"segments": segments})


@dataclass(frozen=True)
class AnswerContext:
    """What the responder needs to sort and answer a comment."""

    profile: BrandProfile
    comment: str
    post: str
    facts: tuple[Evidence, ...]
    scope: CallScope
    prefix: str  # how the platform wants the answered person named, such as "@sari "
    limit: int
    account: ChannelAccount
    target: str


def call_scope(uow: UnitOfWork, brand_id: str, thread_id: str, stage: str) -> CallScope:
    """On whose behalf a model is asked; each further start of a stage asks with another seed."""
    thread = uow.threads.get(thread_id)
    attempt = max(thread.failures - 1, 0) + thread.tries
    return CallScope(brand_id=brand_id, thread_id=thread_id, stage=stage, attempt=attempt)


def redraft_context(
    uow: UnitOfWork, action: Action, thread_id: str, *, limit: int
) -> RedraftContext:
    """The text as it stands, and what the reviewer wants changed."""
    version = uow.actions.version(action)
    assert version is not None
    return RedraftContext(
        action_id=action.id,
        version=action.version,
        profile=uow.brands.profile(action.brand_id),
        account=uow.brands.account(action.account_id),
        payload=Payload.model_validate(version.payload),
        comment=action.reason,
        facts=brand_facts(uow, action.brand_id),
        scope=call_scope(uow, action.brand_id, thread_id, "redraft"),
        limit=limit,
    )


def answer_context(uow: UnitOfWork, state: ThreadState, *, limit: int) -> AnswerContext:
    """The comment, the post it is about, and what is known of the brand."""
    row = uow.interactions.get(state["subject_id"])
    account = uow.brands.account(row.account_id)
    post = ""
    for remote_id in filter(None, (row.target_remote_id, row.root_remote_id)):
        ours = uow.actions.by_remote_id(row.account_id, remote_id)
        version = uow.actions.version(ours) if ours else None
        if version is not None:
            post = version.payload["segments"][0]["text"]
            break
    handle = uow.interactions.person(row.person_id).handle
    # On Mastodon only a mention makes sure that the person sees the answer.
    prefix = f"@{handle} " if account.platform == "mastodon" and handle else ""
    return AnswerContext(
        profile=uow.brands.profile(row.brand_id),
        comment=row.text or "",
        post=post,
        facts=brand_facts(uow, row.brand_id),
        scope=call_scope(uow, row.brand_id, state["thread_id"], "engagement"),
        prefix=prefix,
        limit=limit - len(prefix),
        account=account,
        target=row.remote_id,
    )


def brand_facts(uow: UnitOfWork, brand_id: str) -> tuple[Evidence, ...]:
    """The quotes of the brand's newest approved dossier."""
    papers = uow.cycles.papers("dossier", brand_id, "approved")
    return tuple(facts(read_dossier(papers[0]))) if papers else ()
