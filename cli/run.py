"""`run`: start a period of a brand, watch it, run a failed stage again, end it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cli.options import as_option, json_option, workspace_option
from cli.output import note, print_json, say, when, words

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from cli.watch import Standing
    from storage.tables import Brand
    from storage.uow import UnitOfWork
    from workflows.services import Services


@click.command()
@click.argument("brand")
@click.option("--by-hand", is_flag=True, help="People write dossier and plan; no model is asked.")
@click.option("--retry", is_flag=True, help="Run again what has failed.")
@click.option("--end", "ending", is_flag=True, help="End the period now; the evaluation follows.")
@click.option("--watch", "only_watch", is_flag=True, help="Only watch the period that is running.")
@click.option("--no-watch", is_flag=True, help="Come back at once.")
@workspace_option
@as_option
@json_option
@click.pass_context
def run(
    ctx: click.Context,
    brand: str,
    by_hand: bool,
    retry: bool,
    ending: bool,
    only_watch: bool,
    no_watch: bool,
    workspace: str | None,
    as_email: str | None,
    as_json: bool,
) -> None:
    """Start a period of BRAND and watch its stages until it waits for people or fails.

    Exit status 1 where a stage has failed, or nothing runs that could carry it out.
    """
    _check_options(retry, ending, only_watch, by_hand=by_hand)
    from cli.session import opened, workspace_of
    from cli.watch import standing, watch

    with opened() as services:
        place = workspace_of(services, workspace)
        with services.database.unit(place) as uow:
            row = uow.brands.by_slug(brand)
            zone = uow.brands.profile(row.id).zone
            if retry:
                done = _retry(uow, as_email, row.id, brand, by_hand=by_hand)
            elif ending:
                done = _end(uow, services, as_email, row.id, brand)
            elif only_watch:
                done = _running(uow, row.id, brand)
            else:
                done = _start(uow, services, as_email, row, by_hand=by_hand)

        def read() -> Standing:
            with services.database.unit(place) as uow:
                return standing(uow, services, done)

        def missing() -> str:
            from cli.health import look

            assert services.settings.redis_url is not None
            return look(
                services.database, services.settings.redis_url, services.settings.tick_seconds
            ).missing()

        if no_watch:
            now, absent = read(), missing()
        else:
            terminal = sys.stderr.isatty()
            now, absent = watch(read, missing, keep_waiting=terminal, live=terminal)
    if as_json:
        print_json({"brand": brand, "missing": absent} | now.data())
    else:
        for line in advice(now, brand, absent, zone, watched=not no_watch):
            say(line)
    stuck = now.rests and (now.status == "failed" or now.failed)
    if stuck or (absent and not no_watch and not now.rests):
        ctx.exit(1)


def _check_options(retry: bool, ending: bool, only_watch: bool, *, by_hand: bool) -> None:
    if sum((retry, ending, only_watch)) > 1 or (by_hand and (ending or only_watch)):
        raise click.UsageError(
            "Give one of --retry, --end and --watch; --by-hand goes with a start or with --retry."
        )


def _start(
    uow: UnitOfWork, services: Services, as_email: str | None, row: Brand, *, by_hand: bool
) -> str:
    """Begin a period; where one runs, say what can be done with it instead."""
    from cli.session import acting_user
    from domain.errors import TransitionRefused
    from workflows.start import start_cycle

    for cycle in uow.cycles.of_brand(row.id):
        thread = uow.threads.get(cycle.thread_id)
        if thread.status != "finished":
            state = "has failed" if thread.status == "failed" else "is running already"
            raise TransitionRefused(
                f"A period of {row.slug} {state}, at {thread.node}. Go on with it: "
                f"`humas run {row.slug} --watch`, --retry a failed stage, or --end it."
            )
    user = acting_user(uow, as_email)
    cycle = start_cycle(uow, services.clock, user, row.id, by_hand=by_hand)
    if not uow.brands.accounts(row.id):
        note(
            f"{row.name} has no account yet: no post can be made of the plan before you connect one "
            f"with `humas account connect {row.slug}`."
        )
    return cycle.id


def _running(uow: UnitOfWork, brand_id: str, slug: str) -> str:
    from domain.errors import NotFound

    for cycle in uow.cycles.of_brand(brand_id):
        if uow.threads.get(cycle.thread_id).status != "finished":
            return cycle.id
    raise NotFound(f"No period of {slug} is running. Start one with `humas run {slug}`.")


def _retry(
    uow: UnitOfWork, as_email: str | None, brand_id: str, slug: str, *, by_hand: bool
) -> str:
    from cli.session import acting_user
    from domain.errors import TransitionRefused
    from workflows.start import retry_stage

    user = acting_user(uow, as_email)
    failed = uow.threads.failed(brand_id)
    cycles = uow.cycles.of_brand(brand_id)
    if not failed or not cycles:
        raise TransitionRefused(f"Nothing of {slug} has failed; there is nothing to run again.")
    for thread in failed:
        retry_stage(uow, user, thread.id, by_hand=by_hand)
        note(f"Again: {thread.node}, which failed with: {thread.error}")
    return cycles[0].id


def _end(
    uow: UnitOfWork, services: Services, as_email: str | None, brand_id: str, slug: str
) -> str:
    from cli.session import acting_user
    from workflows.start import end_period

    cycle_id = _running(uow, brand_id, slug)
    end_period(uow, services.clock, acting_user(uow, as_email), cycle_id)
    stage = uow.threads.get(uow.cycles.get(cycle_id).thread_id).node
    if stage not in ("engagement", "evaluation"):
        note(f"The period is at {stage}: the evaluation runs once dossier and plan are decided.")
    return cycle_id


def advice(now: Standing, brand: str, missing: str, zone: ZoneInfo, *, watched: bool) -> list[str]:
    """What happened and what to do next, one sentence a line."""
    lines = []
    if now.status == "failed":
        lines.append(f"The stage {now.stage} failed: {now.error}")
        lines.append(f"Run it again with `humas run {brand} --retry`, or with --retry --by-hand.")
        return lines
    if now.status == "finished":
        lines.append(f"The period is finished. `humas report {brand}` shows its evaluation.")
    elif now.status == "waiting" and now.stage == "review" and now.undecided:
        how = "People write" if now.by_hand else "People decide on"
        lines.append(f"{how} the {' and the '.join(now.undecided)} now: `humas review`.")
        if now.by_hand:
            lines.append("Written by hand, they are filled in on the web pages of `humas up`.")
    elif now.stage == "engagement" and now.rests:
        counts = ", ".join(f"{count} {words(state)}" for state, count in now.items.items())
        lines.append(f"The posts of the period: {counts or 'none'}.")
        if now.items.get("in_review"):
            lines.append("Decide on them with `humas review`.")
        lines.append(f"The period ends on {when(now.period_end, zone)}; the evaluation follows.")
    elif not watched:
        lines.append(f"The period is at {now.stage}. Watch it with `humas run {brand} --watch`.")
    failed = [f"{node}: {error}" for node, error in now.failed]
    if failed:
        lines.append("Failed: " + "; ".join(failed))
        lines.append(f"Run again what failed with `humas run {brand} --retry`.")
    if missing and not now.rests:
        lines.append(f"There is {missing}. Start all with `humas up`; the period goes on then.")
    return lines
