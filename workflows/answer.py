"""One inbound interaction: triage -> draft -> review -> answer.

The subject of the thread is the interaction; the action is the reply to it, once there is one.
"""

from __future__ import annotations

from langgraph.graph import START, StateGraph

from agents.responder import draft, triage
from domain.action import ActionKind, ActionState
from domain.approval import Verb
from domain.errors import NotFound
from domain.events import EventKind
from storage.tables import Action
from storage.uow import UnitOfWork
from workflows.asking import ask_again
from workflows.context import AnswerContext, answer_context
from workflows.fit import limit_problem, text_limit
from workflows.graph import ThreadState, edges, wait_for
from workflows.items import Draft, new_action, new_payload
from workflows.post import PostSteps
from workflows.services import Services
from workflows.steps import ROUTES

NODES = (
    "triage",
    "draft",
    "idle",
    "write",
    "review",
    "schedule",
    "answer",
    "settle",
    "measure",
)
NEXT = edges(*NODES, publish="answer")


class AnswerSteps(PostSteps):
    """The nodes of an answer; those of its reply are the same as a post's."""

    def action_of(self, uow: UnitOfWork, state: ThreadState) -> Action:
        """The newest reply to the interaction, also one that was just rejected."""
        action = uow.actions.last_reply(state["subject_id"])
        if action is None:
            raise NotFound("There is no reply to this interaction.")
        return action

    def triage(self, state: ThreadState) -> ThreadState:
        """What is it, how does it feel, does it want an answer? People decide when there is no model."""
        with self.services.database.unit(state["workspace_id"]) as uow:
            if self._settled(uow, state):
                return {"route": "idle"}
        if self.services.model_off:
            return {"route": "idle"}
        context = self._context(state)
        model = self.services.model_of(state["workspace_id"])
        result = triage(model, context.comment, context.scope)
        with self.services.database.unit(state["workspace_id"]) as uow:
            row = uow.interactions.get(state["subject_id"], lock=True)
            if row.triaged_by is None:
                row.sentiment = result.triage.sentiment.value
                row.intent = result.triage.intent.value
                row.language = result.triage.language or row.language
                row.triage_reason = result.triage.reason
                row.triaged_by = result.call.model
            return {"route": "draft" if result.triage.answer else "idle"}

    def draft(self, state: ThreadState) -> ThreadState:
        """Write a reply from what is known; it goes into review and nowhere else."""
        with self.services.database.unit(state["workspace_id"]) as uow:
            if self._settled(uow, state):
                return {"route": "idle"}
        context = self._context(state)
        model = self.services.model_of(state["workspace_id"])
        reply = ask_again(
            lambda asked: draft(
                model,
                context.profile,
                context.comment,
                context.post,
                context.facts,
                asked,
                limit=context.limit,
            ),
            context.scope,
            self.services.settings.stage_tries,
        )
        answer = Draft(
            text=context.prefix + reply.text,
            evidence=tuple(item.model_dump(mode="json") for item in reply.evidence),
        )
        payload = new_payload(context.account, ActionKind.REPLY, answer, context.target)
        problem = limit_problem(self.services, context.account, payload)
        with self.services.database.unit(state["workspace_id"]) as uow:
            interaction = uow.interactions.get(state["subject_id"], lock=True)
            if self._settled(uow, state):
                return {"route": "idle"}  # a person was faster
            action = new_action(
                uow,
                context.account,
                ActionKind.REPLY,
                answer,
                self.services.clock.now(),
                thread_id=state["thread_id"],
                state=ActionState.DRAFTED,
                interaction_id=interaction.id,
                target=interaction.remote_id,
            )
            interaction.state = "drafted"
            self.submit(action, Verb.SUBMIT, problem)
        return {"route": "review"}

    def _context(self, state: ThreadState) -> AnswerContext:
        with self.services.database.unit(state["workspace_id"]) as uow:
            account = uow.brands.account(uow.interactions.get(state["subject_id"]).account_id)
        limit = text_limit(self.services, account)
        with self.services.database.unit(state["workspace_id"]) as uow:
            return answer_context(uow, state, limit=limit)

    def idle(self, state: ThreadState) -> ThreadState:
        """No draft: wait until a person writes a reply, or says that there will be none."""
        with self.services.database.unit(state["workspace_id"]) as uow:
            settled = self._settled(uow, state)
        if not settled:
            wait_for(EventKind.DECISION)
        with self.services.database.unit(state["workspace_id"]) as uow:
            if uow.interactions.get(state["subject_id"]).state == "no_answer":
                return {"route": "end"}
            reply = uow.actions.reply_to(state["subject_id"])
            return {"route": ROUTES[ActionState(reply.state)] if reply else "idle"}

    def route(self, state: ThreadState) -> ThreadState:
        """By the reply's state; a rejected reply leaves the interaction to people again."""
        with self.services.database.unit(state["workspace_id"]) as uow:
            reply = uow.actions.reply_to(state["subject_id"])
            if reply is None:
                interaction = uow.interactions.get(state["subject_id"], lock=True)
                if interaction.state == "drafted":
                    interaction.state = "new"
                return {"route": "idle"}
            return {"route": ROUTES[ActionState(reply.state)]}

    def _settled(self, uow: UnitOfWork, state: ThreadState) -> bool:
        """Whether a person (or an earlier run of this node) has dealt with it already."""
        row = uow.interactions.get(state["subject_id"])
        return row.state == "no_answer" or uow.actions.reply_to(row.id) is not None


def build(services: Services) -> StateGraph[ThreadState]:
    """The graph, version 1."""
    steps = AnswerSteps(services)
    graph = StateGraph(ThreadState)
    # node, what it does, queue
    graph.add_node("triage", steps.triage, metadata={"queue": "engagement"})
    graph.add_node("draft", steps.draft, metadata={"queue": "engagement"})
    graph.add_node("idle", steps.idle, metadata={"queue": "publishing"})  # waits for people
    graph.add_node("write", steps.write, metadata={"queue": "engagement"})
    graph.add_node("review", steps.review, metadata={"queue": "publishing"})  # waits for people
    graph.add_node("schedule", steps.schedule, metadata={"queue": "publishing"})  # undo window
    graph.add_node("answer", steps.publish, metadata={"queue": "publishing"})
    graph.add_node("settle", steps.settle, metadata={"queue": "publishing"})  # waits for certainty
    graph.add_node("measure", steps.measure, metadata={"queue": "evaluation"})
    graph.add_edge(START, "triage")
    for node in NODES:
        graph.add_conditional_edges(node, lambda state: state["route"], NEXT)
    return graph
