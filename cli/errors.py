"""Which errors a person can act on, and how they are shown."""

from __future__ import annotations


def explain(error: BaseException) -> str | None:
    """The message of an error that a person can act on; None for a defect of ours."""
    import redis
    from pydantic import ValidationError
    from sqlalchemy.exc import OperationalError

    from channels.base import ChannelError
    from domain.errors import HumasError
    from embedded.errors import EmbeddedError
    from storage.database import DatabaseUnavailable
    from storage.queue import QueueUnavailable
    from storage.secrets import SecretKeyError

    known = (
        HumasError,
        ChannelError,
        EmbeddedError,
        DatabaseUnavailable,
        QueueUnavailable,
        SecretKeyError,
    )
    if isinstance(error, known):
        return str(error)
    if isinstance(error, OperationalError):
        return (
            f"PostgreSQL was lost while working ({error.orig}). `humas doctor` shows what answers."
        )
    if isinstance(error, redis.RedisError):
        return f"Redis was lost while working ({error}). `humas doctor` shows what answers."
    if isinstance(error, ValidationError) and error.title == "Settings":
        lines = [
            f"  {_setting(item['loc'])}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors()
        ]
        return "A setting cannot be used:\n" + "\n".join(lines) + "\nSee docs/settings.md."
    return None


def _setting(loc: tuple[int | str, ...]) -> str:
    name = ".".join(str(part) for part in loc)
    return (
        name
        if name.startswith(("HUMAS_", "OPENAI_"))
        else f"HUMAS_{name.upper()}"
        if name
        else "HUMAS_*"
    )
