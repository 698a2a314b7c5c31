"""What must hold after every history, once all is quiet."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import Select, select

from domain.action import ActionKind, ActionState, Payload
from storage.tables import Action, ActionVersion, Approval, Attempt, SegmentRow
from tests.proof.people import accepted, look_and_settle
from tests.proof.servers import LivePost
from tests.proof.world import World

MOVING = frozenset(
    {
        ActionState.APPROVED,
        ActionState.SCHEDULED,
        ActionState.PUBLISHING,
        ActionState.UNCONFIRMED,
    }
)
ROUNDS = 40
CERTAIN = frozenset({"sent", "not_sent", "refused"})


def quiet(world: World) -> None:
    """All faults off, leases over, and sweeps until nothing moves; people settle what asks them."""
    world.points.armed = []
    for link in world.links.values():
        link.fates.clear()
        link.down, link.spent_reads = False, 0
    if world.stopped:
        world.stop(on=False)
    for turn in range(ROUNDS):
        world.pass_time(100 if turn < ROUNDS // 2 else 300)
        world.sweep("A" if turn % 2 else "B")
        moving = {k: a for k, a in world.rows().items() if a.state in MOVING}
        if not moving:
            return
        for item, action in moving.items():
            asked = "settle it by hand" in action.reason
            if action.state == ActionState.UNCONFIRMED and asked:
                look_and_settle(world, item)
    for item, action in moving.items():
        world.wrong(f"{item} is still {action.state} after {ROUNDS} rounds: {action.reason}")


def check(world: World) -> list[str]:
    """The violations of a history that has come to rest."""
    _Check(world).run()
    return world.problems


def failures(world: World) -> str:
    """The violations with the history that led to them."""
    return "\n".join([*world.problems, "--- history:", *world.points.log])


class _Check:
    def __init__(self, world: World) -> None:
        self.world = world
        self.wrong = world.wrong
        with world.session() as session:
            self.actions = world.rows()

            def all_of(table: Any) -> list[Any]:
                query: Select[Any] = select(table).where(table.workspace_id == world.workspace_id)
                return list(session.scalars(query))

            self.segments: list[SegmentRow] = all_of(SegmentRow)
            self.attempts: list[Attempt] = all_of(Attempt)
            self.approved = {(a.action_id, a.version): a.digest for a in all_of(Approval)}
            self.versions: dict[tuple[str, int], ActionVersion] = {
                (v.action_id, v.version): v for v in all_of(ActionVersion)
            }
        self.posts: list[LivePost] = [
            post for link in world.links.values() for post in link.server.posts
        ]
        self.effective = {tag.attempt for link in world.links.values() for tag in link.server.done}

    def run(self) -> None:
        self.once()
        for post in self.posts:
            self.approved_bytes(post)
        for attempt in self.attempts:
            self.own_outcome(attempt)
        for action in self.actions.values():
            self.accounted_for(action)

    def once(self) -> None:
        """Per intent 0 or 1 posts; per part of an item no more than people opted in to."""
        for key, number in Counter(post.tag.key for post in self.posts).items():
            if number > 1:
                self.wrong(f"{number} posts with the intent {key}")
        ordinal = {segment.client_key: segment.ordinal for segment in self.segments}
        parts: dict[tuple[str, int], list[LivePost]] = defaultdict(list)
        for post in self.posts:
            if post.tag.key in ordinal:
                parts[post.tag.item, ordinal[post.tag.key]].append(post)
        for (item, part), posts in parts.items():
            if len(posts) > 1 + accepted(self.world, item):
                texts = [post.text for post in posts]
                self.wrong(f"part {part} of {item} is there {len(posts)} times: {texts}")

    def approved_bytes(self, post: LivePost) -> None:
        """No effect without approval, and exactly the approved words at the approved place."""
        named = [s for s in self.segments if s.client_key == post.tag.key]
        for segment in named:
            digest = self.approved.get((segment.action_id, segment.version))
            if digest is None or digest != segment.digest:
                continue
            version = self.versions[segment.action_id, segment.version]
            payload = Payload.model_validate(version.payload)
            if payload.digest() != digest:
                self.wrong(f"version {segment.version} of {segment.action_id} was changed")
            same_words = payload.part(segment.ordinal).text == post.text
            if same_words and self._parent_fits(segment, payload, post):
                return
        self.wrong(f"{post} is not what anybody approved")

    def _parent_fits(self, segment: SegmentRow, payload: Payload, post: LivePost) -> bool:
        if segment.ordinal == 0:
            return post.parent == payload.target
        before = [
            s.remote_id
            for s in self.segments
            if s.action_id == segment.action_id and s.ordinal == segment.ordinal - 1
        ]
        return post.parent in before

    def own_outcome(self, attempt: Attempt) -> None:
        """An attempt's outcome is what its own process learned, or what a read settled later."""
        told = self.world.tellings.get(attempt.id, set())
        if attempt.outcome is None:
            self.wrong(f"attempt {attempt.number} at {attempt.action_id} was left open")
        elif attempt.outcome in CERTAIN and attempt.outcome not in told:
            said = attempt.outcome
            self.wrong(f"attempt {attempt.number} says {said} but learned {told or 'nothing'}")
        if attempt.outcome in ("not_sent", "refused") and attempt.id in self.effective:
            self.wrong(f"attempt {attempt.number} says {attempt.outcome} but took effect")

    def accounted_for(self, action: Action) -> None:
        """Published and there, or visibly in a state that people look at."""
        if action.state in MOVING:
            self.wrong(f"{action.id} is stuck: {action.state}")
        if action.state != ActionState.PUBLISHED:
            return
        link = self.world.link(action.account_id)
        if action.kind == ActionKind.DELETE:
            target = self.versions[action.id, action.version].payload["target"]
            if link.server.find(target) is not None:
                self.wrong(f"{action.id} is published, but {target} was not deleted")
            return
        segments = [
            s for s in self.segments if s.action_id == action.id and s.version == action.version
        ]
        for segment in segments:
            there = [p for p in link.server.posts if p.remote_id == segment.remote_id]
            if segment.state != "sent" or len(there) != 1:
                self.wrong(f"{action.id} is published, but part {segment.ordinal} is not there")
            elif there[0].tag.key != segment.client_key and there[0].kind != "like":
                self.wrong(f"part {segment.ordinal} of {action.id} is bound to another's post")
        if not segments:
            self.wrong(f"{action.id} is published without parts")
