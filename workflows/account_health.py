"""The credentials of accounts: what is wrong with them, and who is told in time."""

from __future__ import annotations

from storage.uow import UnitOfWork


def note_problem(uow: UnitOfWork, account_id: str, reason: str) -> None:
    """Keep why the platform refuses an account's credentials, until they are accepted again."""
    account = uow.brands.account(account_id)
    if account.credentials_problem != reason:
        account.credentials_problem = reason


def clear_problem(uow: UnitOfWork, account_id: str) -> None:
    """The platform accepts the credentials."""
    account = uow.brands.account(account_id)
    if account.credentials_problem:
        account.credentials_problem = ""
