"""One post, reply, comment or paper in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.ids import Item, short
from cli.output import fields, say, when, words

if TYPE_CHECKING:
    from domain.dossier import Dossier
    from domain.source import Evidence
    from storage.tables import Action, ActionVersion, InteractionRow, Paper
    from storage.uow import UnitOfWork


def action_texts(uow: UnitOfWork, action: Action) -> list[str]:
    """The texts of the current version, one per segment; empty before the first draft."""
    from domain.action import Payload

    version = uow.actions.version(action)
    if version is None:
        return []
    return [segment.text for segment in Payload.model_validate(version.payload).segments]


def paper_text(paper: Paper) -> str:
    """A paper in a few words."""
    from workflows.papers import read_dossier, read_plan

    if paper.kind == "plan":
        plan = read_plan(paper)
        return f"{len(plan.items)} posts; themes: {', '.join(t.name for t in plan.themes) or 'none yet'}"
    if paper.kind == "dossier":
        dossier = read_dossier(paper)
        verified = sum(1 for finding in dossier.findings if finding.verified)
        text = f"{len(dossier.findings)} findings, {verified} with evidence"
        questions = dossier.open_questions()
        return text + (f"; open: {', '.join(words(q) for q in questions)}" if questions else "")
    return "evaluation"


def show_item(uow: UnitOfWork, item: Item) -> int:
    """Print an item in full.

    Returns:
        The version that was shown, for the verb that follows.
    """
    if item.kind == "action":
        return _show_action(uow, uow.actions.get(item.id))
    if item.kind == "paper":
        return _show_paper(uow, uow.cycles.paper(item.id))
    _show_interaction(uow, uow.interactions.get(item.id))
    return 1


def item_data(uow: UnitOfWork, item: Item) -> dict[str, Any]:
    """An item as data, for `--json`."""
    if item.kind == "paper":
        paper = uow.cycles.paper(item.id)
        return {
            "id": paper.id,
            "kind": paper.kind,
            "state": paper.state,
            "version": paper.number,
            "content": paper.content,
        }
    if item.kind == "interaction":
        row = uow.interactions.get(item.id)
        names = ("id", "kind", "state", "text", "url", "occurred_at", "sentiment", "intent")
        person = uow.interactions.person(row.person_id)
        return {name: getattr(row, name) for name in names} | {"by": person.handle}
    action = uow.actions.get(item.id)
    version = uow.actions.version(action)
    return {
        "id": action.id,
        "kind": action.kind,
        "state": action.state,
        "version": action.version,
        "digest": version.digest if version else None,
        "payload": version.payload if version else None,
        "evidence": version.evidence if version else [],
        "no_claim": version.no_claim if version else False,
        "slot_at": action.slot_at,
        "reason": action.reason,
        "url": action.remote_url,
        "verbs": _verbs(action.state),
    }


def _verbs(state: str) -> list[str]:
    from domain.action import ActionState
    from domain.approval import verbs_from

    return [verb.value for verb in verbs_from(ActionState(state))]


def _show_action(uow: UnitOfWork, action: Action) -> int:
    brand = uow.brands.get(action.brand_id)
    zone = uow.brands.profile(brand.id).zone
    account = uow.brands.account(action.account_id)
    version = uow.actions.version(action)
    say(f"{action.kind.capitalize()} {short(action.id)}", style="bold")
    rows = [
        ("Brand", brand.name),
        ("Account", f"{account.platform} {account.handle} ({account.base_url})"),
        ("State", words(action.state) + (f": {action.reason}" if action.reason else "")),
        ("Version", str(action.version)),
        ("Time", when(action.slot_at, zone, "as soon as approved")),
    ]
    if action.theme:
        rows.append(("Theme", action.theme))
    if action.brief:
        rows.append(("Picture", action.brief))
    if action.remote_url:
        rows.append(("Address", action.remote_url))
    fields(rows)
    if action.interaction_id:
        say("\nAnswers", style="bold")
        _quote_interaction(uow, uow.interactions.get(action.interaction_id))
    _show_text(version)
    if version is not None:
        _show_evidence(version)
    names = {person.id: person.name for person in uow.people.all()}
    for number, decision in enumerate(uow.actions.decisions(action.id)):
        if not number:
            say("\nDecisions", style="bold")
        comment = f": {decision.comment}" if decision.comment else ""
        say(
            f"{when(decision.created_at, zone)}  {names.get(decision.user_id, 'somebody')} "
            f"{words(decision.verb)} (version {decision.version}){comment}",
            indent=2,
        )
    if verbs := _verbs(action.state):
        say(f"\nPossible: {', '.join(verb.replace('_', '-') for verb in verbs)}", style="dim")
    return action.version


def _show_text(version: ActionVersion | None) -> None:
    from domain.action import Payload

    if version is None:
        say("\nThere is no draft yet.")
        return
    segments = Payload.model_validate(version.payload).segments
    for number, segment in enumerate(segments, start=1):
        part = f" {number} of {len(segments)}" if len(segments) > 1 else ""
        say(
            f"\nText{part}, by {'a model' if version.origin == 'model' else 'a person'}",
            style="bold",
        )
        say(segment.text or "(no text)", indent=2)
        for media in segment.media:
            say(f"[picture {media.mime}: {media.alt or 'no description'}]", indent=2)
        if segment.link:
            say(f"[link {segment.link}]", indent=2)


def _show_evidence(version: ActionVersion) -> None:
    from domain.source import Evidence

    say("\nSources", style="bold")
    for entry in version.evidence:
        _quote(Evidence.model_validate(entry))
    if not version.evidence:
        marked = version.no_claim
        say(
            "None; a person marked it as making no factual claim."
            if marked
            else "None: what it claims is unverified.",
            style="" if marked else "yellow",
            indent=2,
        )


def _quote(evidence: Evidence) -> None:
    say(f"“{evidence.quote}”", indent=2)
    say(f"{evidence.url}, read {evidence.fetched_at:%Y-%m-%d}", style="dim", indent=4)


def _quote_interaction(uow: UnitOfWork, row: InteractionRow) -> None:
    person = uow.interactions.person(row.person_id)
    zone = uow.brands.profile(row.brand_id).zone
    name = person.handle or "somebody erased"
    say(f"{name}, {when(row.occurred_at, zone)}", style="dim", indent=2)
    say(row.text or "(the text was erased)", indent=2)


def _show_interaction(uow: UnitOfWork, row: InteractionRow) -> None:
    account = uow.brands.account(row.account_id)
    say(f"{row.kind.capitalize()} {short(row.id)}", style="bold")
    fields(
        [
            ("Brand", uow.brands.get(row.brand_id).name),
            ("Account", f"{account.platform} {account.handle}"),
            ("State", words(row.state)),
            ("Feels", row.sentiment),
            ("Wants", row.intent),
            ("Address", row.url or "not known"),
        ]
    )
    say()
    _quote_interaction(uow, row)
    if row.triage_reason:
        say(f"({row.triage_reason})", style="yellow", indent=2)


def _show_paper(uow: UnitOfWork, paper: Paper) -> int:
    brand = uow.brands.get(paper.brand_id)
    say(f"{paper.kind.capitalize()} {short(paper.id)} of {brand.name}", style="bold")
    state = words(paper.state) + (f": {paper.comment}" if paper.comment else "")
    fields([("State", state), ("Version", str(paper.number))])
    if paper.kind == "dossier":
        _show_dossier(paper)
    elif paper.kind == "plan":
        _show_plan(paper)
    else:
        from cli.report import show_evaluation
        from workflows.papers import read_evaluation

        show_evaluation(uow, read_evaluation(paper), uow.brands.profile(brand.id), "en")
    return paper.number


def _show_dossier(paper: Paper) -> None:
    from workflows.papers import read_dossier

    dossier = read_dossier(paper)
    if dossier.summary:
        say("\n" + dossier.summary)
    answers = (
        ("Business model", dossier.business_model, dossier.business_model_evidence),
        ("Purpose", dossier.purpose, dossier.purpose_evidence),
    )
    for name, value, evidence in answers:
        say(f"\n{name}: {value}", style="bold")
        for item in evidence:
            _quote(item)
        if not evidence:
            say("unverified: no source", style="yellow", indent=2)
    _show_platforms(dossier)
    say("\nFindings", style="bold")
    for finding in dossier.findings:
        mark = "" if finding.verified else " (unverified: no source)"
        say(f"[{words(finding.topic)}] {finding.statement}{mark}", indent=2)
        for item in finding.evidence:
            _quote(item)
    if not dossier.findings:
        say("none", indent=2)
    _show_competitors(dossier)
    if dossier.skipped_sources:
        say("\nNot read", style="bold")
        for source in dossier.skipped_sources:
            say(source, indent=2)


def _show_platforms(dossier: Dossier) -> None:
    say("\nPlatforms", style="bold")
    for fit in dossier.platforms:
        share = "not known" if fit.share is None else f"{fit.share:.0%} of {fit.group}"
        year = "" if fit.year is None or str(fit.year) in fit.source else str(fit.year)
        source = ", ".join(filter(None, (fit.source, year)))
        say(f"{fit.platform}: {share}" + (f" ({source})" if source else ""), indent=2)
        if fit.note:
            say(fit.note, style="dim", indent=4)


def _show_competitors(dossier: Dossier) -> None:
    for competitor in dossier.competitors:
        read = "" if competitor.read else " (its account was not read)"
        say(f"\nCompetitor {competitor.name}{read}", style="bold")
        for label, found in (("Imitate", competitor.imitate), ("Add", competitor.add)):
            for finding in found:
                say(f"{label}: {finding.statement}", indent=2)
        if competitor.note:
            say(competitor.note, style="dim", indent=2)


def _show_plan(paper: Paper) -> None:
    from workflows.papers import read_plan

    plan = read_plan(paper)
    say("\nThemes", style="bold")
    for theme in plan.themes:
        say(theme.name + (f": {theme.purpose}" if theme.purpose else ""), indent=2)
    for finding in plan.used_findings:
        say(f"After the last evaluation: {finding}", indent=2)
    for number, item in enumerate(plan.items, start=1):
        say(
            f"\n{number}. {item.slot.wall:%a %d %b %Y %H:%M} ({item.slot.zone}) "
            f"{', '.join(item.platforms) or 'all accounts'}",
            style="bold",
        )
        fields(
            [
                ("Theme", item.theme or "none yet"),
                ("Text", item.text or "none yet"),
                ("Picture", item.photo_brief or "none"),
            ]
        )
        for evidence in item.evidence:
            _quote(evidence)
        if not item.evidence:
            say("No factual claim." if item.no_claim else "unverified: no source", indent=2)
