"""The composition root: builds the real model, channels, crawler, notifier from the settings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from agents.calls import AgentRole, Model, Price
from agents.discovery import only_model, remembered
from agents.llm import LanguageModel, OffModel
from channels.api import Http
from channels.base import Channel
from channels.registry import build
from config.clock import Clock
from config.i18n import N_
from config.settings import Settings
from domain.brand import BrandProfile
from domain.errors import InvalidInput
from net.client import HttpClient
from net.guard import AddressGuard
from net.rehearsal import RehearsalHttp
from notifications.send import NullNotifier, send
from sources.cards import read_card
from sources.crawler import CrawlProgress, crawl
from sources.documents import read_document
from storage.database import make_engine
from storage.queue import JobQueue, connect
from storage.secrets import SecretBox
from storage.tables import ChannelAccount
from storage.uow import Database, Waker
from workflows.account_rows import RowBudgets, RowTokens, purpose
from workflows.ledger import DatabaseLedger
from workflows.model_slots import ModelSlots
from workflows.services import Notifier, Progress, Reading, Services

CHANNEL_SECONDS = 600.0  # so long an instance's limits count before they are asked again
CHANNELS_KEPT = 1000
USER_AGENT = "Humas/0.1"
ROLES: tuple[AgentRole, ...] = ("researcher", "planner", "writer", "responder", "evaluator")


class SettingsMissing(InvalidInput):
    """A setting without a default is not set."""


def build_services(
    settings: Settings, *, waker: Waker | None = None, pool_size: int = 5, pool: bool = True
) -> Services:
    """Everything real, as the settings say. Opens no connection yet.

    Args:
        settings: with database, queue and secret key set.
        waker: who is told of threads that may run; the job queue by default.
        pool_size: database connections that are kept.
        pool: False for short-lived processes.

    Raises:
        SettingsMissing: which setting, and how to set it.
    """
    if settings.database_url is None or settings.redis_url is None:
        raise SettingsMissing(
            "HUMAS_DATABASE_URL and HUMAS_REDIS_URL are not set and the embedded servers were not started. "
            "Start Humas through bin/humas, which starts them."
        )
    if settings.secret_key is None:
        raise SettingsMissing("HUMAS_SECRET_KEY is not set. See docs/settings.md.")
    clock = settings.clock()
    engine = make_engine(settings.database_url, pool=pool, pool_size=pool_size)
    database = Database(engine, waker or JobQueue(connect(settings.redis_url)))
    http = HttpClient(
        guard=AddressGuard(settings.allow_hosts),
        clock=clock.now,
        sleep=time.sleep,
        user_agent=USER_AGENT,
    )
    box = SecretBox(settings.secret_key.get_secret_value())
    return Services(
        settings=settings,
        database=database,
        clock=clock,
        model_of=_models(settings, database, clock),
        model_off=settings.model_off or settings.llm_base_url is None,
        open_channel=_channels(database, box, http, clock),
        rehearse_channel=_channels(database, box, RehearsalHttp(http), clock),
        read_sources=_reader(settings, http, clock),
        read_card=lambda url: read_card(url, http),
        notify=_notifier(settings),
        box=box,
    )


def _models(settings: Settings, database: Database, clock: Clock) -> Callable[[str], Model]:
    base_url = settings.llm_base_url
    if base_url is None or settings.model_off:
        return lambda _workspace: OffModel()
    names: dict[AgentRole, str] = {
        role: name for role in ROLES if (name := settings.model_for(role)) is not None
    }
    prices: dict[str, Price] = {}
    if settings.llm_price_in is not None and settings.llm_price_out is not None:
        price = Price(tokens_in=settings.llm_price_in, tokens_out=settings.llm_price_out)
        prices = dict.fromkeys(names.values(), price)
    slots = ModelSlots(database.engine, settings.llm_concurrency)
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none"

    find_model = remembered(lambda: only_model(base_url, key))

    def model(workspace_id: str) -> Model:
        return LanguageModel(
            base_url=base_url,
            api_key=key,
            models=names,
            ledger=DatabaseLedger(database, workspace_id, clock, settings.llm_tokens_per_day),
            timeout=settings.llm_timeout_seconds,
            tries=settings.llm_tries,
            prices=prices,
            slots=slots,
            clock=clock,
            find_model=find_model,
        )

    return model


def _channels(
    database: Database, box: SecretBox, http: Http, clock: Clock
) -> Callable[[ChannelAccount], Channel]:
    """Channels by account, kept for a while: an instance tells its limits once, not per post."""
    kept: dict[tuple[object, ...], tuple[float, Channel]] = {}
    lock = threading.Lock()

    def open_channel(account: ChannelAccount) -> Channel:
        key = (account.id, account.base_url, account.handle, account.sealed_secret)
        with lock:
            until, channel = kept.get(key, (0.0, None))
        if channel is None or until < time.monotonic():
            channel = make(account)
            with lock:
                if len(kept) >= CHANNELS_KEPT:
                    kept.clear()
                kept[key] = (time.monotonic() + CHANNEL_SECONDS, channel)
        return channel

    def make(account: ChannelAccount) -> Channel:
        return build(
            account.platform,
            base_url=account.base_url,
            handle=account.handle,
            secret=box.open(account.sealed_secret, purpose(account.id, "secret")),
            http=http,
            tokens=RowTokens(database, box, account),
            budgets=RowBudgets(database, account),
            clock=clock.now,
        )

    return open_channel


def _reader(
    settings: Settings, http: HttpClient, clock: Clock
) -> Callable[[BrandProfile, Progress], Reading]:
    def read(profile: BrandProfile, progress: Progress) -> Reading:
        documents = []
        skipped: list[tuple[str, str]] = []
        for name in profile.documents:
            path = Path(name)
            if not path.is_file():
                raise InvalidInput(
                    f"The document {name} is not there. Correct its path in the brand's profile."
                )
            documents.append(
                read_document(
                    path.name, path.read_bytes(), now=clock.now(), languages=profile.languages
                )
            )
        if profile.website:

            def tell(item: CrawlProgress) -> None:
                progress(N_("Read {0} pages of the website").format(item.done))

            result = crawl(
                profile.website,
                client=http,
                clock=clock.now,
                sleep=time.sleep,
                user_agent=USER_AGENT,
                languages=profile.languages,
                max_pages=settings.crawl_max_pages,
                max_bytes=settings.crawl_max_bytes,
                delay=settings.crawl_delay_seconds,
                on_page=tell,
            )
            documents.extend(result.documents)
            skipped.extend(result.skipped)
        return Reading(tuple(documents), tuple(skipped))

    return read


def _notifier(settings: Settings) -> Notifier:
    return send if settings.send_notifications else NullNotifier()
