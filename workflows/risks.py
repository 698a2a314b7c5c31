"""What could come onto a platform twice, and the person who accepts that.

Publishing again what is published, or what may be, is never refused for good and never silent: a
person opts in to a risk that is named, and the log keeps who did.
"""

from __future__ import annotations

from domain.action import ActionState, Payload
from domain.approval import Verb
from domain.errors import RiskNotAccepted
from storage.tables import Action, ActionVersion, User
from storage.uow import UnitOfWork

ACCEPT = "accept_risk"


def repeat_risk(uow: UnitOfWork, action: Action, version: ActionVersion, verb: Verb) -> str | None:
    """The risk of publishing a second time that a verb carries, in words; None without one."""
    if verb is Verb.SETTLE_ABSENT:
        return (
            "It will be sent again. If the first one is on the platform after all, or still "
            "comes, it stands there twice."
        )
    if verb is not Verb.APPROVE:
        return None
    payload = Payload.model_validate(version.payload)
    for segment in uow.actions.left_segments(action):
        before = uow.actions.version(action, segment.version)
        assert before is not None
        sent = Payload.model_validate(before.payload).part(segment.ordinal)
        if segment.state == "sent" or segment.ordinal >= max(1, len(payload.segments)):
            continue
        if sent.canonical() != payload.part(segment.ordinal).canonical():
            return (
                f"Version {segment.version} may be on the platform: what became of it was never "
                "found out. This version would then be a second post."
            )
    for twin in uow.actions.twins(action, version.digest):
        if twin.state == ActionState.PUBLISHED.value:
            when = f"on {twin.published_at:%Y-%m-%d %H:%M} UTC" if twin.published_at else "already"
            return f"Exactly the same was published on this account {when}. This would repeat it."
        return (
            "Exactly the same is being sent to this account, or may be there: look at item "
            f"{twin.id}. This would be a second one."
        )
    return None


def accept_risk(
    uow: UnitOfWork,
    user: User,
    action: Action,
    version: ActionVersion,
    verb: Verb,
    *,
    accepted: bool,
) -> None:
    """Let a verb pass that could repeat a post only with a person's opt-in, which is logged.

    Raises:
        RiskNotAccepted: nobody opted in; the message names the risk.
    """
    risk = repeat_risk(uow, action, version, verb)
    if risk is None:
        return
    if not accepted:
        raise RiskNotAccepted(f"{risk} If you want that, say that you accept the risk.")
    uow.actions.decide(version, user.id, ACCEPT, risk)
    uow.audit.write(user.id, ACCEPT, "action", action.id, to=verb.value, risk=risk)
