"""What begins a thread: a period of a brand, a post or a reply from an empty editor."""

from __future__ import annotations

from datetime import timedelta

from config.clock import Clock
from domain.action import WRITTEN, ActionKind, ActionState, Payload
from domain.conversation import InteractionKind
from domain.errors import InvalidInput, TransitionRefused
from domain.events import EventKind
from domain.slot import Slot
from domain.team import Right, Role, require
from storage.tables import Action, Cycle, InteractionRow, Thread, User, new_id
from storage.uow import UnitOfWork
from workflows.actions import ActionVerbs
from workflows.items import Draft
from workflows.threads import new_thread


def start_cycle(
    uow: UnitOfWork, clock: Clock, user: User | None, brand_id: str, *, by_hand: bool = False
) -> Cycle:
    """Begin a period of a brand: research first.

    Args:
        uow: the unit of work; its owner commits.
        clock: business time, the start of the period.
        user: who starts it; None for the clock.
        brand_id: the brand.
        by_hand: people write dossier and plan, no model is asked.

    Raises:
        NotPermitted: the role does not allow it.
        TransitionRefused: a period of the brand is running.
    """
    if user is not None:
        require(Role(user.role), Right.WRITE)
    brand = uow.brands.get(brand_id)
    for cycle in uow.cycles.of_brand(brand_id):
        if uow.threads.get(cycle.thread_id).status != "finished":
            raise TransitionRefused(
                f"A period of {brand.name} is running already (stage {cycle.stage}). Finish it first."
            )
    profile = uow.brands.profile(brand_id)
    now = clock.now()
    cycle_id = new_id()
    thread_id = new_id()
    cycle = uow.cycles.add(
        cycle_id,
        brand_id,
        thread_id,
        now,
        now + timedelta(days=profile.period_days),
        by_hand=by_hand,
    )
    new_thread(uow, "cycle", brand_id, cycle_id, thread_id=thread_id)
    uow.audit.write(user.id if user else "system", "start", "cycle", cycle_id, by_hand=by_hand)
    return cycle


def end_period(uow: UnitOfWork, clock: Clock, user: User, cycle_id: str) -> None:
    """End the period now: the evaluation runs on what there is."""
    require(Role(user.role), Right.DECIDE)
    cycle = uow.cycles.get(cycle_id)
    cycle.period_end = min(cycle.period_end, clock.now())
    uow.audit.write(user.id, "end_period", "cycle", cycle_id)
    uow.send(cycle.thread_id, EventKind.CHANGED, "end of period")


def retry_stage(uow: UnitOfWork, user: User, thread_id: str, *, by_hand: bool = False) -> None:
    """Run a failed stage again, or go on by hand.

    Raises:
        TransitionRefused: the thread has not failed.
    """
    require(Role(user.role), Right.WRITE)
    thread = uow.threads.get(thread_id, lock=True)
    if thread.status != "failed":
        raise TransitionRefused("This stage has not failed; there is nothing to run again.")
    if by_hand and thread.graph == "cycle":
        uow.cycles.get(thread.subject_id).by_hand = True
    thread.status = "ready"
    thread.failures = 0
    thread.tries += 1
    thread.ready_at = uow.now()
    uow.audit.write(user.id, "retry", "thread", thread_id, node=thread.node, by_hand=by_hand)
    uow.wake(thread, f"retry {new_id()}")


def compose_post(
    uow: UnitOfWork,
    verbs: ActionVerbs,
    user: User,
    account_id: str,
    draft: Draft,
    slot: Slot | None,
) -> Action:
    """A post from an empty editor; it is reviewed like any other."""
    account = uow.brands.account(account_id)
    thread_id = new_id()
    action = verbs.compose(user, account, ActionKind.POST, draft, thread_id=thread_id, slot=slot)
    cycles = uow.cycles.of_brand(account.brand_id)
    if cycles:
        action.cycle_id = cycles[0].id
    new_thread(uow, "post", account.brand_id, action.id, thread_id=thread_id)
    return action


def revise_post(
    uow: UnitOfWork,
    verbs: ActionVerbs,
    user: User,
    action_id: str,
    draft: Draft,
    slot: Slot | None = None,
) -> Action:
    """A new post from a published one, for an approval of its own; the published one stays.

    Raises:
        TransitionRefused: the item is not published; edit it where it is.
    """
    published = uow.actions.get(action_id)
    if published.state != ActionState.PUBLISHED.value or published.kind not in WRITTEN:
        raise TransitionRefused("Only a published post is written anew; edit the item itself.")
    thread_id = new_id()
    version = uow.actions.version(published)
    assert version is not None
    action = verbs.compose(
        user,
        uow.brands.account(published.account_id),
        ActionKind(published.kind),
        draft,
        thread_id=thread_id,
        slot=slot,
        target=Payload.model_validate(version.payload).target,
        revises_id=published.id,
    )
    action.cycle_id, action.theme = published.cycle_id, published.theme
    new_thread(uow, "post", published.brand_id, action.id, thread_id=thread_id)
    return action


def compose_act(
    uow: UnitOfWork,
    verbs: ActionVerbs,
    user: User,
    account_id: str,
    kind: ActionKind,
    target: str,
) -> Action:
    """An act without words on a post: like, unlike, delete. It waits for an approval like any other.

    Raises:
        TransitionRefused: the same is already on its way.
    """
    if kind in WRITTEN:
        raise InvalidInput(f"A {kind.value} has words; write it in the editor.")
    account = uow.brands.account(account_id)
    if uow.actions.open_act(account_id, kind, target) is not None:
        raise TransitionRefused("The same is already waiting in the queue. Approve or reject it.")
    thread_id = new_id()
    action = verbs.compose(user, account, kind, None, thread_id=thread_id, target=target)
    new_thread(uow, "post", account.brand_id, action.id, thread_id=thread_id)
    return action


def compose_deletion(
    uow: UnitOfWork, verbs: ActionVerbs, user: User, action_id: str, part: int = 1
) -> Action:
    """The deletion of a part of ours on the platform.

    Args:
        uow: the unit of work; its owner commits.
        verbs: the verbs of people.
        user: who wants it.
        action_id: the post or reply.
        part: which part, from 1.

    Raises:
        TransitionRefused: that part is not on the platform.
    """
    action = uow.actions.get(action_id)
    sent = {s.ordinal + 1: s.remote_id for s in uow.actions.segments(action) if s.remote_id}
    if action.kind not in WRITTEN or part not in sent:
        raise TransitionRefused(f"Part {part} of this is not on the platform; nothing to delete.")
    return compose_act(uow, verbs, user, action.account_id, ActionKind.DELETE, str(sent[part]))


def compose_reply(
    uow: UnitOfWork, verbs: ActionVerbs, user: User, interaction_id: str, draft: Draft
) -> Action:
    """A reply from an empty editor.

    Raises:
        TransitionRefused: there is a reply to this interaction already.
    """
    interaction = uow.interactions.get(interaction_id, lock=True)
    if uow.actions.reply_to(interaction_id) is not None:
        raise TransitionRefused(
            "There is a reply to this already. Open it in the queue and edit it."
        )
    thread = interaction_thread(uow, interaction)
    action = verbs.compose(
        user,
        uow.brands.account(interaction.account_id),
        ActionKind.REPLY,
        draft,
        thread_id=thread.id,
        interaction_id=interaction.id,
        target=interaction.remote_id,
    )
    interaction.state = "drafted"
    uow.send(thread.id, EventKind.DECISION, f"reply {action.id}")
    return action


def no_answer(uow: UnitOfWork, user: User, interaction_id: str, reason: str = "") -> None:
    """A person decides that an interaction gets no answer."""
    require(Role(user.role), Right.DECIDE)
    interaction = uow.interactions.get(interaction_id, lock=True)
    if uow.actions.reply_to(interaction_id) is not None:
        raise TransitionRefused("There is a reply draft. Reject the draft first.")
    interaction.state = "no_answer"
    interaction.triage_reason = reason or interaction.triage_reason
    uow.audit.write(user.id, "no_answer", "interaction", interaction.id)
    if interaction.thread_id:
        uow.send(interaction.thread_id, EventKind.DECISION, "no answer")


def classify(
    uow: UnitOfWork, user: User, interaction_id: str, *, sentiment: str, intent: str
) -> None:
    """A person says how an interaction feels and what it wants."""
    from domain.conversation import Intent, Sentiment

    require(Role(user.role), Right.WRITE)
    interaction = uow.interactions.get(interaction_id, lock=True)
    try:
        interaction.sentiment = Sentiment(sentiment).value
        interaction.intent = Intent(intent).value
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    interaction.triaged_by = "person"
    uow.audit.write(user.id, "classify", "interaction", interaction.id)


def interaction_thread(uow: UnitOfWork, interaction: InteractionRow) -> Thread:
    """The thread of an interaction, made when there is none yet."""
    if interaction.thread_id is not None:
        return uow.threads.get(interaction.thread_id)
    if interaction.kind not in {kind.value for kind in InteractionKind}:
        raise InvalidInput(f"{interaction.kind} is no kind of interaction.")
    thread = new_thread(uow, "answer", interaction.brand_id, interaction.id)
    interaction.thread_id = thread.id
    return thread
