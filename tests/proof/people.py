"""What people do in a history. They see the version they decide on and look before they settle."""

from __future__ import annotations

from domain.action import ActionKind, ActionState
from domain.approval import Verb
from storage.tables import Decision
from tests.proof import known
from tests.proof.servers import PUBLIC_POST
from tests.proof.world import World
from workflows.items import Draft
from workflows.start import compose_act, compose_deletion, compose_post


def compose(world: World, account_id: str, texts: tuple[str, ...]) -> str:
    """A post or a thread, in review. The composing itself does not crash."""
    made: list[str] = []
    draft = Draft(text=texts[0], more=texts[1:], no_claim=True)
    armed, world.points.armed = world.points.armed, []
    world.person(
        "",
        lambda verbs, uow: made.append(
            compose_post(uow, verbs, world.user, account_id, draft, None).id
        ),
    )
    world.points.armed = armed
    world.items += made
    world.step(f"composed {made[0][-4:]} of {len(texts)}")
    return made[0]


def act(world: World, account_id: str, of: str | None = None) -> str | None:
    """A like of somebody's post, or the deletion of an item of ours, in review."""
    made: list[str] = []
    target = PUBLIC_POST if world.kinds[account_id] == "bluesky" else "9"

    def work(verbs: object, uow: object) -> None:
        from storage.uow import UnitOfWork
        from workflows.actions import ActionVerbs

        assert isinstance(verbs, ActionVerbs)
        assert isinstance(uow, UnitOfWork)
        if of is None:
            made.append(compose_act(uow, verbs, world.user, account_id, ActionKind.LIKE, target).id)
        else:
            made.append(compose_deletion(uow, verbs, world.user, of).id)

    armed, world.points.armed = world.points.armed, []
    world.person("", work)
    world.points.armed = armed
    world.items += made
    return made[0] if made else None


def decide(world: World, item: str, verb: Verb, *, accept: bool = False, **more: object) -> str:
    """A verb on the version that stands there now."""
    action = world.row(item)
    if verb is Verb.EDIT and _left_out(world, item, action.account_id):
        return "left out"
    world.step(f"person: {verb.value} {item[-4:]}")
    seen = action.version
    return world.person(
        item,
        lambda verbs, _uow: verbs.decide(
            world.user,
            item,
            verb,
            seen,
            comment="because",
            accept=accept,
            **more,  # type: ignore[arg-type]
        ),
    )


def _left_out(world: World, item: str, account_id: str) -> bool:
    """Whether a new version now is what `known` leaves out."""
    link = world.link(account_id)
    under_way = any(tag.item == item for _, _, tag in link.late) or any(
        post.tag.item == item and world.outcome(post.tag.attempt) == "absent"
        for post in link.server.posts
    )
    sending = any(
        frame.op == "deliver" and frame.item == item
        for process in world.plant.processes.values()
        for frame in process.frames
    )
    return (under_way and not known.EDIT_WHILE_UNDER_WAY) or (
        sending and not known.EDIT_BEHIND_SLOW_WORKER
    )


def approve(world: World, item: str, *, accept: bool = False) -> str:
    """Approve what stands there."""
    return decide(world, item, Verb.APPROVE, accept=accept, no_claim=True)


def edit(world: World, item: str, texts: tuple[str, ...]) -> str:
    """Other words."""
    draft = Draft(text=texts[0], more=texts[1:], no_claim=True)
    return decide(world, item, Verb.EDIT, draft=draft)


def look_and_settle(world: World, item: str) -> str:
    """Look at the platform once nothing can be on its way any more, and say what is there."""
    action = world.row(item)
    if action.state != ActionState.UNCONFIRMED:
        return "nothing to settle"
    if world.link(action.account_id).late:
        return "too early"
    segment, post = world.pending_post(item)
    if segment is None:
        return "nothing to settle"
    if action.kind == ActionKind.DELETE:
        return "the machine sees it"
    if post is not None:
        return decide(world, item, Verb.SETTLE_PUBLISHED, remote_id=post.remote_id)
    readable = world.kinds[action.account_id] != "unreadable"
    if not readable and not known.ABSENT_WHERE_NOTHING_CAN_BE_READ:
        return give_up(world, item)
    return decide(world, item, Verb.SETTLE_ABSENT, accept=True)


def give_up(world: World, item: str) -> str:
    """Say that it failed without looking; what may be there keeps its key."""
    ended = decide(world, item, Verb.SETTLE_FAILED)
    world.given_up.add(item)
    return ended


def accepted(world: World, item: str) -> int:
    """How often a person opted in to a second post of an item."""
    with world.session() as session:
        from sqlalchemy import func, select

        query = select(func.count()).where(
            Decision.workspace_id == world.workspace_id,
            Decision.action_id == item,
            Decision.verb == "accept_risk",
            Decision.comment.not_like("It will be sent again.%"),
        )
        return int(session.scalar(query) or 0)
