"""People and what they may do."""

from enum import StrEnum

from domain.errors import NotPermitted


class Role(StrEnum):
    """Basic roles; crafts and rights per channel account come on top of them."""

    OWNER = "owner"
    REVIEWER = "reviewer"
    PLATFORM_ADMIN = "platform_admin"
    VIEWER = "viewer"


class Right(StrEnum):
    """What a route or a verb asks for."""

    READ = "read"
    WRITE = "write"  # draft, edit, submit
    DECIDE = "decide"  # approve, reject, request changes, hold, settle
    MANAGE = "manage"  # brands, accounts, people, stop switch


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OWNER: frozenset(Right),
    Role.REVIEWER: frozenset({Right.READ, Right.WRITE, Right.DECIDE}),
    Role.PLATFORM_ADMIN: frozenset({Right.READ, Right.WRITE, Right.DECIDE}),
    Role.VIEWER: frozenset({Right.READ}),
}


def require(role: Role, right: Right) -> None:
    """Refuse what the role does not allow.

    Raises:
        NotPermitted: with the right that is missing.
    """
    if right not in RIGHTS[role]:
        raise NotPermitted(
            f"Your role ({role.value}) does not include the right to {right.value}. Ask an owner of the workspace."
        )
