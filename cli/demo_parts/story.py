"""The demonstration's course: watches the period, lets the customers come, moves the calendar."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date

from cli.demo_parts import customers
from cli.demo_parts.calendar import Calendar
from cli.demo_parts.errors import NoProgress, StageFailed
from cli.demo_parts.reviewer import Reviewer
from cli.demo_parts.screen import Screen
from cli.demo_parts.situation import Situation, read
from cli.demo_parts.stand import Stand

PAUSE = 0.5  # seconds between two looks
LOOK_AFTER = 5.0  # seconds between two looks after the servers
IDLE_LIMIT = 180.0  # nothing runs and nothing waits, yet the period does not end
REASONS = {
    "schedule": "a post is due",
    "measure": "the figures of a post are read",
    "engagement": "the period is over",
    "settle": "an uncertain post is looked for",
}
QUICK = 4.0  # mean seconds of a model call below which a change is asked for as well


class Story:
    """One period from research to evaluation.

    Args:
        on: what it stands on.
        screen: where it is told.
        reviewer: decides in place of a person; None waits for people.
        look: reads the situation; from the database by default.
        now: seconds that only go forward.
    """

    def __init__(
        self,
        on: Stand,
        screen: Screen,
        reviewer: Reviewer | None,
        look: Callable[[], Situation] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on = on
        self._screen = screen
        self._reviewer = reviewer
        self._read = look or (lambda: read(on.services.database, on.workspace_id, on.cycle_id))
        self._now = now
        self._calendar = Calendar(on.clock)
        self._told: set[str] = set()
        self._seen: Situation | None = None
        self._changed = now()
        self._looked = now()
        self._expected = 0
        self._jumped: tuple[date, str] | None = None
        self.first_draft: float | None = None

    def run(self, stop: threading.Event) -> bool:
        """Follow the period until it is finished.

        Returns:
            Whether it is; False when we were told to stop.

        Raises:
            StageFailed: a stage gave up and no reviewer can help it.
            NoProgress: nothing has happened for too long.
        """
        self._since_start()
        while not stop.is_set():
            situation = self._look()
            if situation.finished:
                return True
            if not self._act(situation):
                stop.wait(PAUSE)
        return False

    def _since_start(self) -> None:
        """In a period that goes on from an earlier run, the customers may have been here."""
        comments = sum(self._look().comments.values())
        self._expected = comments if comments >= len(customers.CUSTOMERS) else 0

    def _look(self) -> Situation:
        if self._now() - self._looked >= LOOK_AFTER:
            self._on.keep_up()
            self._looked = self._now()
        situation = self._read()
        if situation != self._seen:
            self._tell(situation)
            self._seen, self._changed = situation, self._now()
        self._check_progress(situation)
        self._screen.status(self._status(situation))
        return situation

    def _act(self, situation: Situation) -> bool:
        """Do what is to be done now.

        Returns:
            Whether something was done, so that the next look comes at once.
        """
        if situation.waiting:
            if self._reviewer is None:
                self._ask(situation)
                return False
            self._decide(self._reviewer, situation)
            return True
        if situation.posts_out and not self._expected:
            made = customers.comment(self._on.instance, self._on.tokens, situation.published)
            self._expected = len(made)
            names = ", ".join(f"@{item.handle}" for item in made)
            self._screen.say(f"On the network, {names} comment on the posts")
            return True
        if sum(situation.comments.values()) < self._expected:
            return False  # the clock has not read them yet
        reached = self._calendar.jump(situation)
        if reached is None:
            return False
        why = REASONS.get(situation.next_node, "something is due")
        local = reached.astimezone(self._on.zone)
        if (
            jump := (local.date(), why)
        ) != self._jumped:  # the same again an hour later tells nothing
            self._screen.say(f"It is {local:%A %d %B, %H:%M} now: {why}")
            self._jumped = jump
        return True

    def _decide(self, reviewer: Reviewer, situation: Situation) -> None:
        item = situation.waiting[0]
        if item.kind == "failure":
            self._screen.say(_sentence(item.text))
            # The figures stand without a model; it was asked several times for the words already.
            if item.node == "evaluation":
                self._screen.say(f"The reviewer {reviewer.go_on_by_hand(item)}")
                return
            if reviewer.may_run_again(item):
                self._screen.say(f"The reviewer {reviewer.run_again(item)}")
                return
            if not item.handle:
                raise StageFailed(f"{_sentence(item.text)} (It was run again in vain.)")
        reviewer.quick = situation.call_seconds is not None and situation.call_seconds < QUICK
        self._screen.say(f"The reviewer {reviewer.decide(item)}")
        # Let the worker take the decision up before the next look finds the same item.
        time.sleep(PAUSE)

    def _ask(self, situation: Situation) -> None:
        new = [item for item in situation.waiting if item.id not in self._told]
        for item in new:
            self._told.add(item.id)
            self._screen.say(f"Waits for you: {item.text}  {self._on.web_url}{item.path}")

    def _tell(self, situation: Situation) -> None:
        before = self._seen
        gone = len(before.published) if before else 0
        for number in range(gone, len(situation.published)):
            self._screen.say(f"Post {number + 1} is on the network")
        self._screen.stage(_stage(situation))
        if situation.written and self.first_draft is None:
            self.first_draft = self._screen.seconds
            self._screen.say("The first draft of a post is in the queue")
        if situation.progress and (before is None or before.progress != situation.progress):
            self._screen.say(situation.progress)
        self._told &= {item.id for item in situation.waiting}
        for state, text in (("drafted", "A reply is drafted"), ("answered", "A reply is sent")):
            grown = situation.comments.get(state, 0) - (
                before.comments.get(state, 0) if before else 0
            )
            for _ in range(max(0, grown)):
                self._screen.say(text)

    def _check_progress(self, situation: Situation) -> None:
        if situation.finished or (situation.waiting and self._reviewer is None):
            self._changed = self._now()
            return
        config = self._on.services.settings
        limit = IDLE_LIMIT
        if situation.running:
            limit += config.llm_timeout_seconds * config.llm_tries * 2  # a call and its repair
        if self._now() - self._changed > limit:
            what = ", ".join(situation.running) or "nothing"
            raise NoProgress(
                f"Nothing has changed for {limit:.0f} seconds in the stage {situation.stage} (running: "
                f"{what}). The processes' log is {self._on.log}."
            )

    def _status(self, situation: Situation) -> str:
        if situation.waiting and self._reviewer is None:
            count = len(situation.waiting)
            return f"waiting for you: {count} to decide at {self._on.web_url}"
        return situation.progress or ", ".join(situation.running) or "waiting"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _stage(situation: Situation) -> str:
    if situation.stage == "research":
        return "Research"
    if situation.stage == "planning":
        return "Review of dossier and plan" if "plan" in situation.papers else "Planning"
    if situation.stage == "evaluation":
        return "Evaluation"
    return "Comments" if situation.posts_out else "Posts"
