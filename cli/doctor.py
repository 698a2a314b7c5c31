"""`doctor`: checks the installation and says what to do for each failure."""

from __future__ import annotations

import click

from cli.options import json_option
from cli.output import note, print_json, say

MARKS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "fail": ("✗", "red")}


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check settings, servers, model, channels, clock and workers; changes nothing.

    Exit status 1 where a check fails. `!` marks what works but deserves a look.
    """
    from cli.checks import run_checks

    checks = []
    for check in run_checks():
        checks.append(check)
        if not as_json:
            mark, style = MARKS[check.status]
            say(f"{mark} {check.name}: {check.found}", style="" if check.status == "ok" else style)
            if check.todo:
                say(f"-> {check.todo}", indent=2)
    failed = sum(check.status == "fail" for check in checks)
    if as_json:
        print_json(
            {
                "ok": not failed,
                "checks": [
                    {"name": c.name, "status": c.status, "found": c.found, "todo": c.todo}
                    for c in checks
                ],
            }
        )
    elif failed:
        note(f"\n{failed} of {len(checks)} checks failed.")
    else:
        say(f"\nAll is well ({len(checks)} checks).")
    if failed:
        ctx.exit(1)
