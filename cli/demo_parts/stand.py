"""Everything that the demonstration stands on: settings, servers, website, network, model, brand."""

from __future__ import annotations

import json
import socket
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from cli.demo_parts import customers
from cli.demo_parts.errors import DemoError, HomeRefused
from cli.demo_parts.instance import Instance, check_installed, serve_instance
from cli.demo_parts.memory import EMAIL, open_home
from cli.demo_parts.processes import QuietChildren
from cli.demo_parts.site import serve_site
from cli.demo_parts.sockets import LOOPBACK, free_port, listen, port_of
from cli.session import secret_key
from cli.up import start_all, start_model
from config.clock import ShiftedClock
from config.settings import ROOT, Settings, pass_on, settings
from domain.brand import BrandProfile, parse_brand
from domain.team import Role
from embedded.supervisor import EmbeddedServices
from storage.database import migrate
from storage.repositories.people import Workspaces
from storage.tables import Brand, User
from storage.uow import UnitOfWork
from workflows.accounts import connect_account
from workflows.compose import build_services
from workflows.services import Services
from workflows.start import start_cycle

BRAND_FILE = ROOT / "demo" / "brand.toml"
LOG = "demo.log"
# A week in minutes: everything that waits in real time waits as shortly as it can.
PACE = {
    "poll_seconds": "2",
    "tick_seconds": "1",
    "undo_seconds": "2",
    "crawl_delay_seconds": "0",
    "sweep_seconds": "10",
    "log_level": "WARNING",
}


@dataclass
class Stand:
    """What runs, and whom it runs for."""

    home: Path
    services: Services
    clock: ShiftedClock
    instance: Instance
    tokens: dict[str, str]
    children: QuietChildren
    keep_up: Callable[[], None]
    password: str
    web_url: str
    site_url: str
    workspace_id: str = ""
    brand_id: str = ""
    cycle_id: str = ""
    continued: bool = False
    zone: tzinfo = UTC  # of the brand, once there is one

    @property
    def log(self) -> Path:
        """What the processes have to say."""
        return self.children.log


def settle(home: Path, embedded: EmbeddedServices, site: int, network: int) -> Settings:
    """Give this process and its children the demonstration's settings.

    Whatever servers and clock the environment names are for something else: the demonstration keeps
    to a home of its own. Endpoint and model of the environment are used as they are.
    """
    host = settings().web_host
    port = free_port(settings().web_port, host)
    pass_on(
        mode="development",
        home=str(home),
        database_url=embedded.urls.database_url,
        redis_url=embedded.urls.redis_url,
        clock_file=str(home / "clock"),
        allow_hosts=json.dumps([f"{LOOPBACK}:{site}", f"{LOOPBACK}:{network}"]),
        web_port=str(port),
        public_url=f"http://{LOOPBACK if host in ('', '0.0.0.0', '::') else host}:{port}",  # noqa: S104
        **PACE,
    )
    secret_key(settings())
    return settings()


@contextmanager
def stand(
    home: Path, *, keep: bool, tell: Callable[[str], None], quiet: bool = False
) -> Iterator[Stand]:
    """Start everything, and take all of it down at the end.

    Args:
        home: the demonstration's folder.
        keep: go on with what the last run left there.
        tell: is told what happens.
        quiet: no bar while a model is fetched, for logs.

    Raises:
        DemoError: something did not start.
    """
    check_installed()
    embedded = EmbeddedServices(home)
    memory = open_home(home, embedded, keep=keep)
    with ExitStack() as stack:
        site, network = (_listen(home, port) for port in (memory.site_port, memory.network_port))
        stack.callback(site.close)
        stack.callback(network.close)
        memory.site_port, memory.network_port = port_of(site), port_of(network)
        config = settle(home, embedded, memory.site_port, memory.network_port)
        tell("Starting PostgreSQL and Valkey")
        stack.callback(embedded.release)
        embedded.ensure()
        assert config.database_url is not None and config.clock_file is not None
        clock_file = config.clock_file
        migrate(config.database_url)
        if settings().llm_base_url is None:
            tell(f"Loading the demonstration model {settings().demo_model}")
        model = start_model(settings(), quiet=quiet)
        if model is not None:
            stack.callback(model.release)  # type: ignore[attr-defined]
        # Registered last, so ended first: they hold shares in the servers, which the last one stops.
        children = QuietChildren(home / LOG)
        stack.callback(children.end)
        children.start("website", lambda: serve_site(site))
        children.start("network", lambda: serve_instance(network, home / "network", clock_file))
        instance = Instance(f"http://{LOOPBACK}:{memory.network_port}")
        instance.wait()
        if not memory.tokens:
            memory.tokens = customers.join(instance)
        memory.save(home)
        tell("Starting the review queue, the workers and the clock")
        start_all(children)

        def keep_up() -> None:
            embedded.ensure()
            if model is not None:
                model.ensure()  # type: ignore[attr-defined]
            children.revive()

        url = settings().public_url
        assert url is not None
        yield Stand(
            home=home,
            services=build_services(settings(), pool=False),
            clock=ShiftedClock(clock_file),
            instance=instance,
            tokens=memory.tokens,
            children=children,
            keep_up=keep_up,
            password=memory.password,
            web_url=url,
            site_url=f"http://{LOOPBACK}:{memory.site_port}/",
        )


def _listen(home: Path, port: int) -> socket.socket:
    try:
        return listen(port)
    except OSError as error:
        raise HomeRefused(
            f"Port {port}, which the last run in {home} used, is taken now ({error}). Free it, or begin "
            "anew without --keep."
        ) from error


def profile(site_url: str) -> BrandProfile:
    """The fictitious brand, with its website as it is served now."""
    return parse_brand(
        tomllib.loads(BRAND_FILE.read_text(encoding="utf-8")) | {"website": site_url}
    )


def begin(on: Stand, *, by_hand: bool) -> None:
    """Make workspace, owner, brand and account where they are missing, and start or go on with a period."""
    with on.services.database.system() as session:
        workspaces = Workspaces(session).all()
        on.workspace_id = (
            workspaces[0].id if workspaces else Workspaces(session).add(customers.BRAND_NAME).id
        )
    with on.services.database.unit(on.workspace_id) as uow:
        owner, brand = _brand(on, uow)
    _account(on, owner, brand)
    with on.services.database.unit(on.workspace_id) as uow:
        on.brand_id, on.zone = brand.id, uow.brands.profile(brand.id).zone
        running = [
            cycle
            for cycle in uow.cycles.of_brand(brand.id)
            if uow.threads.get(cycle.thread_id).status != "finished"
        ]
        on.continued = bool(running)
        cycle = (
            running[0]
            if running
            else start_cycle(uow, on.services.clock, owner, brand.id, by_hand=by_hand)
        )
        on.cycle_id = cycle.id


def _brand(on: Stand, uow: UnitOfWork) -> tuple[User, Brand]:
    people = [user for user in uow.people.all() if user.email == EMAIL]
    brands = uow.brands.all()
    if people and brands:
        return people[0], brands[0]
    if people or brands:
        raise DemoError(
            f"The last run in {on.home} was ended while it was being set up. Begin anew without --keep."
        )
    language = on.services.settings.language
    owner = uow.people.add(EMAIL, "Demo", on.password, Role.OWNER, language)
    brand = uow.brands.add(profile(on.site_url))
    return owner, brand


def _account(on: Stand, owner: User, brand: Brand) -> None:
    """Connect the brand's account where the last run did not come to it."""
    with on.services.database.unit(on.workspace_id) as uow:
        if uow.brands.accounts(brand.id):
            return
    connect_account(
        on.services,
        on.workspace_id,
        owner,
        brand.id,
        "mastodon",
        on.instance.url,
        customers.BRAND_HANDLE,
        on.tokens[customers.BRAND_HANDLE],
    )
