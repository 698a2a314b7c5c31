"""Options that many commands share, and asking for secrets without showing them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def workspace_option(function: Function) -> Function:
    """`-w/--workspace NAME`."""
    return click.option(
        "-w", "--workspace", metavar="NAME", help="Workspace; needed where there are several."
    )(function)


def as_option(function: Function) -> Function:
    """`--as EMAIL`."""
    return click.option(
        "--as",
        "as_email",
        metavar="EMAIL",
        help="Who you are, for rights and audit; needed where there are several owners.",
    )(function)


def json_option(function: Function) -> Function:
    """`--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON and nothing else to standard output."
    )(function)


def at_terminal() -> bool:
    """Whether a person can be asked: input and output are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def ask_secret(label: str, option: str, *, from_stdin: bool, confirm: bool = False) -> str:
    """A secret from a hidden prompt, or the first line of standard input.

    Args:
        label: what is asked for.
        option: the option that reads standard input, named in the error.
        from_stdin: whether that option was given.
        confirm: ask twice.

    Raises:
        click.UsageError: there is nobody to ask, or nothing came.
    """
    if from_stdin:
        secret = sys.stdin.readline().rstrip("\r\n")
        if not secret:
            raise click.UsageError(f"{option} was given, but standard input is empty.")
        return secret
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"No terminal is attached to ask for: {label}. Give it on standard input with {option}."
        )
    answer: str = click.prompt(label, hide_input=True, confirmation_prompt=confirm, err=True)
    return answer


def ask(label: str, given: str | None, option: str) -> str:
    """What was given, else what a person at the terminal types.

    Raises:
        click.UsageError: it was not given and there is nobody to ask.
    """
    if given:
        return given
    if not sys.stdin.isatty():
        raise click.UsageError(f"{option} is missing.")
    answer: str = click.prompt(label, err=True)
    return answer
