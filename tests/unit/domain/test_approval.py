"""The transition table: generated from itself, and compared with what must never be possible."""

from __future__ import annotations

import itertools

import pytest

from domain.action import ADVANCEMENT, ActionState, aggregate
from domain.approval import (
    ENDS,
    HUMAN_VERBS,
    NEW_VERSION,
    TRANSITIONS,
    Policy,
    Verb,
    next_state,
    verbs_from,
)
from domain.errors import NotPermitted, TransitionRefused

ALL = list(itertools.product(ActionState, Verb))


@pytest.mark.parametrize(("state", "verb"), ALL, ids=lambda value: value.value)
def test_every_pair_is_either_in_the_table_or_refused(state: ActionState, verb: Verb) -> None:
    target = TRANSITIONS.get((state, verb))
    if target is None:
        with pytest.raises(TransitionRefused, match="Possible:"):
            next_state(state, verb)
    else:
        assert next_state(state, verb) is target


def test_published_and_rejected_are_ends() -> None:
    assert {ActionState.PUBLISHED, ActionState.REJECTED} == ENDS
    assert not [pair for pair in TRANSITIONS if pair[0] in ENDS]


def test_publishing_is_reached_only_from_scheduled_by_the_machine() -> None:
    ways = [pair for pair, target in TRANSITIONS.items() if target is ActionState.PUBLISHING]
    assert ways == [(ActionState.SCHEDULED, Verb.CLAIM)]
    assert Verb.CLAIM not in HUMAN_VERBS


def test_approved_is_reached_only_through_an_approval_or_back_from_a_pause() -> None:
    ways = {pair for pair, target in TRANSITIONS.items() if target is ActionState.APPROVED}
    assert ways == {
        (ActionState.IN_REVIEW, Verb.APPROVE),
        (ActionState.ON_HOLD, Verb.RELEASE),
        (ActionState.APPROVED, Verb.RESCHEDULE),
        (ActionState.SCHEDULED, Verb.RESCHEDULE),
    }


def test_what_comes_back_to_review_from_an_approval_gets_a_new_version() -> None:
    approved = {ActionState.APPROVED, ActionState.SCHEDULED, ActionState.ON_HOLD}
    for (state, verb), target in TRANSITIONS.items():
        if state in approved and target is ActionState.IN_REVIEW:
            assert verb in NEW_VERSION


def test_unconfirmed_never_leads_straight_to_sending() -> None:
    targets = {t for (s, _), t in TRANSITIONS.items() if s is ActionState.UNCONFIRMED}
    assert targets == {ActionState.PUBLISHED, ActionState.SCHEDULED, ActionState.FAILED}


def test_people_have_no_verb_while_something_is_being_published() -> None:
    assert verbs_from(ActionState.PUBLISHING) == []
    assert verbs_from(ActionState.PUBLISHED) == []


def test_every_state_has_a_way_to_an_end() -> None:
    reached = set(ENDS)
    while True:
        more = {s for (s, _), t in TRANSITIONS.items() if t in reached} - reached
        if not more:
            break
        reached |= more
    assert reached == set(ActionState)


def test_the_least_advanced_state_wins() -> None:
    assert set(ADVANCEMENT) == set(ActionState)
    assert aggregate([ActionState.PUBLISHED, ActionState.FAILED]) is ActionState.FAILED
    assert aggregate([ActionState.PUBLISHED, ActionState.SCHEDULED]) is ActionState.SCHEDULED
    with pytest.raises(ValueError, match="without actions"):
        aggregate([])


def test_policies() -> None:
    policy = Policy(approvers=2, author_may_approve=False)
    policy.check_approver(author_id="a", approver_id="b", so_far=["c"])
    with pytest.raises(NotPermitted):
        policy.check_approver(author_id="a", approver_id="a", so_far=[])
    with pytest.raises(NotPermitted):
        policy.check_approver(author_id="a", approver_id="b", so_far=["b"])
    assert [policy.complete(n) for n in range(3)] == [False, False, True]
