"""`brand`: add, list, show and edit brands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.options import as_option, json_option, workspace_option
from cli.output import fields, note, print_json, say, table, when, words

if TYPE_CHECKING:
    from domain.brand import BrandProfile
    from storage.tables import Brand
    from storage.uow import UnitOfWork

file_type = click.Path(path_type=Path, allow_dash=True)


@click.group()
def brand() -> None:
    """Add, list, show and edit brands."""


@brand.command("add")
@click.argument("file", type=file_type, required=False)
@click.option("--name", metavar="NAME", help="The brand's name.")
@click.option("--website", metavar="URL", help="Its website, read by the research.")
@click.option(
    "--language",
    "languages",
    type=click.Choice(["id", "en"]),
    multiple=True,
    help="May be given twice.",
)
@click.option("--time-zone", metavar="ZONE", help="IANA name, such as Asia/Jakarta.")
@click.option("--voice", metavar="TEXT", help="How the brand speaks.")
@click.option("--competitor", "competitors", metavar="NAME", multiple=True, help="Up to five.")
@click.option("--posts", "posts_per_period", type=int, metavar="N", help="Posts in a period.")
@click.option("--days", "period_days", type=int, metavar="N", help="Length of a period.")
@workspace_option
@as_option
@json_option
def add(
    file: Path | None, workspace: str | None, as_email: str | None, as_json: bool, **given: Any
) -> None:
    """Add a brand from a TOML FILE (docs/examples/brand.toml), from options, or from both.

    Options win over the file. FILE may be - for standard input.
    """
    from cli.brand_file import make_profile, read_toml
    from cli.session import acting_user, opened, workspace_unit
    from workflows.changes import add_brand

    options = {name: value for name, value in given.items() if value not in (None, ())}
    if file is None and "name" not in options:
        raise click.UsageError(
            "Give a FILE or --name. docs/examples/brand.toml is one to start from."
        )
    profile = make_profile((read_toml(file) if file else {}) | options)
    with opened() as services, workspace_unit(services, workspace) as uow:
        row = add_brand(uow, acting_user(uow, as_email), profile)
    if as_json:
        print_json({"slug": row.slug, "id": row.id, "profile": row.profile})
        return
    say(f"Added {profile.name} as {row.slug}.")
    if not profile.website and not profile.documents:
        note("It has no website and no documents: the research has nothing to read.")
    say(f"Next: `humas account connect {row.slug} --platform bluesky --handle HANDLE`,")
    say(f"then `humas run {row.slug}`.")


@brand.command("edit")
@click.argument("slug")
@click.argument("file", type=file_type)
@workspace_option
@as_option
def edit(slug: str, file: Path, workspace: str | None, as_email: str | None) -> None:
    """Replace what is said of brand SLUG by a TOML FILE. The short name stays."""
    from cli.brand_file import make_profile, read_toml
    from cli.session import acting_user, opened, workspace_unit
    from workflows.changes import save_brand

    profile = make_profile(read_toml(file))
    with opened() as services, workspace_unit(services, workspace) as uow:
        row = uow.brands.by_slug(slug)
        new = profile.model_dump(mode="json")
        changed = sorted(name for name in new if new[name] != row.profile.get(name))
        save_brand(uow, acting_user(uow, as_email), row.id, row.row_version, profile)
    say(f"Changed {', '.join(changed)} of {slug}." if changed else f"{slug} is as it was.")


@brand.command("list")
@workspace_option
@json_option
def list_(workspace: str | None, as_json: bool) -> None:
    """List the brands of a workspace."""
    from cli.session import opened, workspace_unit

    with opened() as services, workspace_unit(services, workspace) as uow:
        brands = [_summary(uow, row) for row in uow.brands.all()]
    if as_json:
        print_json(brands)
        return
    rows = [
        (
            item["slug"],
            item["name"],
            item["time_zone"],
            str(item["accounts"]),
            item["stage"] + (", STOPPED" if item["stopped"] else ""),
        )
        for item in brands
    ]
    if rows:
        table(("Brand", "Name", "Time zone", "Accounts", "Stage"), rows)
    else:
        note("No brands yet. Add one with `humas brand add FILE.toml`.")


@brand.command("show")
@click.argument("slug")
@workspace_option
@json_option
def show(slug: str, workspace: str | None, as_json: bool) -> None:
    """Show brand SLUG: its profile, accounts, and where its period stands."""
    from cli.session import opened, workspace_unit

    with opened() as services, workspace_unit(services, workspace) as uow:
        row = uow.brands.by_slug(slug)
        profile = uow.brands.profile(row.id)
        accounts = uow.brands.accounts(row.id, active=False)
        cycles = uow.cycles.of_brand(row.id)
        counts = uow.actions.counts(row.id)
        summary = _summary(uow, row)
    period = cycles[0] if cycles else None
    if as_json:
        # Addresses for reports hold passwords; how many there are is enough here.
        shown = profile.model_dump(mode="json", exclude={"reports_to"})
        shown["reports_to"] = len(profile.reports_to)
        end = period.period_end if period else None
        print_json(summary | {"profile": shown, "items": counts, "period_end": end})
        return
    say(f"{profile.name} ({slug})", style="bold")
    names = [f"{a.platform} {a.handle}{', off' if a.disabled_at else ''}" for a in accounts]
    status = summary["stage"]
    if period is not None:
        status += f", until {when(period.period_end, profile.zone)}"
    fields(
        [
            *_profile_rows(profile),
            ("Accounts", "; ".join(names) or f"none; `humas account connect {slug}`"),
            ("Period", status),
            ("Items", ", ".join(f"{n} {words(s)}" for s, n in counts.items()) or "none"),
            ("Stop switch", "ON: nothing leaves" if row.stopped else "off"),
        ]
    )


def _summary(uow: UnitOfWork, row: Brand) -> dict[str, Any]:
    cycles = uow.cycles.of_brand(row.id)
    stage = "no period yet"
    if cycles:
        thread = uow.threads.get(cycles[0].thread_id)
        stage = {"finished": "finished", "failed": f"{cycles[0].stage} FAILED"}.get(
            thread.status, cycles[0].stage
        )
    return {
        "slug": row.slug,
        "name": row.name,
        "id": row.id,
        "time_zone": row.profile["time_zone"],
        "accounts": len(uow.brands.accounts(row.id)),
        "stage": stage,
        "stopped": row.stopped,
    }


def _profile_rows(profile: BrandProfile) -> list[tuple[str, str]]:
    market = profile.market
    count, days = profile.posts_per_period, profile.period_days
    times = [str(slot) for slot in profile.rhythm] or profile.posting_times
    plan = f"{count} posts in {days} days, at {', '.join(times)}"
    people = f"{profile.approvers} approver{'s' if profile.approvers > 1 else ''}"
    author = "may" if profile.author_may_approve else "may not"
    audience = f"{market.age_from} to {market.age_to} years, {market.region}"
    return [
        ("Website", profile.website or "none"),
        ("Documents", "\n".join(profile.documents) or "none"),
        ("Languages", ", ".join(profile.languages)),
        ("Time zone", profile.time_zone),
        ("Voice", profile.voice or "not said"),
        ("Market", audience + (f"; {market.description}" if market.description else "")),
        ("Competitors", ", ".join(profile.competitors) or "none named"),
        ("Plan", plan),
        ("Grace", f"{profile.grace_minutes} minutes"),
        ("Approval", f"{people}; the author {author} approve"),
        (
            "Reports to",
            f"{len(profile.reports_to)} address(es)" if profile.reports_to else "nobody",
        ),
    ]
