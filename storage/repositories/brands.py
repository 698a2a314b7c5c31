"""Brands, channel accounts, cycles, papers, sources, media."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from domain.action import ActionState
from domain.brand import BrandProfile
from domain.errors import InvalidBrand, NotFound
from domain.source import SourceDocument, SourceSentence
from storage.repositories.base import Repository
from storage.tables import (
    Action,
    Brand,
    ChannelAccount,
    Cycle,
    Media,
    Paper,
    SourceDocumentRow,
    SourceSentenceRow,
    new_id,
)


class Brands(Repository):
    """Brands and their channel accounts."""

    def add(self, profile: BrandProfile) -> Brand:
        """A new brand.

        Raises:
            InvalidBrand: the workspace has one of that name already.
        """
        taken = select(Brand.id).where(
            Brand.workspace_id == self.workspace_id, Brand.slug == profile.slug
        )
        if self.session.scalars(taken).first():
            raise InvalidBrand(
                f"There is a brand {profile.slug!r} already. Give the new one another name."
            )
        brand = Brand(
            id=new_id(),
            workspace_id=self.workspace_id,
            slug=profile.slug,
            name=profile.name,
            profile=profile.model_dump(mode="json"),
        )
        self.session.add(brand)
        self.session.flush()
        return brand

    def get(self, brand_id: str) -> Brand:
        """A brand by its id."""
        return self.row(Brand, brand_id)

    def by_slug(self, slug: str) -> Brand:
        """A brand by its short name.

        Raises:
            NotFound: with the names there are.
        """
        brands = {brand.slug: brand for brand in self.all()}
        if slug not in brands:
            names = ", ".join(brands) or "none yet; add one with `humas brand add FILE`"
            raise NotFound(f"There is no brand {slug!r}. Brands: {names}.")
        return brands[slug]

    def all(self) -> Sequence[Brand]:
        """All brands by name."""
        query = select(Brand).where(Brand.workspace_id == self.workspace_id).order_by(Brand.name)
        return self.session.scalars(query).all()

    def profile(self, brand_id: str) -> BrandProfile:
        """What a person said of the brand."""
        return BrandProfile.model_validate(self.get(brand_id).profile)

    def accounts(self, brand_id: str, *, active: bool = True) -> Sequence[ChannelAccount]:
        """The channel accounts of a brand, oldest first."""
        query = select(ChannelAccount).where(
            ChannelAccount.workspace_id == self.workspace_id,
            ChannelAccount.brand_id == brand_id,
        )
        if active:
            query = query.where(ChannelAccount.disabled_at.is_(None))
        return self.session.scalars(query.order_by(ChannelAccount.created_at)).all()

    def account(self, account_id: str, *, lock: bool = False) -> ChannelAccount:
        """A channel account by its id."""
        return self.row(ChannelAccount, account_id, lock=lock)

    def same_account(
        self, brand_id: str, platform: str, base_url: str, handle: str
    ) -> ChannelAccount | None:
        """The account of that name on that server, connected now or once."""
        query = select(ChannelAccount).where(
            ChannelAccount.workspace_id == self.workspace_id,
            ChannelAccount.brand_id == brand_id,
            ChannelAccount.platform == platform,
            ChannelAccount.base_url == base_url,
            ChannelAccount.handle == handle,
        )
        return self.session.scalars(query).one_or_none()

    def add_account(
        self,
        account_id: str,
        brand_id: str,
        platform: str,
        base_url: str,
        handle: str,
        sealed: bytes,
    ) -> ChannelAccount:
        """A new channel account. The id comes first because the secret is sealed to it."""
        account = ChannelAccount(
            id=account_id,
            workspace_id=self.workspace_id,
            brand_id=brand_id,
            platform=platform,
            base_url=base_url,
            handle=handle,
            sealed_secret=sealed,
        )
        self.session.add(account)
        self.session.flush()
        return account

    def approved_posts(self, account_id: str, since: datetime | None) -> tuple[int, Action | None]:
        """How many posts and replies of an account are approved and have not left, and the first.

        Args:
            account_id: the account.
            since: only those whose time is then or later; None: all.
        """
        states = (ActionState.APPROVED, ActionState.SCHEDULED, ActionState.ON_HOLD)
        where = [
            Action.workspace_id == self.workspace_id,
            Action.account_id == account_id,
            Action.state.in_([state.value for state in states]),
        ]
        if since is not None:
            where.append(Action.slot_at >= since)
        count = self.session.scalar(select(func.count(Action.id)).where(*where)) or 0
        first = select(Action).where(*where).order_by(Action.slot_at, Action.id).limit(1)
        return count, self.session.scalars(first).first()

    def holds_posts(self, account_id: str) -> bool:
        """Whether a post waits for the very problem that the account's credentials have."""
        query = select(Action.id).join(
            ChannelAccount,
            (ChannelAccount.id == Action.account_id)
            & (ChannelAccount.workspace_id == Action.workspace_id),
        )
        query = query.where(
            Action.workspace_id == self.workspace_id,
            Action.account_id == account_id,
            Action.state == ActionState.SCHEDULED.value,
            Action.reason == ChannelAccount.credentials_problem,
            ChannelAccount.credentials_problem != "",
        )
        return self.session.scalars(query.limit(1)).first() is not None

    def add_media(self, brand_id: str, data: bytes, mime: str, width: int, height: int) -> Media:
        """Store a picture; the same bytes are stored once per brand."""
        sha256 = hashlib.sha256(data).hexdigest()
        query = select(Media).where(
            Media.workspace_id == self.workspace_id,
            Media.brand_id == brand_id,
            Media.sha256 == sha256,
        )
        found = self.session.scalars(query).one_or_none()
        if found is not None:
            return found
        media = Media(
            id=new_id(),
            workspace_id=self.workspace_id,
            brand_id=brand_id,
            sha256=sha256,
            mime=mime,
            width=width,
            height=height,
            data=data,
        )
        self.session.add(media)
        self.session.flush()
        return media

    def media(self, media_id: str) -> Media:
        """A picture by its id."""
        return self.row(Media, media_id)


class Sources(Repository):
    """What was read about a brand."""

    def save(self, brand_id: str, documents: Iterable[SourceDocument]) -> list[str]:
        """Store documents with their sentences; one that is there already is left as it is.

        Returns:
            Ids of the documents, stored before or now, in the order given.
        """
        ids = []
        for document in documents:
            query = select(SourceDocumentRow.id).where(
                SourceDocumentRow.workspace_id == self.workspace_id,
                SourceDocumentRow.brand_id == brand_id,
                SourceDocumentRow.url == document.url,
                SourceDocumentRow.sha256 == document.sha256,
            )
            found = self.session.scalars(query).one_or_none()
            if found is None:
                found = new_id()
                data = document.model_dump(exclude={"sentences"})
                self.session.execute(
                    insert(SourceDocumentRow).values(
                        id=found, workspace_id=self.workspace_id, brand_id=brand_id, **data
                    )
                )
                rows = [
                    {
                        "id": new_id(),
                        "workspace_id": self.workspace_id,
                        "document_id": found,
                        "ordinal": ordinal,
                        "text": text,
                    }
                    for ordinal, text in enumerate(document.sentences)
                ]
                if rows:
                    self.session.execute(insert(SourceSentenceRow), rows)
            ids.append(found)
        return ids

    def documents(self, brand_id: str) -> Sequence[SourceDocumentRow]:
        """The documents of a brand, as they were read."""
        query = (
            select(SourceDocumentRow)
            .where(
                SourceDocumentRow.workspace_id == self.workspace_id,
                SourceDocumentRow.brand_id == brand_id,
            )
            .order_by(SourceDocumentRow.id)
        )
        return self.session.scalars(query).all()

    def sentences(
        self, brand_id: str, document_ids: Sequence[str] | None = None
    ) -> list[SourceSentence]:
        """Sentences of a brand's documents in the order of reading."""
        query = (
            select(SourceSentenceRow, SourceDocumentRow)
            .join(SourceDocumentRow, SourceSentenceRow.document_id == SourceDocumentRow.id)
            .where(
                SourceSentenceRow.workspace_id == self.workspace_id,
                SourceDocumentRow.brand_id == brand_id,
            )
            .order_by(SourceDocumentRow.id, SourceSentenceRow.ordinal)
        )
        if document_ids is not None:
            query = query.where(SourceDocumentRow.id.in_(document_ids))
        return [
            SourceSentence(
                id=sentence.id,
                text=sentence.text,
                url=document.url,
                title=document.title,
                fetched_at=document.fetched_at,
            )
            for sentence, document in self.session.execute(query)
        ]


class Cycles(Repository):
    """Periods of a brand, and the papers written in them."""

    def add(
        self,
        cycle_id: str,
        brand_id: str,
        thread_id: str,
        start: datetime,
        end: datetime,
        *,
        by_hand: bool,
    ) -> Cycle:
        """A new period."""
        cycle = Cycle(
            id=cycle_id,
            workspace_id=self.workspace_id,
            brand_id=brand_id,
            thread_id=thread_id,
            period_start=start,
            period_end=end,
            by_hand=by_hand,
        )
        self.session.add(cycle)
        self.session.flush()
        return cycle

    def get(self, cycle_id: str) -> Cycle:
        """A cycle by its id."""
        return self.row(Cycle, cycle_id)

    def of_brand(self, brand_id: str) -> Sequence[Cycle]:
        """The cycles of a brand, newest first."""
        query = (
            select(Cycle)
            .where(Cycle.workspace_id == self.workspace_id, Cycle.brand_id == brand_id)
            .order_by(Cycle.period_start.desc(), Cycle.id.desc())
        )
        return self.session.scalars(query).all()

    def add_paper(
        self,
        cycle: Cycle,
        kind: str,
        content: dict[str, Any],
        *,
        state: str,
        author_id: str | None = None,
        comment: str = "",
    ) -> Paper:
        """A new version of a paper; the version before it is superseded."""
        previous = self.latest_paper(cycle.id, kind)
        if previous is not None and previous.state != "superseded":
            previous.state = "superseded"
        paper = Paper(
            id=new_id(),
            workspace_id=self.workspace_id,
            brand_id=cycle.brand_id,
            cycle_id=cycle.id,
            kind=kind,
            number=previous.number + 1 if previous else 1,
            state=state,
            content=content,
            author_id=author_id,
            comment=comment,
        )
        self.session.add(paper)
        self.session.flush()
        return paper

    def latest_paper(self, cycle_id: str, kind: str) -> Paper | None:
        """The newest version of a paper."""
        query = (
            select(Paper)
            .where(
                Paper.workspace_id == self.workspace_id,
                Paper.cycle_id == cycle_id,
                Paper.kind == kind,
            )
            .order_by(Paper.number.desc())
            .limit(1)
        )
        return self.session.scalars(query).one_or_none()

    def paper(self, paper_id: str, *, lock: bool = False) -> Paper:
        """A paper by its id."""
        return self.row(Paper, paper_id, lock=lock)

    def papers(
        self, kind: str, brand_id: str | None = None, state: str | None = None
    ) -> Sequence[Paper]:
        """Newest versions of papers of one kind, newest first."""
        newest = (
            select(Paper.cycle_id, func.max(Paper.number).label("number"))
            .where(Paper.workspace_id == self.workspace_id, Paper.kind == kind)
            .group_by(Paper.cycle_id)
            .subquery()
        )
        query = (
            select(Paper)
            .join(newest, (Paper.cycle_id == newest.c.cycle_id) & (Paper.number == newest.c.number))
            .where(Paper.workspace_id == self.workspace_id, Paper.kind == kind)
            .order_by(Paper.created_at.desc())
        )
        if brand_id is not None:
            query = query.where(Paper.brand_id == brand_id)
        if state is not None:
            query = query.where(Paper.state == state)
        return self.session.scalars(query).all()
