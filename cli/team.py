"""`init` and `user`: the first workspace, and the people of the team."""

from __future__ import annotations

import click

from cli.options import as_option, ask, ask_secret, json_option, workspace_option
from cli.output import note, print_json, say, table, words

ROLES = ("owner", "reviewer", "platform_admin", "viewer")
LANGUAGES = ("en", "id")
password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)
locale_option = click.option(
    "--language",
    "locale",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="Language of the web pages for this person.",
)


@click.command()
@click.option("-w", "--workspace", metavar="NAME", help="Name of the organisation.")
@click.option("--email", metavar="EMAIL", help="The owner's e-mail address, the login name.")
@click.option("--name", metavar="NAME", help="The owner's name as others see it.")
@locale_option
@password_option
@click.option("--another", is_flag=True, help="Add a further workspace to those there are.")
def init(
    workspace: str | None,
    email: str | None,
    name: str | None,
    locale: str,
    password_stdin: bool,
    another: bool,
) -> None:
    """Make the first workspace and its owner. There is no default password."""
    from cli.session import opened
    from domain.errors import InvalidInput
    from domain.team import Role
    from storage.repositories.people import Workspaces

    with opened() as services:
        with services.database.system() as session:
            known = [item.name for item in Workspaces(session).all()]
        if known and not another:
            raise InvalidInput(
                f"There is a workspace already: {', '.join(known)}. Add people with `humas user add`, "
                "or a further workspace with `humas init --another`."
            )
        workspace = ask("Name of the organisation", workspace, "--workspace").strip()
        if workspace in known:
            raise InvalidInput(f"There is a workspace {workspace!r} already. Choose another name.")
        email = ask("Your e-mail address", email, "--email")
        name = ask("Your name", name, "--name").strip()
        if not workspace or not name:
            raise InvalidInput("The workspace and its owner each need a name.")
        password = ask_secret(
            "Password", "--password-stdin", from_stdin=password_stdin, confirm=True
        )
        with services.database.system() as session:
            # One transaction, so that no workspace is left without an owner.
            from storage.repositories.people import People
            from storage.repositories.system import Audit

            workspace_id = Workspaces(session).add(workspace).id
            owner = People(session, workspace_id).add(email, name, password, Role.OWNER, locale)
            Audit(session, workspace_id).write("system", "init", "user", owner.id)
    say(f"Workspace {workspace} is there; {email} owns it.")
    say("Next: `humas brand add FILE.toml`, then `humas up`.")


@click.group()
def user() -> None:
    """Add and list people."""


@user.command("add")
@click.argument("email")
@click.option("--name", metavar="NAME", help="Name as others see it.")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the person may do.")
@locale_option
@password_option
@workspace_option
@as_option
def add(
    email: str,
    name: str | None,
    role: str,
    locale: str,
    password_stdin: bool,
    workspace: str | None,
    as_email: str | None,
) -> None:
    """Add a person with the login name EMAIL."""
    from cli.session import acting_user, opened, workspace_unit
    from domain.team import Right, Role, require
    from workflows.changes import add_person

    with opened() as services:
        with workspace_unit(services, workspace) as uow:
            require(Role(acting_user(uow, as_email).role), Right.MANAGE)
        name = ask("Name", name, "--name").strip()
        password = ask_secret(
            "Password", "--password-stdin", from_stdin=password_stdin, confirm=True
        )
        with workspace_unit(services, workspace) as uow:
            add_person(
                uow,
                acting_user(uow, as_email),
                email=email,
                name=name,
                password=password,
                role=role,
                locale=locale,
            )
    say(f"{name} ({email}) can log in now, as {words(role)}.")


@user.command("list")
@workspace_option
@json_option
def list_(workspace: str | None, as_json: bool) -> None:
    """List the people of a workspace."""
    from cli.session import opened, workspace_unit

    with opened() as services, workspace_unit(services, workspace) as uow:
        people = [
            {
                "email": person.email,
                "name": person.name,
                "role": person.role,
                "language": person.locale,
                "disabled": person.disabled_at is not None,
            }
            for person in uow.people.all()
        ]
    if as_json:
        print_json(people)
        return
    rows = [
        (
            str(item["email"]),
            str(item["name"]),
            words(str(item["role"])) + (", disabled" if item["disabled"] else ""),
            str(item["language"]),
        )
        for item in people
    ]
    table(("E-mail", "Name", "Role", "Language"), rows)
    if not rows:
        note("Nobody yet.")
