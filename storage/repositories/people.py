"""People of the team and their logins."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import InvalidInput, NotFound
from domain.team import Role
from storage.repositories.base import Repository
from storage.tables import LoginSession, User, Workspace, new_id

_HASHER = PasswordHasher()
MIN_PASSWORD = 10


class People(Repository):
    """The team of one workspace."""

    def add(self, email: str, name: str, password: str, role: Role, locale: str = "en") -> User:
        """A new person.

        Raises:
            InvalidInput: the address is taken or the password too short.
        """
        email = email.strip()
        if "@" not in email:
            raise InvalidInput(f"{email!r} is not an e-mail address.")
        if len(password) < MIN_PASSWORD:
            raise InvalidInput(f"The password needs at least {MIN_PASSWORD} characters.")
        taken = select(User.id).where(func.lower(User.email) == email.lower())
        if self.session.scalars(taken).first():
            raise InvalidInput(f"There is a person with the address {email} already.")
        user = User(
            id=new_id(),
            workspace_id=self.workspace_id,
            email=email,
            name=name,
            password_hash=_HASHER.hash(password),
            role=role.value,
            locale=locale,
        )
        self.session.add(user)
        self.session.flush()
        return user

    def get(self, user_id: str) -> User:
        """A person by the id."""
        return self.row(User, user_id)

    def all(self) -> Sequence[User]:
        """Everybody, by name."""
        query = select(User).where(User.workspace_id == self.workspace_id).order_by(User.name)
        return self.session.scalars(query).all()


class Logins:
    """Logging in and out; before a login no workspace is known."""

    def __init__(self, session: Session) -> None:
        """Bind to a session."""
        self.session = session

    def check(self, email: str, password: str) -> User | None:
        """The person with that address and password; None for anything else."""
        query = select(User).where(
            func.lower(User.email) == email.strip().lower(), User.disabled_at.is_(None)
        )
        user = self.session.scalars(query).one_or_none()
        try:
            _HASHER.verify(user.password_hash if user else _nobody(), password)
        except (VerificationError, InvalidHashError):
            return None
        return user

    def start(self, user: User, now: datetime, hours: int) -> tuple[str, LoginSession]:
        """A new login.

        Returns:
            The token for the cookie, of which only the hash is stored, and the session.
        """
        token = secrets.token_urlsafe(32)
        session = LoginSession(
            id=new_id(),
            workspace_id=user.workspace_id,
            user_id=user.id,
            token_hash=_digest(token),
            csrf_token=secrets.token_urlsafe(32),
            expires_at=now + timedelta(hours=hours),
        )
        self.session.add(session)
        self.session.flush()
        return token, session

    def find(self, token: str, now: datetime) -> tuple[LoginSession, User] | None:
        """The living session of a token, with its person."""
        query = (
            select(LoginSession, User)
            .join(User, User.id == LoginSession.user_id)
            .where(
                LoginSession.token_hash == _digest(token),
                LoginSession.ended_at.is_(None),
                LoginSession.expires_at > now,
                User.disabled_at.is_(None),
            )
        )
        found = self.session.execute(query).one_or_none()
        return (found[0], found[1]) if found else None

    def end(self, session: LoginSession, now: datetime) -> None:
        """Log out."""
        session.ended_at = now


class Workspaces:
    """The organisations of an installation; for commands of its operator."""

    def __init__(self, session: Session) -> None:
        """Bind to a session."""
        self.session = session

    def add(self, name: str) -> Workspace:
        """A new workspace."""
        workspace = Workspace(id=new_id(), name=name, stopped=False)
        self.session.add(workspace)
        self.session.flush()
        return workspace

    def all(self) -> Sequence[Workspace]:
        """All workspaces, oldest first."""
        return self.session.scalars(select(Workspace).order_by(Workspace.id)).all()

    def only(self, name: str | None = None) -> Workspace:
        """The workspace of that name, or the only one.

        Raises:
            NotFound: there is none, or there are several and no name was given.
        """
        workspaces = {workspace.name: workspace for workspace in self.all()}
        if name is not None and name in workspaces:
            return workspaces[name]
        if name is None and len(workspaces) == 1:
            return next(iter(workspaces.values()))
        if not workspaces:
            raise NotFound("There is no workspace yet. Make one with `humas init`.")
        raise NotFound(f"Say which workspace: {', '.join(sorted(workspaces))} (--workspace NAME).")


@cache
def _nobody() -> str:
    """Verified when nobody has that e-mail address, so that the answer takes as long."""
    return _HASHER.hash(secrets.token_hex(16))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
