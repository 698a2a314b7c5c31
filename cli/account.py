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
    from cli.session import acting_user, opened, workspace_unit
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
            row, info = connect_account(
                services,
                uow,
                acting_user(uow, as_email),
                uow.brands.by_slug(brand).id,
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

    accounts = []
    rows = []
    with opened() as services, workspace_unit(services, workspace) as uow:
        brands = [uow.brands.by_slug(brand)] if brand else uow.brands.all()
        for owner in brands:
            zone = uow.brands.profile(owner.id).zone
            for row in uow.brands.accounts(owner.id, active=False):
                problem = "off" if row.disabled_at else row.poll_error or ""
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
