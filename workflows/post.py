"""One post on one channel account: write -> review -> schedule -> publish -> measure.

A child thread of its cycle, or started by a person from an empty editor.
"""

from __future__ import annotations

from langgraph.graph import START, StateGraph

from agents.writer import redraft
from domain.action import ActionState, Payload
from domain.approval import Verb
from storage.tables import Action, ChannelAccount
from workflows.context import RedraftContext, redraft_context
from workflows.fit import limit_problem, text_limit
from workflows.graph import ThreadState, edges
from workflows.items import next_version
from workflows.services import Services
from workflows.steps import ROUTES, ActionSteps
from workflows.varying import Varied, needs_variation, vary_occurrence

NODES = ("write", "review", "schedule", "publish", "settle", "measure")
NEXT = edges(*NODES)


class PostSteps(ActionSteps):
    """The nodes of a post."""

    def write(self, state: ThreadState) -> ThreadState:
        """Put a fresh draft into review; after requested changes, write it anew with the comment.

        What comes again is first put into other words.

        Without a model a person edits it, which puts it into review as well.
        """
        with self.services.database.unit(state["workspace_id"]) as uow:
            action = self.action_of(uow, state)
            version = uow.actions.version(action)
            account = uow.brands.account(action.account_id)
        assert version is not None
        if action.state == ActionState.DRAFTED.value:
            varied = Varied(Payload.model_validate(version.payload))
            if needs_variation(action, version):
                varied = vary_occurrence(
                    self.services,
                    state["workspace_id"],
                    action.id,
                    state["thread_id"],
                    text_limit(self.services, account),
                )
            return self._submit(state, action, account, varied)
        if action.state != ActionState.CHANGES_REQUESTED.value:
            return {"route": ROUTES[ActionState(action.state)]}
        if self.services.model_off:
            return {"route": "review"}
        limit = text_limit(self.services, account)
        with self.services.database.unit(state["workspace_id"]) as uow:
            action = uow.actions.get(action.id)
            context = redraft_context(uow, action, state["thread_id"], limit=limit)
        return self._redraft(state, context)

    def _submit(
        self, state: ThreadState, seen: Action, account: ChannelAccount, varied: Varied
    ) -> ThreadState:
        problem = limit_problem(self.services, account, varied.payload)
        with self.services.database.unit(state["workspace_id"]) as uow:
            action = uow.actions.get(seen.id, lock=True)
            if (action.state, action.version) != (seen.state, seen.version):
                # A person was faster: look anew.
                stays = action.state == ActionState.DRAFTED.value
                return {"route": "write" if stays else ROUTES[ActionState(action.state)]}
            old = uow.actions.version(action)
            assert old is not None
            if varied.evidence is not None:
                next_version(
                    uow,
                    action,
                    old,
                    varied.payload,
                    self.services.clock.now(),
                    origin="model",
                    author_id=None,
                    evidence=varied.evidence,
                    no_claim=False,
                )
            self.submit(action, Verb.SUBMIT, problem)
            action.reason = action.reason or varied.note
        return {"route": "review"}

    def _redraft(self, state: ThreadState, context: RedraftContext) -> ThreadState:
        model = self.services.model_of(state["workspace_id"])
        answer = redraft(
            model,
            context.profile,
            context.payload.segments[0].text,
            context.comment,
            context.facts,
            context.scope,
            limit=context.limit,
        )
        payload = context.with_text(answer.text)
        problem = limit_problem(self.services, context.account, payload)
        with self.services.database.unit(state["workspace_id"]) as uow:
            action = uow.actions.get(context.action_id, lock=True)
            if (action.state, action.version) != (
                ActionState.CHANGES_REQUESTED.value,
                context.version,
            ):
                return {"route": ROUTES[ActionState(action.state)]}  # a person was faster
            old = uow.actions.version(action)
            assert old is not None
            next_version(
                uow,
                action,
                old,
                payload,
                self.services.clock.now(),
                origin="model",
                author_id=None,
                evidence=tuple(item.model_dump(mode="json") for item in answer.evidence),
                no_claim=False,
            )
            self.submit(action, Verb.REDRAFT, problem)
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
