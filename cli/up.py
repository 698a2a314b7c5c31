"""`up`, `web`, `worker`, `clock`, `migrate`: the processes of an installation."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from cli.session import secret_key, servers
from config.logging import setup_logging
from config.settings import Settings, pass_on, settings
from embedded.supervisor import EmbeddedServices
from storage.queue import QUEUES


@contextmanager
def until_told() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def told(_number: int, _frame: object) -> None:
        stop.set()

    before = {n: signal.signal(n, told) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def serve_web(config: Settings, host: str, port: int) -> None:
    """Run the web server until told to stop."""
    import uvicorn

    from web.app import create_app
    from workflows.compose import build_services

    setup_logging(config.log_level, process="web")
    uvicorn.run(
        create_app(build_services(config)),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        proxy_headers=config.public_url is not None,
        timeout_graceful_shutdown=10,
    )


def serve_workers(config: Settings, queues: tuple[str, ...]) -> None:
    """Run the workers until told to stop."""
    from workers.pool import WorkerPool

    setup_logging(config.log_level, process="worker")
    try:
        pool = WorkerPool(config, queues or tuple(QUEUES))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    with until_told() as stop:
        pool.run(stop)


def serve_clock(config: Settings) -> None:
    """Run the clock until told to stop."""
    from storage.database import make_engine
    from storage.queue import JobQueue, connect
    from storage.uow import Database
    from workers.clock import ClockProcess

    setup_logging(config.log_level, process="clock")
    assert config.database_url is not None and config.redis_url is not None
    queue = JobQueue(connect(config.redis_url))
    database = Database(make_engine(config.database_url, pool_size=2), queue)
    with until_told() as stop:
        ClockProcess(config, database, queue, config.clock()).run(stop)


@click.command()
@click.option("--host", help="Address to listen on; HUMAS_WEB_HOST by default.")
@click.option("--port", type=int, help="Port; HUMAS_WEB_PORT by default.")
def web(host: str | None, port: int | None) -> None:
    """Serve the review queue and the reports."""
    with servers():
        config = settings()
        serve_web(config, host or config.web_host, config.web_port if port is None else port)


@click.command()
@click.argument("queues", nargs=-1)
def worker(queues: tuple[str, ...]) -> None:
    """Run one worker per queue: all QUEUES by default; a queue named twice gets two.

    More machines: the same command on each, with the same two URLs.
    """
    with servers():
        serve_workers(settings(), queues)


@click.command()
def clock() -> None:
    """Make due posts, polls and period ends happen. Exactly one is active; others stand by."""
    with servers():
        serve_clock(settings())


@click.command()
def migrate() -> None:
    """Bring the database to the newest revision; safe to run again."""
    from storage.database import migrate as bring_up

    with servers(migrated=False):
        url = settings().database_url
        assert url is not None
        bring_up(url)
    click.echo("The database is at the newest revision.")


class Children:
    """The processes of `up`, forked from one parent and restarted when they die."""

    def __init__(self) -> None:
        self._targets: dict[str, Callable[[], None]] = {}
        self._pids: dict[int, str] = {}

    def start(self, name: str, target: Callable[[], None]) -> None:
        """Fork a child."""
        self._targets[name] = target
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.setpgid(0, 0)  # Ctrl-C reaches the parent only, which ends us in order
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                target()
                code = 0
            except SystemExit as error:
                code = error.code if isinstance(error.code, int) else 1
            except BaseException as error:  # noqa: BLE001 - the last frame of a child
                from cli.errors import explain

                text = explain(error)
                if text is None:
                    import traceback

                    traceback.print_exc()
                else:
                    click.echo(f"humas {name}: {text}", err=True)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        self._pids[pid] = name

    def revive(self) -> None:
        """Start again what has died."""
        for pid in list(self._pids):
            found, _status = os.waitpid(pid, os.WNOHANG)
            if found:
                name = self._pids.pop(pid)
                click.echo(f"humas: {name} ended; starting it again", err=True)
                self.start(name, self._targets[name])

    def end(self, seconds: float = 45) -> None:
        """End all children, politely first."""
        for pid in self._pids:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while self._pids and time.monotonic() < deadline:
            for pid in list(self._pids):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    del self._pids[pid]
            time.sleep(0.05)
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._pids.clear()


def start_model(config: Settings, *, quiet: bool = False) -> object | None:
    """Serve the demonstration model when no endpoint is set; None when one is, or `off`.

    Returns:
        The server's handle, to be released at the end.
    """
    if config.llm_base_url is not None:
        return None
    from cli.progress import model_progress
    from embedded.model_server import ModelServer
    from embedded.models import resolve

    with model_progress(quiet=quiet) as progress:
        path = resolve(config.demo_model, config.model_cache, progress=progress)
        server = ModelServer(config.home, model=path, alias=config.demo_model)
        base_url = server.ensure()
    pass_on(llm_base_url=base_url, llm_model=config.demo_model, llm_api_key="local")
    return server


def start_all(children: Children) -> None:
    """Web, workers and clock; imports happen in the parent, before the forks."""
    from workers.pool import preload

    preload()
    import web.app  # noqa: F401

    config = settings()
    children.start("web", lambda: serve_web(config, config.web_host, config.web_port))
    children.start("worker", lambda: serve_workers(config, ()))
    children.start("clock", lambda: serve_clock(config))


@click.command()
@click.option(
    "--model/--no-model",
    default=True,
    help="Serve the demonstration model when no endpoint is set.",
)
def up(model: bool) -> None:
    """Run everything in one terminal; Ctrl-C ends it in order."""
    config = settings()
    setup_logging(config.log_level, process="up")
    secret_key(config)
    with servers() as embedded, until_told() as stop:
        server = start_model(settings()) if model else None
        children = Children()
        try:
            start_all(children)
            click.echo(f"The review queue is at http://{config.web_host}:{config.web_port}/")
            _watch(stop, children, embedded, server)
        finally:
            children.end()
            if server is not None:
                server.release()  # type: ignore[attr-defined]


def _watch(
    stop: threading.Event,
    children: Children,
    embedded: EmbeddedServices | None,
    model: object | None,
) -> None:
    """Keep servers and processes alive until told to stop."""
    while not stop.wait(1.0):
        if embedded is not None:
            embedded.ensure()
        if model is not None:
            model.ensure()  # type: ignore[attr-defined]
        children.revive()
