"""`report`: the evaluation of a brand in three layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from babel.dates import format_date

from cli.options import json_option, workspace_option
from cli.output import note, print_json, say, table
from config.i18n import N_, gettext_for, translate_stored

if TYPE_CHECKING:
    from domain.brand import BrandProfile
    from domain.evaluation import Evaluation, Figure
    from storage.uow import UnitOfWork

LAYERS = (("media", N_("Media")), ("conversation", N_("Conversation")), ("network", N_("Network")))


@click.command()
@click.argument("brand")
@click.option(
    "--so-far", is_flag=True, help="Figures of the running period, as they are stored now."
)
@workspace_option
@json_option
def report(brand: str, so_far: bool, workspace: str | None, as_json: bool) -> None:
    """Show the newest evaluation of BRAND: media, conversation, network, and the text."""
    from cli.session import opened, workspace_unit
    from domain.evaluation import render
    from workflows.evaluation import compute
    from workflows.papers import read_evaluation

    with opened() as services, workspace_unit(services, workspace) as uow:
        row = uow.brands.by_slug(brand)
        profile = uow.brands.profile(row.id)
        papers = uow.cycles.papers("evaluation", row.id)
        cycles = uow.cycles.of_brand(row.id)
        if so_far and cycles:
            evaluation = compute(uow, cycles[0], services.clock.now())
        elif papers and not so_far:
            evaluation = read_evaluation(papers[0])
        else:
            raise _none(brand, profile, running=bool(cycles), so_far=so_far)
        if as_json:
            data = evaluation.model_dump(mode="json")
            for paragraph, shown in zip(evaluation.paragraphs, data["paragraphs"], strict=True):
                shown["rendered"] = render(paragraph.text, evaluation.figures)
            print_json(
                {"brand": brand, "interim": so_far, "not_read": _not_read(uow, row.id)} | data
            )
            return
        if so_far:
            note("Interim: the period has not ended, and figures are as old as their last reading.")
        show_evaluation(uow, evaluation, profile, services.settings.language)
        for line in _not_read(uow, row.id):
            note(line)


def _none(brand: str, profile: BrandProfile, *, running: bool, so_far: bool) -> Exception:
    from domain.errors import NotFound

    if so_far or not running:
        return NotFound(f"{profile.name} has had no period yet. Start one: `humas run {brand}`.")
    return NotFound(
        f"There is no evaluation of {profile.name} yet; it is written at the period's end. See the figures so "
        f"far with --so-far, or end the period with `humas run {brand} --end`."
    )


def _not_read(uow: UnitOfWork, brand_id: str) -> list[str]:
    """Accounts whose last reading failed: their figures may be old."""
    return [
        f"{account.platform} {account.handle} could not be read lately: {account.poll_error}"
        for account in uow.brands.accounts(brand_id)
        if account.poll_error
    ]


def show_evaluation(
    uow: UnitOfWork, evaluation: Evaluation, profile: BrandProfile, locale: str
) -> None:
    """Print the three layers and the text with its figures filled in."""
    from domain.evaluation import PLACEHOLDER
    from workflows.evaluation import figure_text

    translate = gettext_for(locale)
    shown = {figure.id: figure_text(figure, locale) for figure in evaluation.figures}
    start, end = (
        format_date(instant.astimezone(profile.zone).date(), "medium", locale=locale)
        for instant in (evaluation.period_start, evaluation.period_end)
    )
    title = translate("Evaluation of {brand}, {start} to {end}")
    say(title.format(brand=profile.name, start=start, end=end), style="bold")
    for kind, title in (
        ("observation", ""),
        ("comment", ""),
        ("recommendation", translate("Recommended")),
    ):
        texts = [item for item in evaluation.paragraphs if item.kind == kind]
        if texts and title:
            say(f"\n{title}", style="bold")
        for paragraph in texts:
            text = PLACEHOLDER.sub(lambda found: shown[found.group(1)], paragraph.text)
            by = "" if paragraph.entered_by == "model" else f" ({translate('written by a person')})"
            say(f"\n{text}{by}" if not title else f"- {text}{by}")
    if not evaluation.paragraphs:
        say("\n" + translate("Nobody has written about the figures yet."), style="dim")
    for layer, title in LAYERS:
        figures = [figure for figure in evaluation.figures if figure.layer == layer]
        say(f"\n{translate(title)}", style="bold")
        if figures:
            rows = [(translate(f.label), shown[f.id], _remark(f, profile, locale)) for f in figures]
            table((translate("Figure"), translate("Value"), translate("Remark")), rows, fixed=0)
        else:
            say(translate("No figures."), indent=2)
    if evaluation.people:
        say("\n" + translate("Most active people"), style="bold")
        people = [
            (uow.interactions.person(person_id).handle or translate("a deleted person"), str(count))
            for person_id, count in evaluation.people
        ]
        table((translate("Who"), translate("Interactions")), people)


def _remark(figure: Figure, profile: BrandProfile, locale: str) -> str:
    translate = gettext_for(locale)
    parts = [translate_stored(figure.note, translate)] if figure.note else []
    if figure.as_of is not None and figure.status in ("ok", "not_yet"):
        day = format_date(figure.as_of.astimezone(profile.zone).date(), "medium", locale=locale)
        said = N_("as of {day}") if figure.status == "ok" else N_("last read on {day}")
        parts.append(translate(said).format(day=day))
    return "; ".join(parts)
