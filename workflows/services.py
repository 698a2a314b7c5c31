"""Everything a workflow needs from outside, handed in; and the one place that builds the real things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agents.calls import Model
from channels.base import Channel
from config.clock import Clock
from config.settings import Settings
from domain.brand import BrandProfile
from domain.source import SourceDocument
from sources.cards import PageCard
from storage.database import psycopg_url
from storage.secrets import SecretBox
from storage.tables import ChannelAccount
from storage.uow import Database

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Reading:
    """What was read of a brand, and what was left out with the reason."""

    documents: tuple[SourceDocument, ...]
    skipped: tuple[tuple[str, str], ...] = ()


# Reads a brand's website and documents; raises `sources.errors.SourceError`.
Reader = Callable[[BrandProfile, Progress], Reading]
# Reads the preview of a page; raises `sources.errors.CardUnread`.
CardReader = Callable[[str], PageCard]
# A channel with the account's credentials.
ChannelMaker = Callable[[ChannelAccount], Channel]
# Sends title and body to Apprise URLs; raises `notifications.send.NotificationError`.
Notifier = Callable[[tuple[str, ...], str, str], None]


@dataclass(frozen=True)
class Services:
    """What nodes and jobs are given."""

    settings: Settings
    database: Database
    clock: Clock
    model_of: Callable[[str], Model]  # by workspace, because its ledger belongs to one
    model_off: bool
    open_channel: ChannelMaker
    rehearse_channel: ChannelMaker  # its channels cannot have an effect: they raise `Rehearsed`
    read_sources: Reader
    read_card: CardReader
    notify: Notifier
    box: SecretBox

    @property
    def checkpoint_url(self) -> str:
        """Where LangGraph's checkpointer keeps its tables."""
        assert self.settings.database_url is not None
        return psycopg_url(self.settings.database_url)
