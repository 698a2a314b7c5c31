"""The evaluation's numbers: read the platforms' figures, compute the three layers, send the report.

The text around the numbers is the evaluator agent's or a person's; it is not made here.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from analysis.conversation import conversation_figures
from analysis.media import media_figures
from analysis.network import most_active, network_figures
from analysis.tables import AccountRow, EngagementRow, Metric, PostRow
from channels.base import Channel, ChannelError, MetricValue
from config.i18n import N_, gettext_for, translate_stored
from domain.action import ActionKind
from domain.brand import BrandProfile
from domain.conversation import InteractionKind, Sentiment
from domain.evaluation import PLACEHOLDER, Evaluation, Figure, FigureStatus
from storage.tables import ChannelAccount, Cycle, InteractionRow, MetricSnapshot
from storage.uow import UnitOfWork
from workflows.services import Services

log = logging.getLogger(__name__)

FOLLOWERS = frozenset({"followersCount", "followers_count"})


@dataclass(frozen=True)
class Unread:
    """An account whose figures could not be read, and why."""

    account_id: str
    handle: str
    reason: str


# -- reading -----------------------------------------------------------------------------------


def measure_accounts(
    services: Services, workspace_id: str, brand_id: str, since: datetime | None = None
) -> tuple[Unread, ...]:
    """Read the figures of a brand's active accounts and of their posts, and store them.

    No transaction is open while a platform is asked. What a platform does not offer is stored as
    "not_offered" once. An account that cannot be read keeps its older figures.

    Args:
        services: what the workflow was given.
        workspace_id: the workspace.
        brand_id: the brand.
        since: only posts published from then on; None: all.

    Returns:
        The accounts that could not be read, with the reasons.
    """
    with services.database.unit(workspace_id) as uow:
        accounts = uow.brands.accounts(brand_id)
        actions = uow.metrics.published(brand_id, since)
        remote_ids = uow.metrics.remote_ids(actions)
    unread = []
    for account in accounts:
        mine = {a.id: remote_ids.get(a.id, ()) for a in actions if a.account_id == account.id}
        try:
            channel = services.open_channel(account)
            missing = channel.capabilities().not_offered
            of_account, of_posts = _read(channel, mine)
        except ChannelError as error:
            log.warning("figures of account %s could not be read: %s", account.id, error)
            unread.append(Unread(account.id, account.handle, str(error)))
            continue
        now = services.clock.now()
        with services.database.unit(workspace_id) as uow:
            known = {
                row.name for row in uow.metrics.latest(account.id) if row.status == "not_offered"
            }
            for name in missing:
                if name not in known:
                    uow.metrics.add(account.id, None, name, None, "not_offered", now)
            for item in of_account:
                uow.metrics.add(account.id, None, item.name, item.value, "ok", now)
            for action_id, values in of_posts.items():
                for name, value in values.items():
                    uow.metrics.add(account.id, action_id, name, value, "ok", now)
    return tuple(unread)


def _read(
    channel: Channel, posts: Mapping[str, tuple[str, ...]]
) -> tuple[list[MetricValue], dict[str, dict[str, int]]]:
    of_account = channel.account_metrics()
    wanted = [remote_id for ids in posts.values() for remote_id in ids]
    found = channel.post_metrics(wanted) if wanted else {}
    return of_account, {
        action_id: values
        for action_id, ids in posts.items()
        if (values := thread_values(ids, found))
    }


def thread_values(
    remote_ids: Sequence[str], found: Mapping[str, Sequence[MetricValue]]
) -> dict[str, int]:
    """Figures of a post of one or more segments: sums, and nothing where a segment is unknown."""
    if not remote_ids or any(remote_id not in found for remote_id in remote_ids):
        return {}
    parts = [{item.name: item.value for item in found[remote_id]} for remote_id in remote_ids]
    names = set(parts[0]).intersection(*parts[1:])
    return {name: sum(part[name] for part in parts) for name in sorted(names)}


# -- computing ---------------------------------------------------------------------------------


def compute(uow: UnitOfWork, cycle: Cycle, now: datetime | None = None) -> Evaluation:
    """The figures of a period from what is stored.

    Args:
        uow: the unit of work.
        cycle: the period.
        now: business time, for a look before the period ends. From the period's end on (and where
            it is None) only figures read at or after the end count; older ones are "not yet read",
            with the time of the last reading.
    """
    start, end = cycle.period_start, cycle.period_end
    fresh_from = None if now is not None and now < end else end
    accounts = uow.brands.accounts(cycle.brand_id, active=False)
    snapshots = {account.id: uow.metrics.latest(account.id) for account in accounts}
    post_metrics = _by_action(snapshots.values(), fresh_from)
    platforms = {account.id: account.platform for account in accounts}
    posts = [
        PostRow(
            id=action.id,
            account_id=action.account_id,
            platform=platforms[action.account_id],
            published_at=action.published_at,
            reply=action.kind == ActionKind.REPLY.value,
            metrics=post_metrics.get(action.id, {}),
        )
        for action in uow.metrics.published(cycle.brand_id, start, end)
        if action.published_at is not None
    ]
    used = {post.account_id for post in posts}
    account_rows = [
        _account_row(account, snapshots[account.id], fresh_from)
        for account in accounts
        if account.disabled_at is None or account.id in used
    ]
    rows = _engagements(uow, cycle)
    earlier = uow.interactions.people_before(cycle.brand_id, start)
    profile = uow.brands.profile(cycle.brand_id)
    return Evaluation(
        period_start=start,
        period_end=end,
        figures=(
            *media_figures(posts, account_rows, rows),
            *conversation_figures(rows, profile.name, profile.competitors),
            *network_figures(rows, earlier or None),
        ),
        people=most_active(rows),
    )


def metric(row: MetricSnapshot, fresh_from: datetime | None) -> Metric:
    """A snapshot as a metric; one that is older than `fresh_from` is not yet read."""
    if row.status != "ok" or row.value is None:
        status: FigureStatus = "not_offered" if row.status == "not_offered" else "not_yet"
        return Metric(None, status, row.taken_at)
    if fresh_from is not None and row.taken_at < fresh_from:
        return Metric(None, "not_yet", row.taken_at)
    return Metric(row.value, "ok", row.taken_at)


def _by_action(
    snapshots: Iterable[Sequence[MetricSnapshot]], fresh_from: datetime | None
) -> dict[str, dict[str, Metric]]:
    found: dict[str, dict[str, Metric]] = defaultdict(dict)
    for rows in snapshots:
        for row in rows:
            if row.action_id is not None:
                found[row.action_id][row.name] = metric(row, fresh_from)
    return found


def _account_row(
    account: ChannelAccount, rows: Sequence[MetricSnapshot], fresh_from: datetime | None
) -> AccountRow:
    own = [row for row in rows if row.action_id is None]
    followers = [metric(row, fresh_from) for row in own if row.name in FOLLOWERS]
    return AccountRow(
        id=account.id,
        platform=account.platform,
        followers=followers[0] if followers else Metric(None, "not_yet"),
        not_offered=frozenset(row.name for row in own if row.status == "not_offered"),
    )


def _engagements(uow: UnitOfWork, cycle: Cycle) -> list[EngagementRow]:
    start, end = cycle.period_start, cycle.period_end
    rows = uow.interactions.window(cycle.brand_id, start, end)
    answers = uow.interactions.answers(cycle.brand_id, start, end)
    targets = sorted({row.target_remote_id for row in rows if row.target_remote_id})
    authors = uow.interactions.authors(cycle.brand_id, targets) if targets else {}
    return [engagement_row(row, answers, authors) for row in rows]


def engagement_row(
    row: InteractionRow,
    answers: Mapping[str, datetime],
    authors: Mapping[tuple[str, str], str],
) -> EngagementRow:
    """A stored interaction as the analysis takes it."""
    target = authors.get((row.account_id, row.target_remote_id)) if row.target_remote_id else None
    return EngagementRow(
        id=row.id,
        person_id=row.person_id,
        kind=InteractionKind(row.kind),
        occurred_at=row.occurred_at,
        sentiment=Sentiment(row.sentiment),
        text=row.text or "",
        target_person=target,
        answered_at=answers.get(row.id),
    )


# -- telling -----------------------------------------------------------------------------------

_LAYERS = {"media": N_("Media"), "conversation": N_("Conversation"), "network": N_("Network")}
_STATUS = {
    "not_offered": N_("not offered by the platform"),
    "not_yet": N_("not yet read"),
    "too_few": N_("too few to say"),
}


def figure_text(figure: Figure, language: str) -> str:
    """A figure in words: the number as the language writes it, or why there is none."""
    if figure.status == "ok" and figure.value is not None:
        if isinstance(figure.value, str):
            return figure.value
        if figure.unit == "share":
            return str(format_percent(figure.value, format="#,##0.0%", locale=language))
        return str(format_decimal(figure.value, format="#,##0.##", locale=language))
    return gettext_for(language)(_STATUS.get(figure.status, _STATUS["not_yet"]))


def report_text(evaluation: Evaluation, profile: BrandProfile, language: str) -> tuple[str, str]:
    """Title and body of the report as plain text, for e-mail and chat.

    Args:
        evaluation: figures and paragraphs.
        profile: the brand.
        language: `id` or `en`, for words, dates and numbers.

    Raises:
        KeyError: a paragraph points at a figure that is not there.
    """
    zone, translate = profile.zone, gettext_for(language)
    start, end = (
        format_date(instant.astimezone(zone).date(), format="medium", locale=language)
        for instant in (evaluation.period_start, evaluation.period_end)
    )
    title = translate("Evaluation of {brand}, {start} to {end}").format(
        brand=profile.name, start=start, end=end
    )
    shown = {figure.id: figure_text(figure, language) for figure in evaluation.figures}
    lines = [title, ""]
    for paragraph in evaluation.paragraphs:
        text = PLACEHOLDER.sub(lambda found: shown[found.group(1)], paragraph.text)
        if paragraph.kind == "recommendation":
            text = translate("Recommendation: {text}").format(text=text)
        lines += [text, ""]
    for layer, name in _LAYERS.items():
        figures = [figure for figure in evaluation.figures if figure.layer == layer]
        if not figures:
            continue
        lines += [translate(name), ""]
        lines += [_line(figure, shown[figure.id], profile, language) for figure in figures]
        lines.append("")
    return title, "\n".join(lines).rstrip() + "\n"


def _line(figure: Figure, shown: str, profile: BrandProfile, language: str) -> str:
    translate = gettext_for(language)
    notes = [translate_stored(figure.note, translate)] if figure.note else []
    if figure.status == "not_yet" and figure.as_of is not None:
        day = figure.as_of.astimezone(profile.zone).date()
        read = format_date(day, format="medium", locale=language)
        notes.append(translate("last read on {day}").format(day=read))
    return f"- {translate(figure.label)}: {shown}" + (f" ({'; '.join(notes)})" if notes else "")


def deliver_report(services: Services, profile: BrandProfile, title: str, body: str) -> bool:
    """Send the report to the brand's addresses.

    Returns:
        Whether there was anybody to send it to.

    Raises:
        notifications.send.NotificationError: an address is wrong, or a service did not take it.
    """
    if not profile.reports_to:
        return False
    services.notify(profile.reports_to, title, body)
    return True
