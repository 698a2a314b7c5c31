"""One period of one brand: research -> planning -> review -> publishing -> engagement -> evaluation.

The parent of the period's posts: it makes their rows and threads when the plan is approved, and
then waits only for the period's end, never for all of its children.
"""

from __future__ import annotations

from langgraph.graph import START, StateGraph

from agents import audience, evaluator, planner, researcher
from agents.calls import CallScope
from config.i18n import N_
from domain.action import ActionKind, ActionState
from domain.brand import BrandProfile
from domain.dossier import Dossier
from domain.errors import InvalidInput
from domain.evaluation import Evaluation, render
from domain.events import EventKind
from domain.plan import Plan, PlanItem, Theme
from domain.slot import Slot
from sources.errors import SourceError
from storage.tables import Cycle, Paper, new_id
from storage.uow import UnitOfWork
from workflows.asking import ask_again
from workflows.context import call_scope
from workflows.evaluation import compute, deliver_report, measure_accounts, report_text
from workflows.fit import text_limit
from workflows.free_slots import period_slots
from workflows.graph import ThreadState, edges, wait_for
from workflows.items import Draft, new_action
from workflows.papers import read_dossier, read_evaluation, read_plan, write_paper
from workflows.services import Reading, Services
from workflows.threads import new_thread

STAGES = ("research", "planning", "review", "publishing", "engagement", "evaluation")
NEXT = edges(*STAGES)


class CycleSteps:
    """The nodes of a cycle."""

    def __init__(self, services: Services) -> None:
        self.services = services

    # -- research ------------------------------------------------------------------------------

    def research(self, state: ThreadState) -> ThreadState:
        """Read the brand's sources and write the dossier; by hand, leave an empty one to people."""
        cycle, profile, paper = self._open(state, "research", "dossier")
        if paper is not None and paper.state != "changes_requested":
            return {"route": "planning"}
        platforms = audience.platform_fit(profile.market)
        documents: list[str] = []
        skipped: tuple[str, ...] = ()
        if profile.website or profile.documents:
            try:
                reading = self.services.read_sources(profile, lambda text: self._tell(state, text))
            except (SourceError, InvalidInput) as error:
                if not cycle.by_hand:
                    raise
                # People who write the dossier themselves need no website; it says what is missing.
                reading, skipped = Reading(()), (str(error),)
            with self._unit(state) as uow:
                documents = uow.sources.save(cycle.brand_id, reading.documents)
            skipped += tuple(f"{url}: {reason}" for url, reason in reading.skipped)
        if self._by_hand(cycle):
            empty = Dossier(platforms=platforms, skipped_sources=skipped)
            return self._write(state, "dossier", empty, paper, by_hand=True, route="planning")
        with self._unit(state) as uow:
            sentences = uow.sources.sentences(cycle.brand_id, documents)
        self._tell(
            state, N_("Reading {0} sentences of {1} sources").format(len(sentences), len(documents))
        )
        model = self.services.model_of(state["workspace_id"])
        draft = ask_again(
            lambda asked: researcher.research(
                model,
                profile,
                sentences,
                asked,
                platforms=platforms,
                skipped_sources=skipped,
            ),
            self._scope(state, "research"),
            self._tries,
        )
        return self._write(state, "dossier", draft.dossier, paper, by_hand=False, route="planning")

    # -- planning ------------------------------------------------------------------------------

    def planning(self, state: ThreadState) -> ThreadState:
        """Write the plan, post by post; by hand, leave a table with the slots to people."""
        cycle, profile, paper = self._open(state, "planning", "plan")
        if paper is not None and paper.state != "changes_requested":
            return {"route": "review"}
        with self._unit(state) as uow:
            dossier_paper = uow.cycles.latest_paper(cycle.id, "dossier")
            accounts = uow.brands.accounts(cycle.brand_id)
            last = self._last_findings(uow, cycle)
        assert dossier_paper is not None
        platforms = tuple(account.platform for account in accounts)
        # Outside the transaction: an instance may be asked for its limits.
        limit = min((text_limit(self.services, account) for account in accounts), default=300)
        with self._unit(state) as uow:
            times = period_slots(uow, self.services.clock.now(), cycle, profile)
        if self._by_hand(cycle):
            items = tuple(
                PlanItem(theme="", caption="", slot=slot, platforms=platforms) for slot in times
            )
            return self._write(
                state, "plan", Plan(items=items), paper, by_hand=True, route="review"
            )
        plan = self._plan(
            state, profile, read_dossier(dossier_paper), times, last, limit, platforms, paper
        )
        return self._write(state, "plan", plan, paper, by_hand=False, route="review")

    def _plan(
        self,
        state: ThreadState,
        profile: BrandProfile,
        dossier: Dossier,
        times: tuple[Slot, ...],
        last: tuple[str, ...],
        limit: int,
        platforms: tuple[str, ...],
        previous: Paper | None,
    ) -> Plan:
        model = self.services.model_of(state["workspace_id"])
        scope = self._scope(state, "planning")
        wishes = (*last, previous.comment) if previous is not None and previous.comment else last
        self._tell(state, N_("Choosing the themes"))
        outline = ask_again(
            lambda asked: planner.themes(model, profile, dossier, len(times), wishes, asked),
            scope,
            self._tries,
        )
        themes: tuple[Theme, ...] = outline.themes
        items: list[PlanItem] = []
        for number, slot in enumerate(times, start=1):
            self._tell(state, N_("Writing post {0} of {1}").format(number, len(times)))
            theme = themes[(number - 1) % len(themes)]

            def write(
                asked: CallScope, theme: Theme = theme, slot: Slot = slot
            ) -> planner.ItemDraft:
                return planner.write_item(
                    model,
                    profile,
                    dossier,
                    theme,
                    slot,
                    asked,
                    total=len(times),
                    earlier=items,
                    limit=limit,
                    platforms=platforms,
                )

            items.append(ask_again(write, scope, self._tries).item)
        return Plan(themes=themes, items=tuple(items), used_findings=outline.used_findings)

    def _last_findings(self, uow: UnitOfWork, cycle: Cycle) -> tuple[str, ...]:
        """The recommendations of the evaluation before this period."""
        papers = uow.cycles.papers("evaluation", cycle.brand_id)
        if not papers:
            return ()
        evaluation = read_evaluation(papers[0])
        return tuple(
            render(paragraph.text, evaluation.figures)
            for paragraph in evaluation.paragraphs
            if paragraph.kind == "recommendation"
        )

    # -- review --------------------------------------------------------------------------------

    def review(self, state: ThreadState) -> ThreadState:
        """Wait until people have decided on dossier and plan."""
        wait_for(EventKind.DECISION)
        with self._unit(state) as uow:
            dossier = uow.cycles.latest_paper(state["subject_id"], "dossier")
            plan = uow.cycles.latest_paper(state["subject_id"], "plan")
            cycle = uow.cycles.get(state["subject_id"])
            by_hand = self._by_hand(cycle)
            assert dossier is not None and plan is not None
            if dossier.state == "changes_requested" and not by_hand:
                return {"route": "research"}
            if plan.state == "changes_requested" and not by_hand:
                return {"route": "planning"}
            if dossier.state == plan.state == "approved":
                return {"route": "publishing"}
        return {"route": "review"}

    # -- publishing ----------------------------------------------------------------------------

    def publishing(self, state: ThreadState) -> ThreadState:
        """Make a post and its thread for each plan item and account; running twice makes no more."""
        self._stage(state, "publishing")
        with self._unit(state) as uow:
            cycle = uow.cycles.get(state["subject_id"])
            paper = uow.cycles.latest_paper(cycle.id, "plan")
            assert paper is not None
            plan = read_plan(paper)
            made = {(a.plan_ordinal, a.account_id) for a in uow.actions.of_plan(paper.id)}
            profile = uow.brands.profile(cycle.brand_id)
            for ordinal, item in enumerate(plan.items):
                for account in uow.brands.accounts(cycle.brand_id):
                    wanted = not item.platforms or account.platform in item.platforms
                    if not wanted or (ordinal, account.id) in made:
                        continue
                    thread_id = new_id()
                    action = new_action(
                        uow,
                        account,
                        ActionKind.POST,
                        Draft(
                            text=item.text,
                            evidence=tuple(e.model_dump(mode="json") for e in item.evidence),
                            no_claim=item.no_claim,
                            languages=profile.languages[:1],
                        ),
                        self.services.clock.now(),
                        thread_id=thread_id,
                        state=ActionState.DRAFTED,
                        slot=item.slot.refreshed(),
                        author_id=paper.author_id,
                        cycle_id=cycle.id,
                        plan=(paper.id, ordinal),
                        theme=item.theme,
                        brief=item.photo_brief,
                    )
                    new_thread(
                        uow,
                        "post",
                        cycle.brand_id,
                        action.id,
                        thread_id=thread_id,
                        parent_id=state["thread_id"],
                    )
        return {"route": "engagement"}

    # -- engagement ----------------------------------------------------------------------------

    def engagement(self, state: ThreadState) -> ThreadState:
        """Wait for the period's end; meanwhile posts and answers run in threads of their own."""
        with self._unit(state) as uow:
            cycle = uow.cycles.get(state["subject_id"])
        if cycle.stage == "publishing":
            self._stage(state, "engagement")
        wait_for(EventKind.CHANGED, due=cycle.period_end)
        with self._unit(state) as uow:
            over = uow.cycles.get(state["subject_id"]).period_end <= self.services.clock.now()
        return {"route": "evaluation" if over else "engagement"}

    # -- evaluation ----------------------------------------------------------------------------

    def evaluation(self, state: ThreadState) -> ThreadState:
        """Read the figures, compute, let the evaluator explain, and tell the people of the brand."""
        cycle, profile, paper = self._open(state, "evaluation", "evaluation")
        if paper is None:
            self._tell(state, N_("Reading the platforms' figures"))
            measure_accounts(
                self.services, state["workspace_id"], cycle.brand_id, since=cycle.period_start
            )
            with self._unit(state) as uow:
                current = uow.cycles.get(cycle.id)
                # The figures stand before anybody explains them: no model can hold them back.
                paper = write_paper(
                    uow, current, "evaluation", compute(uow, current), state="approved"
                )
        evaluation = read_evaluation(paper)
        if not (self._by_hand(cycle) or evaluation.paragraphs):
            self._tell(state, N_("Explaining the figures"))
            evaluation = self._explain(state, evaluation, profile)
            with self._unit(state) as uow:
                current = uow.cycles.get(cycle.id)
                newest = uow.cycles.latest_paper(cycle.id, "evaluation")
                if newest is not None and newest.id == paper.id:  # nobody wrote meanwhile
                    paper = write_paper(uow, current, "evaluation", evaluation, state="approved")
        self._report(state, profile, read_evaluation(paper))
        self._tell(state, "")
        return {"route": "end"}

    def _explain(
        self, state: ThreadState, evaluation: Evaluation, profile: BrandProfile
    ) -> Evaluation:
        model = self.services.model_of(state["workspace_id"])
        explained = ask_again(
            lambda asked: evaluator.explain(model, evaluation.figures, profile.languages[0], asked),
            self._scope(state, "evaluation"),
            self._tries,
        )
        return evaluation.model_copy(update={"paragraphs": explained.paragraphs})

    def _report(self, state: ThreadState, profile: BrandProfile, evaluation: Evaluation) -> None:
        """Send the report once; a message that cannot be sent fails the stage, which says so."""
        with self._unit(state) as uow:
            if uow.audit.of("report", state["subject_id"]):
                return
        title, body = report_text(evaluation, profile, profile.languages[0])
        deliver_report(self.services, profile, title, body)
        with self._unit(state) as uow:
            uow.audit.write(
                "system", "sent", "report", state["subject_id"], to=len(profile.reports_to)
            )

    # -- shared --------------------------------------------------------------------------------

    def _unit(self, state: ThreadState):  # type: ignore[no-untyped-def]
        return self.services.database.unit(state["workspace_id"])

    def _scope(self, state: ThreadState, stage: str) -> CallScope:
        with self._unit(state) as uow:
            return call_scope(uow, state["brand_id"], state["thread_id"], stage)

    @property
    def _tries(self) -> int:
        return self.services.settings.stage_tries

    def _by_hand(self, cycle: Cycle) -> bool:
        return cycle.by_hand or self.services.model_off

    def _open(
        self, state: ThreadState, stage: str, kind: str
    ) -> tuple[Cycle, BrandProfile, Paper | None]:
        self._stage(state, stage)
        with self._unit(state) as uow:
            cycle = uow.cycles.get(state["subject_id"])
            return (
                cycle,
                uow.brands.profile(cycle.brand_id),
                uow.cycles.latest_paper(cycle.id, kind),
            )

    def _stage(self, state: ThreadState, stage: str) -> None:
        with self._unit(state) as uow:
            cycle = uow.cycles.get(state["subject_id"])
            cycle.stage, cycle.progress = stage, ""

    def _tell(self, state: ThreadState, text: str) -> None:
        """Progress that people see while a stage runs: marked texts, translated where they are shown."""
        with self._unit(state) as uow:
            uow.cycles.get(state["subject_id"]).progress = text

    def _write(
        self,
        state: ThreadState,
        kind: str,
        content: Dossier | Plan,
        seen: Paper | None,
        *,
        by_hand: bool,
        route: str,
    ) -> ThreadState:
        """Store a paper unless a person wrote a newer version meanwhile."""
        with self._unit(state) as uow:
            cycle = uow.cycles.get(state["subject_id"])
            newest = uow.cycles.latest_paper(cycle.id, kind)
            if (newest.id if newest else None) == (seen.id if seen else None):
                write_paper(
                    uow,
                    cycle,
                    kind,  # type: ignore[arg-type]
                    content,
                    state="drafted" if by_hand else "in_review",
                )
            cycle.progress = ""
        if seen is not None:
            return {"route": "review"}  # it was sent back; the other paper stands as it is
        return {"route": route}


def build(services: Services) -> StateGraph[ThreadState]:
    """The graph, version 1."""
    steps = CycleSteps(services)
    graph = StateGraph(ThreadState)
    # node, what it does, queue
    graph.add_node("research", steps.research, metadata={"queue": "research"})
    graph.add_node("planning", steps.planning, metadata={"queue": "planning"})
    graph.add_node("review", steps.review, metadata={"queue": "publishing"})  # waits for people
    graph.add_node("publishing", steps.publishing, metadata={"queue": "publishing"})
    graph.add_node(
        "engagement", steps.engagement, metadata={"queue": "publishing"}
    )  # waits for the end
    graph.add_node("evaluation", steps.evaluation, metadata={"queue": "evaluation"})
    graph.add_edge(START, "research")
    for node in STAGES:
        graph.add_conditional_edges(node, lambda state: state["route"], NEXT)
    return graph
