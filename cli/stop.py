"""`stop`: the stop switches. While one is on, nothing leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import as_option, json_option, workspace_option
from cli.output import fields, print_json, say

if TYPE_CHECKING:
    from workflows.services import Services


@click.command()
@click.argument("state", type=click.Choice(["on", "off", "status"]))
@click.option("--brand", metavar="SLUG", help="Only this brand; else the whole workspace.")
@click.option("--everything", is_flag=True, help="All workspaces of this installation.")
@workspace_option
@as_option
@json_option
def stop(
    state: str,
    brand: str | None,
    everything: bool,
    workspace: str | None,
    as_email: str | None,
    as_json: bool,
) -> None:
    """Turn the stop switch on or off, or see where it stands.

    Whoever may decide on posts may stop; turning it off again is for owners. --everything asks
    for nobody's name, so that it works in an emergency.
    """
    from cli.session import opened

    if brand and everything:
        raise click.UsageError("Give --brand or --everything, not both.")
    with opened() as services:
        if state == "status":
            _status(services, workspace, as_json=as_json)
            return
        on = state == "on"
        if everything:
            _everything(services, on=on)
            what = "The whole installation"
        else:
            what = _one(services, workspace, brand, as_email, on=on)
    if as_json:
        print_json({"stopped": on, "what": what})
    elif on:
        say(f"{what} is stopped: nothing leaves until `humas stop off`.")
        say("What a platform is being sent at this moment may still arrive.")
    else:
        say(f"{what} goes on: what is approved leaves at its time.")


def _everything(services: Services, *, on: bool) -> None:
    from storage.repositories.system import set_global_stop
    from storage.tables import AuditEntry

    with services.database.system() as session:
        set_global_stop(session, on)
        verb = "stop" if on else "resume"
        session.add(
            AuditEntry(
                actor="operator", verb=verb, object_kind="installation", object_id="", details={}
            )
        )


def _one(
    services: Services,
    workspace: str | None,
    brand: str | None,
    as_email: str | None,
    *,
    on: bool,
) -> str:
    from cli.session import acting_user, workspace_unit
    from domain.team import Right, Role, require
    from storage.tables import Workspace
    from workflows.changes import stop_brand

    verb = "stop" if on else "resume"
    with workspace_unit(services, workspace) as uow:
        user = acting_user(uow, as_email)
        if brand:
            row = uow.brands.by_slug(brand)
            stop_brand(uow, user, row.id, on=on)
            return f"Brand {row.name}"
        require(Role(user.role), Right.DECIDE if on else Right.MANAGE)
        place = uow.session.get_one(Workspace, uow.workspace_id)
        place.stopped = on
        uow.audit.write(user.id, verb, "workspace", place.id)
        return f"Workspace {place.name}"


def _status(services: Services, workspace: str | None, *, as_json: bool) -> None:
    from cli.session import workspace_unit
    from storage.repositories.system import global_stop
    from storage.tables import Workspace

    with services.database.system() as session:
        everything = global_stop(session)
    with workspace_unit(services, workspace) as uow:
        place = uow.session.get_one(Workspace, uow.workspace_id)
        brands = {row.slug: row.stopped for row in uow.brands.all()}
    if as_json:
        print_json({"everything": everything, "workspace": place.stopped, "brands": brands})
        return
    named = {True: "ON: nothing leaves", False: "off"}
    fields(
        [
            ("Installation", named[everything]),
            (f"Workspace {place.name}", named[place.stopped]),
            *((f"Brand {slug}", named[stopped]) for slug, stopped in brands.items()),
        ]
    )
