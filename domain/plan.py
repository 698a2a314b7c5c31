"""The written plan: themes, and for each post every column that the mission names."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from domain.slot import Slot
from domain.source import Evidence


class PlanItem(BaseModel):
    """One planned post."""

    model_config = ConfigDict(frozen=True)

    theme: str
    caption: str
    photo_brief: str = ""
    alt_text: str = ""
    hashtags: tuple[str, ...] = ()
    slot: Slot
    platforms: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    no_claim: bool = Field(
        default=False, description="A person marked it as making no factual claim"
    )

    @property
    def text(self) -> str:
        """Caption and hashtags as they are posted."""
        tags = " ".join(f"#{tag.lstrip('#')}" for tag in self.hashtags)
        return f"{self.caption}\n\n{tags}" if tags else self.caption


class Theme(BaseModel):
    """What a share of the posts is about, and why."""

    model_config = ConfigDict(frozen=True)

    name: str
    purpose: str = ""


class Plan(BaseModel):
    """All social media activity of one period."""

    model_config = ConfigDict(frozen=True)

    themes: tuple[Theme, ...] = ()
    items: tuple[PlanItem, ...] = ()
    used_findings: tuple[str, ...] = Field(
        default=(), description="Recommendations of the last evaluation that shaped it"
    )
