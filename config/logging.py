"""Logging to standard error: one line per event, ids in the message, no secrets."""

import logging
import sys


def setup_logging(level: str = "INFO", *, process: str = "humas") -> None:
    """Log to standard error; called once per process."""
    logging.basicConfig(
        level=level,
        stream=sys.stderr,
        format=f"%(asctime)s %(levelname)-7s {process} %(name)s: %(message)s",
        force=True,
    )
    for noisy in (
        "httpx",
        "httpcore",
        "openai",
        "rq.worker",
        "alembic",
        "trafilatura",
    ):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
