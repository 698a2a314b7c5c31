"""Builders of test data: each stores one thing through a unit of work and returns its row.

Every argument that a test does not care about has a value; nothing is shared between calls.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from domain.action import ActionKind, ActionState, MediaRef, Payload, Segment
from domain.approval import Verb
from domain.brand import BrandProfile
from domain.conversation import Interaction, InteractionKind, Person
from domain.dossier import CompetitorProfile, Dossier, Finding, PlatformFit
from domain.evaluation import Evaluation, Figure, Paragraph
from domain.plan import Plan, PlanItem, Theme
from domain.slot import Slot
from domain.source import Evidence, SourceDocument
from domain.team import Role
from storage.repositories.people import Workspaces
from storage.tables import (
    Action,
    Brand,
    ChannelAccount,
    Cycle,
    InteractionRow,
    Media,
    Paper,
    Thread,
    User,
    new_id,
)
from storage.uow import Database, UnitOfWork

PASSWORD = "a long password"
ZONE = "Asia/Jakarta"
_numbers = count(1)
APPROVED_STATES = {
    ActionState.APPROVED,
    ActionState.SCHEDULED,
    ActionState.ON_HOLD,
    ActionState.PUBLISHING,
    ActionState.PUBLISHED,
    ActionState.UNCONFIRMED,
    ActionState.FAILED,
}


def workspace(database: Database, name: str = "") -> str:
    """A workspace; returns its id."""
    with database.system() as session:
        return Workspaces(session).add(name or f"Workspace {next(_numbers)}").id


def user(
    uow: UnitOfWork,
    *,
    role: Role = Role.OWNER,
    name: str = "Dewi Anggraini",
    email: str = "",
    locale: str = "en",
) -> User:
    """A person whose password is `PASSWORD`."""
    address = email or f"person{next(_numbers)}@example.org"
    return uow.people.add(address, name, PASSWORD, role, locale)


def brand(uow: UnitOfWork, name: str = "", **profile: Any) -> Brand:
    """A brand."""
    return uow.brands.add(BrandProfile(name=name or f"Brand {next(_numbers)}", **profile))


def account(
    uow: UnitOfWork, of: Brand, *, platform: str = "bluesky", handle: str = ""
) -> ChannelAccount:
    """A connected account; its secret opens with no key."""
    handle = handle or f"brand{next(_numbers)}.example"
    base = f"https://{platform}.example"
    return uow.brands.add_account(new_id(), of.id, platform, base, handle, b"sealed")


def thread(
    uow: UnitOfWork,
    brand_id: str,
    graph: str,
    subject_id: str,
    *,
    node: str = "review",
    status: str = "waiting",
    thread_id: str | None = None,
    error: str = "",
) -> Thread:
    """A thread that stands somewhere."""
    made = uow.threads.add(
        thread_id or new_id(), brand_id, graph, 1, subject_id, node=node, queue="publishing"
    )
    made.status, made.error = status, error
    uow.session.flush()
    return made


def cycle(
    uow: UnitOfWork,
    of: Brand,
    start: datetime,
    *,
    stage: str = "review",
    status: str = "waiting",
    progress: str = "",
    error: str = "",
    days: int = 7,
) -> Cycle:
    """A period with its thread."""
    cycle_id, thread_id = new_id(), new_id()
    made = uow.cycles.add(
        cycle_id, of.id, thread_id, start, start + timedelta(days=days), by_hand=False
    )
    made.stage, made.progress = stage, progress
    thread(
        uow, of.id, "cycle", cycle_id, node=stage, status=status, thread_id=thread_id, error=error
    )
    return made


def evidence(
    quote: str, at: datetime, url: str = "https://kopi.example/tentang", title: str = "Tentang kami"
) -> Evidence:
    """A quote that stands in no stored page."""
    return Evidence(sentence_id=new_id(), quote=quote, url=url, title=title, fetched_at=at)


def source(uow: UnitOfWork, of: Brand, at: datetime, *sentences: str) -> list[str]:
    """A page that was read; returns the ids of its sentences."""
    document = SourceDocument(
        url=f"https://kopi.example/{next(_numbers)}",
        title="Tentang kami",
        language="id",
        fetched_at=at,
        sha256=new_id(),
        kind="page",
        text=" ".join(sentences),
        sentences=sentences,
    )
    ids = uow.sources.save(of.id, [document])
    return [sentence.id for sentence in uow.sources.sentences(of.id, ids)]


def dossier_content(at: datetime) -> Dossier:
    """A dossier with verified and unverified findings."""
    return Dossier(
        business_model="b2c",
        business_model_evidence=(
            evidence("Kami menjual kopi sangrai langsung kepada penikmat kopi di rumah.", at),
        ),
        purpose="both",
        findings=(
            Finding(
                topic="product",
                statement="Biji kopi berasal dari Gayo dan disangrai setiap Selasa.",
                evidence=(
                    evidence("Setiap Selasa kami menyangrai biji dari dataran tinggi Gayo.", at),
                ),
            ),
            Finding(topic="audience", statement="Pembelinya terutama pekerja muda di Jakarta."),
        ),
        platforms=(
            PlatformFit(
                platform="instagram",
                group="18-34",
                share=0.847,
                method="survey",
                source="https://statistik.example/2026",
                year=2026,
            ),
            PlatformFit(platform="mastodon", note="No figure for Indonesia is published."),
        ),
        competitors=(
            CompetitorProfile(
                name="Kopi Pagi",
                read=True,
                imitate=(
                    Finding(
                        topic="competitor", statement="Menjawab setiap komentar dalam satu jam."
                    ),
                ),
            ),
        ),
        summary="Kopi Senja menyangrai kopi Gayo di Jakarta dan menjualnya langsung ke rumah.",
    )


def plan_content(at: datetime, posts: int = 3) -> Plan:
    """A plan with all columns."""
    captions = (
        "Selasa adalah hari sangrai. Aroma apa yang paling kamu tunggu?",
        "Kenali petani Gayo di balik cangkirmu pagi ini.",
        "Tiga cara menyeduh kopi tanpa alat mahal.",
    )
    themes = ("Di balik sangrai", "Petani", "Belajar menyeduh")
    first = at.astimezone().date()
    return Plan(
        themes=tuple(Theme(name=name, purpose="reputation") for name in themes),
        items=tuple(
            PlanItem(
                theme=themes[number % 3],
                caption=captions[number % 3],
                photo_brief="Foto dekat mesin sangrai, cahaya hangat, tanpa wajah.",
                alt_text="Biji kopi cokelat berputar di mesin sangrai",
                hashtags=("kopigayo", "kopisenja"),
                slot=Slot.at(first + timedelta(days=1 + number), datetime.min.time(), ZONE),
                platforms=("bluesky",),
                evidence=(evidence("Setiap Selasa kami menyangrai biji kopi Gayo.", at),)
                if number == 0
                else (),
                no_claim=number == 2,
            )
            for number in range(posts)
        ),
    )


def evaluation_content(start: datetime, people: tuple[tuple[str, int], ...] = ()) -> Evaluation:
    """An evaluation with figures of every status."""
    end = start + timedelta(days=7)
    return Evaluation(
        period_start=start,
        period_end=end,
        figures=(
            Figure(id="posts", layer="media", label="Posts published", value=3, as_of=end),
            Figure(id="reach", layer="media", label="Reach", status="not_offered"),
            Figure(id="likes", layer="media", label="Likes", value=42, as_of=end),
            Figure(
                id="positive", layer="conversation", label="Positive", value=0.625, unit="share"
            ),
            Figure(id="voice", layer="conversation", label="Share of voice", status="too_few"),
            Figure(id="writers", layer="network", label="People who wrote", status="not_yet"),
        ),
        paragraphs=(
            Paragraph(text="Kami menerbitkan {posts} kiriman dan mendapat {likes} suka."),
            Paragraph(text="Tanyakan lebih banyak tentang cara menyeduh.", kind="recommendation"),
        ),
        people=people,
    )


def paper(
    uow: UnitOfWork,
    of: Cycle,
    kind: str,
    content: Dossier | Plan | Evaluation,
    *,
    state: str = "in_review",
    author_id: str | None = None,
) -> Paper:
    """A version of a paper."""
    data = content.model_dump(mode="json")
    return uow.cycles.add_paper(of, kind, data, state=state, author_id=author_id)


def media(uow: UnitOfWork, of: Brand, data: bytes, mime: str = "image/png") -> Media:
    """A stored picture; the bytes are not looked at."""
    return uow.brands.add_media(of.id, data, mime, 8, 8)


def action(
    uow: UnitOfWork,
    by: ChannelAccount,
    now: datetime,
    *,
    state: ActionState = ActionState.IN_REVIEW,
    text: str = "Selamat pagi dari Kopi Senja!",
    more: tuple[str, ...] = (),
    kind: ActionKind = ActionKind.POST,
    slot: Slot | None = None,
    author: User | None = None,
    approver: User | None = None,
    interaction: InteractionRow | None = None,
    in_cycle: Cycle | None = None,
    quotes: tuple[Evidence, ...] = (),
    pictures: tuple[Media, ...] = (),
    reason: str = "",
    theme: str = "",
    brief: str = "",
) -> Action:
    """A post or reply in any state, with its version and, where the state needs one, its approval."""
    action_id, thread_id = new_id(), new_id()
    graph = "answer" if kind is ActionKind.REPLY else "post"
    subject = interaction.id if interaction else action_id
    if interaction is not None and interaction.thread_id is not None:
        thread_id = interaction.thread_id
    else:
        thread(uow, by.brand_id, graph, subject, thread_id=thread_id)
    made = uow.actions.add(
        Action(
            id=action_id,
            workspace_id=uow.workspace_id,
            brand_id=by.brand_id,
            account_id=by.id,
            cycle_id=in_cycle.id if in_cycle else None,
            interaction_id=interaction.id if interaction else None,
            thread_id=thread_id,
            author_id=author.id if author else None,
            kind=kind.value,
            state=ActionState.IN_REVIEW.value,
            version=1,
            reason=reason,
            theme=theme,
            brief=brief,
            slot_at=slot.instant if slot else None,
            slot_wall=slot.wall.isoformat() if slot else None,
            slot_zone=slot.zone if slot else None,
        )
    )
    refs = tuple(
        MediaRef(media_id=item.id, sha256=item.sha256, mime=item.mime, alt="Secangkir kopi")
        for item in pictures
    )
    payload = Payload(
        account_id=by.id,
        platform=by.platform,
        kind=kind,
        target=interaction.remote_id if interaction else None,
        segments=(
            Segment(text=text, media=refs, languages=("id",)),
            *(Segment(text=part, languages=("id",)) for part in more),
        ),
    )
    version = uow.actions.add_version(
        made,
        payload,
        now,
        origin="person" if author else "model",
        author_id=author.id if author else None,
        evidence=[quote.model_dump(mode="json") for quote in quotes],
    )
    if state in APPROVED_STATES:
        person = approver or author or next(iter(uow.people.all()), None) or user(uow)
        decision = uow.actions.decide(version, person.id, Verb.APPROVE.value, "")
        uow.actions.approve(version, decision, now)
        made.effective_at = now
    made.state = state.value
    if state is ActionState.PUBLISHED:
        made.remote_id = f"remote-{next(_numbers)}"
        made.remote_url = f"https://{by.platform}.example/{made.remote_id}"
        made.published_at = now
    uow.session.flush()
    return made


def interaction(
    uow: UnitOfWork,
    to: ChannelAccount,
    at: datetime,
    *,
    text: str = "Jam berapa toko buka hari Minggu?",
    kind: InteractionKind = InteractionKind.REPLY,
    handle: str = "",
    target: str | None = None,
) -> InteractionRow:
    """Something a member of the public did, with the thread of its answer."""
    handle = handle or f"sari{next(_numbers)}.example"
    item = Interaction(
        remote_id=f"in-{next(_numbers)}",
        kind=kind,
        person=Person(remote_id=f"id-{handle}", handle=handle, name="Sari"),
        text=text,
        url="https://bluesky.example/in",
        target_remote_id=target,
        occurred_at=at,
    )
    row_id = uow.interactions.receive(to, item, at)
    assert row_id is not None
    row = uow.interactions.get(row_id)
    row.thread_id = thread(uow, to.brand_id, "answer", row.id).id
    uow.session.flush()
    return row
