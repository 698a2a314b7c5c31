"""The one transition table, the verbs, and the policy that says when an approval is complete.

`TRANSITIONS` is the table of the design page; every change of an action's state goes through
`next_state`, and the tests are generated from the table.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.action import ActionState as S
from domain.brand import BrandProfile
from domain.errors import NotPermitted, TransitionRefused


class Verb(StrEnum):
    """What people and the machine do to an action."""

    # people
    SUBMIT = "submit"
    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    REJECT = "reject"
    EDIT = "edit"
    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"
    REOPEN = "reopen"
    RESCHEDULE = "reschedule"
    SETTLE_PUBLISHED = "settle_published"
    SETTLE_ABSENT = "settle_absent"
    SETTLE_FAILED = "settle_failed"
    # the machine
    REDRAFT = "redraft"
    SCHEDULE = "schedule"
    CLAIM = "claim"
    SENT = "sent"
    NOT_SENT = "not_sent"
    GIVE_UP = "give_up"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    FOUND = "found"
    ABSENT = "absent"
    CONTINUE = "continue"  # a segment was found, others are still to be sent
    LATE = "late"
    EXPIRE = "expire"


TRANSITIONS: dict[tuple[S, Verb], S] = {
    (S.DRAFTED, Verb.SUBMIT): S.IN_REVIEW,
    (S.DRAFTED, Verb.EDIT): S.DRAFTED,
    (S.DRAFTED, Verb.REJECT): S.REJECTED,
    (S.IN_REVIEW, Verb.APPROVE): S.APPROVED,
    (S.IN_REVIEW, Verb.REQUEST_CHANGES): S.CHANGES_REQUESTED,
    (S.IN_REVIEW, Verb.REJECT): S.REJECTED,
    (S.IN_REVIEW, Verb.EDIT): S.IN_REVIEW,
    (S.IN_REVIEW, Verb.RESCHEDULE): S.IN_REVIEW,
    (S.IN_REVIEW, Verb.EXPIRE): S.EXPIRED,
    (S.CHANGES_REQUESTED, Verb.REDRAFT): S.IN_REVIEW,
    (S.CHANGES_REQUESTED, Verb.EDIT): S.IN_REVIEW,
    (S.CHANGES_REQUESTED, Verb.REJECT): S.REJECTED,
    (S.APPROVED, Verb.SCHEDULE): S.SCHEDULED,
    (S.APPROVED, Verb.EDIT): S.IN_REVIEW,
    (S.APPROVED, Verb.HOLD): S.ON_HOLD,
    (S.APPROVED, Verb.RESCHEDULE): S.APPROVED,
    (S.APPROVED, Verb.LATE): S.IN_REVIEW,
    (S.SCHEDULED, Verb.EDIT): S.IN_REVIEW,
    (S.SCHEDULED, Verb.HOLD): S.ON_HOLD,
    (S.SCHEDULED, Verb.RESCHEDULE): S.APPROVED,
    (S.SCHEDULED, Verb.CLAIM): S.PUBLISHING,
    (S.SCHEDULED, Verb.LATE): S.IN_REVIEW,
    (S.ON_HOLD, Verb.RELEASE): S.APPROVED,
    (S.ON_HOLD, Verb.EDIT): S.IN_REVIEW,
    (S.ON_HOLD, Verb.REJECT): S.REJECTED,
    (S.PUBLISHING, Verb.SENT): S.PUBLISHED,
    (S.PUBLISHING, Verb.NOT_SENT): S.SCHEDULED,
    (S.PUBLISHING, Verb.GIVE_UP): S.FAILED,
    (S.PUBLISHING, Verb.REFUSED): S.FAILED,
    (S.PUBLISHING, Verb.UNKNOWN): S.UNCONFIRMED,
    (S.UNCONFIRMED, Verb.FOUND): S.PUBLISHED,
    (S.UNCONFIRMED, Verb.ABSENT): S.SCHEDULED,
    (S.UNCONFIRMED, Verb.GIVE_UP): S.FAILED,
    (S.UNCONFIRMED, Verb.CONTINUE): S.SCHEDULED,
    (S.UNCONFIRMED, Verb.SETTLE_PUBLISHED): S.PUBLISHED,
    (S.UNCONFIRMED, Verb.SETTLE_ABSENT): S.SCHEDULED,
    (S.UNCONFIRMED, Verb.SETTLE_FAILED): S.FAILED,
    (S.FAILED, Verb.UNKNOWN): S.UNCONFIRMED,  # a request of before left after all
    (S.FAILED, Verb.RETRY): S.IN_REVIEW,
    (S.FAILED, Verb.EDIT): S.IN_REVIEW,
    (S.FAILED, Verb.REJECT): S.REJECTED,
    (S.EXPIRED, Verb.REOPEN): S.IN_REVIEW,
    (S.EXPIRED, Verb.REJECT): S.REJECTED,
}

# Verbs that come from people; all others belong to the machine alone.
HUMAN_VERBS: frozenset[Verb] = frozenset(
    {
        Verb.SUBMIT,
        Verb.APPROVE,
        Verb.REQUEST_CHANGES,
        Verb.REJECT,
        Verb.EDIT,
        Verb.HOLD,
        Verb.RELEASE,
        Verb.RETRY,
        Verb.REOPEN,
        Verb.RESCHEDULE,
        Verb.SETTLE_PUBLISHED,
        Verb.SETTLE_ABSENT,
        Verb.SETTLE_FAILED,
    }
)

# A verb with a comment that cannot be left out.
NEEDS_COMMENT: frozenset[Verb] = frozenset(
    {
        Verb.REQUEST_CHANGES,
        Verb.REJECT,
        Verb.SETTLE_PUBLISHED,
        Verb.SETTLE_ABSENT,
        Verb.SETTLE_FAILED,
    }
)

# Verbs after which the text must be approved anew, so that a new version is made.
NEW_VERSION: frozenset[Verb] = frozenset(
    {Verb.EDIT, Verb.REDRAFT, Verb.LATE, Verb.RETRY, Verb.REOPEN}
)

ENDS: frozenset[S] = frozenset({S.PUBLISHED, S.REJECTED})


def next_state(state: S, verb: Verb) -> S:
    """The state after a verb.

    Raises:
        TransitionRefused: the table has no such transition; says what is happening instead.
    """
    try:
        return TRANSITIONS[state, verb]
    except KeyError:
        allowed = ", ".join(v.value for v in verbs_from(state)) or "nothing"
        raise TransitionRefused(
            f"It is {state.value.replace('_', ' ')}: {verb.value.replace('_', ' ')} is not possible now. "
            f"Possible: {allowed.replace('_', ' ')}."
        ) from None


def verbs_from(state: S) -> list[Verb]:
    """The verbs that people have in a state, in the order of the table."""
    return [verb for (start, verb) in TRANSITIONS if start == state and verb in HUMAN_VERBS]


@dataclass(frozen=True)
class Policy:
    """When an approval is complete."""

    approvers: int = 1
    author_may_approve: bool = True

    @classmethod
    def of(cls, brand: BrandProfile) -> "Policy":
        """The policy of a brand."""
        return cls(approvers=brand.approvers, author_may_approve=brand.author_may_approve)

    def check_approver(self, *, author_id: str | None, approver_id: str, so_far: list[str]) -> None:
        """Refuse an approver whom the policy does not admit.

        Raises:
            NotPermitted: the author may not approve alone, or the person has approved already.
        """
        if not self.author_may_approve and approver_id == author_id:
            raise NotPermitted("You wrote this version, so somebody else has to approve it.")
        if approver_id in so_far:
            raise NotPermitted(
                f"You approved this version already; it needs {self.approvers} different approvers."
            )

    def complete(self, approvals: int) -> bool:
        """Whether that many approvals of the version are enough."""
        return approvals >= self.approvers
