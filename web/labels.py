"""Names of states, verbs and kinds as people read them, in English; templates translate them."""

from __future__ import annotations

from config.i18n import N_
from domain.action import ActionState
from domain.approval import Verb

STATES: dict[str, str] = {
    "drafted": N_("Draft"),
    "in_review": N_("In review"),
    "changes_requested": N_("Changes requested"),
    "approved": N_("Approved"),
    "scheduled": N_("Scheduled"),
    "on_hold": N_("On hold"),
    "publishing": N_("Publishing"),
    "published": N_("Published"),
    "unconfirmed": N_("Unconfirmed"),
    "failed": N_("Failed"),
    "rejected": N_("Rejected"),
    "expired": N_("Expired"),
    "superseded": N_("Replaced by a newer version"),
}
# What the state means for the reader, shown where the row itself gives no reason.
MEANINGS: dict[str, str] = {
    "drafted": N_("It is not in review yet."),
    "in_review": N_("It waits for somebody to decide."),
    "changes_requested": N_("It is being written anew after the comment."),
    "approved": N_("It is approved and leaves at its time, after the pause to undo."),
    "scheduled": N_("It leaves at its time."),
    "on_hold": N_("Somebody stopped it; it leaves only after it is released."),
    "publishing": N_("It is being sent right now."),
    "published": N_("It is on the platform."),
    "unconfirmed": N_(
        "The platform's answer was lost. Look there whether the post exists, and say what you found."
    ),
    "failed": N_("It could not be published."),
    "rejected": N_("It will not be published."),
    "expired": N_("Its time passed before anybody decided."),
}
KINDS: dict[str, str] = {
    "post": N_("Post"),
    "reply": N_("Reply"),
    "like": N_("Like"),
    "unlike": N_("Take back a like"),
    "hide": N_("Hide"),
    "delete": N_("Delete"),
    "message": N_("Message"),
    "invitation": N_("Invitation"),
    "mention": N_("Mention"),
    "quote": N_("Quote"),
    "repost": N_("Repost"),
    "follow": N_("Follow"),
}
VERBS: dict[str, str] = {
    "submit": N_("Send to review"),
    "approve": N_("Approve"),
    "edit": N_("Save as a new version"),
    "edit_and_approve": N_("Save and approve"),
    "request_changes": N_("Request changes"),
    "reject": N_("Reject"),
    "hold": N_("Hold"),
    "release": N_("Release"),
    "retry": N_("Back to review"),
    "reopen": N_("Reopen"),
    "reschedule": N_("Change the time"),
    "settle_published": N_("It is published"),
    "settle_absent": N_("It is not there: send it"),
    "settle_failed": N_("Give it up"),
}
# What happened, for the history.
DONE: dict[str, str] = {
    "submit": N_("sent it to review"),
    "approve": N_("approved"),
    "edit": N_("edited"),
    "request_changes": N_("requested changes"),
    "reject": N_("rejected"),
    "hold": N_("put it on hold"),
    "release": N_("released it"),
    "retry": N_("sent it back to review"),
    "reopen": N_("reopened it"),
    "reschedule": N_("changed the time"),
    "settle_published": N_("said it is published"),
    "settle_absent": N_("said it is not on the platform"),
    "settle_failed": N_("gave it up"),
    "no_claim": N_("stated that it makes no factual claim"),
    "accept_risk": N_("accepted the risk"),
}
# Messages after a redirect; the address carries the key, never the text.
SAID: dict[str, str] = {
    "submit": N_("Sent to review."),
    "approve": N_("Approved. It leaves at its time."),
    "approve_more": N_("Your approval is noted. It needs another approver."),
    "edit": N_("Saved as a new version. It needs an approval."),
    "edit_and_approve": N_("Saved and approved."),
    "request_changes": N_("Changes are requested."),
    "reject": N_("Rejected. It will not be published."),
    "hold": N_("It is on hold."),
    "release": N_("Released."),
    "retry": N_("It is back in review."),
    "reopen": N_("It is open again."),
    "reschedule": N_("The time is changed."),
    "settle_published": N_("Noted as published."),
    "settle_absent": N_("Noted. It will be sent again."),
    "settle_failed": N_("Noted as failed."),
    "composed": N_("It is in review now."),
    "repeat": N_("It comes again. Each time waits for an approval of its own."),
    "repeat_pause": N_("It is paused."),
    "repeat_resume": N_("It goes on with the next date."),
    "repeat_stop": N_("It does not come again."),
    "no_answer": N_("Marked: no answer."),
    "classified": N_("Your classification is saved."),
    "stage_again": N_("The stage runs again."),
    "stage_by_hand": N_("The period goes on by hand."),
    "brand": N_("The brand is saved."),
    "account": N_("The account is connected."),
    "started": N_("The period has started."),
    "ended": N_("The period ends now; the evaluation follows."),
    "stopped": N_("Stopped: nothing of this brand leaves."),
    "resumed": N_("The stop switch is off."),
    "paper_approve": N_("Approved."),
    "paper_request_changes": N_("Changes are requested."),
    "paper_edit": N_("Saved as a new version."),
    "comment": N_("Your comment is added."),
    "person": N_("The person is added."),
    "language": N_("The language is changed."),
}
RECURRENCES: dict[str, str] = {
    "active": N_("Comes again"),
    "paused": N_("Paused"),
    "ended": N_("Ended"),
}
STAGES: dict[str, str] = {
    "research": N_("Research"),
    "planning": N_("Planning"),
    "review": N_("Review"),
    "publishing": N_("Publishing"),
    "engagement": N_("Engagement"),
    "evaluation": N_("Evaluation"),
    # Steps of a single post or reply that can fail, too.
    "write": N_("Writing"),
    "triage": N_("Triage"),
    "draft": N_("Drafting"),
    "schedule": N_("Scheduling"),
    "publish": N_("Publishing"),
    "settle": N_("Looking for the post"),
    "measure": N_("Reading figures"),
    "submit": N_("Checking"),
}
GRAPHS: dict[str, str] = {"cycle": N_("Period"), "post": N_("Post"), "answer": N_("Answer")}
THREADS: dict[str, str] = {
    "ready": N_("running"),
    "waiting": N_("waiting"),
    "failed": N_("failed"),
    "finished": N_("finished"),
}
GROUPS: dict[str, tuple[str, tuple[ActionState, ...] | None]] = {
    "needs": (
        N_("Needs a decision"),
        (
            ActionState.IN_REVIEW,
            ActionState.UNCONFIRMED,
            ActionState.FAILED,
            ActionState.EXPIRED,
            ActionState.DRAFTED,
        ),
    ),
    "going": (
        N_("Going out"),
        (
            ActionState.APPROVED,
            ActionState.SCHEDULED,
            ActionState.PUBLISHING,
            ActionState.ON_HOLD,
        ),
    ),
    "redrafting": (N_("Being rewritten"), (ActionState.CHANGES_REQUESTED,)),
    "published": (N_("Published"), (ActionState.PUBLISHED,)),
    "rejected": (N_("Rejected"), (ActionState.REJECTED,)),
    "all": (N_("Everything"), None),
}
INTERACTION_STATES: dict[str, str] = {
    "new": N_("New"),
    "drafted": N_("Reply drafted"),
    "answered": N_("Answered"),
    "no_answer": N_("No answer"),
    "noted": N_("Noted"),
}
SENTIMENTS: dict[str, str] = {
    "positive": N_("Positive"),
    "neutral": N_("Neutral"),
    "negative": N_("Negative"),
    "unknown": N_("Not known"),
}
INTENTS: dict[str, str] = {
    "question": N_("Question"),
    "complaint": N_("Complaint"),
    "praise": N_("Praise"),
    "lead": N_("Interested in buying"),
    "spam": N_("Spam"),
    "other": N_("Other"),
}
PAPERS: dict[str, str] = {
    "dossier": N_("Dossier"),
    "plan": N_("Plan"),
    "evaluation": N_("Evaluation"),
}
TOPICS: dict[str, str] = {
    "business_model": N_("Business model"),
    "purpose": N_("Purpose"),
    "product": N_("Product"),
    "audience": N_("Audience"),
    "platform": N_("Platform"),
    "competitor": N_("Competitor"),
    "fact": N_("Fact"),
}
QUESTIONS: dict[str, str] = {
    "business_model": N_("Does it sell to businesses or to consumers?"),
    "purpose": N_("Is it on social media to build reputation or to promote sales?"),
    "platform": N_("Which platforms fit the target market?"),
    "competitor": N_("What do competitors do well, and what is missing?"),
}
BUSINESS: dict[str, str] = {
    "b2b": N_("To businesses (B2B)"),
    "b2c": N_("To consumers (B2C)"),
    "both": N_("Both"),
    "unknown": N_("Not known"),
}
PURPOSES: dict[str, str] = {
    "reputation": N_("Reputation"),
    "sales": N_("Sales"),
    "both": N_("Both"),
    "unknown": N_("Not known"),
}
ROLES: dict[str, str] = {
    "owner": N_("Owner"),
    "reviewer": N_("Reviewer"),
    "platform_admin": N_("Platform admin"),
    "viewer": N_("Viewer"),
}
LAYERS: dict[str, str] = {
    "media": N_("Media layer: what we published"),
    "conversation": N_("Conversation layer: what people said"),
    "network": N_("Network layer: who spoke with us"),
}
FIGURES: dict[str, str] = {
    "not_offered": N_("not offered"),
    "not_yet": N_("not yet read"),
    "too_few": N_("too few to say"),
    "ok": N_("not yet read"),
}
PARAGRAPHS: dict[str, str] = {
    "observation": N_("Observation"),
    "recommendation": N_("Recommendation"),
    "comment": N_("Comment"),
}
WRITERS: dict[str, str] = {"model": N_("written by the model"), "person": N_("written by a person")}
CONTENT_LANGUAGES: dict[str, str] = {"id": N_("Indonesian"), "en": N_("English")}

TABLES: dict[str, dict[str, str]] = {
    "state": STATES,
    "meaning": MEANINGS,
    "kind": KINDS,
    "verb": VERBS,
    "done": DONE,
    "said": SAID,
    "stage": STAGES,
    "graph": GRAPHS,
    "thread": THREADS,
    "recurrence": RECURRENCES,
    "group": {key: text for key, (text, _) in GROUPS.items()},
    "interaction": INTERACTION_STATES,
    "sentiment": SENTIMENTS,
    "intent": INTENTS,
    "paper": PAPERS,
    "topic": TOPICS,
    "question": QUESTIONS,
    "business": BUSINESS,
    "purpose": PURPOSES,
    "role": ROLES,
    "layer": LAYERS,
    "figure": FIGURES,
    "paragraph": PARAGRAPHS,
    "writer": WRITERS,
    "content_language": CONTENT_LANGUAGES,
}


def label(table: str, key: str | None) -> str:
    """The English name of a value; a value that has none stands for itself."""
    text = str(key or "")
    return TABLES[table].get(text, text.replace("_", " "))


def verb_labels() -> dict[Verb, str]:
    """The verbs of people that have a label; a test compares them with the domain's."""
    return {verb: VERBS[verb.value] for verb in Verb if verb.value in VERBS}
