"""One post on one channel account: write -> review -> schedule -> publish -> measure.

A child thread of its cycle, or started by a person from an empty editor.
"""

from __future__ import annotations

from langgraph.graph import START, StateGraph

from agents.writer import redraft
from domain.action import ActionState, Payload
from domain.approval import Verb
from workflows.context import RedraftContext, redraft_context
from workflows.graph import ThreadState, edges
from workflows.items import next_version
from workflows.services import Services
from workflows.steps import ROUTES, ActionSteps

NODES = ("write", "review", "schedule", "publish", "settle", "measure")
NEXT = edges(*NODES)


class PostSteps(ActionSteps):
    """The nodes of a post."""

    def write(self, state: ThreadState) -> ThreadState:
        """Put a fresh draft into review; after requested changes, write it anew with the comment.

        Without a model a person edits it, which puts it into review as well.
        """
        with self.services.database.unit(state["workspace_id"]) as uow:
            action = uow.actions.get(self.action_of(uow, state).id, lock=True)
            if action.state == ActionState.DRAFTED.value:
                self.submit(uow, action, Verb.SUBMIT)
                return {"route": "review"}
            if action.state != ActionState.CHANGES_REQUESTED.value:
                return {"route": ROUTES[ActionState(action.state)]}
            if self.services.model_off:
                return {"route": "review"}
            context = redraft_context(self.services, uow, action, state["thread_id"])
        return self._redraft(state, context)

    def _redraft(self, state: ThreadState, context: RedraftContext) -> ThreadState:
        model = self.services.model_of(state["workspace_id"])
        answer = redraft(
            model,
            context.profile,
            context.text,
            context.comment,
            context.facts,
            context.scope,
            limit=context.limit,
        )
        with self.services.database.unit(state["workspace_id"]) as uow:
            action = uow.actions.get(context.action_id, lock=True)
            if (action.state, action.version) != (
                ActionState.CHANGES_REQUESTED.value,
                context.version,
            ):
                return {"route": ROUTES[ActionState(action.state)]}  # a person was faster
            old = uow.actions.version(action)
            assert old is not None
            payload = Payload.model_validate(old.payload)
            segment = payload.segments[0].model_copy(update={"text": answer.text})
            next_version(
                uow,
                action,
                old,
                payload.model_copy(update={"segments": (segment, *payload.segments[1:])}),
                self.services.clock.now(),
                origin="model",
                author_id=None,
                evidence=tuple(item.model_dump(mode="json") for item in answer.evidence),
                no_claim=False,
            )
            self.submit(uow, action, Verb.REDRAFT)
        return {"route": "review"}


def build(services: Services) -> StateGraph[ThreadState]:
    """The graph, version 1."""
    steps = PostSteps(services)
    graph = StateGraph(ThreadState)
    # node, what it does, queue
    graph.add_node("write", steps.write, metadata={"queue": "planning"})
    graph.add_node("review", steps.review, metadata={"queue": "publishing"})  # waits for people
    graph.add_node("schedule", steps.schedule, metadata={"queue": "publishing"})  # waits for time
    graph.add_node("publish", steps.publish, metadata={"queue": "publishing"})
    graph.add_node("settle", steps.settle, metadata={"queue": "publishing"})  # waits for certainty
    graph.add_node("measure", steps.measure, metadata={"queue": "evaluation"})
    graph.add_edge(START, "write")
    for node in NODES:
        graph.add_conditional_edges(node, lambda state: state["route"], NEXT)
    return graph
