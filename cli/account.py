"""`account`: connect and list channel accounts."""

from __future__ import annotations

import sys

import click

from cli.ids import short
from cli.options import as_option, ask_secret, json_option, workspace_option
from cli.output import note, print_json, say, table, when


@click.group()
def account() -> None:
    """Connect and list channel accounts."""


@account.command("connect")
@click.argument("brand")
@click.option("--platform", required=True, metavar="NAME", help="bluesky or mastodon.")
@click.option("--base-url", metavar="URL", help="The account's server or instance.")
@click.option("--handle", metavar="HANDLE", help="The account's name there, without the @.")
@click.option(
    "--secret-stdin",
    is_flag=True,
    help="Read the app password or token from standard input instead of a hidden prompt.",
)
@workspace_option
@as_option
@json_option
def connect(
    brand: str,
    platform: str,
    base_url: str | None,
    handle: str | None,
    secret_stdin: bool,
    workspace: str | None,
    as_email: str | None,
    as_json: bool,
) -> None:
    """Connect an account to BRAND; the credentials are tried before they are kept.

    Connecting a known account again replaces its secret.
    """
    from channels.registry import PLATFORMS
    from cli.session import acting_user, opened, workspace_of, workspace_unit
    from domain.errors import InvalidInput
    from workflows.accounts import connect_account

    known = PLATFORMS.get(platform)
    if known is None:
        raise InvalidInput(
            f"There is no platform {platform!r}. Platforms: {', '.join(sorted(PLATFORMS))}."
        )
    values = {"base_url": base_url or "", "handle": handle or ""}
    for field in known.fields:
        if field.secret or values[field.name]:
            continue
        if field.default:
            values[field.name] = field.default
        elif sys.stdin.isatty():
            note(field.help)
            values[field.name] = click.prompt(field.label, err=True)
        else:
            option = "--" + field.name.replace("_", "-")
            raise click.UsageError(f"{option} is missing: {field.label}. {field.help}")
    label = next(field for field in known.fields if field.secret)
    with opened() as services:
        with workspace_unit(services, workspace) as uow:
            uow.brands.by_slug(brand)
        if sys.stdin.isatty() and not secret_stdin:
            note(f"{label.help} See {known.docs}")
        secret = ask_secret(label.label, "--secret-stdin", from_stdin=secret_stdin)
        with workspace_unit(services, workspace) as uow:
            user, brand_id = acting_user(uow, as_email), uow.brands.by_slug(brand).id
        row, info = connect_account(
            services,
            workspace_of(services, workspace),
            user,
            brand_id,
            platform,
            values["base_url"],
            values["handle"],
            secret,
        )
    if as_json:
        print_json({"id": row.id, "platform": platform, "handle": info.handle, "url": info.url})
        return
    followers = "" if info.followers is None else f", {info.followers} followers"
    say(f"Connected {known.title} {info.handle} ({info.name or 'no name'}{followers}) to {brand}.")


@account.command("list")
@click.argument("brand", required=False)
@workspace_option
@json_option
def list_(brand: str | None, workspace: str | None, as_json: bool) -> None:
    """List the accounts of BRAND, or of all brands."""
    from cli.session import opened, workspace_unit
    from workflows.account_health import troubles

    accounts = []
    rows = []
    with opened() as services, workspace_unit(services, workspace) as uow:
        language = services.settings.language
        warnings = {item.account.id: item.text(language) for item in troubles(uow, services)}
        brands = [uow.brands.by_slug(brand)] if brand else uow.brands.all()
        for owner in brands:
            zone = uow.brands.profile(owner.id).zone
            for row in uow.brands.accounts(owner.id, active=False):
                warning = warnings.get(row.id, "")
                problem = "off" if row.disabled_at else warning or row.poll_error or ""
                accounts.append(
                    {
                        "id": row.id,
                        "brand": owner.slug,
                        "platform": row.platform,
                        "handle": row.handle,
                        "base_url": row.base_url,
                        "enabled": row.disabled_at is None,
                        "last_read": row.polled_at,
                        "problem": row.poll_error,
                        "warning": warning or None,
                        "credentials_expire_at": row.credentials_expire_at,
                        "waits_until": row.waits_until,
                    }
                )
                where = f"{row.platform} {row.handle}\n{row.base_url}"
                read = when(row.polled_at, zone, "never read")
                rows.append((short(row.id), owner.slug, where, problem or f"read {read}"))
    if as_json:
        print_json(accounts)
    elif rows:
        table(("Account", "Brand", "Where", "State"), rows)
    else:
        note("No accounts yet. Connect one with `humas account connect BRAND --platform NAME`.")


@account.command("posts")
@click.argument("brand")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@workspace_option
@json_option
def posts(brand: str, limit: int, workspace: str | None, as_json: bool) -> None:
    """List what the accounts of BRAND published outside Humas, newest first."""
    from cli.session import opened, workspace_unit

    with opened() as services, workspace_unit(services, workspace) as uow:
        owner = uow.brands.by_slug(brand)
        zone = uow.brands.profile(owner.id).zone
        accounts = {row.id: row for row in uow.brands.accounts(owner.id, active=False)}
        found = uow.outside.find(brand_id=owner.id, limit=limit)
        figures = uow.outside.figures([post.id for post in found])
    reading = [row for row in accounts.values() if not (row.import_done_at or row.disabled_at)]
    for row in reading:
        note(f"The past posts of {row.platform} {row.handle} are still being read.")
    if as_json:
        print_json(
            [
                {
                    "id": post.id,
                    "account": post.account_id,
                    "platform": accounts[post.account_id].platform,
                    "handle": accounts[post.account_id].handle,
                    "kind": post.kind,
                    "text": post.text,
                    "url": post.url,
                    "posted_at": post.posted_at,
                    "figures": figures.get(post.id, {}),
                }
                for post in found
            ]
        )
        return
    for post in found:
        row = accounts[post.account_id]
        say(f"{when(post.posted_at, zone)}  {row.platform} {row.handle}  {post.kind}", style="bold")
        say(post.text or "(without text)", indent=2)
        numbers = ", ".join(f"{name} {value}" for name, value in figures.get(post.id, {}).items())
        for line in (numbers, post.url or ""):
            if line:
                say(line, style="dim", indent=2)
    if not found:
        note("Nothing outside Humas is known. The workers read it after an account is connected.")


@account.command("followers")
@click.argument("brand")
@click.option("--list", "names", is_flag=True, help="Name them, newest first.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@workspace_option
@json_option
def followers(brand: str, names: bool, limit: int, workspace: str | None, as_json: bool) -> None:
    """Ask the platforms how many people follow the accounts of BRAND, or who they are."""
    from cli.session import opened, workspace_unit
    from workflows.followers import account_followers

    with opened() as services:
        with workspace_unit(services, workspace) as uow:
            accounts = uow.brands.accounts(uow.brands.by_slug(brand).id)
        found = [account_followers(services, row, limit if names else 0) for row in accounts]
    if as_json:
        print_json(
            [
                {
                    "account": item.account.id,
                    "platform": item.account.platform,
                    "handle": item.account.handle,
                    "followers": item.count,
                    "people": [{"handle": one.handle, "name": one.name} for one in item.people],
                    "more": item.more,
                    "problem": item.problem or None,
                }
                for item in found
            ]
        )
        return
    for item in found:
        count = "no figure" if item.count is None else f"{item.count} followers"
        say(f"{item.account.platform} {item.account.handle}: {item.problem or count}")
        for one in item.people:
            say(f"@{one.handle}  {one.name}", indent=2)
        if item.more:
            note(f"There are more; ask for them with --limit (now {limit}).")
    if not found:
        note("No account is connected.")
