"""`publish`: an approved item leaves now; or, with --dry-run, what exactly would leave."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from cli.desk import common, desk, done, find, inherited, seen_version
from cli.output import note, print_json, say


@click.command("publish")
@common
@click.option(
    "--dry-run", is_flag=True, help="Send nothing: do all but the effect and show the request."
)
@click.option("--seen", type=int, metavar="N", help="The version you saw.")
def publish(item_id: str, dry_run: bool, seen: int | None, as_json: bool, **given: Any) -> None:
    """Send an approved post or reply now instead of at its time.

    It stays what was approved; nothing leaves without an approval. With --dry-run nothing leaves
    at all: the exact requests are shown, with secrets removed, in whatever state the item is.
    """
    from datetime import timedelta

    from domain.approval import Verb
    from domain.errors import InvalidInput
    from workflows.rehearsal import rehearse

    with desk(*inherited(given)) as at:
        item = find(at, item_id)
        if item.kind != "action":
            raise InvalidInput("Only posts, replies and other acts are published.")
        if dry_run:
            wires = [asdict(wire) for wire in rehearse(at.services, at.workspace_id, item.id)]
            if as_json:
                print_json(wires)
                return
            for number, wire in enumerate(wires, start=1):
                say(f"Request {number} of {len(wires)}, not sent:", style="bold")
                say(f"{wire['method']} {wire['url']}")
                for name, value in wire["headers"].items():
                    say(f"{name}: {value}")
                print_json(wire["body"])
            note("Dry run: nothing was sent.")
            return
        version = seen_version(at, item, "publish now", seen)
        with at.services.database.unit(at.workspace_id) as uow:
            action = uow.actions.get(item.id)
            zone = uow.brands.profile(action.brand_id).zone
        soon = at.services.clock.now() + timedelta(seconds=2)
        wall = soon.astimezone(zone)
        slot = (f"{wall:%Y-%m-%d}", f"{wall:%H:%M:%S}", zone.key)
        state = at.decide(item, Verb.RESCHEDULE, version, slot=slot)
    done(item, "publish", state, as_json=as_json)
