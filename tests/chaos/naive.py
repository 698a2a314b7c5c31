"""The baseline: send, and send again when that seems to have failed.

A table says which posts are sent; whatever it does not say is queued again. The job asks the table,
sends, and writes to the table, which is how such a feature is first built.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache

import httpx
import psycopg
import redis
from rq import Queue, Retry, SimpleWorker

from storage.database import psycopg_url
from storage.queue import connect

JOB = "tests.chaos.naive.send"
AGAIN_SECONDS = 20  # what is not marked as sent after this is queued again
TABLE = """
create table naive_posts (
    id int primary key, pds text not null, handle text not null, password text not null,
    body text not null, sent boolean not null default false
)
"""


def database() -> psycopg.Connection[tuple[object, ...]]:
    """A connection to the baseline's database."""
    return psycopg.connect(os.environ["NAIVE_DATABASE"], autocommit=True, connect_timeout=5)


def create(url: str, posts: list[tuple[int, str, str, str, str]]) -> None:
    """Make the table.

    Args:
        url: of an empty database.
        posts: number, server, handle, password and text of each.
    """
    with psycopg.connect(psycopg_url(url)) as connection:
        connection.execute(TABLE)
        with connection.cursor() as cursor:
            cursor.executemany("insert into naive_posts values (%s, %s, %s, %s, %s)", posts)


@lru_cache
def session(pds: str, handle: str, password: str) -> tuple[str, str]:
    """Access token and DID of an account."""
    answer = httpx.post(
        f"{pds}/xrpc/com.atproto.server.createSession",
        json={"identifier": handle, "password": password},
        timeout=30,
    )
    answer.raise_for_status()
    body = answer.json()
    return body["accessJwt"], body["did"]


def send(number: int) -> None:
    """Send one post unless the table says that it is sent; RQ tries again whatever raises."""
    with database() as connection:
        row = connection.execute(
            "select pds, handle, password, body, sent from naive_posts where id = %s", [number]
        ).fetchone()
        assert row is not None
        pds, handle, password, body, sent = row
        if sent:
            return
        token, did = session(str(pds), str(handle), str(password))
        answer = httpx.post(
            f"{pds}/xrpc/com.atproto.repo.createRecord",
            headers={"Authorization": f"Bearer {token}"},
            json={
                "repo": did,
                "collection": "app.bsky.feed.post",
                "record": {
                    "$type": "app.bsky.feed.post",
                    "text": body,
                    "createdAt": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
                },
            },
            timeout=30,
        )
        answer.raise_for_status()
        connection.execute("update naive_posts set sent = true where id = %s", [number])


def sweep() -> None:
    """Queue whatever is not marked as sent, again and again."""
    while True:
        try:
            with database() as connection:
                query = "select id from naive_posts where not sent order by id"
                waiting = [int(str(row[0])) for row in connection.execute(query)]
            queue = Queue("naive", connection=connect(os.environ["NAIVE_QUEUE"]))
            for number in waiting:
                queue.enqueue(JOB, number, retry=Retry(max=4), job_timeout=60)
        except (psycopg.OperationalError, redis.RedisError) as error:
            print(f"the sweep waits: {error}", file=sys.stderr)
        time.sleep(AGAIN_SECONDS)


def work() -> None:
    """A worker of the baseline."""
    connection = connect(os.environ["NAIVE_QUEUE"])
    SimpleWorker([Queue("naive", connection=connection)], connection=connection).work(
        logging_level="CRITICAL"
    )


if __name__ == "__main__":
    {"sweep": sweep, "work": work}[sys.argv[1]]()
